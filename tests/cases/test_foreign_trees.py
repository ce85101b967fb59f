"""Files that are given as an HTML tree and are something else: said in one line, never answered."""

import argparse
import json
import os

import numpy as np
import pytest
from PIL import Image

from xojl_jax.errors import BadInput
from xojl_jax.tasks.layout.inputs import read_inputs

FORM = '{"section": {"h1@fs_3r": {"text": "…"}}}'
TREE = {"section@p_3r": {"h1@fs_2r": {"text": "xv1"}, "p": {"text": "xv2"}}}
TEXT = json.dumps(TREE)


def read(path, screenshot=None):
    return read_inputs(argparse.Namespace(html=path and str(path), screenshot=screenshot))


def refusal(path, **flags) -> str:
    with pytest.raises(BadInput) as fault:
        read(path, **flags)
    text = str(fault.value)
    assert "\n" not in text and str(path) in text
    return text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (TEXT[:-9], "it ends too early"),
        (TEXT[:40], "it ends too early"),
        (f"```json\n{TEXT}\n```\n", "Markdown fence"),
        (f"Here is the tree:\n\n```\n{TEXT}\n```", "Markdown fence"),
        (f"Sure: {TEXT}", "words before the JSON"),
        (f"{TEXT}\n\nHope this helps.", "more text after the end"),
        (f"{TEXT}\n{TEXT}\n", "a second document"),
        (TEXT.replace('"', "'"), "single quotes"),
        ('{"section": None}', "None, as Python prints"),
        (TEXT.replace('"', "“", 1), "typographic quotes"),
        ('{section: {"p": ""}}', "a key without quotes"),
        ('{"section": {"p": "",}}', "a comma before a closing bracket"),
        ('{"section": "" // the hero\n}', "a comment"),
        ("<section class=hero><h1>Fresh</h1></section>", "data_prep.capture"),
        ('<?xml version="1.0"?><section/>', "HTML or XML"),
        ("", "nothing in it"),
        (TEXT.encode("utf-16"), "UTF-16"),
        (TEXT.encode("utf-16-be"), "UTF-16"),
        (TEXT.encode("utf-32"), "UTF-32"),
        (TEXT.replace("xv1", "café").replace("\\u00e9", "é").encode("latin-1"), "UTF-8"),
        (json.dumps(TEXT), "a string of JSON"),
        ("[]", "a list"),
        ("null", "null"),
        (json.dumps([{"tag": "section", "children": [{"tag": "h1"}]}]), "a list"),
        (b"\x89PNG\r\n\x1a\n", "give it as --screenshot"),
    ],
)
def test_what_is_no_tree_is_named_with_the_form_that_is_wanted(tmp_path, content, words):
    """Protects people who export, paste or cut off a tree: what it is, where, what is wanted."""
    path = tmp_path / "given.json"
    data = content if isinstance(content, bytes) else content.encode()
    if words == "UTF-8":
        data = TEXT.replace("xv1", "café").encode("latin-1")
    path.write_bytes(data)
    text = refusal(path)
    assert words in text
    assert FORM in text or "--screenshot" in text


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"section": [{"h1": [{"_value": "Fresh"}]}]}, "a list at"),
        ({"section": {"h1": None, "p": {"text": "xv1"}}}, "null at"),
        ({"section": {"h1": {"text": None}}}, "null at"),
        ({"section": {"h1": 7}}, "a number at"),
        ({"section": {"p": "words of its own"}}, "a string at"),
    ],
)
def test_a_value_that_is_no_node_is_named_with_its_path(tmp_path, tree, words):
    """Protects from half a tree: other tools' lists of children, a table's nulls, bare words."""
    path = tmp_path / "given.json"
    path.write_text(json.dumps(tree))
    text = refusal(path)
    assert words in text and "section[0]" in text


@pytest.mark.parametrize(
    "tree",
    [
        {"section.section@p_3r": {"heading.h1@fs_2r": "", "button.a@bgc_06c": ""}},
        {"wrapper": {"heading": "", "grid": {"column": {"image": ""}}}},
        {"section.header": {"button.a": "", "video.video": ""}},
        {"semantic": {"section": {"heading": ""}}, "detail": {"section.div": {"heading.h1": ""}}},
        {"grid.ul@d_grid": {f"column.li#{i}": {"paragraph.p": ""} for i in range(9)} | {"li": ""}},
    ],
)
def test_a_layout_is_refused_as_a_tree(tmp_path, tree):
    """Protects from an answer made of the answer: a layout's keys read as tags and classes, too."""
    for content in (tree, {"screenshot": "a.png", "html": tree}):
        path = tmp_path / "given.json"
        path.write_text(json.dumps(content))
        assert "holds a layout" in refusal(path)


