"""Screenshots of desktops: tool bars and monitors that are there, and pages that look alike."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from data_prep.screens.clean import clean, find_chrome, find_monitors
from data_prep.screens.monitors import primary

SHOTS = Path(__file__).parent / "shots"
VIEWPORTS = json.loads((SHOTS / "viewports.json").read_text())


def shot(name: str) -> np.ndarray:
    """uint8[H, W, 3] of a real window that shows a page of ours."""
    with Image.open(SHOTS / f"{name}.webp") as picture:
        return np.asarray(picture.convert("RGB"))


def wallpaper(width: int, height: int) -> np.ndarray:
    """A desktop of no single color."""
    y, x = np.mgrid[:height, :width]
    waves = [128 + 90 * np.sin(x / a + y / b) for a, b in ((90, 170), (140, 60), (70, 200))]
    return np.stack(waves, -1).astype(np.uint8)


def header(tabs: bool = False, buttons: int = 0) -> np.ndarray:
    """A page's own header with a search field, as like a tool bar as the arguments make it."""
    image = Image.new("RGB", (1280, 720), "#ffffff")
    draw = ImageDraw.Draw(image)
    draw.rectangle([0, 0, 1279, 39], fill="#d3e3fd")
    if tabs:
        draw.rounded_rectangle([60, 6, 300, 50], 8, fill="#ffffff")
    draw.rectangle([0, 40, 1279, 85], fill="#ffffff")
    draw.rounded_rectangle([140, 46, 1000, 79], 17, fill="#edf2fa")
    for i in range(buttons):
        draw.ellipse([16 + 36 * i, 56, 30 + 36 * i, 70], fill="#444746")
    draw.line([0, 86, 1279, 86], fill="#e1e3e1")
    draw.rectangle([100, 200, 600, 500], fill="#2a7d4f")
    return np.asarray(image)


@pytest.mark.parametrize("name", VIEWPORTS)
def test_tool_bars_of_real_windows_are_found_to_the_pixel(name):
    """Protects the purpose: real Chromium and Firefox, light, dark, framed, scroll bar."""
    crop = find_chrome(shot(name))
    assert crop is not None
    assert np.abs(np.subtract(crop.box, VIEWPORTS[name])).max() <= 1


@pytest.mark.parametrize("name", VIEWPORTS)
def test_a_page_has_no_tool_bars(name):
    """Protects pages, and repeated cleaning: their own header with a search field stays."""
    left, top, right, bottom = VIEWPORTS[name]
    page = shot(name)[top:bottom, left:right]
    assert find_chrome(page) is None
    (done,) = clean(page)
    assert done.box == (0, 0, page.shape[1], page.shape[0]) and not done.did


def test_each_piece_of_evidence_is_needed():
    """Protects headers: with tab and buttons it is a browser, without either it is a page."""
    assert find_chrome(header(tabs=True, buttons=3)).top == 87
    assert find_chrome(header(tabs=False, buttons=3)) is None
    assert find_chrome(header(tabs=True, buttons=2)) is None
    assert find_chrome(header(tabs=True, buttons=0)) is None


def test_a_picture_of_a_window_inside_a_page_stays():
    """Protects landing pages that show a small browser window."""
    page = np.full((1600, 2880, 3), 250, np.uint8)
    window = shot("chromium-bookmarks")
    page[300 : 300 + 768, 700 : 700 + 1366] = window
    assert find_chrome(page) is None


def test_two_pixels_per_css_px_are_halved():
    """Protects scale: the address bar's height tells; a box moves with crop and scale."""
    large = shot("firefox-dark").repeat(2, 0).repeat(2, 1)
    (done,) = clean(large)
    left, top, right, bottom = VIEWPORTS["firefox-dark"]
    assert done.scale == 2
    assert done.image.shape[:2] == (bottom - top, right - left)
    assert np.array_equal(done.image, shot("firefox-dark")[top:bottom, left:right])
    box = done.move([[2 * left + 20, 2 * top + 40, 60, 80]])
    assert np.allclose(box, [[10, 20, 30, 40]])


def desktop(*parts: np.ndarray) -> tuple[np.ndarray, list[tuple]]:
    """Monitors side by side at the top, black below the lower ones; their boxes."""
    height, x, boxes = max(len(part) for part in parts), 0, []
    canvas = np.zeros((height, sum(part.shape[1] for part in parts), 3), np.uint8)
    for part in parts:
        canvas[: len(part), x : x + part.shape[1]] = part
        boxes.append((x, 0, x + part.shape[1], len(part)))
        x += part.shape[1]
    return canvas, boxes


@pytest.mark.parametrize("stacked", [False, True])
def test_monitors_of_two_sizes_are_split(stacked):
    """Protects several monitors: the black corner and the window tell, either way round."""
    first, second = shot("firefox-dark"), wallpaper(1920, 1080)
    if stacked:
        first, second = first.transpose(1, 0, 2), second.transpose(1, 0, 2)
    canvas, boxes = desktop(first, second)
    if stacked:
        canvas = canvas.transpose(1, 0, 2)
        boxes = [(top, left, bottom, right) for left, top, right, bottom in boxes]
    found = find_monitors(canvas)
    assert [crop.box for crop in found] == boxes
    assert primary(canvas, found) == 0  # the one with the browser, though the other shows more
    (done,) = clean(canvas)
    assert done.image.shape[0] == 800 - 85 and done.monitor == (0, 2)


def test_monitors_of_one_size_need_a_window():
    """Protects wide pages: two halves alone are no monitors, a browser that ends at the seam is."""
    desk = wallpaper(1366, 768)
    canvas, boxes = desktop(shot("chromium-bookmarks"), desk)
    assert [crop.box for crop in find_monitors(canvas)] == boxes
    halves = np.concatenate([desk, 255 - desk], 1)
    assert len(find_monitors(halves)) == 1


def test_split_gives_every_monitor():
    """Protects `--monitors split`: three monitors, one picture each, all accounted for."""
    parts = [shot("chromium-bookmarks"), wallpaper(1280, 1024), shot("firefox-dark")]
    canvas, boxes = desktop(*parts)
    done = clean(canvas, monitors="split", chrome="keep")
    assert [part.box for part in done] == boxes
    assert all(np.array_equal(p.image, part) for p, part in zip(done, parts, strict=True))


@pytest.mark.parametrize(
    "size", [(3840, 1080), (2560, 720), (1280, 5000), (5120, 1440), (200, 100)]
)
def test_split_screen_pages_stay_whole(size):
    """Protects pages with two halves, dark corners and margins: none is a monitor."""
    width, height = size
    page = np.full((height, width, 3), 255, np.uint8)
    page[:, width // 2 :] = (20, 30, 60)
    assert len(find_monitors(page)) == 1
    page[height * 2 // 3 :, : width // 2] = 0
    assert len(find_monitors(page)) == 1
    page[:] = 0
    page[height // 4 : height // 2, width // 4 : width // 2] = 200
    assert len(find_monitors(page)) == 1


def test_what_is_asked_for_wins_and_what_is_unknown_is_refused():
    """Protects the modes: keep keeps, 2 halves, another word is an error."""
    image = shot("chromium-bookmarks")
    (kept,) = clean(image, monitors="keep", chrome="keep", scale="1")
    assert np.array_equal(kept.image, image) and not kept.did
    (half,) = clean(image, chrome="keep", scale="2")
    assert half.image.shape == (384, 683, 3) and "asked for" in half.did[0]
    with pytest.raises(ValueError, match="monitors"):
        clean(image, monitors="all")
