"""What the command line names, as documents: one after the other, nothing read ahead."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from data_prep.documents import publaynet, pubtables, shards
from data_prep.documents.document import Blob, Document
from xojl_jax.errors import BadUsage


def find_documents(sources: list[str]) -> Iterator[Document]:
    """The documents of all sources, in order. A source that is not there is a `BadUsage`, at once.

    Files of a folder come by name; links are not followed.
    """
    files = [(Path(source), path) for source in sources for path in _files_of(source)]
    return _documents_of(files)


def _files_of(source: str) -> list[Path]:
    path = Path(source)
    if path.is_dir():
        found = sorted(
            file
            for file in path.rglob("*")
            if file.suffix.lower() in _OPENERS and file.is_file() and not file.is_symlink()
        )
        if not found:
            raise BadUsage(f"{source} holds no file that ends in {' or '.join(_OPENERS)}")
        return found
    if not path.is_file():
        raise BadUsage(f"{source}: no such file or folder")
    if path.suffix.lower() not in _OPENERS | _NAMED:
        known = " or ".join(_OPENERS | _NAMED)
        raise BadUsage(f"{source}: only files that end in {known} are read")
    return [path]


def _documents_of(files: list[tuple[Path, Path]]) -> Iterator[Document]:
    for source, path in files:
        name = source.absolute().name
        if path != source:
            name += f"/{path.relative_to(source).as_posix()}"
        yield from (_OPENERS | _NAMED)[path.suffix.lower()](path, name)


def with_folder_as_site(document: Document) -> Document:
    """The folder is the `source.site` of a document that has none: letters of one sender, or a
    paper and its translations, are then in one split."""
    folder, slash, _ = document.uri.rpartition("/")
    if not slash or "site" in document.source:
        return document
    return dataclasses.replace(document, source={**document.source, "site": folder})


def _pdf(path: Path, name: str) -> Iterator[Document]:
    blob = Blob(str(path), path.stat().st_size)
    yield Document(name, "pdf", {"pdf": blob}, {"dataset": "pdf"})


_OPENERS = {".pdf": _pdf, ".tar": shards.find, ".xml": pubtables.find}
# Read where it is named itself: a folder has JSON files of every kind.
_NAMED = {".json": publaynet.find}
