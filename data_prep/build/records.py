"""Building shards, the first half: which records are wanted, and what is to be known of them.

`data_prep.build` calls these steps in a few processes of one machine, with `--beam` on any
engine that Apache Beam knows. Each is a function of its arguments and of the files they name, so
both ways give the same bytes:

    places(folder)  →  sift(place)  →  make_plan(sites)  →  write_part(one file)  →  finish(parts)
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType

from data_prep.build.kinds import KINDS
from data_prep.records.entries import Entry, Folder, Shards, open_source
from xojl_jax.data.images import ImageError, image_size
from xojl_jax.errors import BadInput

# What `--most` may limit, of any kind of record.
SIZES = tuple(name for kind in KINDS.values() for name in kind.SIZES)


@dataclass(frozen=True)
class Job:
    """What to build. Everything that decides a byte of the result is here."""

    folders: tuple[str, ...]
    out: str
    shares: tuple[float, ...] = (80, 10, 10)
    seed: int = 0
    assign: str = "shares"  # or "hash": see `assign_sites`
    fixed: Mapping[str, str] = field(default_factory=dict)  # site → split
    shard_bytes: int = 64 << 20
    unlabeled: bool = False
    least_nodes: int = 1
    least: Mapping[str, float] = field(default_factory=dict)  # quality → at least
    most: Mapping[str, int] = field(default_factory=dict)  # size → at most
    fit: tuple[int, int] | None = None  # (height, width) that screenshots are shrunk to
    ask: tuple[str, ...] = ()  # kinds of questions that are made of records
    about: str = ""
    command: str = ""
    kind: str = "layouts"  # a key of `kinds.KINDS`
    pieces: int = 8192  # of the tokenizer of words; of documents

    @property
    def records(self) -> ModuleType:
        """What is to be done with a record of this kind."""
        return KINDS[self.kind]

    @property
    def building(self) -> Path:
        """Where files are until all of them are whole."""
        return Path(self.out.rstrip("/") + ".building")


@dataclass(frozen=True)
class Place:
    """Where a record is stored."""

    folder: str
    entry: Entry

    def __str__(self) -> str:
        return f"{self.folder}/{self.entry.where}"


@dataclass(frozen=True)
class Candidate:
    """A record that belongs into the shards.

    Attributes:
      key: hash of what it shows, not of its label: decides in which file of its split it is, and
        where. Of those with equal keys the first is taken.
      folder: number of its folder, in the order in which they were given.
      digest: hash of all of it.
    """

    place: Place
    key: str
    folder: int
    digest: str
    site: str
    size: int  # bytes of text and screenshot


@dataclass(frozen=True)
class LeftOut:
    """A record that stays behind. `fault` says what is wrong with it, where something is wrong."""

    reason: str
    fault: str = ""


def places(folder: str) -> Iterator[Place]:
    """Every record of a folder, or of older shards. Raises BadInput where there are none."""
    for entry in source_of(folder).entries():
        yield Place(folder, entry)


@cache
def source_of(folder: str) -> Folder | Shards:
    return open_source(folder)


def sift(place: Place, job: Job) -> Candidate | LeftOut:
    """What can be said of a record without decoding its screenshot: whether it is wanted."""
    source = source_of(place.folder)
    try:
        record = job.records.parse_record(source.text(place.entry), where=str(place))
    except BadInput as error:
        return LeftOut("not a record", str(error))
    reason = job.records.unwanted(record, job)
    if not reason and job.most:
        reason = _too_large(job.records.measure(record), job)
    if reason:
        return LeftOut(reason)
    try:
        picture = source.picture(place.entry, job.records.picture_path(record))
    except (BadInput, OSError) as error:
        return LeftOut("no screenshot", f"{place}: {getattr(error, 'strerror', None) or error}")
    text = job.records.record_to_json(record).encode()
    shown = hashlib.sha256(picture).digest()
    key, digest = (
        hashlib.sha256(part + shown).hexdigest()
        for part in (job.records.unlabeled_part(record).encode() or text, text)
    )
    site = job.records.site_of(record, Path(place.folder).name)
    folder = job.folders.index(place.folder)
    return Candidate(place, key, folder, digest, site, len(text) + len(picture))


def _too_large(sizes: Mapping[str, int], job: Job) -> str:
    for name, most in job.most.items():
        if sizes[name] > most:
            return f"more than {most} {name.replace('_', ' ')}"
    return ""


def measure_picture(picture: bytes) -> dict[str, int]:
    """The screenshot's pixels; zeros where it cannot be read, which leaves the record out."""
    try:
        height, width = image_size(picture)
    except ImageError:
        height = width = 0
    return {"image_height": height, "image_width": width}
