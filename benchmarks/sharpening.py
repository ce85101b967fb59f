"""Sharpening text before shrinking: how many words an OCR program still reads, with and without.

    apt-get install tesseract-ocr
    python -m benchmarks.sharpening data/raw --sections 60 --scale 0.8 0.65 0.5

DIR is what data_prep.capture wrote: the words that a section shows are in its author.jsonl. A
section's score is the share of them that tesseract finds in the shrunk screenshot (enlarged three
times, as it wants it). Prints means, and the paired difference with a 95 % interval.
"""

import argparse
import io
import json
import re
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
from PIL import Image

from xojl_jax.data.images import decode_image
from xojl_jax.data.sharpen import sharpen_text

LEAST_WORDS = 25


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.add_argument("--sections", type=int, default=60, help="how many, spread over DIR")
    parser.add_argument("--scale", type=float, nargs="+", default=[0.8, 0.65, 0.5])
    return parser.parse_args()


def words_of(text: str) -> set[str]:
    return {word.lower() for word in re.findall("[A-Za-z]{3,}", text)}


def read_sections(folder: Path, count: int) -> list[tuple[np.ndarray, set[str]]]:
    """(screenshot, words that it shows) of sections with enough words."""
    shown = {}
    for line in (folder / "author.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        # the browser's own cut of long texts could end within a word
        shown[entry["id"]] = set().union(
            *(words_of(n.get("text", "")[:200]) for n in entry["nodes"])
        )
    found = []
    for line in (folder / "records.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        if len(words := shown.get(record["id"], set())) >= LEAST_WORDS:
            found.append((folder / record["screenshot"], words))
    step = max(1, len(found) // count)
    return [(decode_image(path.read_bytes()), words) for path, words in found[::step][:count]]


def read_words(image: np.ndarray) -> set[str]:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    command = ["tesseract", "-", "-", "--psm", "11", "--dpi", "150"]
    answer = subprocess.run(command, input=buffer.getvalue(), capture_output=True, check=True)
    return words_of(answer.stdout.decode(errors="ignore"))


def recall(image: np.ndarray, words: set[str], scale: float) -> float:
    height, width = image.shape[:2]
    small = Image.fromarray(image).resize(
        (round(width * scale), round(height * scale)), Image.Resampling.HAMMING, reducing_gap=3.0
    )
    large = small.resize((3 * small.width, 3 * small.height), Image.Resampling.BICUBIC)
    return len(read_words(np.asarray(large)) & words) / len(words)


def main() -> None:
    options = parse_arguments()
    if not shutil.which("tesseract"):
        raise SystemExit("tesseract is not installed: apt-get install tesseract-ocr")
    sections = read_sections(options.folder, options.sections)
    start = time.process_time()
    sharp = [sharpen_text(image) for image, _ in sections]
    cost = 1000 * (time.process_time() - start) / len(sections)
    print(f"{len(sections)} sections; sharpening takes {cost:.1f} ms of processor time each")
    print("scale  as it is  sharpened  difference")
    for scale in options.scale:
        plain = np.array([recall(image, words, scale) for image, words in sections])
        helped = np.array(
            [recall(i, words, scale) for i, (_, words) in zip(sharp, sections, strict=True)]
        )
        gain = helped - plain
        picks = np.random.default_rng(0).integers(len(gain), size=(2000, len(gain)))
        low, high = np.quantile(gain[picks].mean(axis=1), [0.025, 0.975])
        print(
            f"{scale:5.2f} {plain.mean():9.3f} {helped.mean():10.3f}"
            f"  {gain.mean():+.3f} [{low:+.3f}, {high:+.3f}]",
            flush=True,
        )


if __name__ == "__main__":
    main()
