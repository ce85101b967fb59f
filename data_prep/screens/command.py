"""python -m data_prep.screens PICTURE|FOLDER… --out DIR

Makes pages of the screenshots that people took: splits monitors, removes a browser's tool bars,
scales to one CSS px a pixel. Where the picture proves nothing it stays as it is.
"""

import argparse
import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from data_prep.cli.folders import make_empty_folder
from data_prep.cli.progress import Progress
from data_prep.screens.clean import MODES, Clean, clean
from xojl_jax.data.images import decode_image
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.xojl.record import (
    Record,
    read_directory,
    record_to_json,
    safe_screenshot_path,
)

USAGE = """Makes pages of the screenshots that people took of their desktops: splits several
monitors, removes a browser's tool bars, window border and scroll bar, and halves the picture of a
screen with two pixels per CSS px. Each step needs evidence; a picture without it stays as it is.

  python -m data_prep.screens shot.png --out clean
  python -m data_prep.screens shots/ --out clean --monitors split
  python -m data_prep.screens data/raw --out data/clean

A FOLDER with records.jsonl (or *.json) is a data set: its boxes move with the crop, and DIR becomes
a data set. Of several monitors it keeps one, so --monitors split is for pictures alone. Other
folders: every picture directly inside. DIR/screens.jsonl has a line per picture that was written:
the crop in px of the given picture, the scale, and why. docs/screens.md explains the evidence.

Exit code 0 when every picture was read, 1 when one could not be (each is named)."""
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
LOG = "screens.jsonl"
SIDE_FILES = ("author.jsonl", "pages.jsonl")
OUTSIDE = 0.05  # of the boxes may be outside a crop; with more, crop and boxes contradict


def main(argv: list[str]) -> int:
    args = _parse(argv)
    modes = {name: getattr(args, name) for name in MODES}
    out = Path(args.out)
    counts: Counter = Counter()
    folders = [path for path in map(Path, args.paths) if _is_data_set(path)]
    if folders and len(args.paths) > 1:
        raise BadUsage(f"{folders[0]} is a data set: give it alone (its records become a new one)")
    if folders and args.monitors == "split":
        raise BadUsage("--monitors split: a record has one screenshot; use primary or keep")
    pictures = [] if folders else _pictures(args.paths, counts)
    make_empty_folder(out)
    with (out / LOG).open("w", encoding="utf-8") as log:
        if folders:
            _clean_records(folders[0], out, modes, counts, log)
        else:
            _clean_pictures(pictures, out, modes, counts, log)
    print("; ".join(f"{what}: {count}" for what, count in sorted(counts.items())))
    return 1 if any(what.startswith("left out") for what in counts) else 0


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m data_prep.screens",
        description=USAGE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("paths", nargs="+", metavar="PICTURE|FOLDER", help="what is cleaned")
    parser.add_argument("--out", required=True, metavar="DIR", help="a new or empty folder")
    parser.add_argument(
        "--monitors",
        choices=MODES["monitors"],
        default=MODES["monitors"][0],
        help="of several: the one with a browser window and the most content (default); a picture "
        "of each; all as they are",
    )
    parser.add_argument(
        "--chrome",
        choices=MODES["chrome"],
        default=MODES["chrome"][0],
        help="a browser's tool bars, window border and scroll bar (default: remove)",
    )
    parser.add_argument(
        "--scale",
        choices=MODES["scale"],
        default=MODES["scale"][0],
        help="px per CSS px; auto (default) believes the address bar's height, and nothing else",
    )
    return parser.parse_args(argv)


def _is_data_set(path: Path) -> bool:
    return path.is_dir() and ((path / "records.jsonl").is_file() or any(path.glob("*.json")))


# --- pictures --------------------------------------------------------------------------------


def _pictures(paths: list[str], counts: Counter) -> list[Path]:
    """The files that are named, and of each folder those that look like pictures."""
    found = []
    for path in map(Path, paths):
        if path.is_dir():
            files = sorted(file for file in path.iterdir() if file.is_file())
            fine = [file for file in files if file.suffix.lower() in SUFFIXES]
            if len(fine) < len(files):
                counts["other files in folders (no picture)"] += len(files) - len(fine)
            found += fine
        elif path.is_file():
            found.append(path)
        else:
            raise BadUsage(f"{path}: no such file or folder")
    if not found:
        raise BadUsage(f"{' '.join(paths)}: no {' '.join(SUFFIXES)} there")
    return found


