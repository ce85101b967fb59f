"""The files that labelling reads and writes: records, those set aside, authors' words, labels."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.xojl.record import Record, parse_record, record_to_json

ASIDE = "aside"  # the field of a record in aside.jsonl that says why it is there


class Authors:
    """What authors called the nodes of each record; read from author.jsonl when asked for."""

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
        """The place of a record in the order of capture."""
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
    """The records of one file of lines, in order; none where there is no file."""
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

    NAMES = ("records.jsonl", "aside.jsonl", "labels.jsonl")

    def __init__(self, folder: Path):
        self._folder = folder

    def __enter__(self) -> "Folder":
        try:
            self._files = {name: self._new(name).open("w", encoding="utf-8") for name in self.NAMES}
        except OSError as error:
            raise BadUsage(f"{self._folder}: cannot write there ({error.strerror})") from error
        return self

    def __exit__(self, kind, *_) -> None:
        for file in self._files.values():
            file.close()
        for name in self.NAMES:
            if kind is None:
                self._new(name).replace(self._folder / name)
            else:
                self._new(name).unlink()
        if kind is None and not (self._folder / "aside.jsonl").stat().st_size:
            (self._folder / "aside.jsonl").unlink()

    def keep(self, record: Record) -> None:
        """A record that is not ours to label."""
        self._line("records.jsonl", record_to_json(record))

    def write(self, record: Record, labels: dict, reason: str) -> None:
        """A record with its line of labels.jsonl; aside if there is a reason."""
        extra = {name: value for name, value in record.extra.items() if name != ASIDE}
        if reason:
            extra[ASIDE] = reason
        name = "aside.jsonl" if reason else "records.jsonl"
        self._line(name, record_to_json(replace(record, extra=extra)))
        self._line("labels.jsonl", json.dumps(labels))

    def _line(self, name: str, text: str) -> None:
        self._files[name].write(text + "\n")

    def _new(self, name: str) -> Path:
        return self._folder / f"{name}.tmp"
