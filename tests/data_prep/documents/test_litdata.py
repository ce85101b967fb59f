"""litdata's chunks, as its writer (0.2.76, `BinaryWriter`) wrote those in litdata/ here."""

import json
import shutil
from pathlib import Path

import fsspec
import numpy as np
import pytest
from PIL import Image

from data_prep.documents.command import main
from data_prep.documents.document import LocalFile
from data_prep.documents.litdata import find
from xojl_jax.documents.record import read_directory
from xojl_jax.errors import BadInput

WRITTEN = Path(__file__).parent / "litdata"


def failed(out) -> dict[str, str]:
    lines = (out / "documents.jsonl").read_text(encoding="utf-8").splitlines()
    return {line["uri"]: line["failed"] for line in map(json.loads, lines) if line["failed"]}


def run(out, *sources) -> list:
    assert main([*map(str, sources), "--out", str(out), "--workers", "1", "--no-ocr"]) == 0
    return [record for _, record in read_directory(out)]


def test_samples_of_every_kind(tmp_path):
    """Protects what litdata's own types become: PDFs with published words, bare ones, pictures; and
    a pickle from being opened."""
    records = {record.source["uri"]: record for record in run(tmp_path, WRITTEN)}
    names = ("bare/chunk-0-0.bin/0", "jpeg/chunk-0-0.bin/0", "pdfa/chunk-0-0.bin/0")
    names += ("pdfa/chunk-0-0.bin/1", "pdfa/chunk-0-1.bin/0", "pixels/chunk-0-0.bin/0")
    assert sorted(records) == [f"litdata/{name}" for name in names]
    published = records["litdata/pdfa/chunk-0-0.bin/1"]
    assert (published.words, published.words_from) == (("Hello",), "ocr words")
    assert published.source["dataset"] == "pdfa"
    bare = records["litdata/bare/chunk-0-0.bin/0"]
    assert (bare.words, bare.words_from) == (("Bare",), "text layer")
    pixels = records["litdata/pixels/chunk-0-0.bin/0"]
    assert (pixels.words, pixels.image_size) == ((), (20, 10))
    shown = np.asarray(Image.open(tmp_path / pixels.image))
    assert (shown == np.arange(200).reshape(10, 20)).all()
    assert records["litdata/jpeg/chunk-0-0.bin/0"].image_size == (20, 10)
    reason = failed(tmp_path)["litdata/pickled/chunk-0-0.bin/0"]
    assert reason.startswith("fields that are not read: pdf (pickle)")


def test_chunks_of_a_bucket(tmp_path):
    """Protects chunks elsewhere: each is brought for itself, and one that is missing is told."""
    bucket = fsspec.filesystem("memory")
    for name in ("index.json", "chunk-0-1.bin"):
        bucket.pipe(f"/chunks/{name}", (WRITTEN / "pdfa" / name).read_bytes())
    try:
        (record,) = run(tmp_path, "memory://chunks/")
    finally:
        bucket.rm("/chunks", recursive=True)
    assert record.source["uri"] == "memory://chunks/chunk-0-1.bin/0"
    missing = {"memory://chunks/chunk-0-0.bin": "index.json names it, and it is not there"}
    assert failed(tmp_path) == missing


def copy_of(folder: Path, name: str) -> Path:
    return Path(shutil.copytree(WRITTEN / name, folder / name))


@pytest.mark.parametrize(
    ("where", "value", "reason"),
    [
        (slice(0, 4), 1 << 31, "no chunk of litdata"),
        (slice(4, 8), 1 << 20, "a broken chunk"),
        (slice(12, 16), 1 << 20, "a broken chunk"),
    ],
)
def test_chunks_that_lie(tmp_path, where, value, reason):
    """Protects memory and bounds from counts and offsets of nobody knows whom."""
    chunk = copy_of(tmp_path, "pdfa") / "chunk-0-0.bin"
    data = bytearray(chunk.read_bytes())
    data[where] = value.to_bytes(4, "little")
    chunk.write_bytes(data)
    with pytest.raises(BadInput, match=reason):
        list(find(LocalFile(chunk), "chunk"))


def test_a_sample_that_lies_costs_itself(tmp_path):
    """Protects its neighbors."""
    chunk = copy_of(tmp_path, "pdfa") / "chunk-0-0.bin"
    data = bytearray(chunk.read_bytes())
    start = int.from_bytes(data[4:8], "little")
    data[start : start + 4] = (1 << 30).to_bytes(4, "little")
    chunk.write_bytes(data)
    first, second = find(LocalFile(chunk), "chunk")
    assert (first.fault, second.fault) == ("a broken sample", "")
    assert second.files["pdf"].read().startswith(b"%PDF")


def test_what_is_not_read_is_told(tmp_path):
    """Protects from chunks whose bytes are not those of their samples."""
    folder = copy_of(tmp_path, "bare")
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    for field, value in [("compression", "zstd"), ("item_loader", "TokensLoader")]:
        changed = index | {"config": index["config"] | {field: value}}
        (folder / "index.json").write_text(json.dumps(changed), encoding="utf-8")
        with pytest.raises(BadInput, match=f"{value}|{field}"):
            list(find(LocalFile(folder / "chunk-0-0.bin"), "chunk"))
