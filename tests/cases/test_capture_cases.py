"""What people meet when they capture pages: each small page below was once a fault.

All pages are captured in one run, by one browser.
"""

import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_prep.capture import command as capture
from data_prep.capture.section import capture_page
from data_prep.label import command as label
from data_prep.records.captured import read_records
from xojl_jax.xojl.tree import preorder, print_html

HEAD = (
    "<!doctype html><meta charset=utf-8><style>*{box-sizing:border-box}"
    "body{margin:0;font:16px/1.5 sans-serif}%s</style>"
)
BANDS = "".join(
    f"<section style='padding:72px 48px;background:{color}'><h2>{name}</h2>"
    f"<p>Plain words about {name}.</p><a href='#'>More</a></section>"
    for name, color in (("apples", "#eef"), ("pears", "#fee"), ("plums", "#efe"))
)
CONSENT = (
    "<div><template shadowrootmode=open><div style='position:fixed;left:0;right:0;bottom:0;"
    "z-index:99;background:#111;padding:28px'>Cookies? <button>Fine</button></div></template></div>"
)
PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
CLEAR = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 280 200'/%3E"
WALL = "<div style='height:160px'></div>"


def page(body: str, style: str = "") -> str:
    return HEAD % style + body


def band(body: str, style: str = "") -> str:
    return page(f"<section>{body}</section>", "section{padding:48px;min-height:120px}" + style)


MOVED = """&{position:relative;padding:56px 64px 160px}.row{SHIFT}.big{SCALE;
  transform-origin:0 0;width:200px}.badge{position:absolute;top:50%;left:50%;BADGE;padding:16px}"""
COLORS = """&{padding:64px;background:SECTION;color:TEXT}h1{color:RED}
  a{display:inline-block;background:GLASS;box-shadow:0 8px 24px SHADOW}"""


def moved(*names: str) -> str:
    return (
        f"<h2 class=big>{names[0]}</h2><div class=row><p>{names[1]}</p></div>"
        "<span class=badge>Hire</span>"
    )


def with_values(text: str, **values: str) -> str:
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def long_text(between: str = "") -> str:
    lines = "<p>Words of a long text.</p>" * 12
    return "".join(f"<h2>Part {i}</h2>{lines}{between}" for i in range(4))


