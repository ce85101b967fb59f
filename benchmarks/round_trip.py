"""How well the round trip tells true pictures from damaged ones.

  python -m benchmarks.round_trip --rows rows.jsonl --plot scores.png DIR...

Judges every record of the folders (of data_prep.capture or synthesize) with its own screenshot and
with damaged ones, and prints how the scores are distributed. Verdicts are appended to --rows, and
records that have theirs are not judged again. docs/round_trip.md has the figures.
"""

import argparse
import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from data_prep.browser.chromium import Browser, PageError
from data_prep.records.captured import RECORDS, Authors, read_records
from data_prep.roundtrip.blocks import Blocks
from data_prep.roundtrip.command import RECOMMENDED
from data_prep.roundtrip.likeness import compare
from data_prep.roundtrip.rendering import PAGE_SECONDS, read_screenshot, render_tree
from xojl_jax.xojl.record import Record
from xojl_jax.xojl.tree import preorder

SHIFT = 26  # px: a bar of a browser more or less
ZOOM = 1.25
LEVELS, SEEN = 16, 0.005  # of 255; share of the pixels that have to differ by that
# Damage after which the tree is rendered again, since what shines through the section, and the
# color of its pictures, are taken from the screenshot.
AGAIN = ("half loaded", "half decoded", "swapped")
DECODERS_GRAY = 128  # what libjpeg fills in for the part of a file that is not there
SMALLEST = 16  # px, sides of a picture that is blanked


def main() -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.round_trip")
    parser.add_argument("folders", nargs="*", type=Path, metavar="DIR")
    parser.add_argument("--rows", required=True, type=Path, metavar="FILE.jsonl")
    parser.add_argument("--plot", type=Path, metavar="FILE.png")
    parser.add_argument("--every", type=int, default=1, help="every n-th record of a folder")
    parser.add_argument(
        "--all-damages-every",
        type=int,
        default=1,
        metavar="N",
        help="of the records between only the true and the swapped picture, half of the time",
    )
    parser.add_argument("--bare", action="store_true", help="without author.jsonl")
    args = parser.parse_args()
    done = {row["id"] for row in read_rows(args.rows)}
    with Browser(page_seconds=PAGE_SECONDS) as browser, args.rows.open("a") as out:
        for folder in args.folders:
            for row in judge_folder(browser, folder, args, done):
                out.write(json.dumps(row) + "\n")
                out.flush()
    scores, untold = defaultdict(list), Counter()
    for row in read_rows(args.rows):
        for damage, score in row["scores"].items():
            if score is None:
                untold[damage] += 1
            else:
                scores[damage].append(score)
    print_table(scores, untold)
    if args.plot:
        plot(scores).save(args.plot)


def read_rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def judge_folder(browser, folder: Path, args, done: set[str]) -> Iterator[dict]:
    """`{"id", "scores": {damage: score}, "parts": {damage: parts}}` of the records not done.

    A score is None where there was nothing to compare.
    """
    authors = Authors(folder, optional=True)
    records = list(read_records(folder / RECORDS))
    for k, record in enumerate(records[:: args.every]):
        if record.id in done or (other := another_section(record, records)) is None:
            continue
        author = [] if args.bare else authors.get(record.id) or []
        try:
            pixels, strange = read_screenshot(folder, record), read_screenshot(folder, other)
            rendered, blocks = render_tree(browser, record, author, pixels)
            row = {"id": record.id, "scores": {}, "parts": {}}
            for damage, damaged in damaged_pictures(pixels, strange, blocks):
                if k % args.all_damages_every and damage not in ("true", "swapped"):
                    continue
                if damage in AGAIN:
                    rendered, blocks = render_tree(browser, record, author, damaged)
                likeness = compare(damaged, rendered, blocks)
                row["scores"][damage] = round(likeness.score, 4) if likeness.tells else None
                row["parts"][damage] = likeness.rounded()
        except PageError as error:
            print(f"{record.id}: {error}")
            continue
        yield row


def another_section(record: Record, records: list[Record]) -> Record | None:
    """One of other elements, by chance: the pages of a site share their bars."""
    tags = tags_of(record)
    others = [r for r in records if r.screenshot != record.screenshot and tags_of(r) != tags]
    # By the record's id, so that a resumed run makes the same choice.
    return random.Random(record.id).choice(others) if others else None


def tags_of(record: Record) -> list[str | None]:
    return [visit.node.tag for visit in preorder(record.html)]


