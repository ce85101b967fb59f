"""Words of a picture by Tesseract, where it is installed."""

import csv
import io
import os
import shutil
import subprocess

import numpy as np
from PIL import Image

from data_prep.documents.page import LeftOut, Words, slices_of


def is_installed() -> bool:
    return shutil.which("tesseract") is not None


def read_words(image: Image.Image, language: str) -> Words:
    """The words of a page's picture; raises `LeftOut` where Tesseract fails.

    It runs under the limits of the process that calls it (resource limits are inherited).
    """
    picture = io.BytesIO()
    image.convert("L").save(picture, "PNG", compress_level=1)
    command = ["tesseract", "stdin", "stdout", "-l", language, "--dpi", "200", "tsv"]
    # One thread a page: pages are read in parallel, and its threads gain little.
    environment = {"PATH": os.environ.get("PATH", ""), "OMP_THREAD_LIMIT": "1"}
    for name in ("TESSDATA_PREFIX", "LD_LIBRARY_PATH"):
        if name in os.environ:
            environment[name] = os.environ[name]
    done = subprocess.run(command, input=picture.getvalue(), capture_output=True, env=environment)
    if done.returncode:
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no message"]
        raise LeftOut(f"Tesseract failed: {last[0][:80]}")
    return parse_tsv(done.stdout.decode("utf-8", "replace"), image.size)


def parse_tsv(table: str, size: tuple[int, int]) -> Words:
    """Words of Tesseract's table, one row each (level 5), boxes in px of a picture of `size`."""
    texts, boxes, scores, places = [], [], [], []
    for row in csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE):
        if row["level"] != "5" or not (row["text"] or "").strip():
            continue
        left, top, width, height = (int(row[name]) for name in ("left", "top", "width", "height"))
        texts.append(row["text"].strip())
        boxes.append((left, top, left + width, top + height))
        scores.append(round(min(max(float(row["conf"]) / 100, 0), 1), 3))
        places.append(tuple(row[name] for name in ("block_num", "par_num", "line_num")))
    boxes = np.array(boxes, float).reshape(-1, 4) / (*size, *size)
    return Words(texts, np.clip(boxes, 0, 1), slices_of(places), scores, "tesseract")
