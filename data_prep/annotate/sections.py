"""The sections that are there to be read: each with its name, its record and its author's words."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from data_prep.records.captured import REJECTED, Authors
from data_prep.records.entries import Entry, Folder, open_source
from data_prep.records.gold import tree_hash
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.xojl.record import Record, parse_record
from xojl_jax.xojl.tree import Visit, preorder

_PLAIN = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
# How the files of pictures begin -> what they are.
_KINDS = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg", b"RIFF": "webp"}


@dataclass(frozen=True)
class Section:
    """One section to read.

    Attributes:
      name: of its files; the record's id where that can be a file's name.
      record: with an id, its own or one that we gave it.
      author: the entry of author.jsonl, one object a node; None where there is none.
      picture: the encoded screenshot.
    """

    name: str
    record: Record
    author: list[dict] | None
    picture: bytes

    @cached_property
    def nodes(self) -> list[Visit]:
        return preorder(self.record.html)

    @property
    def kind(self) -> str:
        """Of the picture, by what it is and not by its name: png, jpeg or webp."""
        return next(kind for start, kind in _KINDS.items() if self.picture.startswith(start))

    @cached_property
    def fingerprint(self) -> str:
        """Changes with the tree, whose nodes labels name by number."""
        return tree_hash(self.record.html)


class Sections:
    """The sections of a folder of records or of shards, in its order or in that of a list.

    Only their places are kept in memory. A record that cannot be read is found when it is opened.

    Args:
      folder: records.jsonl or a .json file a record, or shards.
      listed: FILE:LINE of records, such as `xojl_jax.active` writes; None for all, in their order.
      rejected: those that `data_prep.label` rejected instead of those that it kept.

    Attributes:
      names: one per section, in order; `sections[name]` opens it.
    """

    def __init__(
        self, folder: Path, listed: Sequence[str] | None = None, *, rejected: bool = False
    ):
        self._source = Folder(folder, REJECTED) if rejected else open_source(folder)
        self._authors = Authors(folder, optional=True)
        entries = self._source.entries()
        if listed is not None:
            entries = _in_order(entries, listed, folder)
        self._entries: dict[str, Entry] = {}
        for entry in entries:
            name = name_of(_id_of(self._source.text(entry)))
            if name in self._entries:
                first = self._entries[name].where
                raise BadInput(
                    f"{folder}: {entry.where} and {first} have one id: give each its own"
                )
            self._entries[name] = entry
        self.names = list(self._entries)
        if not self.names:
            raise BadInput(f"{folder}: no record is in it, and so there is nothing to read")

    def __getitem__(self, name: str) -> Section:
        """Raises BadInput where the record or its picture cannot be read."""
        entry = self._entries[name]
        text = self._source.text(entry)
        record = parse_record(text, where=entry.where)
        if not record.html:
            raise BadInput(f"{entry.where}: the record has no html, and labels are of its nodes")
        author = self._authors.get(record.id)
        if author is not None and len(author) != len(preorder(record.html)):
            author = None
        try:
            picture = self._source.picture(entry, record.screenshot)
        except OSError as error:
            raise BadInput(f"{entry.where}: cannot read the screenshot ({error})") from error
        if not picture.startswith(tuple(_KINDS)):
            raise BadInput(f"{entry.where}: the screenshot is no PNG, JPEG or WebP")
        return Section(name, replace(record, id=_id_of(text)), author, picture)


def _in_order(entries: list[Entry], listed: Sequence[str], folder: Path) -> list[Entry]:
    by_place = {entry.where: entry for entry in entries}
    if missing := [place for place in listed if place not in by_place]:
        raise BadUsage(
            f"--list: {folder} has no record {missing[0]!r} ({len(missing)} are not there)"
        )
    return [by_place[place] for place in dict.fromkeys(listed)]


def _id_of(text: bytes) -> str:
    """The record's id; where it has none, or cannot be read, one that its text decides."""
    try:
        name = json.loads(text).get("id")
    except (ValueError, AttributeError, RecursionError):
        name = None
    if isinstance(name, str) and name:
        return name
    return f"record-{hashlib.sha256(text.strip()).hexdigest()[:12]}"


def name_of(record_id: str) -> str:
    """A file's name for an id: itself, or what a file name may not hold replaced, and a hash."""
    if _PLAIN.fullmatch(record_id):
        return record_id
    plain = re.sub(r"[^a-z0-9._-]+", "-", record_id.lower()).strip(".-")[:80] or "record"
    # Two ids that differ by a replaced character, or by capitals alone, must not share a file.
    return f"{plain}-{hashlib.sha256(record_id.encode('utf-8', 'replace')).hexdigest()[:8]}"


def read_list(path: Path) -> list[str]:
    """The places of a list that `xojl_jax.active` wrote, the first to read first."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return [json.loads(line)["record"] for line in lines if line.strip()]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadUsage(f"--list {path}: not a list of xojl_jax.active ({error})") from error
