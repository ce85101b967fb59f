"""A page is rendered as it looks, in a world of its own, and cannot get out of it."""

import base64
import contextlib
import http.server
import io
import threading
from pathlib import Path

import pytest
from PIL import Image

from data_prep.browser import chromium as browser_module
from data_prep.browser.chromium import PageError, find_chromium, paint_order
from data_prep.browser.site import Shim, Site
from xojl_jax.errors import BadUsage

PAGE = """<!doctype html><title>One</title>
<style>body { margin: 0 } .late { animation: rise 3s 2s both }
@keyframes rise { from { opacity: 0 } }
.blue { height: 299px; padding-top: 1px; background: rgb(0, 0, 255) }
.bar { position: fixed; top: 0; width: 100%; height: 40px; background: red; z-index: 9 }</style>
<div class="bar">bar</div>
<section class="blue">
  <h1 data-xojl="heading">Title <b>bold</b></h1>
  <my-card id="secret" style="display: block"><p>text</p></my-card>
  <div style="display: none">hidden</div><div style="visibility: hidden">hidden, too</div>
  <div style="overflow: hidden; height: 20px"><p style="margin-top: 50px">clipped away</p></div>
  <img width="30" height="30" src="data:image/svg+xml,<svg
    xmlns='http://www.w3.org/2000/svg'><circle r='9'/></svg>">
  <p class="late">animated</p>
</section>"""


def tags(extracted):
    return [node["tag"] for node in extracted.nodes]


def test_only_what_shows_is_extracted_with_its_box(chromium):
    """Hidden, clipped and script nodes are no part of a tree that must match the picture."""
    with chromium.open_html(PAGE) as page:
        found = page.extract("section", ["color"])
    assert tags(found) == ["section", "h1", "b", "my-card", "p", "div", "img", "p"]
    assert found.box == [0, 0, 1280, 300]
    assert found.nodes[0]["box"] == [0, 0, 1280, 300]
    assert found.nodes[1]["content"] == [["text", 0]]
    assert found.nodes[1]["marks"] == {"data-xojl": "heading"}
    assert found.nodes[6]["content"] == [["src", 0]]
    assert found.nodes[6]["box"][2:] == [30, 30]


def test_screenshot_is_one_to_one_and_without_things_fixed_over_it(chromium):
    with chromium.open_html(PAGE) as page:
        with_bar = Image.open(io.BytesIO(page.screenshot([0, 0, 1280, 300]))).convert("RGB")
        alone = Image.open(io.BytesIO(page.screenshot([0, 0, 1280, 300], "section"))).convert("RGB")
        again = page.screenshot([0, 0, 1280, 300])
    assert with_bar.size == alone.size == (1280, 300)
    assert with_bar.getpixel((900, 5)) == (255, 0, 0)
    assert alone.getpixel((900, 5)) == (0, 0, 255)
    assert Image.open(io.BytesIO(again)).convert("RGB").getpixel((900, 5)) == (255, 0, 0)


COUNTING = """(() => {const own = getComputedStyle; let n = 0;
  globalThis.getComputedStyle = (...asked) => {n++; return own(...asked);};
  globalThis.counted = () => JSON.stringify(n); return "true";})()"""


def test_a_large_page_is_walked_once_for_all_its_pictures(chromium):
    """What lies over sections is looked for in all cells of a page at the first picture alone; it
    took 15 s for each picture of 50,000 cells."""
    cells = "<i></i>" * 2000
    bands = "".join(f"<section style='height:200px'><h2>{n}</h2>{cells}</section>" for n in "abc")
    with chromium.open_html(f"<body style='margin:0'>{bands}", (800, 600)) as page:
        assert len(page.sections()) == 3
        page.screenshot(page.box(0), 0)
        page._evaluate(COUNTING)
        page.screenshot(page.box(1), 1)
        assert page._evaluate("counted()") < 100