def _clean_pictures(pictures: list[Path], out: Path, modes: dict, counts: Counter, log) -> None:
    names: Counter = Counter()
    for path in Progress(pictures, "pictures"):
        try:
            image = decode_image(path.read_bytes())
        except (BadInput, OSError) as error:
            _leave_out(f"{path}: {error}", "left out (cannot be read)", counts)
            continue
        cleaned = clean(image, **modes)
        names[path.stem] += 1
        stem = path.stem if names[path.stem] == 1 else f"{path.stem}~{names[path.stem]}"
        for part in cleaned:
            tail = f"-{part.monitor[0] + 1}" if len(cleaned) > 1 else ""
            _write(part, image, out / f"{stem}{tail}.png", str(path), counts, log)


def _write(part: Clean, image, file: Path, name: str, counts: Counter, log) -> None:
    """The picture as PNG, its line in the log, its line on the screen, its count."""
    Image.fromarray(part.image).save(file)
    height, width, _ = part.image.shape
    before = f"{image.shape[1]} x {image.shape[0]}"
    did = "; ".join(part.did) or "nothing found, as it was"
    print(f"{name}: {before} -> {width} x {height}: {did}")
    line = {
        "picture": name,
        "out": file.name,
        "size": [image.shape[1], image.shape[0]],
        "box": list(part.box),
        "scale": part.scale,
        "monitor": [part.monitor[0] + 1, part.monitor[1]],
        "did": list(part.did),
    }
    log.write(json.dumps(line, ensure_ascii=False) + "\n")
    counts["written"] += 1
    counts["tool bars removed"] += part.chrome
    counts["cut to one monitor"] += part.monitor[1] > 1
    counts["scaled"] += part.scale > 1


def _leave_out(line: str, why: str, counts: Counter) -> None:
    print(line)
    counts[why] += 1


# --- records ---------------------------------------------------------------------------------


def _clean_records(folder: Path, out: Path, modes: dict, counts: Counter, log) -> None:
    (out / "screenshots").mkdir()
    entries = list(read_directory(folder))
    with (out / "records.jsonl").open("w", encoding="utf-8") as lines:
        for number, (where, record) in enumerate(Progress(entries, "records")):
            if isinstance(record, BadInput):
                _leave_out(str(record), "left out (bad record)", counts)
                continue
            try:
                file = safe_screenshot_path(folder, record.screenshot, where=where)
                image = decode_image(file.read_bytes())
            except (BadInput, OSError) as error:
                _leave_out(f"{where}: {error}", "left out (screenshot cannot be read)", counts)
                continue
            part = _clean_record(record, image, modes, counts)
            target = out / "screenshots" / f"{number:06d}-{file.stem}.png"
            _write(part, image, target, record.id or where, counts, log)
            moved = _moved(record, part, f"screenshots/{target.name}")
            lines.write(record_to_json(moved) + "\n")
    for name in SIDE_FILES:  # keyed by id: as true of the new records as of the old ones
        if (folder / name).is_file():
            shutil.copyfile(folder / name, out / name)


def _clean_record(record: Record, image: np.ndarray, modes: dict, counts: Counter) -> Clean:
    """The cleaned picture; the picture as it was where the record's boxes contradict the crop."""
    (part,) = clean(image, **modes)
    if record.html_boxes and not _holds(part, record.html_boxes, image.shape):
        counts["not cut (the boxes are outside the crop)"] += 1
        (part,) = clean(image, monitors="keep", chrome="keep", scale="1")
    return part


def _holds(part: Clean, boxes, shape: tuple[int, ...]) -> bool:
    """Whether the boxes' middles, where they are in the picture, are in the crop nearly all."""
    x, y, width, height = np.array(boxes, np.float64)[:, :4].T
    across, down = x + width / 2, y + height / 2
    seen = (width * height > 0) & (across < shape[1]) & (down < shape[0])
    left, top, right, bottom = part.box
    inside = (across >= left) & (across <= right) & (down >= top) & (down <= bottom)
    return bool(not seen.any() or (~inside[seen]).mean() <= OUTSIDE)


def _moved(record: Record, part: Clean, screenshot: str) -> Record:
    """The record with its boxes in the new picture; the viewport is the page's where it was cut."""
    changes: dict = {"screenshot": screenshot}
    if record.html_boxes:
        boxes = np.array(record.html_boxes, np.float64)
        moved = np.column_stack([part.move(boxes[:, :4]), boxes[:, 4]])
        changes["html_boxes"] = tuple(tuple(_plain(v) for v in box) for box in moved)
    if part.chrome:
        changes["viewport"] = tuple(part.image.shape[1::-1])
    return replace(record, **changes)


def _plain(value: float) -> float | int:
    """A whole number without its .0, as captures write it."""
    value = round(float(value), 3)
    return int(value) if value.is_integer() else value