# Sections of one page: name -> what is in it, and its rules.
SECTIONS = {
    # Shadow trees.
    "slots": (
        "<x-title><template shadowrootmode=open><h1><slot></slot></h1></template>Bread</x-title>"
        "<x-button><template shadowrootmode=open><button><slot name=sign></slot><slot>Default"
        "</slot></button></template><svg slot=sign width=16 height=16><circle r=9 /></svg> Book"
        "</x-button><x-button><template shadowrootmode=open><button><slot>Default</slot></button>"
        "</template></x-button><x-note><template shadowrootmode=closed><p>Closed</p></template>"
        "</x-note>",
        "",
    ),
    "inline-tag": (
        "<p>One <x-word>two</x-word> three</p><x-box style='display:block'>b</x-box>",
        "",
    ),
    "breaks": (
        "<a href='#'>Home</a><br><a href='#'>Rooms</a><br><a href='#'>Way</a>"
        "<p>a <b>b</b><br>c</p>",
        "",
    ),
    # Styles.
    "moved": (
        moved("Small boats", "Dinghy"),
        with_values(
            MOVED,
            SHIFT="translate:0 64px",
            SCALE="scale:1.4",
            BADGE="translate:-50% -50%;rotate:-12deg",
        ),
    ),
    "moved-as-ever": (
        moved("Large boats", "Rowing"),
        with_values(
            MOVED,
            SHIFT="transform:translate(0,64px)",
            SCALE="transform:scale(1.4)",
            BADGE="transform:translate(-50%,-50%) rotate(-12deg)",
        ),
    ),
    "colors": (
        "<h1>Lime</h1><a href='#'>Order</a>",
        with_values(
            COLORS,
            SECTION="oklch(0.97 0.02 250)",
            TEXT="lab(20 5 -10)",
            RED="oklch(0.55 0.22 27)",
            GLASS="color-mix(in oklab, oklch(0.6 0.2 145) 50%, transparent)",
            SHADOW="oklch(0 0 0 / .25)",
        ),
    ),
    "zoom": (
        "<p style='width:200px;font-size:10px'>"
        "small</p><div style='width:50%;height:40px;background:#ccc'>half</div>",
        "&{zoom:1.5;padding:20px}",
    ),
    "unwritten": (
        "<p style='clip-path:polygon(0 0,100% 0,50% 100%)'>One sentence.</p>"
        "<p style='mask-image:linear-gradient(#000,transparent)'>Two.</p><p>Three.</p>",
        "",
    ),
    "ring": (
        "<p style='box-shadow:0 0 0 0 #0000, 0 1px 3px 0 rgb(0 0 0/.1)'>card</p>",
        "",
    ),
    # Icons.
    "icons": (
        "<div><i class=mask></i><h3>Water</h3></div><div><i class=before></i><h3>Shelter</h3></div>"
        "<div><i class=bg></i><h3>Sun</h3></div><div><i class=lig>potted_plant</i></div>"
        "<div><i class=glyph></i><h3>\U00011f04</h3></div>",
        "i{display:inline-block;width:32px;height:32px}.mask{background:#275;mask:url(dot.svg)}"
        ".before::before{content:'';display:block;width:32px;height:32px;background:#275;"
        "clip-path:polygon(50% 0,100% 100%,0 100%)}.bg{background:url(dot.svg)}"
        ".lig{font-family:'Material Symbols Outlined';width:auto}"
        ".glyph::before{font-family:FontAwesome;content:'\\f015'}",
    ),
    # Pictures that wait for a script.
    "lazy": (
        f"<img src='{PIXEL}' data-src=photo.png><img src=\"{CLEAR}\" data-lazy-src=photo.png>"
        f"<img data-srcset='photo.png 1x' data-sizes=auto><div class=bg data-bg=photo.png></div>"
        f"<p><img src='{PIXEL}' class=x><noscript><img src=photo.png></noscript></p>"
        f"<img class=lazy src=photo.png><img src='{PIXEL}' alt='A boat' class=never>"
        "<img src='https://elsewhere.example/photo.png' alt='of another origin'>",
        "img,.bg{width:140px;height:100px}.lazy{opacity:0}",
    ),
    # Heights and tracks that no node of the tree says.
    "high": (
        "<textarea rows=4></textarea><div class=busy></div>"
        "<div class=row><p>One</p><p>Two</p></div>",
        ".busy::before{content:'';display:block;width:16px;height:64px;border:1px solid}"
        "textarea{font:16px/24px sans-serif}"
        ".row{display:grid;grid-template-columns:repeat(auto-fit,minmax(0%,1fr))}",
    ),
    # A cell with a title.
    "cell": (
        "<table><tr><td><h3>Oak</h3><p>Hard and heavy.</p></td><td>Plain</td></tr></table>",
        "",
    ),
}

