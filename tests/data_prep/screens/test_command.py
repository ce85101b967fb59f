"""The command that cleans screenshots: what it writes, moves, counts and refuses."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.screens_windows import Desk, Window
from data_prep.screens.clean import find_chrome
from data_prep.screens.command import main
from xojl_jax.errors import BadUsage

SHOTS = Path(__file__).parent / "shots"
VIEWPORTS = json.loads((SHOTS / "viewports.json").read_text())
NAME = "chromium-bookmarks"
TREE = {"main@d_flex": {"h1": {"text": "xv1"}, "p": {"text": "xv2"}}}


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def data_set(folder: Path, **records) -> Path:
    """A folder with a record of the same screenshot for each name with its boxes."""
    (folder / "screenshots").mkdir(parents=True)
    shutil.copy(SHOTS / f"{NAME}.webp", folder / "screenshots" / "a.webp")
    with (folder / "records.jsonl").open("w") as stream:
        for name, boxes in records.items():
            record = {"id": name, "screenshot": "screenshots/a.webp", "html": TREE}
            stream.write(json.dumps(record | {"html_boxes": boxes, "note": 1}) + "\n")
    return folder


def test_pictures_are_cleaned_and_everything_is_counted(tmp_path, capsys):
    """Protects the report: every picture is written or named, the log holds the crop."""
    given = tmp_path / "in"
    given.mkdir()
    shutil.copy(SHOTS / f"{NAME}.webp", given / "a.webp")
    Image.fromarray(np.full((90, 160, 3), 77, np.uint8)).save(given / "plain.png")
    (given / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n nothing")
    (given / "notes.txt").write_text("no picture")
    assert main([str(given), "--out", str(tmp_path / "out")]) == 1
    printed = capsys.readouterr().out
    assert "tool bars removed (tab strip" in printed and "nothing found" in printed
    assert "broken.png: is a" in printed and "left out (cannot be read): 1" in printed
    assert "other files in folders (no picture): 1" in printed and "written: 2" in printed
    first, second = lines(tmp_path / "out" / "screens.jsonl")
    assert first["box"] == VIEWPORTS[NAME] and first["size"] == [1366, 768]
    assert second["box"] == [0, 0, 160, 90] and not second["did"]
    with Image.open(tmp_path / "out" / first["out"]) as picture:
        assert picture.size == (1351, 647)


def test_boxes_of_records_move_with_the_crop(tmp_path, capsys):
    """Protects records: boxes follow, fields stay; boxes that contradict the crop forbid it."""
    left, top, right, bottom = VIEWPORTS[NAME]
    page = [left, top, right - left, 300, 0]
    inside = [page, [10, top + 5, 50, 20, 1], [10, top + 40.5, 50, 20, 1]]
    outside = [[0, 0, 400, 100, 0], [0, 0, 400, 30, 1], [0, 30, 400, 30, 1]]
    given = data_set(tmp_path / "in", inside=inside, outside=outside)
    with (given / "records.jsonl").open("a") as stream:
        stream.write('{"screenshot": 3}\n')
    (given / "author.jsonl").write_text('{"id": "inside"}\n')
    assert main([str(given), "--out", str(tmp_path / "out")]) == 1
    cut, kept = lines(tmp_path / "out" / "records.jsonl")
    assert cut["html_boxes"] == [
        [0, 0, right - left, 300, 0], [10, 5, 50, 20, 1], [10, 40.5, 50, 20, 1],
    ]  # fmt: skip
    assert cut["viewport"] == [right - left, bottom - top]
    assert cut["note"] == 1 and cut["html"] == TREE
    assert kept["html_boxes"] == outside and "viewport" not in kept
    sizes = []
    for record in (cut, kept):
        with Image.open(tmp_path / "out" / record["screenshot"]) as picture:
            sizes.append(picture.size)
    assert sizes == [(right - left, bottom - top), (1366, 768)]
    printed = capsys.readouterr().out
    assert "not cut (the boxes are outside the crop): 1" in printed
    assert "left out (bad record): 1" in printed
    assert (tmp_path / "out" / "author.jsonl").is_file()


def test_wrong_calls_are_refused(tmp_path):
    """Protects people's files: nothing is written over, no mode is silently ignored."""
    given = data_set(tmp_path / "in", a=[[0, 0, 1, 1, 0]] * 3)
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("mine")
    for argv, what in (
        ([str(given), "--out", str(full)], "not empty"),
        ([str(given), "--out", str(tmp_path / "o"), "--monitors", "split"], "one screenshot"),
        ([str(given), str(SHOTS), "--out", str(tmp_path / "o")], "alone"),
        ([str(tmp_path / "none.png"), "--out", str(tmp_path / "o")], "no such"),
        ([str(full), "--out", str(tmp_path / "o")], "no .png"),
    ):
        with pytest.raises(BadUsage, match=what):
            main(argv)


@pytest.mark.skipif(
    not all(map(shutil.which, ("Xvfb", "chromium", "openbox"))) or os.name != "posix",
    reason="opens a real window: needs Xvfb, chromium and openbox",
)
def test_the_window_of_todays_browser_is_found(tmp_path):
    """Protects against new looks: the Chromium of this machine, not the one of our pictures."""
    (tmp_path / "page.html").write_text("<body style='background:#264'><h1>A page</h1>")
    with Desk(Window(tabs=2), tmp_path) as desk:
        picture = desk.shoot("/page.html")
        crop = find_chrome(picture)
        assert crop is not None
        assert np.abs(np.subtract(crop.box, desk.viewport)).max() <= 1
