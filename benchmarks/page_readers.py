"""Pages a second: every reader of documents, and the training loader against pixparse's way.

    python -m benchmarks.page_readers --pdf manuals/
    python -m benchmarks.page_readers --pdf manuals/ --chug-python chug-env/bin/python
    python -m benchmarks.page_readers --long refman.pdf     # memory on a long document

(1) The first pages of many PDFs, in every form that `data_prep.documents` reads, are made in a
temporary folder: PDF files, a PDFA and an IDL shard, PubTables-1M, PubLayNet, a chunk of litdata.
Each form is read by the command itself, start of its processes included, taking turns; medians.
Processor time a page counts where other work shares the machine.

(2) The PDF records become shards, and our loader gives whole batches of them, as the base preset
trains: pictures decoded, shrunk, padded, words in pieces, words and patches hidden. Against it
pixparse's way of reading: a tar shard of PDFs and JSON, a page drawn by pypdfium2 in the loader's
workers, one of each document. With --chug-python that is chug, its successor, itself (an
environment with https://github.com/huggingface/chug); see page_readers_chug.py. It leaves text as
text, where ours makes pieces and hides some.

(3) --long: the most memory of the processes while one document is read.
"""

import argparse
import io
import json
import os
import resource
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import numpy as np
import pypdfium2
from PIL import Image

from configs import document
from data_prep.build.command import main as build
from data_prep.documents.command import main as read
from data_prep.documents.pdf import render
from xojl_jax import tasks
from xojl_jax.data.loader import batches
from xojl_jax.documents.record import DocumentRecord, read_directory
from xojl_jax.errors import BadInput

ROOT = Path(__file__).parents[1]


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--pdf", metavar="DIR", help="PDF files, in any depth")
    add("--documents", type=int, default=48)
    add("--pages", type=int, default=4, help="of each document")
    add("--workers", type=int, default=2, help="processes, and threads of the loader")
    add("--turns", type=int, default=3)
    add("--batch", type=int, default=8)
    add("--chug-python", metavar="PYTHON", help="of an environment that has chug")
    add("--long", metavar="PDF", help="measure memory on this document instead")
    options = parser.parse_args()
    if not options.pdf and not options.long:
        parser.error("--pdf or --long: no documents come with this script")
    return options


# --- the same pages in every form ------------------------------------------------------------


