"""A folder that data_prep.capture wrote: its records, the rejected ones, their authors' words.

These files hold one JSON object a line, and were written by our commands. So a bad line means a
damaged file, and reading stops there, but for `read_lines`, where the caller counts bad lines;
`entries` reads data sets of any origin, and goes on.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from data_prep.records.entries import LINES
from xojl_jax.errors import BadInput
from xojl_jax.xojl.record import Record, parse_record

RECORDS = LINES
AUTHOR = "author.jsonl"
LABELS = "labels.jsonl"  # of data_prep.label: which rule named which node
REJECTED = "rejected.jsonl"
# Where rejected records are read from. The second is the file's name up to version 0.1.0; labeling
# moves its records to the other files.
REJECTED_FILES = (REJECTED, "aside.jsonl")


def read_records(path: Path) -> Iterator[Record]:
    """The records of a JSON Lines file, in order, one in memory at a time.

    Only `records.jsonl` must be there (BadInput); another file that is missing has no records.
    """
    for _, record in read_lines(path):
        if isinstance(record, BadInput):
            raise BadInput(f"{record}: remove it, or capture again") from record
        yield record


def read_lines(path: Path) -> Iterator[tuple[bytes, Record | BadInput]]:
    """As `read_records`, but goes on: each line as its bytes, and its record or what is wrong."""
    if not path.is_file():
        if path.name == RECORDS:
            raise BadInput(f"{path.parent}: no {RECORDS} (data_prep.capture writes it)")
        return
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if line.strip():
                try:
                    yield line, parse_record(line, where=f"{path.name}:{number}")
                except BadInput as error:
                    yield line, error


class Authors:
    """The entries of author.jsonl by record: what authors called each node, and its texts.

    Only byte offsets are kept in memory: the texts of a large folder do not fit. An entry is read
    from the file when it is needed.
    """

    def __init__(self, folder: Path, *, optional: bool = False):
        """BadInput where a line is no entry, or where there is no file unless it is `optional`."""
        self._path = folder / AUTHOR
        self._at: dict[str, tuple[int, int]] = {}  # id -> byte offset, rank
        if not self._path.is_file():
            if optional:
                return
            raise BadInput(f"{folder}: no {AUTHOR} (data_prep.capture writes it)")
        offset = 0
        with self._path.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                self._at[_entry(line, f"{self._path}:{number}")["id"]] = (offset, number)
                offset += len(line)

    def get(self, name: str | None) -> list[dict] | None:
        """One entry per html node of a record, or None."""
        if name not in self._at:
            return None
        with self._path.open("rb") as stream:
            stream.seek(self._at[name][0])
            return _entry(stream.readline(), str(self._path))["nodes"]

    def rank(self, name: str | None, default: int) -> int:
        """The position of a record in the order of capture."""
        return self._at[name][1] if name in self._at else default


def _entry(line: bytes, where: str) -> dict:
    try:
        entry = json.loads(line)
        if isinstance(entry["id"], str) and all(isinstance(n, dict) for n in entry["nodes"]):
            return entry
    except (ValueError, KeyError, TypeError):
        pass
    raise BadInput(f"{where}: not an entry of data_prep.capture; capture the page again")
