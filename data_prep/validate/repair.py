"""`--fix`: repairs what can only mean one thing, and leaves the rest to people.

A record's own text is kept but for the values that change, and a change is written only if the
new text reads as exactly the record that was meant. The old files are copied to `before-fix` first,
with a list of what was done; every file is replaced in one step. docs/validation.md lists the
repairs.
"""

import json
import os
import re
import shutil
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from data_prep.records.captured import AUTHOR, LABELS
from data_prep.records.entries import LINES, UTF16, Entry, Folder, Shards
from data_prep.validate.checks import SLACK, format_of
from data_prep.validate.findings import Finding
from data_prep.validate.overview import Overview
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.files import write_bytes
from xojl_jax.xojl.record import CATEGORIES, Record, parse_record, safe_screenshot_path
from xojl_jax.xojl.tree import used_elements

REMOVED = "removed.jsonl"
BACKUP = "before-fix"
_CLIP = 2.0  # px that a box may stick out and still be clipped: rounding, not another picture
_SHOWN = 50  # changes that are told on the terminal
# These files name records by id: whose line is whose, nobody could say after a new id.
_SIDE_FILES = (AUTHOR, LABELS)
_SPACE = re.compile(r"[ \t\n\r]*")
_ENDINGS = {"PNG": ".png", "JPEG": ".jpg", "WebP": ".webp"}
_REPAIRABLE = {"used_elements", "used_style", "category", "boxes", "id", "ending", "duplicate"}


class Change(NamedTuple):
    where: str
    did: str


class _Edit(NamedTuple):
    """What becomes of one entry. `text` None: the record goes to removed.jsonl."""

    entry: Entry
    text: bytes | None
    did: str


def recode(source: Folder | Shards, overview: Overview) -> list[Change]:
    """Files in UTF-16 become UTF-8; their records have not been looked at yet."""
    folder = _folder(source)
    texts = {}
    for entry in folder.entries():
        data = (folder.path / entry.file).read_bytes() if entry.start == 0 else b""
        if data[:2] in UTF16:
            try:
                texts[entry.file] = data.decode("utf-16").encode()
            except UnicodeError:
                continue  # a damaged file: its problem stays in the report
    changes = [Change(name, "UTF-16 turned into UTF-8") for name in texts]
    if changes:
        _write(folder.path, changes, texts, [])
    return changes


def repair(source: Folder | Shards, overview: Overview) -> list[Change]:
    """Mends records one by one, by what was found in them."""
    folder = _folder(source)
    entries = folder.entries()
    edits = [
        edit
        for number, finding in enumerate(overview.findings)
        if finding.readable and any(p.kind in _REPAIRABLE for p in finding.problems)
        if (edit := _edit(folder, entries, overview, number))
    ]
    changes = [Change(edit.entry.where, edit.did) for edit in edits]
    if changes:
        by_file: dict[str, list[_Edit]] = {}
        for edit in edits:
            by_file.setdefault(edit.entry.file, []).append(edit)
        texts = {name: _edited(folder.path / name, found) for name, found in by_file.items()}
        removed = [folder.text(edit.entry) for edit in edits if edit.text is None]
        _write(folder.path, changes, texts, removed)
    return changes


def tell(changes: list[Change]) -> None:
    """What was done, on standard error."""
    for change in changes[:_SHOWN]:
        print(f"FIXED {change.where}: {change.did}", file=sys.stderr)
    if len(changes) > _SHOWN:
        print(f"… and {len(changes) - _SHOWN} more, in {BACKUP}", file=sys.stderr)


def _folder(source: Folder | Shards) -> Folder:
    if isinstance(source, Shards):
        raise BadUsage("--fix repairs folders of records; repair those, and build the shards again")
    return source


# --- one record --------------------------------------------------------------------------------


