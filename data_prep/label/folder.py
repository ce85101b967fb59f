"""The files that labeling reads and writes: records, rejected ones, authors' words, labels."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.files import replacing
from xojl_jax.xojl.record import Record, parse_record, record_to_json

REJECTED = "rejected"  # the field of a record in rejected.jsonl that says why it is there
# Where rejected records are read from. The second is the file's name up to version 0.1.0, with the
# reason in a field of that name; labeling moves its records to the other files.
REJECTED_FILES = ("rejected.jsonl", "aside.jsonl")
_REASON_FIELDS = (REJECTED, "aside")


class Authors:
    """The entries of author.jsonl by record: what authors called each node.

    Only byte offsets are kept in memory; an entry is read from the file when it is needed.
    """

    def __init__(self, folder: Path):
        self._path = folder / "author.jsonl"
        self._at: dict[str, tuple[int, int]] = {}  # id -> byte offset, rank
        if not self._path.is_file():
            raise BadInput(f"{folder}: no author.jsonl (data_prep.capture writes it)")
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


def read_records(path: Path) -> Iterator[Record]:
    """The records of a JSON Lines file, in order; none where there is no file."""
    if not path.is_file():
        if path.name == "records.jsonl":
            raise BadInput(f"{path.parent}: no records.jsonl (data_prep.capture writes it)")
        return
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if line.strip():
                try:
                    yield parse_record(line, where=f"{path.name}:{number}")
                except BadInput as error:
                    raise BadInput(f"{error}: remove it, or capture again") from error


class Folder:
    """`with Folder(path) as files`: new files, which replace the old ones at the end."""

    NAMES = ("records.jsonl", "rejected.jsonl", "labels.jsonl")

    def __init__(self, folder: Path):
        self._folder = folder
        self._files: dict[str, TextIO] = {}

    def __enter__(self) -> "Folder":
        try:
            with contextlib.ExitStack() as stack:
                # An exit stack works backwards: this way records.jsonl is replaced first.
                for name in reversed(self.NAMES):
                    temporary = stack.enter_context(replacing(self._folder / name))
                    self._files[name] = stack.enter_context(temporary.open("w", encoding="utf-8"))
                self._replaced_at_exit = stack.pop_all()
        except OSError as error:
            raise BadUsage(f"{self._folder}: cannot write there ({error.strerror})") from error
        return self

    def __exit__(self, kind, *rest) -> None:
        self._replaced_at_exit.__exit__(kind, *rest)
        if kind is None:
            if not (self._folder / "rejected.jsonl").stat().st_size:
                (self._folder / "rejected.jsonl").unlink()
            # Its records are in the new files by now.
            (self._folder / "aside.jsonl").unlink(missing_ok=True)

    def keep(self, record: Record) -> None:
        """Writes a record without an entry in author.jsonl back as it is."""
        self._line("records.jsonl", record_to_json(record))

    def write(self, record: Record, labels: dict, reason: str) -> None:
        """Writes a record and its entry of labels.jsonl; with a `reason` it is rejected."""
        extra = {name: value for name, value in record.extra.items() if name not in _REASON_FIELDS}
        if reason:
            extra[REJECTED] = reason
        name = "rejected.jsonl" if reason else "records.jsonl"
        self._line(name, record_to_json(replace(record, extra=extra)))
        self._line("labels.jsonl", json.dumps(labels))

    def _line(self, name: str, text: str) -> None:
        self._files[name].write(text + "\n")
