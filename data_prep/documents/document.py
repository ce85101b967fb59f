"""A document that nobody has opened yet, and where its bytes are."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Blob:
    """A file, or a part of one."""

    path: str
    size: int
    start: int = 0

    def read(self) -> bytes:
        with Path(self.path).open("rb") as file:
            file.seek(self.start)
            return file.read(self.size)


class Piece(Protocol):
    """Bytes of a document: a `Blob`, or a file elsewhere that becomes one when it was brought."""

    @property
    def size(self) -> int: ...

    def read(self) -> bytes: ...


class SourceFile(Protocol):
    """A file that holds documents, here or elsewhere (`remote.RemoteFile`)."""

    @property
    def name(self) -> str:
        """Its last part: `val.json`."""
        ...

    @property
    def path(self) -> Path:
        """Where it can be opened."""
        ...

    @property
    def piece(self) -> Piece: ...

    def beside(self, *names: str) -> "SourceFile | None":
        """The first of these files that is there; paths relative to the folder of this one."""
        ...


@dataclass(frozen=True)
class LocalFile:
    """A file of this machine."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def piece(self) -> Blob:
        return Blob(str(self.path), self.path.stat().st_size)

    def beside(self, *names: str) -> "LocalFile | None":
        there = (self.path.parent / name for name in names)
        return next((LocalFile(path) for path in there if path.is_file()), None)


@dataclass(frozen=True)
class Document:
    """A document that nobody has opened yet."""

    uri: str  # unique; relative to the source, so that it is the same on another machine
    reader: str  # a key of readers.READERS
    files: dict[str, Piece]  # by suffix, such as pdf; a reader gets Blobs alone
    source: dict = field(default_factory=dict)  # of the record, besides uri
    about: dict = field(default_factory=dict)  # what else the reader needs
    fault: str = ""  # why it cannot be read, where that is known already
    passing: bool = False  # the fault may be gone tomorrow: the next run tries again
    file: str = ""  # the uri of the file from elsewhere that holds it
    ends: int = 0  # of that file's last document: how many it holds
    copies: tuple = ()  # what was brought, and is not needed after this document

    @property
    def size(self) -> int:
        return sum(piece.size for piece in self.files.values())