def _edit(folder: Folder, entries: list[Entry], overview: Overview, number: int) -> _Edit | None:
    finding, entry = overview.findings[number], entries[number]
    text = folder.text(entry).decode("utf-8-sig")
    record = parse_record(text)
    kinds = {problem.kind for problem in finding.problems}
    if "duplicate" in kinds:
        other = next(pair.other for pair in overview.pairs if pair.one == number)
        if _equal(record, parse_record(folder.text(entries[other]))):
            return _Edit(entry, None, f"removed: the same as {entries[other].where}")
    values: dict[str, object] = {}
    did = []
    for kind, fix in _REPAIRS.items():
        if kind in kinds and (repaired := fix(folder, overview, finding, record)):
            name, value, words = repaired
            values[name] = value
            did.append(words)
    if not values:
        return None
    new = set_members(text, values)
    wanted = replace(record, **{name: _as_read(value) for name, value in values.items()})
    if parse_record(new) != wanted:
        return None  # not what was meant: hands off
    return _Edit(entry, new.encode(), "; ".join(did))


def _equal(one: Record, other: Record) -> bool:
    """Equal for training: all but the id, where it comes from, and which file has the picture."""
    bare = {"id": None, "source": None, "screenshot": "", "quality": None, "extra": {}}
    return replace(one, **bare) == replace(other, **bare)


def _as_read(value):
    """A JSON value as parse_record keeps it."""
    if isinstance(value, list):
        return tuple(tuple(v) if isinstance(v, list) else v for v in value)
    return value


def _repair_used(folder: Folder, overview: Overview, finding: Finding, record: Record):
    if record.layout is None:
        return None  # was the layout lost, or the list forgotten? Nobody can tell
    return "used_elements", list(used_elements(record.layout)), "used_elements made again"


def _repair_category(folder: Folder, overview: Overview, finding: Finding, record: Record):
    known = known_category(record.category)
    return known and ("category", known, f"category {known!r} instead of {record.category!r}")


def _repair_boxes(folder: Folder, overview: Overview, finding: Finding, record: Record):
    """Clips where every box sticks out by less than 2 px, and some by more than is let pass."""
    boxes, (width, height) = record.html_boxes or (), finding.size
    out = [max(-x, -y, x + w - width, y + h - height) for x, y, w, h, _ in boxes]
    if not out or not SLACK < max(out) < _CLIP:
        return None
    clipped = []
    for x, y, w, h, z in boxes:
        left, top = max(0, x), max(0, y)
        right, bottom = min(width, x + w), min(height, y + h)
        clipped.append([left, top, round(right - left, 2), round(bottom - top, 2), z])
    if any(box[2] < 0 or box[3] < 0 for box in clipped):
        return None
    moved = sum(length > 0 for length in out)
    return "html_boxes", clipped, f"{moved} boxes clipped by up to {max(out):.2g} px"


def _repair_id(folder: Folder, overview: Overview, finding: Finding, record: Record):
    if any((folder.path / name).exists() for name in _SIDE_FILES):
        return None
    taken = {f.id for f in overview.findings}
    number = 2
    while (new := f"{record.id}-{number}") in taken:
        number += 1
    finding.id = new  # taken from now on
    return "id", new, f"id {new!r} instead of {record.id!r}"


def _repair_ending(folder: Folder, overview: Overview, finding: Finding, record: Record):
    """The picture gets a second name; the first stays for whoever knows it."""
    try:
        old = safe_screenshot_path(folder.path, record.screenshot)
        data = old.read_bytes()
    except (BadInput, OSError):
        return None
    path = PurePosixPath(record.screenshot)
    # A name like `v1.2` has no ending: what follows the dot belongs to it.
    known = path.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".avif")
    name = f"{path.stem if known else path.name}{_ENDINGS[format_of(data)]}"
    new = old.with_name(name)
    if new.is_symlink() or (new.exists() and new.read_bytes() != data):
        return None
    if not new.exists():
        write_bytes(new, [data])
    screenshot = path.with_name(name).as_posix()
    return "screenshot", screenshot, f"picture copied to {screenshot}"


_REPAIRS = {
    "used_elements": _repair_used,
    "used_style": _repair_used,
    "category": _repair_category,
    "boxes": _repair_boxes,
    "id": _repair_id,
    "ending": _repair_ending,
}


