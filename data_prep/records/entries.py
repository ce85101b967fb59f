"""Where the records of a data set are: a folder of JSON text and screenshots, or shards.

Validation reads records in several processes, twice if need be, and repairs their text. So it works
on places (`Entry`), which are small, and reads text only where it is looked at.
"""

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from xojl_jax.data.shards import MANIFEST, ShardSource, read_manifest
from xojl_jax.errors import BadInput
from xojl_jax.xojl.faults import DEFAULT_CAPS
from xojl_jax.xojl.record import safe_screenshot_path

LINES = "records.jsonl"
# A record may be twice as long as a document (docs/record.md); one byte more shows that it is not.
LONGEST = 2 * DEFAULT_CAPS.document + 1
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BLOCK = 1 << 20


class Entry(NamedTuple):
    """One record's place. `where` is its name in messages."""

    where: str
    file: str  # a file of the folder, or a split of the shards
    start: int  # bytes into the file, or the record's number in the split
    length: int  # bytes of text, whole; 0 in shards


class Folder:
    """Records as `records.jsonl` and `*.json`, in the order of `read_directory`.

    Args:
      lines: the file that holds a record a line.
    """

    splits: tuple[str, ...] = ()

    def __init__(self, path: Path, lines: str = LINES):
        self.path, self._name = path, lines

    def entries(self) -> list[Entry]:
        """Raises BadInput where the folder holds no records."""
        lines = self.path / self._name
        files = sorted(path for path in self.path.glob("*.json") if path.is_file())
        if not files and not lines.is_file():
            raise BadInput(f"{self.path} holds no {self._name} and no *.json; is it a data set?")
        found = list(_lines(lines)) if lines.is_file() else []
        return found + [Entry(file.name, file.name, 0, file.stat().st_size) for file in files]

    def text(self, entry: Entry) -> bytes:
        """The record's text, cut one byte behind what is allowed."""
        with (self.path / entry.file).open("rb") as stream:
            stream.seek(entry.start)
            return stream.read(min(entry.length, LONGEST))

    def picture(self, entry: Entry, path: str) -> bytes:
        """The bytes of the picture, which the record has at `path`; BadInput or OSError where it
        cannot be had."""
        return safe_screenshot_path(self.path, path).read_bytes()


class Shards:
    """Records as data_prep.build wrote them."""

    def __init__(self, path: Path):
        self.path = path
        self.splits = tuple(read_manifest(path).splits)
        self._sources = {split: ShardSource(path, split) for split in self.splits}

    def entries(self) -> list[Entry]:
        return [
            Entry(f"{split}:{number}", split, number, 0)
            for split, source in self._sources.items()
            for number in range(len(source))
        ]

    def text(self, entry: Entry) -> bytes:
        return self._sources[entry.file][entry.start].record.encode("utf-8", "surrogatepass")

    def picture(self, entry: Entry, path: str) -> bytes:
        return self._sources[entry.file][entry.start].image


def open_source(path: str | Path) -> Folder | Shards:
    """The data set at `path`; BadInput where there is none."""
    path = Path(path)
    if not path.is_dir():
        raise BadInput(f"{path} is not a directory; give one that holds records")
    return Shards(path) if (path / MANIFEST).is_file() else Folder(path)


def _lines(path: Path) -> Iterator[Entry]:
    """The lines with something in them. A file in UTF-16 is one entry: its lines are not ours."""
    with path.open("rb") as stream:
        if stream.read(2) in UTF16:
            yield Entry(path.name, path.name, 0, path.stat().st_size)
            return
        stream.seek(0)
        start, number = 0, 1
        while line := stream.readline(_BLOCK):
            length, empty = len(line), not line.strip()
            while not line.endswith(b"\n") and (line := stream.readline(_BLOCK)):
                length, empty = length + len(line), empty and not line.strip()
            if not empty:
                yield Entry(f"{path.name}:{number}", path.name, start, length)
            start, number = start + length, number + 1