def damaged_pictures(
    pixels: np.ndarray, strange: np.ndarray, blocks: Blocks
) -> Iterator[tuple[str, np.ndarray]]:
    """(damage, uint8[H, W, 3]) of a screenshot, the true one first, another page's last.

    All are as large as the true one: a size that does not fit would be too easy to tell.
    """
    height, width = pixels.shape[:2]
    yield "true", pixels
    yield "right 26 px", np.pad(pixels, ((0, 0), (SHIFT, 0), (0, 0)), "edge")[:, :width]
    yield "down 26 px", np.pad(pixels, ((SHIFT, 0), (0, 0), (0, 0)), "edge")[:height]
    white, gray = pixels.copy(), pixels.copy()
    white[height // 2 :], gray[height // 2 :] = 255, DECODERS_GRAY
    for damage, damaged in (
        ("mirrored", pixels[:, ::-1].copy()),
        ("half loaded", white),
        ("half decoded", gray),
    ):
        if differs(pixels, damaged):
            yield damage, damaged
    larger = Image.fromarray(pixels).resize((round(width * ZOOM), round(height * ZOOM)))
    yield "125 %", np.asarray(larger)[:height, :width]
    if (blanked := blank_one_picture(pixels, blocks)) is not None:
        yield "blank image", blanked
    strange = strange[:height, :width]
    missing = [(0, height - strange.shape[0]), (0, width - strange.shape[1]), (0, 0)]
    yield "swapped", np.pad(strange, missing, "edge")


def differs(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether a damage can be seen: half a page that is empty there loses nothing."""
    return bool((np.abs(one.astype(np.int16) - other).max(axis=2) > LEVELS).mean() > SEEN)


def blank_one_picture(pixels: np.ndarray, blocks: Blocks) -> np.ndarray | None:
    """The largest picture that nothing is inside of, in the color beside its corner."""
    pictures = np.flatnonzero(blocks.kinds.is_picture & blocks.kinds.is_leaf)
    boxes = blocks.first[pictures].round().astype(int)
    boxes = boxes[(boxes[:, 2:] >= SMALLEST).all(axis=1)]
    if not len(boxes):
        return None
    x, y, width, height = boxes[np.argmax(boxes[:, 2] * boxes[:, 3])]
    blanked = pixels.copy()
    x, y = max(0, x), max(0, y)
    blanked[y : y + height, x : x + width] = pixels[max(0, y - 1), max(0, x - 1)]
    return blanked


# --- for people -----------------------------------------------------------------------------------


def print_table(scores: dict[str, list[float]], untold: Counter) -> None:
    """Per damage: how scores are distributed; then what a threshold lets through.

    Args:
      untold: by damage, pictures that got no score.
    """
    marks = (1, 5, 25, 50, 75, 95, 99)
    heads = [*(f"{mark} %" for mark in marks), f">= {RECOMMENDED}", "no score"]
    print("| picture | scores | " + " | ".join(heads) + " |")
    print("| --- " * (len(heads) + 2) + "|")
    for damage, found in scores.items():
        values = [f"{value:.2f}" for value in np.percentile(found, marks)]
        passed = np.mean(np.array(found) >= RECOMMENDED)
        cells = [*values, f"{passed:.1%}", str(untold[damage])]
        print(f"| {damage} | {len(found)} | " + " | ".join(cells) + " |")
    if {"true", "swapped"} <= set(scores):
        print(f"99 % of the swapped are below {np.percentile(scores['swapped'], 99):.3f}, ", end="")
        print(f"95 % of the true ones above {np.percentile(scores['true'], 5):.3f}")


BINS, BAR, ROW = 50, 22, 116  # of a histogram; px
LEFT, RIGHT, TOP, BOTTOM = 260, 250, 96, 24  # px around the histograms
GRAY, PALE, TRUE, DAMAGED = "#5a5a5a", "#ececec", "#2c6fad", "#c8553d"


def plot(scores: dict[str, list[float]]) -> Image.Image:
    """A histogram of the scores per damage, one above the other, the threshold as a line."""
    width, bottom = BINS * BAR, TOP + ROW * len(scores)
    sheet = Image.new("RGB", (LEFT + width + RIGHT, bottom + BOTTOM), "white")
    draw, font, small = (
        ImageDraw.Draw(sheet),
        ImageFont.load_default(26),
        ImageFont.load_default(22),
    )
    threshold = LEFT + round(RECOMMENDED * width)
    draw.rectangle((threshold, TOP, LEFT + width, bottom), "#f3f8f1")
    for fifth in range(6):
        x = LEFT + fifth * width // 5
        draw.line((x, TOP, x, bottom), PALE, 2)
        draw.text((x, TOP - 12), f"{fifth / 5:g}", GRAY, small, anchor="mb")
    draw.line((threshold, TOP - 8, threshold, bottom), "#222", 3)
    draw.text((threshold, TOP - 46), f"threshold {RECOMMENDED}", "#222", small, anchor="mb")
    draw.text((LEFT, TOP - 46), "round-trip score of the picture", GRAY, small, anchor="lb")
    draw.text((LEFT + width + 24, TOP - 12), "at or above it", GRAY, small, anchor="lb")
    for k, (damage, found) in enumerate(scores.items()):
        base, color = TOP + (k + 1) * ROW - 8, TRUE if damage == "true" else DAMAGED
        counts, _ = np.histogram(found, BINS, (0, 1))
        for j, count in enumerate(counts):
            # The square root, so that the few that count, near the threshold, can be seen.
            high = round((ROW - 24) * (count / max(counts)) ** 0.5)
            if count:
                x = LEFT + j * BAR
                draw.rectangle((x + 1, base - max(2, high), x + BAR - 2, base), color)
        draw.line((LEFT, base, LEFT + width, base), "#9a9a9a", 2)
        draw.text((LEFT - 20, base - 40), damage, "#222", font, anchor="rb")
        draw.text((LEFT - 20, base - 8), f"{len(found):,} records", GRAY, small, anchor="rb")
        passed = f"{np.mean(np.array(found) >= RECOMMENDED):.1%}"
        draw.text((LEFT + width + 24, base - 20), passed, color, font, anchor="lb")
    return sheet


if __name__ == "__main__":
    main()
