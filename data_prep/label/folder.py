"""What labeling writes: records, rejected ones with the reason, and which rule named which node."""

import contextlib
import json
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from data_prep.records.captured import LABELS, RECORDS, REJECTED, REJECTED_FILES
from xojl_jax.errors import BadUsage
from xojl_jax.files import replacing
from xojl_jax.xojl.record import Record, record_to_json

REASON = "rejected"  # the field of a rejected record that says why it is there
_REASON_FIELDS = (REASON, "aside")  # its names, today's and that of version 0.1.0


class Folder:
    """`with Folder(path) as files`: new files, which replace the old ones at the end."""

    NAMES = (RECORDS, REJECTED, LABELS)

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
            if not (self._folder / REJECTED).stat().st_size:
                (self._folder / REJECTED).unlink()
            # The records of older versions' files are in the new files by now.
            for name in REJECTED_FILES[1:]:
                (self._folder / name).unlink(missing_ok=True)

    def keep(self, record: Record) -> None:
        """Writes a record without an entry in author.jsonl back as it is."""
        self._line(RECORDS, record_to_json(record))

    def write(self, record: Record, labels: dict, reason: str) -> None:
        """Writes a record and its entry of labels.jsonl; with a `reason` it is rejected."""
        extra = {name: value for name, value in record.extra.items() if name not in _REASON_FIELDS}
        if reason:
            extra[REASON] = reason
        name = REJECTED if reason else RECORDS
        self._line(name, record_to_json(replace(record, extra=extra)))
        self._line(LABELS, json.dumps(labels))

    def _line(self, name: str, text: str) -> None:
        self._files[name].write(text + "\n")
