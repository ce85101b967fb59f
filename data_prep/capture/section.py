"""One page -> its sections as records, with everything that was left out counted."""

import hashlib
import io
import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import numpy as np
from PIL import Image

from data_prep.browser.chromium import DESKTOP, Browser, Page, PageError
from data_prep.browser.site import Shim
from data_prep.capture.sources import PageSource
from data_prep.trees.classes import COUNTED
from data_prep.trees.compact import Compact, compact, properties
from data_prep.trees.extracted import Extracted
from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.record import Record, record_to_json
from xojl_jax.xojl.tree import Caps, preorder

MAX_NODES = 1500  # of a section; a whole page may have as many as a document
MAX_HEIGHT = 16_000  # px; Chromium's pictures end a little above
BLANK = 0.9995  # share of one color from which a picture shows nothing (two words are 0.998)
# Share of a section that pictures of ours may fill, for those that could not be had.
MOST_PLACEHOLDER = 0.4
# Share of the nodes with content that the page's edge may cut: the rest shows what the band is.
MOST_CUT = 0.3
MOVES = "it moves"
IS_BLANK = "blank"
SHOTS = 4  # until two in a row are equal

# What is left of a computed style for data_prep.label.
LOOK = (
    "display",
    "position",
    "flex-direction",
    "font-size",
    "font-weight",
    "background-color",
    "background-image",
    "font-family",
    "border-top-width",
    "border-top-style",
    "border-top-color",
    "border-bottom-width",
    "border-bottom-style",
    "border-bottom-color",
    "border-left-width",
    "border-left-style",
    "border-left-color",
    "box-shadow",
    "color",
    "float",
)


@dataclass(frozen=True)
class Settings:
    """What is asked of every page of a run."""

    shim: Shim | None = None
    viewport: tuple[int, int] = DESKTOP
    page_seconds: float = 60.0
    screens: bool = True  # tablet and mobile variants
    hover: bool = True
    whole_page: bool = False
    placeholders: bool = True


@dataclass(frozen=True)
class Section:
    """A captured section, ready to be written.

    Attributes:
      record, author: lines of records.jsonl and author.jsonl.
      image: the screenshot as WebP, lossless.
      looks: equal for two sections that show the same.
    """

    id: str
    screenshot: str
    record: str
    author: str
    image: bytes
    looks: str


@dataclass
class PageResult:
    """What became of one page.

    Attributes:
      found: sections that the page has, good and bad.
      rejected: reason -> count.
      failed: why the page could not be rendered, or "". Such a page has no sections: how far it
        came depends on the machine, and records must not.
      counts: requests (`sent`, `refused`, `missing`, `placeholders`; those refused that have no
        placeholder also by host), hover rules, classes left out, blocks that were too low or too
        high for a section, `flaws` by kind (in sections).
      reason: why the page has no section, or "".
      area: [captured, shown], cells of 8 x 8 px that show texts or pictures.
      area_left_out: reason -> such cells in sections that were rejected, and in no other one.
    """

    sections: list[Section] = field(default_factory=list)
    found: int = 0
    rejected: Counter = field(default_factory=Counter)
    failed: str = ""
    seconds: float = 0.0
    counts: Counter = field(default_factory=Counter)
    reason: str = ""
    area: tuple[int, int] = (0, 0)
    area_left_out: Counter = field(default_factory=Counter)


@dataclass
class _Candidate:
    number: int
    extracted: Extracted
    picture: Image.Image
    png: bytes
    placeholders: list[bool]  # per extracted node


def capture_page(browser: Browser, source: PageSource, settings: Settings) -> PageResult:
    """Captures one page. Whatever goes wrong with it is in the result, and the run goes on."""
    result, started = PageResult(), time.monotonic()
    try:
        with _open(browser, source, settings) as page:
            try:
                _capture_sections(page, source, settings, result)
            finally:
                result.counts.update(_requests(page))
    except PageError as error:
        result = PageResult(failed=str(error), found=result.found, counts=result.counts)
        result.rejected["the page failed"] = result.found
    result.seconds = time.monotonic() - started
    return result


def _open(browser: Browser, source: PageSource, settings: Settings) -> Page:
    if source.url:
        return browser.open_url(source.url, settings.viewport, shim=settings.shim)
    return browser.open_site(
        source.root,
        source.path,
        settings.viewport,
        shim=settings.shim,
        text=source.text,
        near=source.near,
        placeholders=settings.placeholders,
    )