PAGES = {
    "sections": page(
        "".join(f"<section id={name}>{body}</section>" for name, (body, _) in SECTIONS.items()),
        # Whole pixels, wherever a section begins.
        "section{padding:48px;min-height:120px}h1,h2,h3,p{margin:16px 0}h3{font-size:16px}"
        + "".join(f"#{name}{{{rules}}}" for name, (_, rules) in SECTIONS.items()),
    ),
    # Hosts of components without a display of their own, and wrappers without a box.
    "inline-host": page(
        f"<app-root><app-bar><nav style='height:64px'>Kiln <a href='#'>Shop</a></nav>"
        f"</app-bar><app-page>{BANDS}</app-page></app-root>"
    ),
    "contents": page(f"<div class=c><div class=c>{BANDS}</div></div>", ".c{display:contents}"),
    "nothing": page("<p style='display:none'>none</p>"),
    "frameset": "<html><frameset cols='50%,50%'><frame src='x.html'></frameset></html>",
    "deep": page(
        f"<section style='padding:48px'>{'<div>' * 90}<h1>At the bottom</h1>{'</div>' * 90}"
        f"</section>{BANDS}"
    ),
    "rtl": "<html dir=rtl>" + band("<h2>عنوان</h2><p style='text-align:left'>نص</p>"),
    # What lies over a section.
    "ribbon": page(
        BANDS,
        "body::after{content:'COPY';position:fixed;right:24px;bottom:24px;"
        "z-index:9;background:#c00;padding:12px}body::before{content:'';position:fixed;"
        "inset:0;z-index:8;background:repeating-linear-gradient(45deg,#0001 0 2px,"
        "transparent 2px 6px)}",
    ),
    "consent": page(BANDS + CONSENT),
    "modal": page(
        BANDS + "<dialog style='width:420px'>Ten per cent</dialog><div popover=manual "
        "id=tip style='margin:auto 0 0 auto'>Chat</div><script>"
        "document.querySelector('dialog').showModal();"
        "document.querySelector('#tip').showPopover()</script>",
        "dialog::backdrop{background:#000b}",
    ),
    "overhang": page(
        BANDS.replace("<section ", "<div class=over></div><section ", 2),
        ".over{position:absolute;left:300px;width:80px;height:600px;background:#f0f}",
    ),
    # Pages that scroll inside, columns at the side, long texts.
    "pane": page(
        f"<div class=app><aside>{'<a href=#>Link</a><br>' * 8}</aside><main>{BANDS * 2}"
        "</main></div>",
        "html,body{height:100%;overflow:hidden}.app{display:flex;"
        "height:100vh}aside{width:220px;padding:20px;background:#eee}"
        "main{flex:1;overflow:auto}",
    ),
    "long": page(
        f"<div>{long_text()}</div>{long_text('<blockquote>Wide.</blockquote>')}",
        "blockquote{min-height:120px;margin:16px 0}html,body{height:100%}body{overflow-x:hidden}",
    ),
    # Boxes that say little of what they hold: floats that nothing clears, a height of the window's.
    "floats": page(
        f"<main><div class=c>{BANDS}</div></main><footer><a href=#>End</a></footer>",
        "section{float:left;width:100%}footer{clear:both;height:60px}",
    ),
    "overrun": page(f"<div class=page>{BANDS}</div>", ".page{height:100px}"),
    # What no band holds: rows of cards in a block that is too high, a bar of links.
    "rows": page(
        f"<div class=bar>Kiln <a href=#>Shop</a></div>{BANDS}<div>"
        + "".join(f"<div class=card><h3>Card {i}</h3>Words.</div>" for i in range(27))
        + "</div>",
        ".bar{height:60px}.card{float:left;width:30%;height:200px;margin:10px;background:#eee}",
    ),
    # Pictures behind blocks: one of a band is content, one that repeats is a backdrop.
    "grounds": page(
        f"<div class=hero><h1>Boats</h1><p>Narrow words.</p></div>{BANDS}",
        "body{background:url(dot.svg);padding-bottom:400px}.hero{height:900px;"
        "background:url(photo.png) center/cover}.hero>*{width:300px;margin:0;padding:99px 0 0}",
    ),
    "bleed": band(
        "<h2>A wide picture</h2><p>All of its words can be read.</p><img src=photo.png>"
        "<img src=photo.png>",
        "section{position:relative;height:300px}img{position:absolute;top:20px;left:1180px}",
    ),
    "parallax": page(
        f"{BANDS}<div class=far></div>",
        ".far{height:300px;background:url(photo.png) 50% -900px no-repeat fixed}",
    ),
    # What moves.
    "moving": band(
        "<svg width=100 height=100><rect width=20 height=20><animate attributeName=x "
        "from=0 to=80 dur=0.7s repeatCount=indefinite /></rect></svg>"
        "<img src=moving.gif width=80 height=80>"
        "<video src=moving.webm width=80 height=80 autoplay muted loop></video>"
        "<marquee>News of the day</marquee>"
        "<iframe srcdoc='<style>@keyframes s{to{rotate:1turn}}p{animation:s 1s infinite}</style>"
        "<p>Framed'></iframe><progress></progress><p class=spin>Words</p><x-spin><template "
        "shadowrootmode=open><style>i{display:block;width:20px;height:20px;background:"
        "#080;animation:s 1s infinite linear}@keyframes s{to{transform:rotate(1turn)}}"
        "</style><i>x</i></template></x-spin>",
        "@keyframes t{to{transform:translateX(90px)}}.spin{animation:t 1s infinite}",
    ),
}


def gif() -> bytes:
    frames = [Image.new("RGB", (20, 20), color) for color in ("red", "lime", "blue")]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=70, loop=0)
    return out.getvalue()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cases") / "my-site"
    folder.mkdir()
    for name, text in PAGES.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    circle = "<circle cx='9' cy='9' r='9'/>"
    (folder / "dot.svg").write_text(f"<svg xmlns='http://www.w3.org/2000/svg'>{circle}</svg>")
    (folder / "moving.gif").write_bytes(gif())
    # 16 x 16 px, VP8: four frames of red, four of green, four of blue.
    shutil.copy(Path(__file__).parent / "moving.webm", folder)
    Image.new("RGB", (280, 200), "#47a").save(folder / "photo.png")
    russian = band("<h1>Хлеб каждый день</h1>").replace("utf-8", "windows-1251")
    (folder / "cp1251.html").write_bytes(russian.encode("cp1251"))
    (folder / "utf16.html").write_bytes(band("<h1>Чай</h1>").encode("utf-16"))
    return folder


