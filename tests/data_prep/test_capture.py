"""Pages become records that anybody can read, alike each time, and one bad page stops nothing."""

import json

import numpy as np
import pytest

from data_prep import capture, sources
from data_prep.section import is_blank
from data_prep.sources import find_pages
from xojl_jax.data.images import decode_image
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.xojl.record import read_directory
from xojl_jax.xojl.tree import preorder

STYLE = (
    "<style>body{margin:0;font:16px/1.5 sans-serif}section{height:300px;padding:24px 5%}</style>"
)
GOOD = f"""<!doctype html><title>Good</title>{STYLE}
<nav class="menu" style="height:60px"><a href="/a">One</a> <a href="/b">Two</a></nav>
<section id="pricing" class="hero" style="background:#123"><h1 style="color:#fff">Title</h1>
<p style="color:#eee">Some text.</p><img src="/dot.svg" width="80" height="80"></section>
<section style="background:#fff"></section>
<section><h2>Second</h2><p>More text.</p></section>"""
DOT = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle cx="4" cy="4" r="4"/></svg>'
)


@pytest.fixture
def site(tmp_path):
    """Four pages: two good ones with one menu, one with a missing picture, one with nothing."""
    folder = tmp_path / "my-site"
    (folder / "sub").mkdir(parents=True)
    (folder / "dot.svg").write_text(DOT)
    (folder / "index.html").write_text(GOOD)
    (folder / "sub" / "other.html").write_text(GOOD.replace("Second", "Other"))
    (folder / "broken.html").write_text(
        f"{STYLE}<section><p>text</p><img src='/none.png' width='90' height='90' alt='x'></section>"
    )
    (folder / "empty.html").write_text("")
    return folder


def run(out, *arguments):
    return capture.main(["--workers", "1", *map(str, arguments), "--out", str(out)])


def records_of(folder):
    return [record for _, record in read_directory(folder)]


def test_a_folder_becomes_records(chromium, site, tmp_path, capsys):
    """Sections with picture, tree, boxes and source; repeated and broken ones are counted."""
    out = tmp_path / "out"
    assert run(out, site, "--no-placeholders") == 0
    records = records_of(out)
    summary = capsys.readouterr().err
    # The menu and the first band of the second page are those of the first.
    assert [r.html[0].tag for r in records] == ["nav", "section", "section", "section"]
    assert "2 left out: seen before" in summary
    assert "a picture is missing" in summary and "empty" in summary
    hero = records[1]
    assert hero.source["uri"] == "my-site/index.html" and hero.source["title"] == "Good"
    assert hero.source["box"] == [0, 60, 1280, 348] and hero.viewport == (1280, 720)
    pixels = decode_image((out / hero.screenshot).read_bytes())
    assert pixels.shape == (348, 1280, 3) and tuple(pixels[2, 2]) == (0x11, 0x22, 0x33)
    assert len(hero.html_boxes) == len(preorder(hero.html)) == 4
    text = (out / "records.jsonl").read_text()
    for word in ("pricing", "hero", "menu", "/a", str(tmp_path)):
        assert word not in text, word
    authors = [json.loads(line) for line in (out / "author.jsonl").read_text().splitlines()]
    assert [a["id"] for a in authors] == [r.id for r in records]
    assert authors[1]["nodes"][0]["class"] == "hero" and authors[1]["nodes"][0]["id"] == "pricing"
    held = [node["content"] for node in authors[1]["nodes"]]
    assert held[:3] == [[], ["Title"], ["Some text."]] and len(held[3]) == 1


def test_two_captures_are_equal_and_a_killed_one_is_resumed(chromium, site, tmp_path, capsys):
    """Trees and boxes byte for byte; half-written pages of a killed run are done again."""
    one, two = tmp_path / "one", tmp_path / "two"
    run(one, site / "index.html")
    run(two, site / "index.html")
    whole = (one / "records.jsonl").read_bytes()
    assert whole == (two / "records.jsonl").read_bytes()
    assert run(one, site / "index.html") == 0
    assert "are in" in capsys.readouterr().err
    assert (one / "records.jsonl").read_bytes() == whole
    (one / "pages.jsonl").write_text("")  # killed between the records and the page's line
    run(one, site / "index.html")
    assert (one / "records.jsonl").read_bytes() == whole


def test_mistakes_are_one_clear_line(site, tmp_path):
    """No browser is started for a source that cannot work."""
    notes = tmp_path / "notes.txt"
    notes.write_text("just text")
    bare = tmp_path / "bare"
    bare.mkdir()
    cases = [
        ([tmp_path / "none.html"], BadInput, "no such file"),
        ([notes], BadInput, "not an HTML file"),
        ([bare], BadInput, r"no \.html file"),
        (["ftp://example.com/"], BadUsage, "only http"),
        ([site, "--shim", tmp_path / "none"], BadUsage, "no such folder"),
        ([site, "--site-root", tmp_path / "none"], BadUsage, "no such folder"),
        ([site, "--site-root", bare], BadUsage, "lies outside --site-root"),
    ]
    for arguments, kind, message in cases:
        with pytest.raises(kind, match=message):
            run(tmp_path / "out", *arguments)
    with pytest.raises(BadUsage, match="cannot write"):
        run(notes / "out", site)
    with pytest.raises(SystemExit) as wrong:
        run(tmp_path / "out", site, "--viewport", "big")
    assert wrong.value.code == 2


def test_pages_are_named_without_paths_of_this_machine(site, tmp_path):
    """A package gives name, version and licence; a folder named `dist` has its parent's name."""
    (site / "package.json").write_text('{"name": "x-theme", "version": "1.2.0", "license": "MIT"}')
    page = find_pages([str(site / "sub")], str(site))[0]
    assert (page.uri, page.site, page.licence) == (
        "npm:x-theme@1.2.0/sub/other.html",
        "x-theme",
        "MIT",
    )
    assert page.path == "sub/other.html"
    (tmp_path / "plain" / "dist").mkdir(parents=True)
    (tmp_path / "plain" / "dist" / "a.html").write_text("<p>a")
    page = find_pages([str(tmp_path / "plain" / "dist")])[0]
    assert (page.uri, page.site) == ("plain/dist/a.html", "plain")
    web = find_pages(["https://user:pass@example.com/a?b=1#c"])[0]
    assert (web.uri, web.site) == ("https://example.com/a?b=1", "example.com")
    slugs = {sources.PageSource(uri, "s").slug for uri in ("a/b.html", "a-b.html", "a/../b.html")}
    assert len(slugs) == 3 and all("/" not in slug and ".." not in slug for slug in slugs)


def test_blank_pictures_are_told_from_sparse_ones():
    """One word on a large white band is content."""
    pixels = np.full((720, 1280, 3), 255, np.uint8)
    assert is_blank(pixels)
    pixels[300:340, 400:600] = 0
    assert not is_blank(pixels)
