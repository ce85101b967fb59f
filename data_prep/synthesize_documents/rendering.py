"""Written pages -> document records: many are rendered on one page of Chromium."""

import contextlib
import io
import math
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
from PIL import Image

from data_prep.browser.chromium import Browser, PageError
from data_prep.synthesize_documents.design import draw_design, style
from data_prep.synthesize_documents.kinds import KINDS
from data_prep.synthesize_documents.language import languages
from data_prep.synthesize_documents.questions import MarkedPage, ask, regions_of
from data_prep.synthesize_documents.scan import Scan, draw_scan, scan_boxes, scan_image
from data_prep.synthesize_documents.sheet import ATTRIBUTE, Sheet
from xojl_jax.documents.record import DocumentRecord
from xojl_jax.errors import BadUsage, UserError

BATCH = 24  # pages in one tab: opening a tab costs more than a page
ATTEMPTS = 40  # draws per page
SLOT = (1240, 1500)  # px of a place in the tab, wider and higher than any page
EDGE = 5  # px of the paper's sides on which no word lies
ACROSS = 6  # places in a row
SMALL = 120  # words; pages of fewer are on small paper, so that their letters stay legible
SMALL_PAPERS = ((420, 560), (480, 600), (520, 680), (560, 560), (600, 480), (460, 640))
PAPERS = ((794, 1123), (816, 1056), (794, 1123), (720, 960), (1123, 794), (640, 900))


@dataclass(frozen=True)
class Settings:
    """What all pages of a run share."""

    seed: int
    most_words: int = 400
    image_side: int = 1024
    scan: float = 0.0  # the share of pages that look scanned
    per_maker: int = 12  # pages in a row that share a design
    languages: tuple[str, ...] = ()  # codes of those that makers may have; () for all


@dataclass(frozen=True)
class MadePage:
    """A record, its picture, and its page as HTML with the size of its paper in CSS px."""

    record: DocumentRecord
    image: Image.Image
    html: str
    size: tuple[float, float]


@dataclass(frozen=True)
class _Written:
    """A draw of a page: what is on it, and how large its paper is."""

    kind: str
    sheet: Sheet
    rules: str
    body: str
    paper: tuple[int, int]

    def html(self, place: int) -> str:
        """The page as an element `#pN` in its place of the tab."""
        x, y = place % ACROSS * SLOT[0], place // ACROSS * SLOT[1]
        width, height = self.paper
        return (
            f"<style>#p{place} {{ left: {x}px; top: {y}px; width: {width}px;"
            f" min-height: {height}px; {self.rules} }}</style>"
            f'<div class="page" id="p{place}">{self.body}</div>'
        )