class Captured:
    """Records, the author's words and the account of the run, by page."""

    def __init__(self, folder):
        self.folder = folder
        self.authors = {}
        for line in (folder / "author.jsonl").read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            self.authors[entry["id"]] = entry["nodes"]
        self.records: dict[str, list] = {}
        for record in read_records(folder / "records.jsonl"):
            name = _name(record.source["uri"])
            if name == "sections":
                name = list(SECTIONS)[int(record.id[-3:])]
            self.records.setdefault(name, []).append(record)
        lines = (folder / "pages.jsonl").read_text(encoding="utf-8").splitlines()
        self.pages = {_name(line["uri"]): line for line in map(json.loads, lines)}

    def tree(self, name: str, index: int = 0) -> str:
        return print_html(self.records[name][index].html)

    def nodes(self, name: str, index: int = 0) -> list:
        return [visit.node for visit in preorder(self.records[name][index].html)]

    def classes(self, name: str) -> list:
        return [(node.tag, node.classes) for node in self.nodes(name)]

    def texts(self, name: str, index: int = 0) -> list[str]:
        nodes = self.authors[self.records[name][index].id]
        return [text for node in nodes for text in node["content"] if isinstance(text, str)]

    def flaws(self, name: str, index: int = 0) -> dict:
        return self.records[name][index].source.get("flaws", {})

    def pixels(self, name: str, index: int = 0) -> np.ndarray:
        path = self.folder / self.records[name][index].screenshot
        return np.asarray(Image.open(path).convert("RGB"))


def _name(uri: str) -> str:
    return re.sub(r".*/|\.html", "", uri)


@pytest.fixture(scope="module")
def captured(chromium, site, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    listed = site / "pages.txt"
    names = sorted(path.name for path in site.glob("*.html"))
    # As an editor on Windows writes it: a byte order mark, two characters at the end of a line.
    listed.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(names).encode())
    flags = ["--out", str(out), "--workers", "1", "--no-variants", "--no-hover"]
    assert capture.main([f"@{listed}", *flags]) in (None, 0)
    return Captured(out)


@pytest.mark.parametrize(("name", "number"), [("inline-host", 4), ("contents", 3)])
def test_what_has_no_box_is_passed_through(captured, name, number):
    """Bands in hosts of components, or in `display: contents`, are sections like any other."""
    line = captured.pages[name]
    assert line["found"] == number and line["area"][0] == line["area"][1] > 0
    assert line["rejected"].keys() <= {"seen before"}


def test_a_page_without_sections_says_why(captured):
    """No page ends with nothing found and nothing said."""
    assert captured.pages["nothing"]["no_section"] == "nothing shows"
    assert "frameset" in captured.pages["frameset"]["no_section"]
    account = json.loads((captured.folder / "capture.jsonl").read_text())["total"]
    assert sum(account["pages_without_section"].values()) == 2


def test_slotted_texts_are_where_they_show(captured):
    """A slot holds what was slotted, its own text only where nothing was; closed roots are read."""
    assert captured.texts("slots") == ["Bread", "Book", "Default", "Closed"]
    buttons = [node for node in captured.nodes("slots") if node.tag == "button"]
    assert [child.tag for child in buttons[0].children] == ["svg"]
    assert [(content.kind, content.at) for content in buttons[0].content] == [("text", 1)]
    record = captured.records["slots"][0]
    labeled = label.label(record, captured.authors[record.id], label.Table.load()).record
    assert labeled.used_elements == ("button", "heading", "paragraph", "section")


def test_an_unknown_tag_keeps_its_place_in_the_line(captured):
    """An inline custom element is no block."""
    by_text = {
        tuple(entry["content"]): node
        for entry, node in zip(
            captured.authors[captured.records["inline-tag"][0].id],
            captured.nodes("inline-tag"),
            strict=True,
        )
    }
    assert by_text[("two",)].tag == "div" and "d_inline" in by_text[("two",)].classes
    assert by_text[("b",)].tag == "div" and by_text[("b",)].classes == ()


def test_a_tree_that_is_too_deep_is_left_out_with_its_reason(captured):
    """Never a good record whose picture has a headline and whose tree has none."""
    assert captured.pages["deep"]["rejected"]["too deep"] == 1
    assert captured.pages["deep"]["found"] == 4