def known_category(text: str) -> str | None:
    """The category that another spelling of it means: `FAQs`, `Hero section`, `news-letter`."""

    def bare(words: str) -> str:
        letters = re.sub(r"[\W_]+", "", words.casefold())
        return letters.removesuffix("section").removesuffix("s")

    found = [category for category in CATEGORIES if bare(category) == bare(text)]
    return found[0] if len(found) == 1 else None


def set_members(text: str, values: dict[str, object]) -> str:
    """The JSON text of an object with the values of some members changed, the rest byte for byte.

    A member that is missing is added at the end. `text` must be an object of one member or more,
    each key once.
    """
    decoder = json.JSONDecoder()
    at = _SPACE.match(text, text.index("{") + 1).end()
    pieces, done = [text[:at]], set()
    while text[at] != "}":
        name, end = decoder.raw_decode(text, at)
        start = _SPACE.match(text, text.index(":", end) + 1).end()
        _, end = decoder.raw_decode(text, start)
        value = _dump(values[name]) if name in values else text[start:end]
        pieces += [text[at:start], value]
        done.add(name)
        at = _SPACE.match(text, end).end()
        if text[at] == ",":
            next_at = _SPACE.match(text, at + 1).end()
            pieces.append(text[end:next_at])
            at = next_at
        else:
            new = [f"{_dump(name)}: {_dump(v)}" for name, v in values.items() if name not in done]
            pieces += [f", {member}" for member in new]
            pieces.append(text[end:at])
    pieces.append(text[at:])
    return "".join(pieces)


def _dump(value) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


# --- files -------------------------------------------------------------------------------------


def _edited(path: Path, edits: list[_Edit]) -> Iterable[bytes] | None:
    """The pieces of a file with its edits made; None where nothing is left of a .json file."""
    if path.name != LINES:
        return None if edits[0].text is None else [edits[0].text]
    return _edited_lines(path, edits)


def _edited_lines(path: Path, edits: list[_Edit]) -> Iterable[bytes]:
    with path.open("rb") as stream:
        for edit in edits:
            while stream.tell() < edit.entry.start:
                yield stream.read(min(1 << 20, edit.entry.start - stream.tell()))
            stream.seek(edit.entry.length, os.SEEK_CUR)
            if edit.text is not None:
                yield edit.text.rstrip(b"\r\n") + b"\n"
        while block := stream.read(1 << 20):
            yield block


def _write(
    folder: Path,
    changes: list[Change],
    texts: dict[str, Iterable[bytes] | bytes | None],
    removed: list[bytes],
) -> None:
    """Copies the old files aside, then replaces them one by one. BadUsage where it cannot."""
    for name in texts:
        if (folder / name).is_symlink():
            raise BadUsage(f"--fix: {folder / name} is a link; repair the file that it names")
    try:
        backup = _new_backup(folder)
        for name in texts:
            shutil.copy2(folder / name, backup / name)
        lines = [json.dumps(change._asdict(), ensure_ascii=False) + "\n" for change in changes]
        (backup / "changes.jsonl").write_text("".join(lines), encoding="utf-8")
        if removed:
            # Before they are gone from where they were: a record twice is better than none.
            path = folder / REMOVED
            old = path.read_bytes() if path.exists() else b""
            write_bytes(path, [old, *(_one_line(text) for text in removed)])
        for name, text in texts.items():
            if text is None:
                (folder / name).unlink()
            else:
                write_bytes(folder / name, [text] if isinstance(text, bytes) else text)
    except OSError as error:
        raise BadUsage(
            f"--fix: cannot write in {folder} ({error.strerror}); what was changed before "
            f"has its old text in {BACKUP}"
        ) from error
    print(f"old files: {backup}", file=sys.stderr)


def _new_backup(folder: Path) -> Path:
    number = 1
    while True:
        path = folder / (BACKUP if number == 1 else f"{BACKUP}-{number}")
        try:
            path.mkdir()
            return path
        except FileExistsError:
            number += 1


def _one_line(text: bytes) -> bytes:
    """A record of a .json file may be many lines; line breaks in JSON are between tokens only."""
    return b" ".join(text.removeprefix(b"\xef\xbb\xbf").split(b"\n")).strip() + b"\n"
