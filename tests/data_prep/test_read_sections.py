"""What was read of others' pages: every line can be taken over, and its page is listed."""

import re
import shlex
from pathlib import Path

import data_prep
from data_prep.records.gold import read_gold
from xojl_jax.xojl.record import CATEGORIES

FOLDER = Path(data_prep.__file__).parent / "read_sections"
SECTIONS = read_gold([FOLDER / "held_out.jsonl"])


def listed():
    """Path, site root and name of each page of the list."""
    for line in (FOLDER / "pages.txt").read_text(encoding="utf-8").splitlines():
        if words := shlex.split(line, comments=True):
            flags = dict(zip(words[1::2], words[2::2], strict=True))
            yield words[0], flags["--site-root"], flags["--name"]


def test_labels_say_their_nodes_their_category_and_who_read_them():
    """What `--read-labels` needs. The root of a section is one, and no node has two labels."""
    assert len(SECTIONS) >= 250
    for section in SECTIONS:
        assert section.category in CATEGORIES and section.kind == "model" and section.tree
        assert len(set(section.nodes)) == len(section.labels) == len(section.nodes)
        assert (section.nodes[0], section.labels[0].element) == (0, "section")
    assert len({(section.uri, section.box) for section in SECTIONS}) == len(SECTIONS)


def test_a_tenth_and_more_were_read_twice():
    assert sum(section.split == "twice" for section in SECTIONS) >= 0.1 * len(SECTIONS)


def test_each_section_is_of_a_listed_page_and_each_page_has_one():
    """Or a stranger would capture in vain. A page of an npm package has the package in its uri, and
    its place in it."""
    pages = {f"{name}{path.removeprefix(root)}" for path, root, name in listed()}
    read = {section.uri for section in SECTIONS}
    packaged = {re.fullmatch(r"npm:.+@[^/]+(/.+)", uri)[1] for uri in read - pages}
    assert len(read) == len(pages) > 150
    assert all(any(page.endswith(inside) for page in pages - read) for inside in packaged)


def test_every_page_is_of_a_repository_at_a_commit():
    said = (FOLDER / "repositories.txt").read_text(encoding="utf-8").split()
    commits = dict(zip(said[::2], said[1::2], strict=True))
    assert all(len(commit) == 40 for commit in commits.values())
    assert {"/".join(path.split("/")[:2]) for path, _, _ in listed()} == set(commits)