def test_line_breaks_between_links_are_in_the_tree(captured):
    tags = [node.tag for node in captured.nodes("breaks")]
    assert tags == ["section", "a", "br", "a", "br", "a", "p", "b"]
    assert captured.texts("breaks")[3:] == ["a", "\nc", "b"]


def test_single_transforms_are_written_like_transform(captured):
    """Both spellings of a page give one tree and one set of boxes."""
    assert captured.classes("moved") == captured.classes("moved-as-ever")
    assert (
        captured.records["moved"][0].html_boxes == captured.records["moved-as-ever"][0].html_boxes
    )
    written = {c for node in captured.nodes("moved") for c in node.classes}
    assert {"tf_translate+0+4r", "tf_scale+1.4", "tfo_0+0"} <= written
    assert "tf_translate+-50p+-50p+rotate+-12d" in written


def test_colors_are_what_the_screen_shows(captured):
    """Whatever the color space: sRGB in hexadecimal, as near to the pixel as rounding allows."""
    section, title, link = (
        dict(c.split("_", 1) for c in n.classes) for n in captured.nodes("colors")
    )
    pixel = captured.pixels("colors")[4, 4]
    assert [int(section["bg"][i : i + 2], 16) for i in (0, 2, 4)] == pytest.approx(pixel, abs=1)
    assert len(link["bg"]) == 8 and link["sh"].startswith("00000040")
    red = [int(title["c"][i : i + 2], 16) for i in (0, 2, 4)]
    assert red[0] > 150 and max(red[1:]) < 60
    assert captured.flaws("colors") == {}


def test_zoomed_lengths_are_in_pixels_of_the_boxes(captured):
    """`zoom` is folded into every length; shares stay shares."""
    (_, section), (_, text), (_, half) = captured.classes("zoom")
    assert "pt_30x" in section and {"w_300x", "fs_15x"} <= set(text) and "w_50p" in half
    boxes = captured.records["zoom"][0].html_boxes
    assert boxes[1][2] == 300 and boxes[2][3] == 60


def test_heights_of_what_is_in_no_tree_are_said(captured):
    """Rows of a text field, a box of a pseudo-element; tracks of `auto-fit` that hold nothing."""
    _, field, busy, row, *_ = (set(node.classes) for node in captured.nodes("high"))
    assert "h_102x" in field and "h_66x" in busy
    assert [len(c.split("+")) for c in row if c.startswith("gtc_")] == [2]
    assert captured.flaws("high") == {}


def test_the_direction_of_writing_is_said(captured):
    """A right-to-left page's tree is not that of a page written from the left."""
    section, title, text = (set(node.classes) for node in captured.nodes("rtl"))
    assert "dir_rtl" in section and not title & {"dir_rtl"} and "ta_left" in text


def test_what_has_no_form_is_counted_and_lowers_the_quality(captured):
    assert captured.flaws("unwritten") == {"clip-path": 1, "mask-image": 1}
    quality = captured.records["unwritten"][0].quality["capture"]
    assert 0.4 < quality < 0.8 and captured.records["breaks"][0].quality["capture"] == 1.0
    assert "sh_0000001a+0+1x+3x+0" in {c for n in captured.nodes("ring") for c in n.classes}


def test_pictograms_are_drawings_and_a_font_that_did_not_come_is_none(captured):
    """Masks, clipped shapes and small pictures draw; a ligature without its font is a word."""
    kinds = [
        [content.kind for content in n.content] for n in captured.nodes("icons") if n.tag == "i"
    ]
    assert kinds[:4] == [["svg"], ["svg"], ["svg"], ["text"]]
    assert "potted_plant" in captured.texts("icons")
    assert captured.flaws("icons") == {"letters that no font here has": 2}


def test_pictures_that_wait_for_a_script_come(captured):
    """Placeholders are replaced by what their attributes name; what stays empty is told."""
    pixels = captured.pixels("lazy").reshape(-1, 3)
    blue = (np.abs(pixels.astype(int) - (0x44, 0x77, 0xAA)).max(axis=1) < 6).sum()
    assert blue == pytest.approx(6 * 140 * 100, rel=0.02)
    contents = [n.content for n in captured.nodes("lazy") if n.tag == "img"]
    assert [bool(content) for content in contents] == [True, True, True, True, True, False, True]
    assert captured.flaws("lazy") == {"a picture that did not come": 1}


