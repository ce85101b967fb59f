"""The files of a round trip: records that get a score, and verdicts, so that a run can go on."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

from data_prep.records.captured import RECORDS, read_lines
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.files import replacing
from xojl_jax.xojl.record import Record, record_to_json, safe_screenshot_path
from xojl_jax.xojl.tree import print_html


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


def digest_of(folder: Path, record: Record, author: list[dict], *more) -> str:
    """Of all that a verdict depends on, the picture's bytes too: equal digests, equal verdicts."""
    try:
        picture = safe_screenshot_path(folder, record.screenshot).read_bytes()
    except (BadInput, OSError):
        picture = b""  # judged again once it can be read
    tree = [record.html_boxes, record.viewport, author, print_html(record.html)]
    what = [*more, hashlib.sha256(picture).hexdigest(), *tree]
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]


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