def test_a_script_that_fails_does_not_fail_its_page(chromium):
    """A page that misses a library is shown as in a window: its other timers run all the same."""
    page = """<!doctype html><body><script>
      const later = (ms, act) => setTimeout(act, ms);
      later(10, () => missing.library()); later(20, () => { throw null });
      later(30, () => { document.body.innerHTML = '<section><p>shown</p></section>' });
      requestAnimationFrame(() => { throw new Error('no plugin') });
    </script>"""
    with chromium.open_html(page) as shown:
        assert tags(shown.extract("section", [])) == ["section", "p"]
        assert shown.script_errors == 1  # the clock tells the first of what fails on its way


def test_time_chance_and_animation_stand_still(chromium):
    """Two visits see one page, though it asks for the time and for random numbers."""
    page = """<body><script>document.body.innerHTML = '<p style="width:' + (20 + Math.random() * 90)
      + 'px">' + Date.now() + '</p>'; setInterval(() => { document.body.append('tick ') }, 400)
      </script>"""
    seen = []
    for _ in range(2):
        with chromium.open_html(page) as tab:
            found = tab.extract("body", ["color"], author=True)
            seen.append((found, tab.screenshot(found.box), tab.screenshot(found.box)))
    assert seen[0] == seen[1]
    assert seen[0][1] == seen[0][2]
    assert "tick" in seen[0][0].nodes[0]["author"]["text"]


def test_scroll_reveal_is_revealed(chromium):
    """A block that a script shows once it has been in view is not blank."""
    page = """<div style="height: 3000px"></div><p id="p" style="opacity: 0">far</p><script>
      new IntersectionObserver((seen) => { if (seen[0].isIntersecting) p.style.opacity = 1 })
        .observe(p)</script>"""
    with chromium.open_html(page) as tab:
        assert tab.extract("#p", ["opacity"]).nodes[0]["styles"]["opacity"] == "1"


def test_author_meaning_survives_in_styles(chromium):
    """`auto` and `50%` are not turned into the pixels of today."""
    page = '<p style="margin: 0 auto; width: 50%; padding-top: calc(1px + 1rem)">x</p>'
    with chromium.open_html(page) as tab:
        names = ["margin-left", "width", "padding-top"]
        styles = tab.extract("p", names).nodes[0]["styles"]
    assert styles == {"margin-left": "auto", "width": "50%", "padding-top": "17px"}


def test_shadow_trees_and_icon_fonts_are_seen(chromium):
    page = """<style>@font-face { font-family: "Font Awesome";
        src: local("DejaVu Sans"), local("Liberation Sans"), local("Arial") }
      i { font-family: "Font Awesome" } i::before { content: "\\f0f4" }</style>
      <div id="host"><span>slotted</span></div><p><i></i></p><script>
      host.attachShadow({mode: 'open'}).innerHTML = '<h2>inside</h2><slot></slot>'</script>"""
    with chromium.open_html(page) as tab:
        found = tab.extract("body", ["color"])
    assert tags(found)[1:4] == ["div", "h2", "span"]  # a slot without a box is passed through
    icon = found.nodes[tags(found).index("i")]
    assert icon["content"] == [["svg", 0]]


def test_letters_for_private_use_are_pictograms_in_any_font_that_has_them(chromium):
    """Protects icons of IcoMoon, IcoFont and of whoever made a font: its name need not say so. What
    no font here has is no pictogram."""
    # One letter, U+E900, drawn as a triangle; made with fontTools' FontBuilder.
    font = base64.b64encode((Path(__file__).parent / "triangle.ttf").read_bytes()).decode()
    page = f"""<style>@font-face {{ font-family: mine; src: url(data:font/ttf;base64,{font}) }}
      .mine {{ font-family: mine }} .second {{ font-family: nobody, mine }}
      .before::before {{ content: "\\e900" }} .lost::before {{ content: "\\e901" }}</style>
      <p><i class="mine before"></i><b class="mine">&#xe900;</b><s class="mine lost"></s>
      <u class="before"></u><em class="second before"></em>"""
    with chromium.open_html(page) as tab:
        found = tab.extract("body", ["color"])
    held = {node["tag"]: node["content"] for node in found.nodes}
    assert held["i"] == held["b"] == held["em"] == [["svg", 0]]
    assert not held.get("s") and not held.get("u")
    assert [node["tag"] for node in found.nodes if node["flaws"]] == ["s", "u"]