@pytest.mark.parametrize("name", ["ribbon", "consent", "modal", "overhang"])
def test_what_is_painted_over_a_section_is_hidden(captured, name):
    """Bars in shadow roots, pseudo-elements of body, veils, dialogs: the band is there alone."""
    shown = captured.records.get(name, [])
    line = captured.pages[name]
    assert line["found"] == 3
    # A band that looks like that of another page was "seen before": it is equal to the byte.
    assert len(shown) + line["rejected"].get("seen before", 0) == 3
    for index in range(len(shown)):
        colors = captured.pixels(name, index)[:60].reshape(-1, 3)
        assert len(np.unique(colors, axis=0)) == 1


def test_what_scrolls_inside_the_page_is_unrolled(captured):
    """Bands of a pane are sections, and so is the bar at its side."""
    line = captured.pages["pane"]
    assert line["found"] == 7 and not line["failed"]
    widths = sorted({record.source["box"][2] for record in captured.records["pane"]})
    assert widths[0] == 220 and "blank" not in line["rejected"]


def test_the_middle_of_a_long_text_is_captured(captured):
    """What cannot be one section is cut between its children, before titles; so is what has a few
    wide blocks among its lines."""
    captured_area, shown = captured.pages["long"]["area"]
    assert captured_area > 0.98 * shown and captured.pages["long"]["found"] >= 3
    for index in range(len(captured.records["long"])):
        assert captured.nodes("long", index)[1].tag == "h2"


@pytest.mark.parametrize(
    ("name", "number"), [("floats", 4), ("overrun", 3), ("rows", 7), ("grounds", 4)]
)
def test_what_people_see_is_in_sections(captured, name, number):
    """Whatever the boxes around it are: all of the texts and pictures, and nothing is cut off."""
    line = captured.pages[name]
    assert line["found"] == number and line["area"][0] == line["area"][1] > 0
    assert line["rejected"].keys() <= {"seen before"} and line["area_left_out"] == {}


def test_rows_of_floats_keep_their_place_and_height(captured):
    """A part of a block holds its floats, and sections of before keep their numbers."""
    boxes = [record.source["box"] for record in captured.records["rows"]]
    assert [box[2:] for box in boxes] == [[1280, 60], *[[1280, 640]] * 3]
    *_, rows = captured.records["rows"]
    assert "d_flow-root" in rows.html[0].classes and rows.html_boxes[0][:4] == (0, 0, 1280, 640)
    assert len(rows.html[0].children) == 9


def test_a_picture_may_bleed_off_the_page(captured):
    """Words that are whole make the section; the pictures that are cut are told as flaws."""
    assert captured.pages["bleed"]["rejected"] == {}
    assert captured.flaws("bleed") == {"cut off by the page's edge": 2}


def test_a_picture_that_stays_while_the_page_scrolls_is_in_its_block(captured):
    """A screenshot beyond the window had it elsewhere, and the block was blank."""
    assert captured.pages["parallax"]["rejected"].keys() <= {"seen before"}
    blue = np.abs(captured.pixels("parallax", -1).astype(int) - (0x44, 0x77, 0xAA)).max(axis=2) < 6
    assert blue.sum() == 280 * 200


def test_what_moves_stands_still(chromium, captured, site):
    """Drawings, GIF, video, marquee, animations without end: one picture, and twice the same."""
    assert captured.pages["moving"]["rejected"] == {}
    from data_prep.capture.section import Settings
    from data_prep.capture.sources import find_pages

    (source,) = find_pages([str(site / "moving.html")])
    (again,) = capture_page(chromium, source, Settings(hover=False, screens=False)).sections
    record = captured.records["moving"][0]
    assert again.image == (captured.folder / record.screenshot).read_bytes()
    near_red = np.abs(captured.pixels("moving").astype(int) - (255, 0, 0)).max(axis=2) < 24
    assert near_red.sum() == pytest.approx(2 * 80 * 80, rel=0.05)  # both at their first frame


def test_files_in_any_encoding_are_read(captured):
    """A list with a byte order mark names every page, and no letter is lost."""
    assert captured.texts("cp1251") == ["Хлеб каждый день"]
    assert captured.texts("utf16") == ["Чай"]
    assert len(captured.pages) == len(PAGES) + 2
    assert "\ufffd" not in (captured.folder / "author.jsonl").read_text(encoding="utf-8")


def test_a_cell_with_a_title_is_not_one_text(captured):
    record = captured.records["cell"][0]
    labeled = label.label(record, captured.authors[record.id], label.Table.load()).record
    assert "heading" in labeled.used_elements