def write(settings: Settings, index: int, attempt: int = 0) -> _Written:
    """Draws page `index`; a later attempt is another page, with less on it."""
    maker = index // settings.per_maker
    design = draw_design(settings.seed, maker, settings.languages)
    names = Random(f"kinds {settings.seed}/{maker}").sample(
        [name for name, kind in KINDS.items() for _ in range(kind.weight)],
        sum(kind.weight for kind in KINDS.values()),
    )
    kind = names[index % settings.per_maker % len(names)]
    rng = Random(f"page {settings.seed}/{index}/{attempt}")
    budget = round(settings.most_words * rng.uniform(0.55, 1.0) * (1 - attempt / (2 * ATTEMPTS)))
    sheet = Sheet(rng, languages()[design.language], design, budget)
    papers = KINDS[kind].papers or (SMALL_PAPERS if settings.most_words <= SMALL else PAPERS)
    # All pages of a kind have the same paper, unless a design fits on none of that width.
    draw = Random(f"paper {settings.seed}/{maker}/{kind}")
    width, height = [draw.choice(papers) for _ in range(attempt // 6 + 1)][-1]
    # Of a leaf that is filled the letters are larger in a picture.
    if not KINDS[kind].papers and (papers is SMALL_PAPERS or rng.random() < 0.6):
        height = round(height * rng.uniform(0.4, 1.0))
    body = KINDS[kind].write(sheet)
    return _Written(kind, sheet, style(design), body, (width, height))


def make_pages(browser: Browser, settings: Settings, indices: Iterable[int]) -> list[MadePage]:
    """The page of each index, in order. They share a tab: all have the same `index // BATCH`."""
    done: dict[int, MadePage] = {}
    for attempt in range(ATTEMPTS):
        waiting = [index for index in indices if index not in done]
        if not waiting:
            return [done[index] for index in indices]
        drawn = {index: write(settings, index, attempt) for index in waiting}
        done |= _render_with_retries(browser, settings, drawn)
    raise BadUsage(
        f"page {waiting[0]} of seed {settings.seed} fits in none of {ATTEMPTS} draws:"
        " raise --most-words"
    )


def _render_with_retries(
    browser: Browser, settings: Settings, drawn: dict[int, _Written]
) -> dict[int, MadePage]:
    """As `_render`, three times at most: with harmless pages, failures come from machine load."""
    for _ in range(2):
        with contextlib.suppress(PageError):
            return _render(browser, settings, drawn)
    try:
        return _render(browser, settings, drawn)
    except PageError as error:
        raise UserError(f"the browser failed three times ({error}): try again later") from error


def _render(
    browser: Browser, settings: Settings, drawn: dict[int, _Written]
) -> dict[int, MadePage]:
    """Those of the drawn pages that fit on their paper and within the limit of words."""
    # A page's place depends on its own index alone, so that its pixels hardly depend on others.
    places = {index: index % BATCH for index in drawn}
    height = SLOT[1] * (max(places.values()) // ACROSS + 1)
    pages = {index: page.html(places[index]) for index, page in drawn.items()}
    made = {}
    with browser.open_html(document(pages.values()), (SLOT[0] * ACROSS, height)) as tab:
        found = tab.words([f"#p{place}" for place in places.values()], ATTRIBUTE)
        for (index, page), answer in zip(drawn.items(), found, strict=True):
            if answer["overflows"] or not fits(page, answer, settings):
                continue
            width, height = answer["size"]
            place = places[index]
            x, y = place % ACROSS * SLOT[0], place // ACROSS * SLOT[1]
            scale = settings.image_side / max(width, height)
            png = tab.screenshot([x, y, width, height], scale=scale)
            image = Image.open(io.BytesIO(png)).convert("RGB")
            scan = scan_of(settings, index)
            record = make_record(page, answer, settings, index, image.size, scan)
            image = image if scan is None else scan_image(scan, image)
            made[index] = MadePage(record, image, document([page.html(0)]), (width, height))
    return made


def scan_of(settings: Settings, index: int) -> Scan | None:
    """How a page is scanned, None where it is not."""
    rng = Random(f"scan {settings.seed}/{index}")
    return draw_scan(rng) if rng.random() < settings.scan else None


def print_page(browser: Browser, made: MadePage) -> bytes:
    """The page as a PDF of its own, on paper of its size."""
    width, height = made.size
    with browser.open_html(made.html, (math.ceil(width), math.ceil(height))) as tab:
        return tab.pdf(f"{width}px", f"{math.ceil(height)}px")


def document(pages: Iterable[str]) -> str:
    """HTML of a tab that shows these pages."""
    return (
        '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><style>'
        "* { box-sizing: border-box } body { margin: 0 } @page { margin: 0 }"
        " .page { position: absolute; display: flex; flex-direction: column }"
        f"</style><body>{''.join(pages)}</body></html>"
    )


def fits(page: _Written, answer: dict[str, Any], settings: Settings) -> bool:
    """Whether the page has words, not too many, lies on its paper with a margin around."""
    width, height = answer["size"]
    inside = all(
        min(word["box"][:2]) >= EDGE and word["box"][2] <= width - EDGE for word in answer["words"]
    )
    low_enough = height <= min(SLOT[1], 1.6 * max(page.paper))
    return inside and low_enough and 8 <= len(answer["words"]) <= settings.most_words


def make_record(
    page: _Written,
    answer: dict[str, Any],
    settings: Settings,
    index: int,
    image_size: tuple[int, int],
    scan: Scan | None = None,
) -> DocumentRecord:
    """The record of a page that was rendered; `answer` as `Page.words` gives it."""
    scale = np.tile(answer["size"], 2).astype(float)

    def to_page(boxes: list) -> np.ndarray:
        found = np.clip(np.reshape(boxes, (-1, 4)) / scale, 0, 1)
        return found if scan is None else scan_boxes(scan, found, answer["size"])

    words = [word["text"] for word in answer["words"]]
    boxes = to_page([word["box"] for word in answer["words"]])
    # A mark that was made and not used is on no element.
    shown = sorted(map(int, answer["marked"]))
    words_of = {mark: [] for mark in shown}
    for number, word in enumerate(answer["words"]):
        for mark in word["marks"]:
            words_of[int(mark)].append(number)
    known = MarkedPage(
        kind=page.kind,
        language=page.sheet.language,
        words=words,
        boxes=boxes,
        marks=[page.sheet.marks[mark] for mark in shown],
        words_of=[tuple(numbers) for numbers in words_of.values()],
        box_of=[
            tuple(map(float, box))
            for box in to_page([answer["marked"][str(mark)] for mark in shown])
        ],
        most_words=settings.most_words,
    )
    name = f"{settings.seed}/{index}"
    maker = index // settings.per_maker
    return DocumentRecord(
        id=f"synth-doc:{name}",
        document=f"synth-doc:{name}",
        image=f"images/{index // 1000:04d}/{settings.seed}-{index:07d}",
        image_size=image_size,
        words=tuple(words),
        boxes=boxes,
        lines=tuple(lines_of(np.array([word["box"] for word in answer["words"]]))),
        words_from="text layer",
        regions=tuple(regions_of(known)),
        questions=tuple(ask(known, Random(f"questions {name}"))),
        page=0,
        pages=1,
        page_size=tuple(0.75 * side for side in answer["size"]),  # 96 px are 72 points
        source={
            "dataset": "made",
            "uri": f"synth-doc:{name}",
            "site": f"synth-doc:{settings.seed}/maker-{maker}",
            "licence": "Apache-2.0",
            "title": f"made page {index} of seed {settings.seed}: {page.kind}",
            "language": page.sheet.language.code,
            "scanned": scan is not None,
        },
    )


def lines_of(boxes: np.ndarray) -> list[tuple[int, int]]:
    """Slices of words that are beside each other, from left to right."""
    starts = [
        i
        for i, box in enumerate(boxes)
        if i == 0
        or box[0] < boxes[i - 1][0]
        or abs(box[1::2].mean() - boxes[i - 1][1::2].mean()) > (box[3] - box[1]) / 2
    ]
    return list(zip(starts, [*starts[1:], len(boxes)], strict=True))