def test_sections_are_cut_by_the_rule(chromium):
    """Bands by name, blocks by height; a list stays whole; crumbs are left out."""
    page = """<body style="margin:0"><nav style="height:50px">a</nav><main>
      <section style="height:900px">tall band</section><div style="height:60px">crumb</div>
      <div><div style="height:500px">one</div><div style="height:600px">two</div></div>
      <ul style="margin:0">{}</ul></main>""".format("<li style='height:100px'>row</li>" * 4)
    with chromium.open_html(page) as tab:
        found = [(s["tag"], s["box"][3]) for s in tab.sections()]
    assert found == [("nav", 50), ("section", 900), ("div", 500), ("div", 600), ("ul", 400)]


class Spy(http.server.BaseHTTPRequestHandler):
    """Counts who asks; `own` serves a page that asks a second server for everything it can."""

    seen: list

    def do_GET(self):
        self.seen.append((self.server.server_address[1], self.path))
        body = self.server.page.encode()
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def servers():
    """(the server a person named, a server of the local network that nobody named, requests)."""
    spy = type("Spy", (Spy,), {"seen": []})
    started = [http.server.HTTPServer(("127.0.0.1", 0), spy) for _ in range(2)]
    threads = [threading.Thread(target=s.serve_forever, daemon=True) for s in started]
    for server, thread in zip(started, threads, strict=True):
        server.page = "<h1>inner</h1>"
        thread.start()
    yield *started, spy.seen
    for server, thread in zip(started, threads, strict=True):
        server.shutdown()
        server.server_close()
        thread.join()


def attack(address: str) -> str:
    """A page that tries every way out to `address` (host:port)."""
    return f"""<h1>calm</h1><img src="http://{address}/img"><iframe src="http://{address}/frame">
      </iframe><link rel="prefetch" href="http://{address}/prefetch"><script>
      alert(1); confirm(2); window.open('http://{address}/popup');
      fetch('http://{address}/fetch', {{mode: 'no-cors'}}).catch(() => 0);
      navigator.sendBeacon('http://{address}/beacon');
      try {{ new WebSocket('ws://{address}/socket') }} catch {{}}
      new EventSource('http://{address}/events');
      const a = document.createElement('a');
      a.download = 'x'; a.href = 'data:text/plain,x'; a.click();
      </script>"""


def test_nothing_leaves_a_local_page(chromium, servers):
    _, other, seen = servers
    with chromium.open_html(attack(f"127.0.0.1:{other.server_address[1]}")) as page:
        assert page.extract("h1").nodes[0]["tag"] == "h1"
        assert any("/fetch" in url for url in page.site.refused)
    assert seen == []


def test_a_page_of_the_web_reaches_its_own_host_and_no_private_one(chromium, servers):
    """The host that a person names is allowed, even at home; what the page names is not."""
    own, other, seen = servers
    own.page = attack(f"127.0.0.1:{other.server_address[1]}")
    with chromium.open_url(f"http://127.0.0.1:{own.server_address[1]}/") as page:
        assert page.extract("h1").nodes[0]["tag"] == "h1"
    assert (own.server_address[1], "/") in seen
    assert {port for port, _ in seen} == {own.server_address[1]}


def test_popups_that_come_and_go_do_not_end_the_page(chromium):
    """Windows that a page opens, and that close while its clock runs, cost it nothing."""
    popups = """<h1>calm</h1><script>let n = 0; const id = setInterval(() => {
      if (++n > 8) return clearInterval(id);
      const w = window.open('about:blank'); setTimeout(() => w && w.close(), 50) }, 50)</script>"""
    with chromium.open_html(popups) as page:
        assert page.extract("h1").nodes[0]["tag"] == "h1"


def test_a_page_that_closes_itself_does_not_end_the_run(chromium):
    """At most it costs that page; the next one works."""
    late = "<h1>x</h1><script>setTimeout(() => window.close(), 50)</script>"
    for text in ("<h1>x</h1><script>window.close()</script>", late):
        # Whether a window may close itself is the browser's choice; both ends are clean.
        with contextlib.suppress(PageError), chromium.open_html(text) as page:
            assert page.extract("h1").nodes
    with chromium.open_html("<h1>alive</h1>") as page:
        assert page.extract("h1").nodes


