"""What the command line names, as documents: one after the other, of files here and elsewhere."""

import shutil
from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from data_prep.documents import json_files, litdata, pubtables, shards
from data_prep.documents.document import Blob, Document, LocalFile, Piece, SourceFile
from data_prep.documents.downloads import Brought, Downloads
from data_prep.documents.remote import (
    CannotGet,
    RemoteFile,
    is_address,
    list_files,
    measure,
    without_secrets,
)
from xojl_jax.errors import BadInput, BadUsage


def _pdf(file: SourceFile, name: str) -> Iterator[Document]:
    yield Document(name, "pdf", {"pdf": file.piece}, {"dataset": "pdf"})


@dataclass(frozen=True)
class _Kind:
    """What is done with files of one suffix."""

    find: Callable[[SourceFile, str], Iterator[Document]]
    opened: bool = True  # to find the documents in it; else it is one
    in_folders: bool = True  # a folder has JSON files of every kind: those are named themselves


_KINDS = {
    ".pdf": _Kind(_pdf, opened=False),
    ".tar": _Kind(shards.find),
    ".xml": _Kind(pubtables.find),
    ".json": _Kind(json_files.find, in_folders=False),
    ".bin": _Kind(litdata.find, in_folders=False),
}
_INDEX = f"/{litdata.INDEX}"  # read as the chunks that it names
_IN_FOLDERS = (*(suffix for suffix, kind in _KINDS.items() if kind.in_folders), _INDEX)
_NAMED = tuple(suffix for suffix, kind in _KINDS.items() if not kind.in_folders)


@dataclass(frozen=True)
class Found:
    """A file that the command line names, itself or its folder; or why there is none."""

    name: str  # what the uris of its documents begin with
    file: SourceFile | None
    fault: str = ""

    @property
    def kind(self) -> _Kind:
        return next(kind for suffix, kind in _KINDS.items() if self.name.lower().endswith(suffix))


def find_files(sources: list[str]) -> list[Found]:
    """The files of all sources, in order; those of a folder come by name, links are not followed.

    A source of this machine that is not there is a `BadUsage`; one elsewhere is told in its place.
    """
    found = [found for source in sources for found in _files_of(source)]
    for name, count in Counter(one.name for one in found).items():
        if count > 1:
            raise BadUsage(
                f"{name} is named {count} times: records would not tell which is which; give each "
                "once, or the folder above both"
            )
    return found


class Sources:
    """The documents of files, in order.

    Args:
      found: the files.
      cache: the folder for copies of files from elsewhere.
      most_bytes: what these may take.
      most_mb: documents with larger files are not brought.
      limit: how many documents, those that are done already among them.
    """

    def __init__(
        self,
        found: list[Found],
        cache: Path,
        most_bytes: int,
        most_mb: float,
        limit: int | None = None,
    ):
        self._found = found
        self._cache, self._most_mb, self._limit = cache, most_mb, limit
        # Half each, so that files which come ahead never take the room that a document waits for.
        half = most_bytes // 2
        self._holders = Downloads(cache, half, half)
        self._pieces = Downloads(cache, half, min(half, round(most_mb * 1e6)))
        self._spoiled: set[str] = set()  # files of which a document could not be brought
        self._opened = self._listed = self._todo = 0

    def expected(self) -> int:
        """About how many documents there are to read."""
        rest = (len(self._found) - self._opened) * self._todo / max(self._opened, 1)
        count = self._todo + round(rest)
        return count if self._limit is None else min(count, self._limit)

    def documents(
        self, done: Container[str] = (), ended: Mapping[str, int] | None = None
    ) -> Iterator[Document | None]:
        """The documents that are to be read; None where the next is not here yet.

        Args:
          done: uris of documents that are done.
          ended: files from elsewhere all of whose documents are done -> how many those are.
        """
        for got in self._pieces.ahead(self._open_all(done, ended or {}), self._missing_pieces):
            yield got and self._with_pieces(*got)

    def finished(self, document: Document) -> None:
        """Removes what was brought for a document."""
        for file in document.copies:
            self._holders.forget(file)
            self._pieces.forget(file)

    def close(self, *, whole: bool) -> None:
        """Ends the downloads. After a whole run nothing is left of them."""
        self._holders.close()
        self._pieces.close()
        if whole:
            shutil.rmtree(self._cache, ignore_errors=True)

    def _open_all(
        self, done: Container[str], ended: Mapping[str, int]
    ) -> Iterator[Document | None]:
        """The documents of all files; what they are made of may be elsewhere yet."""

        def not_ended() -> Iterator[Found]:
            for found in self._found:
                if found.name not in ended:
                    yield found
                else:
                    self._opened += 1
                    self._listed += ended[found.name]

        for got in self._holders.ahead(not_ended(), _missing_file):
            if self._limit is not None and self._listed >= self._limit:
                return  # or all that is left would be brought for nothing
            if got is None:
                yield None
            else:
                yield from self._open(*got, done)

    def _open(self, found: Found, brought: Brought, done: Container[str]) -> list[Document]:
        """The documents of one file that are to be read."""
        held = [file for file in brought if isinstance(file, RemoteFile)]
        documents = list(_documents_of(found, brought))
        rest = None if self._limit is None else self._limit - self._listed
        todo = [document for document in documents[:rest] if document.uri not in done]
        self._opened += 1
        self._listed += len(documents[:rest])
        self._todo += len(todo)
        if not held:
            return todo
        if not todo:
            self._holders.forget(held[0])
            return []
        cut = rest is not None and len(documents) > rest
        ends = 0 if cut or any(document.passing for document in documents) else len(documents)
        todo = [replace(document, file=found.name) for document in todo]
        todo[-1] = replace(todo[-1], ends=ends, copies=(held[0],))
        return todo

    def _missing_pieces(self, document: Document) -> list[RemoteFile]:
        if document.fault or document.size > self._most_mb * 1e6:
            return []  # it will not be read
        return [p for p in document.files.values() if isinstance(p, RemoteFile) and not p.copy]

    def _with_pieces(self, document: Document, brought: Brought) -> Document:
        here = {file.uri: file for file in brought if isinstance(file, RemoteFile)}
        copies = (*document.copies, *here.values())
        faults = [str(error) for error in brought if isinstance(error, CannotGet)]
        if faults:
            self._spoiled.add(document.file)
            document = replace(document, files={}, fault=faults[0], passing=True)
        files = {
            suffix: _as_blob(here.get(piece.uri, piece)) if isinstance(piece, RemoteFile) else piece
            for suffix, piece in document.files.items()
        }
        ends = 0 if document.file in self._spoiled else document.ends
        return replace(document, files=files, copies=copies, ends=ends)


