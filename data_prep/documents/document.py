"""A document that nobody has opened yet, and where its bytes are."""

from dataclasses import dataclass, field
from pathlib import Path


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


@dataclass(frozen=True)
class Document:
    """A document that nobody has opened yet."""

    uri: str  # unique; relative to the source, so that it is the same on another machine
    reader: str  # a key of readers.READERS
    files: dict[str, Blob]  # by suffix, such as pdf
    source: dict = field(default_factory=dict)  # of the record, besides uri
    about: dict = field(default_factory=dict)  # what else the reader needs
    fault: str = ""  # why it cannot be read, where that is known already

    @property
    def size(self) -> int:
        return sum(blob.size for blob in self.files.values())