def test_paint_order_follows_stacking_contexts():
    """z-index counts inside its stacking context only; negative is behind the flow."""
    stacks = [
        (-1, [False, False, 0]),  # 0 root
        (0, [True, True, 1]),  # 1 a context at 1 …
        (1, [True, True, 99]),  # 2 … whose child's 99 stays in it
        (0, [True, True, 2]),  # 3 a context at 2
        (0, [True, True, -1]),  # 4 behind the flow
        (0, [False, False, 0]),  # 5 the flow
        (0, [False, True, 0]),  # 6 positioned, no context of its own …
        (6, [True, True, 5]),  # 7 … so its child's 5 is in the root's context
    ]
    ranks = paint_order([{"parent": parent, "stack": stack} for parent, stack in stacks])
    assert sorted(range(8), key=ranks.__getitem__) == [0, 4, 5, 6, 1, 2, 3, 7]


def test_site_serves_nothing_outside_its_root(tmp_path):
    """`..`, absolute paths and links do not lead out."""
    root = tmp_path / "site"
    root.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (root / "index.html").write_text("home")
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    site = Site(root)
    assert site.file("/index.html") == site.file("/") == (root / "index.html").resolve()
    for path in ("/../secret.txt", "/link.txt", f"/{tmp_path}/secret.txt", "/no", "/\0"):
        assert site.file(path) is None


def test_shim_answers_cdn_links(tmp_path):
    """The usual CDN spellings lead to the file of the nearest version."""
    for name in (
        "bootstrap_4.3.1/dist/css/bootstrap.min.css",
        "bootstrap_5.3.3/dist/css/bootstrap.min.css",
        "jquery_3.7.1/dist/jquery.min.js",
        "font-awesome_4.7.0/css/font-awesome.min.css",
        "_fortawesome_fontawesome-free_6.5.2/js/all.js",
        "picocss-pico_2.0.6/css/pico.min.css",
    ):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "picocss-pico_2.0.6/package.json").write_text('{"name": "@picocss/pico"}')
    shim = Shim(tmp_path)
    links = {
        "https://cdn.jsdelivr.net/npm/bootstrap@5.2.3/dist/css/bootstrap.css": "bootstrap_5.3.3",
        "https://maxcdn.bootstrapcdn.com/bootstrap/4.0.0/css/bootstrap.min.css": "bootstrap_4.3.1",
        "https://unpkg.com/bootstrap/dist/css/bootstrap.css": "bootstrap_5.3.3",
        "https://code.jquery.com/jquery-3.6.0.min.js": "jquery_3.7.1",
        "https://ajax.googleapis.com/ajax/libs/jquery/3.5.1/jquery.min.js": "jquery_3.7.1",
        "https://cdnjs.cloudflare.com/ajax/libs/font-awesome/4.7.0/css/font-awesome.css": "font-aw",
        "https://use.fontawesome.com/releases/v6.3.0/js/all.js": "_fortawesome_fontawesome-free",
        "https://unpkg.com/@fortawesome/fontawesome-free@6/js/all.min.js": "_fortawesome_fontawe",
        "https://cdn.jsdelivr.net/npm/@picocss/pico@2/css/pico.min.css": "picocss-pico",
    }
    for link, package in links.items():
        found = shim.find(link)
        assert found is not None and found.relative_to(tmp_path).parts[0].startswith(package), link
    assert shim.find("https://example.com/app.js") is None


def test_missing_chromium_and_shim_are_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.setenv("XOJL_CHROMIUM", "no-such-browser")
    with pytest.raises(BadUsage, match="XOJL_CHROMIUM"):
        find_chromium()
    monkeypatch.delenv("XOJL_CHROMIUM")
    monkeypatch.setattr(browser_module, "NAMES", ())
    monkeypatch.setattr(browser_module.Path, "exists", lambda self: False)
    with pytest.raises(BadUsage, match="apt-get install chromium"):
        find_chromium()
    with pytest.raises(BadUsage, match="no such folder"):
        Shim(tmp_path / "none")
    with pytest.raises(BadUsage, match="NAME_VERSION"):
        Shim(tmp_path)
