"""What was read of others' pages: every line can be taken over, and its page is listed."""

import re
import shlex
from pathlib import Path

import pytest

import data_prep
from data_prep.records.gold import read_gold
from xojl_jax.xojl.record import CATEGORIES

FOLDER = Path(data_prep.__file__).parent / "read_sections"
SETS = {name: read_gold([FOLDER / name / "sections.jsonl"]) for name in ("held_out", "permissive")}
PACKAGE = re.compile(r"([^/@]+)@\d[^/]*/")  # a page of an npm package, at a version
each_set = pytest.mark.parametrize("name", SETS)


def listed(name):
    """Path and maker of each page of a list; that of a package is its own maker."""
    for line in (FOLDER / name / "pages.txt").read_text(encoding="utf-8").splitlines():
        if words := shlex.split(line, comments=True):
            package = PACKAGE.match(words[0])
            said = dict(zip(words[1::2], words[2::2], strict=True))
            yield words[0], package[1] if package else said["--name"]


def makers(name):
    return {maker for _, maker in listed(name)}


@each_set
def test_labels_say_their_nodes_their_category_and_who_read_them(name):
    """What `--read-labels` needs. The root of a section is one, and no node has two labels."""
    sections = SETS[name]
    for section in sections:
        assert section.category in CATEGORIES and section.kind == "model" and section.tree
        assert len(set(section.nodes)) == len(section.labels) == len(section.nodes)
        assert (section.nodes[0], section.labels[0].element) == (0, "section")
    assert len({(section.uri, section.box) for section in sections}) == len(sections)


def test_there_are_a_thousand_and_those_that_judge_were_read_twice():
    assert sum(map(len, SETS.values())) >= 1000
    assert len(SETS["held_out"]) >= 250
    assert {section.split for section in SETS["held_out"]} == {"twice"}


def test_no_maker_teaches_and_judges():
    assert not makers("held_out") & makers("permissive")


@each_set
def test_each_section_is_of_a_listed_page(name):
    """Or a stranger would capture in vain. The address of a page is its path in a package that is
    listed, else it begins with its maker, or with a package in the maker's repository, and ends as
    the path does."""
    pages = list(listed(name))
    packages = {path.split("/")[0] for path, _ in pages if PACKAGE.match(path)}
    for uri in {section.uri for section in SETS[name]}:
        inside = re.fullmatch(r"npm:(.+@[^/]+)(/.+)", uri)
        if inside and inside[1] in packages:
            assert uri in {f"npm:{path}" for path, _ in pages}
            continue
        assert any(
            path.endswith(inside[2] if inside else uri.removeprefix(maker))
            for path, maker in pages
            if inside or uri.startswith(f"{maker}/")
        ), uri


@each_set
def test_every_page_is_of_a_repository_at_a_commit_or_of_a_package(name):
    said = (FOLDER / name / "repositories.txt").read_text(encoding="utf-8").split()
    commits = dict(zip(said[::2], said[1::2], strict=True))
    assert all(len(commit) == 40 for commit in commits.values())
    paths = [path for path, _ in listed(name) if not PACKAGE.match(path)]
    assert {"/".join(path.split("/")[:2]) for path in paths} == set(commits)
