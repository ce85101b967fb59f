"""litdata: `index.json` and `chunk-*.bin`, a sample per page or document.

A chunk is uint32 n, uint32[n + 1] where its samples begin and the last one ends, and the samples. A
sample is uint32 for the size of each field, and the fields. The index tells the fields' names (a
tree, as PyTorch writes it) and how each is written. Format: `litdata/streaming/writer.py` of
https://github.com/Lightning-AI/litdata. That library needs PyTorch, and opens what is pickled; here
a sample's files are read where they lie, and nothing pickled is opened.
"""

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np

from data_prep.documents.document import Blob, Document, SourceFile
from xojl_jax.errors import BadInput

INDEX = "index.json"
# How fields are written whose bytes are a file's, or a text's.
_PLAIN = {"bytes", "file", "image", "jpeg", "pdf", "str", "text", "tiff", "tifffile"}
# What a field is that has no name of its own, by how it is written.
_NAMES = {"pdf": "pdf", "tiff": "tif", "tifffile": "tif", "image": "image", "jpeg": "image"}
_PICTURES = ("tif", "tiff", "jpg", "jpeg", "png", "webp", "image")
_KEYS = ("__key__", "key", "id", "name")
_MOST_FIELDS = 1000


def chunk_names(index: bytes) -> list[str]:
    """The files of chunks that an index names. BadInput where it is no index of litdata."""
    return [Path(str(chunk["filename"])).name for chunk in _read(index)["chunks"]]


def find(file: SourceFile, name: str) -> Iterator[Document]:
    """The samples of a chunk, from its index and headers; the files of a sample stay in place."""
    index = file.beside(INDEX)
    if index is None:
        raise BadInput(f"{name}: no {INDEX} beside it")
    fields = _fields_of(index.piece.read())
    for number, (start, end) in enumerate(_samples_of(file.path, name)):
        yield _document(file.path, f"{name}/{number}", fields, start, end)


def _document(
    path: Path, uri: str, fields: tuple[tuple[str, str], ...], start: int, end: int
) -> Document:
    """A sample as one of the data sets that its fields are: PDFA, IDL, a PDF, a picture."""
    with path.open("rb") as chunk:
        chunk.seek(start)
        sizes = np.frombuffer(chunk.read(4 * len(fields)), "<u4").tolist()
        begins = start + 4 * len(fields)
        if len(sizes) != len(fields) or begins + sum(sizes) > end:
            return Document(uri, "", {}, {"dataset": "litdata"}, fault="a broken sample")
        files, keys, closed = {}, {}, []
        for (field, how), size in zip(fields, sizes, strict=True):
            if how.partition(":")[0] in _PLAIN:
                files[field] = Blob(str(path), size, begins)
            elif how == "pil" and field in _PICTURES:
                files["pil"] = Blob(str(path), size, begins)
            elif field in (*_PICTURES, "pdf", "json"):
                closed.append(f"{field} ({how})")
            if field in _KEYS and how in ("str", "text"):
                chunk.seek(begins)
                keys[field] = chunk.read(min(size, 200)).decode("utf-8", "replace")
            begins += size
    if closed:
        fault = f"fields that are not read: {', '.join(closed)}; store files as bytes, JSON as text"
        return Document(uri, "", {}, {"dataset": "litdata"}, fault=fault)
    about = {"stem": next((keys[key] for key in _KEYS if key in keys), uri)}
    return _by_fields(uri, files, about)


def _by_fields(uri: str, files: dict[str, Blob], about: dict) -> Document:
    scan = next((files[kind] for kind in ("tif", "tiff") if kind in files), None)
    if "json" in files and ("pdf" in files or scan is not None):
        wanted = {kind: files[kind] for kind in ("json", "pdf") if kind in files}
        wanted |= {"tif": scan} if scan is not None else {}
        source = {"dataset": "idl" if scan is not None else "pdfa"}
        return Document(uri, "shard", wanted, source, about)
    if "pdf" in files:
        return Document(uri, "pdf", {"pdf": files["pdf"]}, {"dataset": "litdata"})
    picture = next((kind for kind in (*_PICTURES, "pil") if kind in files), None)
    if picture is not None:
        kind = "pil" if picture == "pil" else "image"
        return Document(uri, "picture", {kind: files[picture]}, {"dataset": "litdata"})
    fault = f"no pdf, {', '.join(_PICTURES)} among its fields"
    return Document(uri, "", {}, {"dataset": "litdata"}, fault=fault)


def _samples_of(path: Path, name: str) -> list[tuple[int, int]]:
    """Where each sample of a chunk begins and ends."""
    size = path.stat().st_size
    with path.open("rb") as chunk:
        count = int.from_bytes(chunk.read(4), "little")
        if 4 * (count + 2) > size:
            raise BadInput(f"{name}: no chunk of litdata, or one that was cut")
        ends = np.frombuffer(chunk.read(4 * (count + 1)), "<u4").astype(np.int64)
    if (np.diff(ends) < 0).any() or ends[0] < 4 * (count + 2) or ends[-1] > size:
        raise BadInput(f"{name}: a broken chunk, or one that was cut")
    return list(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True))


@lru_cache(maxsize=4)
def _fields_of(index: bytes) -> tuple[tuple[str, str], ...]:
    """(name, how it is written) of each field of a sample, in the order of their bytes."""
    config = _read(index)["config"]
    for what in ("compression", "encryption"):
        if config.get(what):
            raise BadInput(f"{INDEX}: chunks with {what} are not read; write them without")
    loader = config.get("item_loader", "PyTreeLoader")
    if loader != "PyTreeLoader":
        raise BadInput(f"{INDEX}: chunks of a {loader} hold no documents")
    try:
        _, tree = json.loads(config["data_spec"])
        names = list(_names_of(tree, ""))
        ways = [str(way) for way in config["data_format"]]
        if len(names) > _MOST_FIELDS:
            raise ValueError(f"more than {_MOST_FIELDS}")
        known = {*_PICTURES, *_KEYS, "pdf", "json"}
        names = [
            name if name in known else _NAMES.get(way.partition(":")[0], name)
            for name, way in zip(names, ways, strict=True)
        ]
        return tuple(zip(names, ways, strict=True))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadInput(f"{INDEX}: fields that cannot be read ({error})") from error


def _names_of(tree: dict, name: str) -> Iterator[str]:
    """Names of the leaves: keys of objects; a field within another is `outer.inner`."""
    if tree["type"] is None:
        yield name.lower().lstrip(".")
        return
    keys = json.loads(tree["context"]) if tree["type"].endswith("dict") else None
    for i, child in enumerate(tree["children_spec"]):
        yield from _names_of(child, f"{name}.{keys[i] if keys else i}")


def _read(index: bytes) -> dict:
    try:
        read = json.loads(index)
        if isinstance(read["config"], dict) and all("filename" in c for c in read["chunks"]):
            return read
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise BadInput(f"{INDEX} is no index of litdata (chunks and config)")
