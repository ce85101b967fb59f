"""The files of a round trip: records that get a score, and verdicts, so that a run can go on."""

import json
from dataclasses import replace
from pathlib import Path

from data_prep.records.captured import RECORDS, read_lines
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.files import replacing
from xojl_jax.xojl.record import record_to_json


class Judged:
    """`DIR/roundtrip.jsonl`: a verdict a line, the last of an id holds. A run can be resumed."""

    def __init__(self, path: Path):
        self._path = path
        self.verdicts: dict[str, dict] = {}
        if path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                try:
                    verdict = json.loads(line)
                    self.verdicts[verdict["id"]] = verdict
                except (ValueError, KeyError, TypeError):
                    continue  # the last line of a killed run

    def __enter__(self) -> "Judged":
        try:
            self._file = self._path.open("a", encoding="utf-8")
        except OSError as error:
            raise BadUsage(f"{self._path}: cannot write ({error.strerror})") from error
        return self

    def __exit__(self, *_) -> None:
        self._file.close()

    def add(self, verdict: dict) -> None:
        self.verdicts[verdict["id"]] = verdict
        self._file.write(json.dumps(verdict) + "\n")
        self._file.flush()


def write_quality(folder: Path, verdicts: dict[str, dict]) -> None:
    """Writes each score into its record; the rest of it, and bad lines, stay as they are."""
    path = folder / RECORDS
    try:
        with replacing(path) as temporary, temporary.open("wb") as out:
            for line, record in read_lines(path):
                if not isinstance(record, BadInput):
                    quality = {k: v for k, v in (record.quality or {}).items() if k != "round_trip"}
                    score = verdicts.get(record.id, {}).get("score")
                    quality |= {} if score is None else {"round_trip": score}
                    scored = replace(record, quality=quality or None)
                    line = record_to_json(scored).encode()
                out.write(line.rstrip(b"\r\n") + b"\n")
    except OSError as error:
        raise BadUsage(f"{path}: cannot write ({error.strerror})") from error