def cut_documents(source: Path, folder: Path, options: argparse.Namespace) -> None:
    """PDF files of the first pages of documents, evenly from all of the folder."""
    folder.mkdir()
    paths = sorted(source.rglob("*.pdf"))
    wanted = paths[:: max(1, len(paths) // (2 * options.documents))]
    for path in wanted:
        if len(list(folder.iterdir())) == options.documents:
            return
        try:
            whole, part = pypdfium2.PdfDocument(path), pypdfium2.PdfDocument.new()
            if len(whole) >= options.pages:
                part.import_pages(whole, list(range(options.pages)))
                part.save(folder / f"{path.stem}.pdf")
        except pypdfium2.PdfiumError:
            continue


def keep_whole_documents(pdfs: Path, made: Path, options: argparse.Namespace) -> dict:
    """Reads the files once; removes those of which a page is left out. Records by file's stem."""
    command(made, [pdfs], options)
    records: dict[str, list[DocumentRecord]] = {}
    for _, record in read_directory(made):
        assert not isinstance(record, BadInput)
        records.setdefault(Path(record.source["uri"]).stem, []).append(record)
    for path in pdfs.iterdir():
        if len(records.get(path.stem, ())) < options.pages:
            records.pop(path.stem, None)
            path.unlink()
    return records


def write_forms(folder: Path, pdfs: Path, records: dict) -> dict[str, Path]:
    """The forms: name -> SOURCE of the command."""
    pdfa, idl, images = [], [], []
    tables, coco, lit = folder / "tables", folder / "coco", folder / "litdata"
    for path in (tables / "train", tables / "images", tables / "words", coco / "val", lit):
        path.mkdir(parents=True)
    for stem, pages in records.items():
        data = (pdfs / f"{stem}.pdf").read_bytes()
        words = json.dumps({"pages": [_pdfa_page(page) for page in pages]}).encode()
        pdfa.append({"pdf": data, "json": words})
        drawn = [page_picture(data, number, 2200) for number in range(len(pages))]
        lines = json.dumps({"pages": [_idl_page(page) for page in pages]}).encode()
        idl.append({"json": lines, "tif": _tiff(drawn)})
        for record, picture in zip(pages, drawn, strict=True):
            name = f"{stem}_{record.page}"
            small = picture.resize(record.image_size, Image.Resampling.LANCZOS)
            small.save(coco / "val" / f"{name}.jpg", quality=90)
            small.save(tables / "images" / f"{name}.jpg", quality=90)
            _write_table(tables, name, record)
            width, height = record.image_size
            facts = {"file_name": f"{name}.jpg", "width": width, "height": height}
            images.append({"id": len(images), **facts})
    index = {"categories": [], "images": images, "annotations": []}
    (coco / "val.json").write_text(json.dumps(index))
    _write_tar(folder / "pdfa.tar", pdfa)
    _write_tar(folder / "idl.tar", idl)
    _write_chunk(lit, pdfa)
    return {
        "PDF files": pdfs,
        "PDFA shard": folder / "pdfa.tar",
        "IDL shard": folder / "idl.tar",
        "PubTables-1M": tables,
        "PubLayNet": coco / "val.json",
        "litdata chunk": lit,
    }


def _write_table(folder: Path, name: str, record: DocumentRecord) -> None:
    """The XML and the words of a page of PubTables-1M."""
    width, height = record.image_size
    size = f"<size><width>{width}</width><height>{height}</height></size>"
    (folder / "train" / f"{name}.xml").write_text(f"<annotation>{size}</annotation>")
    boxes = (record.boxes * np.array([width, height, width, height])).tolist()
    words = [
        {"text": word, "bbox": box, "block_num": 0, "line_num": 0}
        for word, box in zip(record.words, boxes, strict=True)
    ]
    (folder / "words" / f"{name}_words.json").write_text(json.dumps(words))


def page_picture(data: bytes, number: int, side: int) -> Image.Image:
    return render(pypdfium2.PdfDocument(data)[number], side)


def _pdfa_page(record: DocumentRecord) -> dict:
    corners = record.boxes
    boxes = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1).tolist()
    places = [
        [line, 0] for line, (start, end) in enumerate(record.lines) for _ in range(start, end)
    ]
    words = {"text": list(record.words), "bbox": boxes, "score": [1.0] * len(boxes)}
    lines = [" ".join(record.words[start:end]) for start, end in record.lines]
    slices = [list(line) for line in record.lines]
    return {"words": words | {"line_pos": places}, "lines": {"text": lines, "word_slice": slices}}


def _idl_page(record: DocumentRecord) -> dict:
    texts, boxes = [], []
    for start, end in record.lines:
        corners = record.boxes[start:end]
        (x0, y0), (x1, y1) = corners[:, :2].min(axis=0), corners[:, 2:].max(axis=0)
        texts.append(" ".join(record.words[start:end]))
        boxes.append([float(x0), float(y0), float(x1 - x0), float(y1 - y0)])
    return {"text": texts, "bbox": boxes, "score": [1.0] * len(texts)}


def _tiff(pages: list[Image.Image]) -> bytes:
    """Scans as IDL has them: of one bit, packed as faxes are."""
    file = io.BytesIO()
    first, *others = [page.convert("1") for page in pages]
    first.save(file, "TIFF", save_all=True, append_images=others, compression="group4")
    return file.getvalue()


def _write_tar(path: Path, samples: list[dict[str, bytes]]) -> None:
    with tarfile.open(path, "w") as shard:
        for number, files in enumerate(samples):
            for suffix, data in files.items():
                member = tarfile.TarInfo(f"{number:07d}.{suffix}")
                member.size = len(data)
                shard.addfile(member, io.BytesIO(data))


def _write_chunk(folder: Path, samples: list[dict[str, bytes]]) -> None:
    """One chunk of samples of `pdf` and `json`, as litdata writes it."""
    packed = [
        np.array([len(files["pdf"]), len(files["json"])], "<u4").tobytes()
        + files["pdf"]
        + files["json"]
        for files in samples
    ]
    head = 4 * (len(packed) + 2)
    ends = head + np.cumsum([0, *map(len, packed)])
    chunk = np.array([len(packed), *ends], "<u4").tobytes() + b"".join(packed)
    (folder / "chunk-0-0.bin").write_bytes(chunk)
    leaf = {"type": None, "context": None, "children_spec": []}
    tree = {"type": "builtins.dict", "context": '["pdf", "json"]', "children_spec": [leaf, leaf]}
    config = {"data_format": ["bytes", "str"], "data_spec": json.dumps([1, tree])}
    names = {"filename": "chunk-0-0.bin", "chunk_size": len(packed), "chunk_bytes": len(chunk)}
    (folder / "index.json").write_text(json.dumps({"chunks": [names], "config": config}))


# --- readers ---------------------------------------------------------------------------------


def command(
    out: Path, sources: list[Path], options: argparse.Namespace
) -> tuple[int, float, float]:
    """(pages kept, seconds, processor seconds) of the command, run as a user runs it."""
    words = ["--no-ocr", "--workers", str(options.workers), "--out", str(out), *map(str, sources)]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "data_prep.documents", *words],
        cwd=ROOT,
        check=True,
        stderr=subprocess.DEVNULL,
    )
    after, seconds = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - start
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    kept = json.loads((out / "summary.jsonl").read_text(encoding="utf-8"))["kept"]
    return kept, seconds, spent