def test_a_record_without_a_tree_is_refused(tmp_path):
    """Protects from its layout being read as one."""
    path = tmp_path / "given.json"
    path.write_text(json.dumps({"section_layout": {"section.section": {"heading.h1": ""}}}))
    assert "no field html" in refusal(path)


def test_trees_with_elements_of_the_same_name_are_no_layouts(tmp_path):
    """Protects HTML that has video, map, button and section of its own, and elements as classes."""
    path = tmp_path / "given.json"
    for tree in (
        {"section@p_3r": {"button@bgc_06c": {"text": "xv1"}, "video@w_10r": "", "map": ""}},
        {"section": {"button": ""}},
        {"div@wrapper": {"h1@heading": "", "icon": "", "p": ""}},
    ):
        path.write_text(json.dumps(tree))
        assert len(read(path).html) == 1


def test_it_is_said_how_a_file_was_taken(tmp_path):
    """Protects from guesses: a tree or a record by its form, and a whole page is told."""
    path = tmp_path / "given.json"
    page = {"html": {"head": "", "body": {"section@p_3r": {"h1": {"text": "xv1"}}}}}
    body = {"body": {"section": {"h1": ""}}}
    for content, taken, _, warned in (
        (TREE, "an HTML tree of 3 nodes", 3, False),
        ({"html": TREE}, "a record, 3 nodes without boxes", 3, False),
        ({"id": "a", "screenshot": None, "html": TREE}, "a record, 3 nodes", 3, False),
        ({"html": TREE, "html_boxes": [[0, 0, 9, 9, 0]] * 3}, "3 nodes with boxes", 3, False),
        (page, "an HTML tree of 5 nodes", 5, True),
        ({"html": page}, "a record, 5 nodes", 5, True),
        (body, "an HTML tree of 3 nodes", 3, True),
    ):
        path.write_text(json.dumps(content))
        notes = read(path).notes
        assert taken in notes[0], content
        assert any("a whole page" in note for note in notes) == warned


def test_an_html_tree_in_a_string_is_refused_in_a_record(tmp_path):
    """Protects the format: a string of JSON was read as a tree, which no document said."""
    path = tmp_path / "given.json"
    path.write_text(json.dumps({"screenshot": "a.png", "html": TEXT}))
    assert "a string of JSON at" in refusal(path)


def test_nothing_is_answered_from_nothing(tmp_path):
    """Protects from an answer that no input is behind."""
    path = tmp_path / "empty.json"
    path.write_text("{}")
    assert "nothing to predict from" in refusal(path)


def test_files_are_read_within_bounds(tmp_path):
    """Protects memory: a file of a gigabyte costs no more than what a record may have, and what is
    no file at all is not waited for."""
    large = tmp_path / "large.json"
    with large.open("wb") as stream:
        stream.write(b'{"section": "')
        stream.truncate(1 << 30)  # sparse: it takes no space
    assert "more than the 8 MiB" in refusal(large)
    os.mkfifo(tmp_path / "pipe.json")
    assert "no plain file" in refusal(tmp_path / "pipe.json")
    assert "no plain file" in refusal(tmp_path)
    assert "no such file" in refusal(tmp_path / "none.json")


def test_another_spelling_of_a_name_is_pointed_out(tmp_path):
    """Protects data that went through another system: capitals and Unicode forms of names."""
    (tmp_path / "Hero.json").write_text(TEXT)
    assert "'Hero.json' is there, with other capitals" in refusal(tmp_path / "hero.JSON")
    (tmp_path / "cafe\u0301.json").write_text(TEXT)
    assert "in another Unicode form" in refusal(tmp_path / "caf\u00e9.json")


def test_the_screenshot_of_a_record_is_a_plain_file_beside_it(tmp_path):
    """Protects other people's files: a record may not lead predict anywhere else, as nowhere."""
    outside = tmp_path / "secret.png"
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(outside)
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "link.png").symlink_to(outside)
    Image.open(outside).save(folder / "Own.png")
    path = folder / "record.json"
    for name, words in (
        ("link.png", "a symbolic link"),
        ("../secret.png", "inside the record's folder"),
        (str(outside), "inside the record's folder"),
    ):
        path.write_text(json.dumps({"screenshot": name, "html": TREE}))
        assert words in refusal(path)
    path.write_text(json.dumps({"screenshot": "own.png", "html": TREE}))
    inputs = read(path)
    assert inputs.image is None and "'Own.png' is there" in " ".join(inputs.notes)
