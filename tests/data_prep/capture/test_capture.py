"""Pages become records that anybody can read, alike each time, and one bad page stops nothing."""

import contextlib
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image

from data_prep.capture import command as capture
from data_prep.capture.section import Settings, capture_page, is_blank
from data_prep.capture.sources import PageSource, find_pages
from data_prep.capture.workers import capture_pages
from xojl_jax.data.images import decode_image
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.xojl.record import read_directory
from xojl_jax.xojl.tree import preorder

STYLE = (
    "<style>body{margin:0;font:16px/1.5 sans-serif}section{height:300px;padding:24px 5%}</style>"
)
GOOD = f"""<!doctype html><html lang="De-ch"><title>Good</title>{STYLE}
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
    kit = '<link rel="stylesheet" href="https://cdn.example/kit.css">'
    (folder / "sub" / "other.html").write_text(GOOD.replace("Second", "Other") + kit)
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
    assert "without a placeholder: cdn.example " in summary
    hero = records[1]
    assert hero.source["uri"] == "my-site/index.html" and hero.source["title"] == "Good"
    assert hero.source["language"] == "de"
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


def test_number_of_browsers_and_kills_change_nothing(chromium, site, tmp_path):
    """One browser, two, or a run that is killed twice on its way: the same bytes."""
    for name in "d":
        (site / f"{name}.html").write_text(GOOD.replace("Second", name))
    one, two = tmp_path / "one", tmp_path / "two"
    assert run(one, site) == 0
    whole = (one / "records.jsonl").read_bytes()
    command = [sys.executable, "-m", "data_prep.capture", "--workers", "2", "--out", two, site]
    for killed_after in (1, 3, None):
        started = subprocess.Popen([str(word) for word in command], start_new_session=True)
        lines = two / "pages.jsonl"
        while killed_after and started.poll() is None:
            time.sleep(0.02)
            if lines.exists() and lines.read_bytes().count(b"\n") >= killed_after:
                os.killpg(started.pid, signal.SIGKILL)
                break
        started.wait(timeout=300)
        with (two / "records.jsonl").open("a") as file:  # as a kill in a write would leave it
            file.write('{"id": "half' if killed_after else "")
    assert (two / "records.jsonl").read_bytes() == whole
    assert (two / "author.jsonl").read_bytes() == (one / "author.jsonl").read_bytes()
    accounts = [json.loads((out / "capture.jsonl").read_text())["total"] for out in (one, two)]
    for account in accounts:
        del account["seconds"]
    assert accounts[0] == accounts[1]
    kept, rejected = accounts[0]["sections_kept"], sum(accounts[0]["rejected"].values())
    assert accounts[0]["sections_found"] == kept + rejected > kept > 0


def test_a_browser_process_that_dies_costs_its_page(chromium, site):
    """The others go on, and the dead one is replaced."""
    pages = find_pages([str(site)]) * 2

    def kill_one() -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if children := multiprocessing.active_children():
                time.sleep(0.3)
                with contextlib.suppress(OSError):
                    os.kill(children[0].pid, signal.SIGKILL)
                return
            time.sleep(0.01)

    killer = threading.Thread(target=kill_one)
    killer.start()
    results = list(capture_pages(pages, Settings(hover=False, screens=False), 2))
    killer.join()
    assert [page.uri for page, _ in results] == [page.uri for page in pages]
    failed = [result.failed for _, result in results if result.failed]
    assert failed == ["its browser process died"]
    assert sum(len(result.sections) for _, result in results) >= 4


def test_a_folder_is_captured_in_one_way(chromium, site, tmp_path, capsys):
    """A second run adds nothing; other flags are refused, since the records would not agree."""
    out = tmp_path / "out"
    run(out, site / "index.html")
    whole = (out / "records.jsonl").read_bytes()
    assert run(out, site / "index.html") == 0
    assert "1 pages are in" in capsys.readouterr().err
    assert (out / "records.jsonl").read_bytes() == whole
    with pytest.raises(BadUsage, match="holds a capture with hover True, not False"):
        run(out, site, "--no-hover")


def test_a_missing_picture_may_be_one_of_ours(chromium, tmp_path, capsys):
    """A small one is replaced, and the record says so; where it is most of a section, it is not,
    and the summary tells whose fault the loss is."""
    folder = tmp_path / "my-site"
    folder.mkdir()
    small = "<section><p>text</p><img src='/none.png' width='90' height='60'></section>"
    large = "<section><p>text</p><img src='/two.png' width='1000' height='250'></section>"
    (folder / "index.html").write_text(STYLE + small + large)
    assert run(tmp_path / "out", folder) == 0
    (record,) = records_of(tmp_path / "out")
    assert record.source["placeholders"] == 1
    account = json.loads((tmp_path / "out" / "capture.jsonl").read_text())["total"]
    assert account["rejected"] == {"a picture is missing": 1}
    assert account["counts"]["missing"] == account["counts"]["placeholders"] == 2
    (inside, shown), lost = account["area"], account["area_left_out"]["a picture is missing"]
    assert inside + lost == shown and lost > inside > 0
    missing = f"{lost / shown:.1%} in sections left out since a picture is missing"
    assert f"{missing}, 0.0% in sections left out for other reasons, 0.0% in none" in (
        capsys.readouterr().err
    )
    author = json.loads((tmp_path / "out" / "author.jsonl").read_text())["nodes"]
    assert [node.get("placeholder", False) for node in author] == [False, False, True]


def test_a_picture_behind_many_bands_is_no_area(chromium, tmp_path):
    """It backs what is in them: the gap between two is nothing that a section could hold. A picture
    of that height without texts is one."""
    folder = tmp_path / "my-site"
    folder.mkdir()
    band = "<section style='margin-bottom:700px'><h1>A title</h1><p>text</p></section>"
    back = "background:url(a.png) no-repeat;background-size:cover"
    (folder / "index.html").write_text(
        f"{STYLE}<div style='{back}'>{band}{band.replace('A', 'Another')}</div>"
    )
    Image.linear_gradient("L").save(folder / "a.png")
    assert run(tmp_path / "texts", folder) == 0
    account = json.loads((tmp_path / "texts" / "capture.jsonl").read_text())["total"]
    assert account["area"][0] == account["area"][1] > 0
    high = f"{STYLE}<section><h1>A title</h1></section><div style='height:1500px;{back}'></div>"
    (folder / "index.html").write_text(high)
    assert run(tmp_path / "picture", folder) == 0
    account = json.loads((tmp_path / "picture" / "capture.jsonl").read_text())["total"]
    assert account["area"][0] == account["area"][1] > 1280 * 1500 / 64


def test_smaller_screens_and_the_pointer_become_classes(chromium, tmp_path):
    """`t:`, `m:` and `h:` say what differs, relative values stay so, and desktop is untouched."""
    folder = tmp_path / "my-site"
    folder.mkdir()
    (folder / "index.html").write_text(
        """<!doctype html><style>body { margin: 0 } section { height: 300px }
        .row { display: flex; width: 50%; margin: 0 auto } a { color: #f00 }
        .inner { width: calc(100% - 20px) } a:hover { color: var(--x) } :root { --x: #00f }
        .row:hover p { color: #0f0 } p:not(:hover) { opacity: .9 }
        @media (max-width: 800px) { .row { display: block; width: 100%; margin: 0 }
          .gone { display: none } p { font-size: 20px } }
        @media (max-width: 400px) { .gone { display: block } p { font-size: 20px } }
        @media (hover: none) { p:hover { color: #123 } }</style>
        <section><div class="row"><div class="inner"><p>one</p></div><a href="#">two</a></div>
        <p class="gone">three</p></section>"""
    )
    run(tmp_path / "out", folder)
    run(tmp_path / "plain", folder, "--no-variants", "--no-hover")
    (record,), (plain,) = records_of(tmp_path / "out"), records_of(tmp_path / "plain")
    classes = [visit.node.classes for visit in preorder(record.html)]
    desktop = [[c for c in own if ":" not in c] for own in classes]
    assert desktop == [list(visit.node.classes) for visit in preorder(plain.html)]
    _, row, inner, p, a, gone = ([c for c in own if ":" in c] for own in classes)
    assert row == ["t:d_block", "t:w_100p", "t:mr_0", "t:ml_0"]
    assert inner == [] and a == ["h:c_00f"] and p == ["t:mt_20x", "t:mb_20x", "t:fs_20x"]
    assert gone[0] == "t:d_none" and gone[1] == "m:d_block" and "m:fs_20x" in gone
    assert record.html_boxes == plain.html_boxes


def test_a_whole_page_is_one_record(chromium, site, tmp_path):
    run(tmp_path / "out", site / "index.html", "--whole-page")
    (record,) = records_of(tmp_path / "out")
    assert record.html[0].tag == "body" and record.source["box"][:3] == [0, 0, 1280]
    assert record.source["box"][3] > 900 and len(preorder(record.html)) > 8


@settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(0, 2**32))
def test_no_word_of_the_author_reaches_a_record(chromium, tmp_path, seed):
    """Whatever a page calls things, and wherever it does, the record does not say."""
    rng = random.Random(seed)
    words = ["z" + "".join(rng.choices("bcdfghjklmnpqrstvwxz", k=9)) for _ in range(25)]
    w = iter(words)
    page = f"""<!doctype html><style>body {{ margin: 0 }} section {{ height: 300px }}
      @counter-style {(marker := next(w))} {{ symbols: "x" }}
      @keyframes {(frames := next(w))} {{ to {{ opacity: 1 }} }}
      @font-face {{ font-family: {(font := next(w))}; src: local(Arial) }}
      @layer {next(w)} {{ p {{ margin: 9px }} }} :root {{ --{(var := next(w))}: 4px }}
      .{(name := next(w))} {{ display: grid; padding: var(--{var});
        grid-template-columns: [{next(w)}] 1fr [{next(w)}] 1fr; animation: {frames} 1s;
        grid-template-areas: "{(area := next(w))} {next(w)}"; font-family: {font}, serif;
        background: url("/{next(w)}.svg"); container: {next(w)} / inline-size }}
      .{name} > * {{ grid-area: {area}; clip-path: url("#{next(w)}"); transition: opacity 1s;
        list-style: {marker}; will-change: opacity; view-transition-name: {next(w)} }}
      .{name}:hover {{ color: red }}</style>
      <section><div class="{name} {next(w)}" id="{next(w)}" data-{next(w)}="{next(w)}">
      <ul role="{next(w)}" aria-label="{next(w)}" title="{next(w)}"><li>{next(w)}</li></ul>
      <x-{(tag := next(w))} style="display: block">a</x-{tag}>
      <a href="https://{next(w)}.com/{next(w)}">b</a></div></section>"""
    (tmp_path / "index.html").write_text(page)
    source = PageSource("my/page", "my", tmp_path, "index.html")
    result = capture_page(chromium, source, Settings())
    assert len(result.sections) == 1, result
    (section,) = result.sections
    assert next(w, None) is None
    for word in (*words, *(f"x-{word}" for word in words)):
        assert word not in section.record
    assert any(word in section.author for word in words)


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
        ([site, "--site-root", bare], BadUsage, "is outside --site-root"),
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


def test_blank_pictures_are_told_from_sparse_ones():
    """One word on a large white band is content."""
    pixels = np.full((720, 1280, 3), 255, np.uint8)
    assert is_blank(pixels)
    pixels[300:340, 400:600] = 0
    assert not is_blank(pixels)
