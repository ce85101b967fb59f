"""The pages of our own that say what their nodes are, without a browser: all are listed, marked in
the language's words, and whole without the network."""

import re
import shlex
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

import data_prep
from xojl_jax.xojl.tree import ELEMENTS

FOLDER = Path(data_prep.__file__).parent / "marked_pages"
PAGES = sorted(FOLDER.glob("*.html"))
# Frameworks and icon fonts, answered by `--shim` (docs/capture.md); names of XML, never asked for.
CDN, NAMESPACE = "https://cdn.jsdelivr.net/npm/", "http://www.w3.org/"


class Marks(HTMLParser):
    """Counts marks, and collects what the page asks for."""

    def __init__(self, text: str):
        super().__init__()
        self.marks: Counter[str] = Counter()
        self.asked: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if mark := given.get("data-xojl"):
            self.marks[mark] += 1
        if tag in ("img", "script", "iframe", "source", "video"):
            self.asked.add(given.get("src") or "")
        if tag == "link":
            self.asked.add(given.get("href") or "")


def test_the_list_names_each_page_as_a_maker_of_its_own():
    """Protects splits: pages of one site are never divided, so each page must be a site."""
    lines = (FOLDER / "pages.txt").read_text(encoding="utf-8").splitlines()
    said = [words for line in lines if (words := shlex.split(line, comments=True))]
    assert [line[0] for line in said] == [page.name for page in PAGES]
    assert len({line[line.index("--name") + 1] for line in said}) == len(PAGES) > 250


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_is_marked_and_whole(page):
    text = page.read_text(encoding="utf-8")
    found = Marks(text)
    assert set(found.marks) <= set(ELEMENTS)
    assert found.marks["section"] >= 5 and found.marks.total() >= 40
    styles = set(re.findall(r"url\(['\"]?(?!data:|#)([^'\")]+)", text))
    for address in {*found.asked, *styles} - {""}:
        if address.startswith("/assets/"):
            assert (FOLDER / address[1:]).is_file(), address
        else:
            assert address.startswith((CDN, NAMESPACE, "data:", "about:")), address