def read_all(folder: Path, forms: dict[str, Path], options: argparse.Namespace) -> None:
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in forms}
    kept = {}
    for turn in range(options.turns):
        for name, source in forms.items():
            out = folder / f"read-{turn}-{name.split()[0]}"
            kept[name], seconds, spent = command(out, [source], options)
            found[name].append((kept[name] / seconds, 1000 * spent / kept[name]))
    print(f"\n{'reader':14} pages  pages/s  ratio to PDF  ms of a processor a page")
    first = statistics.median(rate for rate, _ in found["PDF files"])
    for name, values in found.items():
        rate, spent = (statistics.median(column) for column in zip(*values, strict=True))
        print(f"{name:14} {kept[name]:5} {rate:8.1f} {rate / first:13.2f} {spent:12.1f}")


# --- the training loader ---------------------------------------------------------------------


def our_rate(shards: Path, options: argparse.Namespace) -> tuple[float, float]:
    """(pages/s, processor ms a page) of whole batches, each page once: nothing is in memory."""
    config = document.make("base")
    config.data.path = str(shards)
    dataset = tasks.make(config).dataset("train")
    count = len(dataset) // options.batch
    spent, start = time.process_time(), time.perf_counter()
    with batches(dataset, seed=0, batch_size=options.batch, num_threads=options.workers) as stream:
        for _ in range(count):
            next(stream)
        pages = count * options.batch
        seconds = time.perf_counter() - start
        return pages / seconds, 1000 * (time.process_time() - spent) / pages


def chug_rate(shard: Path, samples: int, options: argparse.Namespace) -> tuple[float, float]:
    script = Path(__file__).with_name("page_readers_chug.py")
    words = [shard, samples, options.batch, options.workers]
    environment = os.environ | {"HF_HUB_OFFLINE": "1"}
    told = subprocess.run(
        [options.chug_python, script, *map(str, words)],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    )
    found = json.loads(told.stdout.splitlines()[-1])
    return found["rate"], found["spent"]


def load_all(folder: Path, made: Path, samples: int, options: argparse.Namespace) -> None:
    shards = folder / "shards"
    build(["--records", str(made), "--out", str(shards), "--splits", "1,0,0", "--workers", "1"])
    variants = {"ours": lambda: our_rate(shards, options)}
    if options.chug_python:
        variants["chug"] = lambda: chug_rate(folder / "pdfa.tar", samples, options)
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in variants}
    for _ in range(options.turns):
        for name, measure in variants.items():
            found[name].append(measure())
    print("\nloader   pages/s  ms of a processor a page")
    for name, values in found.items():
        rate, spent = (statistics.median(column) for column in zip(*values, strict=True))
        print(f"{name:7} {rate:8.1f} {spent:12.1f}")


# --- memory ----------------------------------------------------------------------------------


def memory_on(path: Path, options: argparse.Namespace) -> None:
    """The command on one document: the most memory of its processes, early on and at the end."""
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "out"
        words = ["--no-ocr", "--workers", str(options.workers), "--out", str(out), str(path)]
        running = subprocess.Popen(
            [sys.executable, "-m", "data_prep.documents", *words],
            cwd=ROOT,
            stderr=subprocess.DEVNULL,
        )
        start, seen = time.perf_counter(), []
        while running.poll() is None:
            now = time.perf_counter() - start
            reading = max(map(most_memory, children(running)), default=0.0)
            seen.append((now, most_memory(running.pid), reading))
            time.sleep(0.2)
        kept = json.loads((out / "summary.jsonl").read_text(encoding="utf-8"))["kept"]
    seconds = seen[-1][0]
    print(f"{path.name}: {kept} pages kept, {kept / seconds:.1f} pages/s")
    for share in (0.1, 0.5, 1.0):
        _, writes, reads = zip(*(one for one in seen if one[0] <= share * seconds), strict=True)
        print(
            f"most memory in the first {share:.0%} of the time: {max(reads):.0f} MiB of a process "
            f"that reads, {max(writes):.0f} MiB of the one that writes"
        )


def children(running: subprocess.Popen) -> list[int]:
    path = Path(f"/proc/{running.pid}/task/{running.pid}/children")
    return [int(pid) for pid in path.read_text().split()] if path.exists() else []


def most_memory(pid: int) -> float:
    """MiB that a process has taken at most; 0 where it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def main() -> None:
    options = parse_arguments()
    if options.long:
        memory_on(Path(options.long), options)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pdfs, made = folder / "pdfs", folder / "made"
        cut_documents(Path(options.pdf), pdfs, options)
        records = keep_whole_documents(pdfs, made, options)
        pages = [page for some in records.values() for page in some]
        words = statistics.mean(len(page.words) for page in pages)
        size = sum(path.stat().st_size for path in pdfs.iterdir()) / len(pages)
        print(
            f"{len(records)} documents, {len(pages)} pages of {words:.0f} words and "
            f"{size / 1000:.0f} kB; {options.workers} processes"
        )
        forms = write_forms(folder, pdfs, records)
        read_all(folder, forms, options)
        read(["--no-ocr", "--out", str(folder / "whole"), "--workers", "1", str(pdfs)])
        load_all(folder, folder / "whole", len(records), options)


if __name__ == "__main__":
    main()