def _capture_sections(page: Page, source: PageSource, settings: Settings, result) -> None:
    codebook = Codebook.load()
    of_page = {"title": page.title, "language": page.language}
    candidates: list[_Candidate] = []
    left_out: dict[str, list[int]] = {}  # reason -> numbers
    for number in range(len(page.sections(whole=settings.whole_page))):
        result.found += 1
        found = _candidate(page, number, codebook, settings)
        if found == MOVES:  # what it has begun may come to an end
            page.rest()
            found = _candidate(page, number, codebook, settings)
        if found == IS_BLANK and page.unfix(number):
            found = _candidate(page, number, codebook, settings)
        if isinstance(found, str):
            result.rejected[found] += 1
            left_out.setdefault(found, []).append(number)
        else:
            candidates.append(found)
    result.reason = page.reason
    shown, held = page.coverage([[found.number for found in candidates], *left_out.values()])
    result.area = (held[0], shown)
    result.area_left_out = Counter(dict(zip(left_out, held[1:], strict=True)))
    extracted = {found.number: found.extracted for found in candidates}
    if extracted and (settings.hover or settings.screens):
        read = page.read_variants(extracted, hover=settings.hover, screens=settings.screens)
        result.counts.update({f"hover rules {name}": count for name, count in read.items()})
    for found in candidates:
        section, too_many, flaws = _section(page, source, of_page, found, codebook)
        result.sections.append(section)
        result.counts["classes left out"] += too_many
        result.counts.update({f"flaw {kind}": 1 for kind in flaws})
    result.counts.update({f"blocks {why}": count for why, count in page.passed.items()})


def _requests(page: Page) -> dict[str, int]:
    """What became of the page's requests, and of its scripts."""
    site = page.site
    replaced = {url[:200] for url in site.replaced}
    lacking = [url for url in site.refused if url not in replaced]
    hosts = Counter(f"refused from {urlsplit(url).hostname}" for url in lacking)
    return {
        **hosts,
        "sent": site.sent,
        "refused": len(site.refused),
        "missing": len(site.missing),
        "placeholders": len(site.replaced),
        "script errors": page.script_errors,
    }


def _candidate(page: Page, number: int, codebook: Codebook, settings) -> _Candidate | str:
    """A section with two equal shots, or why it is no good."""
    extracted = page.extract(number, properties(codebook), author=True, counted=COUNTED)
    nodes = extracted.nodes
    if extracted.full or (len(nodes) > MAX_NODES and not settings.whole_page):
        return "too many nodes"
    if depth_of(nodes) > Caps().depth:
        return "too deep"
    if extracted.box[3] > MAX_HEIGHT:
        return "too high"
    if not any(node["content"] or _has_ground(node) for node in nodes):
        return "empty"
    if any(node["broken"] for node in nodes):
        return "a picture is missing"
    holding = [node for node in nodes if node["content"]]
    cut_off = [node for node in holding if node["cut"]]
    # Pictures may bleed off the page beside texts that are whole.
    texts = [node for node in holding if any(kind == "text" for kind, _ in node["content"])]
    cut_texts = [node for node in texts if node["cut"]]
    if len(cut_off) > MOST_CUT * len(holding) and (
        not texts or len(cut_texts) > MOST_CUT * len(texts)
    ):
        return "content is cut off"
    for node in cut_off:
        node["flaws"].append("cut off by the page's edge")
    png = _still_shot(page, extracted.box, number)
    if png is None or page.box(number) != extracted.box:
        return MOVES
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    if is_blank(np.asarray(picture)):
        return IS_BLANK
    placeholders = _placeholders(page, extracted)
    if _share(extracted, placeholders) > MOST_PLACEHOLDER:
        return "a picture is missing"
    return _Candidate(number, extracted, picture, png, placeholders)


def _has_ground(node: dict) -> bool:
    """Whether a node shows a picture behind what it holds."""
    return "url(" in node["styles"].get("background-image", "")


def depth_of(nodes: list[dict]) -> int:
    """Levels of a tree of nodes whose parents come before them."""
    depths: list[int] = []
    for node in nodes:
        depths.append(1 if node["parent"] < 0 else depths[node["parent"]] + 1)
    return max(depths, default=0)