def _documents_of(found: Found, brought: Brought) -> Iterator[Document]:
    """The documents of a file, one at least: it has a fault where there is nothing else."""
    fault = found.fault or next((str(e) for e in brought if isinstance(e, CannotGet)), "")
    if fault or found.file is None:
        yield Document(found.name, "", {}, fault=fault, passing=True)
        return
    number = 0
    try:
        file = next((file for file in brought if isinstance(file, RemoteFile)), found.file)
        for number, document in enumerate(found.kind.find(file, found.name), 1):  # noqa: B007
            yield document
    except (BadInput, CannotGet, OSError) as error:
        told = f"cannot be read ({error.strerror})" if isinstance(error, OSError) else str(error)
        passing = not isinstance(error, BadInput)
        yield Document(f"{found.name}/", "", {}, fault=told, passing=passing)
        return
    if not number:
        yield Document(f"{found.name}/", "", {}, fault="holds no document")


def _missing_file(found: Found) -> list[RemoteFile]:
    """The file itself, where it is elsewhere and has to be opened to know its documents."""
    if not isinstance(found.file, RemoteFile) or not found.kind.opened:
        return []
    try:
        return [measure(found.file)]
    except CannotGet:
        return [found.file]  # bringing it will tell why


def _as_blob(file: RemoteFile) -> Piece:
    return Blob(str(file.copy), file.size) if file.copy else file


def _files_of(source: str) -> list[Found]:
    if source.startswith("file://"):
        source = url2pathname(urlsplit(source).path)
    if not is_address(source):
        path = Path(source)
        name = path.absolute().name
        found = [
            Found(name if one == path else f"{name}/{one.relative_to(path).as_posix()}", file)
            for one in _local_files(path)
            for file in [LocalFile(one)]
        ]
    else:
        try:
            files = list_files(source, _IN_FOLDERS, _NAMED)
        except CannotGet as error:
            return [Found(without_secrets(source), None, str(error))]
        found = [Found(file.uri, file) for file in files]
    named = source.endswith(litdata.INDEX)
    return [chunk for one in found for chunk in _chunks_of(one, named=named)]


def _chunks_of(found: Found, *, named: bool) -> list[Found]:
    """The chunks of an index of litdata; of any other file, itself."""
    if found.file is None or found.file.name != litdata.INDEX:
        return [found]
    try:
        names = litdata.chunk_names(found.file.piece.read())
    except CannotGet as error:
        return [Found(found.name, None, str(error))]
    except BadInput as error:  # of a folder: some other index
        return [Found(found.name, None, str(error))] if named else []
    folder = found.name.removesuffix(litdata.INDEX)
    chunks = [(name, found.file.beside(name)) for name in names]
    fault = f"{litdata.INDEX} names it, and it is not there"
    return [Found(folder + name, file, "" if file else fault) for name, file in chunks]


def _is_wanted(name: str) -> bool:
    return f"/{name.lower()}".endswith(_IN_FOLDERS)


def _local_files(path: Path) -> list[Path]:
    if path.is_dir():
        wanted = (file for file in path.rglob("*") if _is_wanted(file.name))
        found = sorted(file for file in wanted if file.is_file() and not file.is_symlink())
        if not found:
            raise BadUsage(f"{path} holds no file that ends in {' or '.join(_IN_FOLDERS)}")
        return found
    if not path.is_file():
        raise BadUsage(f"{path}: no such file or folder")
    if not path.name.lower().endswith((*_IN_FOLDERS, *_NAMED)):
        known = " or ".join((*_IN_FOLDERS, *_NAMED))
        raise BadUsage(f"{path}: only files that end in {known} are read")
    return [path]


def with_folder_as_site(document: Document) -> Document:
    """The folder is the `source.site` of a document that has none: letters of one sender, or a
    paper and its translations, are then in one split."""
    folder, slash, _ = document.uri.rpartition("/")
    if not slash or "site" in document.source:
        return document
    return replace(document, source={**document.source, "site": folder})
