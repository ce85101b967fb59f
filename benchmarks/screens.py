"""How often tool bars are found, and how often a page is cut that has none.

  python -m benchmarks.screens --sites FOLDER [--records DATA_SET]

Opens real Chromium and Firefox windows under Xvfb (with openbox) that show pages of FOLDER, whose
sub-folders are sites, and compares with the viewport that is known; then takes the viewports alone,
and a data set's screenshots, in which there is nothing to find. docs/screens.md has the figures.
"""

import argparse
import random
from collections import Counter
from pathlib import Path

import numpy as np

from benchmarks.screens_windows import Desk, Window
from data_prep.screens.clean import clean, find_chrome
from xojl_jax.data.images import decode_image

MARGIN = (60, 40, 80, 50)
WINDOWS = [
    Window(maximized=False),
    Window(width=1366, height=768, bookmarks=True, tabs=3),
    Window(width=1920, height=1080, tabs=8),
    Window(width=1280, height=720, dark=True, bookmarks=True, tabs=2),
    Window(width=1440, height=900, dark=True, margin=MARGIN, tabs=4),
    Window(width=1600, height=900, private=True),
    Window(frame=True, margin=(30, 20, 40, 30), tabs=2),
    Window(width=2560, height=1440, scale=2, tabs=3),
    Window(width=2560, height=1600, scale=2, dark=True, bookmarks=True),
    Window(width=1024, height=768, tabs=12),
    Window("firefox", width=1366, height=768, bookmarks=True, tabs=3),
    Window("firefox", dark=True),
    Window("firefox", width=1920, height=1080, tabs=6),
    Window("firefox", width=1440, height=900, frame=True, margin=MARGIN, tabs=2),
    Window("firefox", width=1280, height=720, private=True),
    Window("firefox", width=2560, height=1440, scale=2, tabs=3),
    Window("firefox", width=1024, height=768, dark=True, bookmarks=True, tabs=10),
    Window("firefox", width=1600, height=900, dark=True, margin=MARGIN, tabs=3),
]


def main() -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.screens")
    parser.add_argument("--sites", required=True, type=Path)
    parser.add_argument("--records", type=Path)
    parser.add_argument("--pages", type=int, default=5, help="per window, of different sites")
    args = parser.parse_args()
    for number, window in enumerate(WINDOWS):
        counts = measure(window, args.sites, choose(args.sites, args.pages, number))
        print(window.name, dict(counts), flush=True)
    if args.records:
        files = sorted((args.records / "screenshots").iterdir())
        cut = [file.name for file in files if any(p.did for p in clean(decode(file), scale="1"))]
        print(f"bare screenshots: {len(files)}, wrongly cut: {len(cut)}", *cut, sep="\n")


def decode(file: Path) -> np.ndarray:
    return decode_image(file.read_bytes())


def choose(sites: Path, count: int, seed: int) -> list[str]:
    """Paths of one page each of `count` sites, by chance."""
    rng = random.Random(seed)
    pages = {site: sorted(site.rglob("*.html")) for site in sorted(sites.iterdir())}
    some = rng.sample([site for site in pages if pages[site]], count)
    return ["/" + str(rng.choice(pages[site]).relative_to(sites)) for site in some]


def measure(window: Window, sites: Path, pages: list[str]) -> Counter:
    """How the window's pictures and their viewports alone come out."""
    counts: Counter = Counter()
    with Desk(window, sites) as desk:
        left, top, right, bottom = desk.viewport
        for page in pages:
            image = desk.shoot(page, Path(page).stem, page)
            crop = find_chrome(image)
            counts["shots"] += 1
            if crop is None:
                counts["not found"] += 1
            else:
                off = np.abs(np.subtract(crop.box, desk.viewport))
                bar = abs(right - desk.scroll_bar - crop.right)
                counts["top within 1 px"] += int(off[1] <= 1)
                counts["all sides within 1 px"] += int(max(off[0], off[1], off[3], bar) <= 1)
            counts["bare viewports cut"] += find_chrome(image[top:bottom, left:right]) is not None
    return counts


if __name__ == "__main__":
    main()
