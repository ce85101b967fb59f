"""The document record: what is read is written back equal, and every fault names its place."""

import json

import numpy as np
import pytest

from xojl_jax.documents.record import parse_record, read_directory, record_to_json
from xojl_jax.errors import BadInput

FULL = {
    "id": "sha256:ab/2",
    "document": "sha256:ab",
    "page": 2,
    "pages": 3,
    "image": "images/ab/2.png",
    "image_size": [791, 1024],
    "page_size": [612, 792.5],
    "words_from": "text layer",
    "words": ["two", "words", "naïve"],
    "boxes": [[0.1, 0.2, 0.3, 0.25], [0.35, 0.2, 0.5, 0.25], [0, 0.9, 1, 1]],
    "lines": [[0, 2], [2, 3]],
    "scores": [1, 0.5, 0.25],
    "regions": [{"label": "title", "box": [0.1, 0.2, 0.5, 0.25]}],
    "texts": {"title": "Two words"},
    "source": {"dataset": "pdf", "uri": "a.pdf", "site": "example.com"},
    "ours": [1, {"kept": None}],
}
LEAST = {name: FULL[name] for name in ("id", "document", "image", "image_size")}


def test_a_record_reads_back_equal():
    """Protects the file: all fields survive, and the unknown one with them."""
    record = parse_record(json.dumps(FULL))
    assert json.loads(record_to_json(record)) == FULL
    assert record.boxes.dtype == np.float32
    assert record.line_of_word().tolist() == [0, 0, 1]
    assert json.loads(record_to_json(parse_record(LEAST))) == LEAST | {
        "page": 0,
        "words_from": "none",
    }


def test_splits_go_by_site_and_else_by_document():
    """Protects held-out figures: pages of one document, or of one site, stay together."""
    assert parse_record(FULL).split_group() == "example.com"
    assert parse_record(LEAST).split_group() == "sha256:ab"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image": None}, "no field image at record"),
        ({"image": "../a.png"}, "at record image"),
        ({"image_size": [0, 5]}, "at record image_size"),
        ({"words": ["two", " ", "x"]}, r"at record words\[1\]"),
        ({"words": ["one"]}, "3 boxes at record boxes: expected 1"),
        ({"boxes": [[0, 0, 1, 1.01]] * 3}, r"at record boxes\[0\]: expected x0, y0, x1, y1"),
        ({"boxes": [[0.5, 0, 0.4, 1]] * 3}, r"at record boxes\[0\]"),
        ({"boxes": [[0, 0, True, 1]] * 3}, r"at record boxes\[0\]: expected 4 ordinary"),
        ({"lines": [[0, 2], [1, 3]]}, r"at record lines\[1\]: expected \[start, end\] with 2"),
        ({"lines": [[0, 4]]}, "an end of at most 3"),
        ({"scores": [1, 2, 0]}, r"outside \[0, 1\] at record scores"),
        ({"words_from": "magic"}, "'magic' at record words_from: expected one of text layer"),
        ({"regions": [{"label": "a"}]}, r"at record regions\[0\]"),
        ({"texts": {"title": 3}}, "a number at record texts 'title'"),
        ({"page": 3}, "page 3 at record page: expected below pages, 3"),
        ({"source": {"site": 1}}, "at record source site"),
        ({"ours": "\ud800"}, "surrogate"),
    ],
)
def test_a_fault_names_its_place(change, message):
    """Protects people with a bad file: what is wrong, in which field, what was expected."""
    with pytest.raises(BadInput, match=message):
        parse_record(FULL | change)


def test_a_folder_gives_records_and_faults_in_order(tmp_path):
    """Protects a large file from one bad line: it is named, and the others are read."""
    lines = [json.dumps(FULL), '{"id": NaN}', "", json.dumps(LEAST)]
    (tmp_path / "records.jsonl").write_text("\n".join(lines), encoding="utf-8")
    found = list(read_directory(tmp_path))
    assert [where for where, _ in found] == [
        "records.jsonl:1",
        "records.jsonl:2",
        "records.jsonl:4",
    ]
    assert isinstance(found[1][1], BadInput)
    with pytest.raises(BadInput, match=r"holds no records\.jsonl"):
        next(read_directory(tmp_path / "no"))