def flaws_of(extracted: Extracted, tree: Compact) -> tuple[dict[str, int], float]:
    """What the picture shows and the tree does not say, or the other way round.

    Returns nodes by kind of flaw, and `quality.capture`: the mean of two shares, of the nodes and
    of the section's area that have none.
    """
    counts: Counter[str] = Counter()
    width, height = (max(1, round(v)) for v in extracted.box[2:])
    flawed = np.zeros((-(-height // 8), -(-width // 8)), bool)
    number = 0
    for node, unwritten in zip(extracted.nodes, tree.unwritten, strict=True):
        kinds = {*node.get("flaws", ()), *unwritten}
        if not kinds:
            continue
        number += 1
        counts.update(kinds)
        x, y, w, h = (round(max(0, v) / 8) for v in node["box"])
        flawed[y : y + h, x : x + w] = True
    good = 1 - (number / len(extracted.nodes) + float(flawed.mean())) / 2
    return dict(sorted(counts.items())), round(good, 4)


def _still_shot(page: Page, box: list[int], number: int) -> bytes | None:
    """A screenshot that is equal to the one before it; None where it never is.

    The first shot of an area may show what is not decoded yet, so a difference has a second chance.
    """
    before = page.screenshot(box, number)
    for _ in range(SHOTS - 1):
        now = page.screenshot(box, number)
        if now == before:
            return now
        before = now
    return None


def _placeholders(page: Page, extracted: Extracted) -> list[bool]:
    """Per node whether it shows a picture of ours in place of one that could not be had."""
    replaced = page.site.replaced
    return [
        bool(replaced)
        and (
            node["picture"] in replaced
            or any(url in node["styles"].get("background-image", "") for url in replaced)
        )
        for node in extracted.nodes
    ]


def _share(extracted: Extracted, marked: list[bool]) -> float:
    """The sum of the areas of the marked nodes, as a share of the section's."""
    areas = [node["box"][2] * node["box"][3] for node in extracted.nodes]
    marked_area = sum(area for area, is_marked in zip(areas, marked, strict=True) if is_marked)
    return marked_area / max(1, extracted.box[2] * extracted.box[3])


def _section(page: Page, source: PageSource, of_page: dict, found: _Candidate, codebook: Codebook):
    """(the section, how many classes did not fit, its flaws)."""
    name = f"{source.slug}-{found.number:03d}"
    tree = compact(found.extracted, codebook, random.Random(name))
    about = {"uri": source.uri, **of_page, "licence": source.licence, "site": source.site}
    about = {key: value for key, value in about.items() if value}
    if count := sum(found.placeholders):
        about["placeholders"] = count  # pictures that are ours, not the page's
    flaws, good = flaws_of(found.extracted, tree)
    if flaws:
        about["flaws"] = flaws
    record = Record(
        id=name,
        screenshot=f"screenshots/{name}.webp",
        html=tree.forest,
        source={**about, "box": found.extracted.box},
        viewport=tuple(page.viewport),
        html_boxes=tuple(map(tuple, tree.boxes)),
        quality={"capture": good},
    )
    image = io.BytesIO()
    # A slower method would save a fifth of the bytes for eight times the work.
    found.picture.save(image, "WEBP", lossless=True, quality=30, method=0)
    author = {"id": name, "nodes": author_nodes(found.extracted, tree, found.placeholders)}
    section = Section(
        name,
        record.screenshot,
        record_to_json(record),
        json.dumps(author),
        image.getvalue(),
        looks_of(tree, found.png),
    )
    return section, tree.classes_left_out, flaws


def is_blank(pixels: np.ndarray) -> bool:
    """Whether a picture (uint8[H, W, 3]) is nearly all one color, give or take a little."""
    coarse = (pixels[::2, ::2] >> 3).astype(np.int32)
    keys = (coarse[..., 0] << 10) | (coarse[..., 1] << 5) | coarse[..., 2]
    return np.bincount(keys.ravel()).max() / keys.size > BLANK


def looks_of(tree: Compact, png: bytes) -> str:
    """Equal for two sections that show the same and are built alike."""
    shape = "|".join(f"{v.depth} {v.node.tag} {v.node.classes}" for v in preorder(tree.forest))
    return hashlib.sha256(shape.encode() + png).hexdigest()


def author_nodes(extracted: Extracted, tree: Compact, placeholders: list[bool]) -> list[dict]:
    """Per html node what its author called it, how it looks, and what its contents were."""
    out = []
    for index, node in enumerate(extracted.nodes):
        if tree.node_of[index] is None:
            continue
        look = {css: node["styles"].get(css, "") for css in LOOK}
        entry = {name: _valid(value) for name, value in node["author"].items()}
        entry["look"] = {css: value for css, value in look.items() if value}
        entry["content"] = [_valid(item) for item in node["held"]]
        for name, attribute in (("mark", "data-xojl"), ("category", "data-xojl-category")):
            if said := node["marks"].get(attribute):
                entry[name] = _valid(said)
        if placeholders[index]:
            entry["placeholder"] = True
        out.append(entry)
    return out


def _valid(item):
    """A string as valid Unicode: a page may hold half a surrogate pair."""
    return item.encode("utf-8", "replace").decode("utf-8") if isinstance(item, str) else item
