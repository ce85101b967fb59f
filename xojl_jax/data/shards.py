"""Record shards: ArrayRecord files with a manifest, written once and read at random.

A shard folder holds `manifest.json` and, per split, `train-00000-of-00004.array_record`, …. One
entry is a msgpack map `{"record": JSON text, "image": encoded bytes}`; the image is empty for a
record without a screenshot. The manifest is written last, so a folder without one is no data set.
docs/record.md describes the record itself.

    summaries = [write_shards(pairs, folder, split) for split, pairs in ...]
    write_manifest(folder, summaries)
    source = ShardSource(folder, "train")
"""

import contextlib
import hashlib
import json
import os
import re
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import msgpack
from array_record.python import array_record_module

from xojl_jax.data.images import ChannelStatistics, ImageError, decode_image
from xojl_jax.errors import BadInput, BadUsage

FORMAT = "xojl-shards"
VERSION = 1
MANIFEST = "manifest.json"
_SPLIT_NAME = re.compile(r"[a-z][a-z0-9_]*")
_HASH_BLOCK = 1 << 20
_NUMBER_LIST = re.compile(r"\[\n *(?:-?\d+,\n *)*-?\d+\n *\]")


class Sample(NamedTuple):
    """One stored record: its JSON text and its encoded screenshot (`b""` where there is none)."""

    record: str
    image: bytes


@dataclass(frozen=True)
class ShardFile:
    name: str
    count: int
    size: int
    sha256: str


@dataclass(frozen=True)
class SplitSummary:
    """What `write_shards` wrote. `skipped` holds one line for each record it left out."""

    split: str
    files: tuple[ShardFile, ...]
    statistics: ChannelStatistics
    sizes: Mapping[str, list[int]] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        return sum(file.count for file in self.files)


def write_shards(
    samples: Iterable[tuple[str, bytes]],
    folder: str | Path,
    split: str,
    *,
    shard_size: int = 1000,
    sizes: Callable[[str], Mapping[str, int]] | None = None,
) -> SplitSummary:
    """Writes one split. Call `write_manifest` after the last one.

    Args:
      samples: (record as JSON text, encoded screenshot or b"") in the order to keep. A screenshot
        that cannot be decoded whole leaves its record out, with a line in `skipped`.
      folder: created if missing; must not hold files of this split yet.
      split: "train", "val", "test", or another lower-case word.
      shard_size: records per file.
      sizes: measures one record (such as its number of nodes); every record must give the same
        names. The manifest keeps the columns, so that a reader can leave out what does not fit.
    """
    folder = Path(folder)
    if not _SPLIT_NAME.fullmatch(split):
        raise BadUsage(f"split {split!r}: expected a lower-case word such as 'train'")
    folder.mkdir(parents=True, exist_ok=True)
    if stale := sorted(folder.glob(f"{split}-*")):
        raise BadUsage(f"{stale[0]} exists: choose an empty folder, or remove the old shards first")
    (folder / MANIFEST).unlink(missing_ok=True)  # it no longer tells the truth

    writer = _SplitWriter(folder, split, shard_size)
    statistics, columns, skipped = ChannelStatistics(), {}, []
    for number, (record, image) in enumerate(samples):
        if image:
            try:
                statistics.add(decode_image(image))
            except ImageError as error:
                skipped.append(f"record {number}: the screenshot {error}")
                continue
        for name, value in (sizes(record) if sizes else {}).items():
            columns.setdefault(name, []).append(int(value))
        writer.write(encode_sample(Sample(record, image)))
    files = writer.close()
    return SplitSummary(split, files, statistics, columns, tuple(skipped))


def write_manifest(
    folder: str | Path, summaries: Iterable[SplitSummary], *, note: Mapping | None = None
) -> Path:
    """Completes a shard folder: counts, checksums, and the channel statistics of its training split
    (of all splits where there is none). `note` is kept as it is, for reports."""
    summaries = list(summaries)
    chosen = [s for s in summaries if s.split == "train"] or summaries
    statistics = sum((s.statistics for s in chosen), ChannelStatistics())
    mean, std = statistics.mean_std()
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "channel_mean": mean,
        "channel_std": std,
        "splits": {
            s.split: {
                "count": s.count,
                "files": [vars(file) for file in s.files],
                "sizes": dict(s.sizes),
                "skipped": list(s.skipped),
            }
            for s in summaries
        },
        "note": dict(note or {}),
    }
    path = Path(folder) / MANIFEST
    temporary = path.with_suffix(".tmp")
    text = json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
    # One line for each column of sizes. (A JSON string holds no line break, so none is touched.)
    text = _NUMBER_LIST.sub(lambda match: re.sub(r"\n *", " ", match[0]), text)
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
    return path


class _SplitWriter:
    """Starts a new file every `shard_size` entries; names them when their number is known."""

    def __init__(self, folder: Path, split: str, shard_size: int):
        self.folder, self.split, self.shard_size = folder, split, shard_size
        self.counts: list[int] = []
        self.writer = None

    def write(self, entry: bytes) -> None:
        if self.writer is None or self.counts[-1] == self.shard_size:
            self._finish_file()
            self.counts.append(0)
            # group_size:1 is what makes single entries readable without their neighbours
            self.writer = array_record_module.ArrayRecordWriter(
                str(self._temporary(len(self.counts) - 1)), "group_size:1"
            )
        self.writer.write(entry)
        self.counts[-1] += 1

    def close(self) -> tuple[ShardFile, ...]:
        self._finish_file()
        files = []
        for index, count in enumerate(self.counts):
            name = f"{self.split}-{index:05d}-of-{len(self.counts):05d}.array_record"
            path = self._temporary(index).rename(self.folder / name)
            files.append(ShardFile(name, count, path.stat().st_size, sha256_of(path)))
        return tuple(files)

    def _temporary(self, index: int) -> Path:
        return self.folder / f"{self.split}-{index:05d}.tmp"

    def _finish_file(self) -> None:
        if self.writer is not None:
            self.writer.close()


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_HASH_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def encode_sample(sample: Sample) -> bytes:
    return msgpack.packb({"record": sample.record, "image": sample.image})


def decode_sample(entry: bytes) -> Sample:
    fields = msgpack.unpackb(entry)
    if not (isinstance(fields["record"], str) and isinstance(fields["image"], bytes)):
        raise ValueError("wrong types")
    return Sample(fields["record"], fields["image"])


@dataclass(frozen=True)
class Manifest:
    """A shard folder's table of contents. `splits` maps a name to its `SplitInfo`."""

    folder: Path
    splits: Mapping[str, "SplitInfo"]
    channel_mean: tuple[float, ...]
    channel_std: tuple[float, ...]
    note: Mapping


@dataclass(frozen=True)
class SplitInfo:
    files: tuple[ShardFile, ...]
    sizes: Mapping[str, tuple[int, ...]]
    skipped: tuple[str, ...]

    @property
    def count(self) -> int:
        return sum(file.count for file in self.files)


def read_manifest(folder: str | Path) -> Manifest:
    """Reads and checks `manifest.json`. Raises `BadInput` that names the file."""
    folder = Path(folder)
    path = folder / MANIFEST
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput(
            f"{folder} is no shard folder ({MANIFEST} is missing): make one with data_prep.build"
        ) from None
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} cannot be read ({error}): build the shards again") from error
    if not isinstance(fields, dict) or fields.get("format") != FORMAT:
        raise BadInput(f"{path} is no manifest of record shards: expected format {FORMAT!r}")
    if fields.get("version") != VERSION:
        raise BadInput(
            f"{path} has version {fields.get('version')!r}, this program reads {VERSION}: "
            "build the shards again"
        )
    try:
        return _manifest_from(folder, fields)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadInput(f"{path} is damaged ({error!r}): build the shards again") from error


def _manifest_from(folder: Path, fields: dict) -> Manifest:
    splits = {}
    for name, split in fields["splits"].items():
        files = tuple(ShardFile(**file) for file in split["files"])
        sizes = {column: tuple(values) for column, values in split["sizes"].items()}
        info = SplitInfo(files, sizes, tuple(split["skipped"]))
        if any(file.name != Path(file.name).name for file in files):
            raise ValueError("a file lies outside the folder")
        if info.count != split["count"] or any(len(v) != info.count for v in sizes.values()):
            raise ValueError(f"the counts of split {name!r} disagree")
        splits[name] = info
    mean, std = (tuple(map(float, fields[key])) for key in ("channel_mean", "channel_std"))
    if len(mean) != 3 or len(std) != 3:
        raise ValueError("three channels expected")
    return Manifest(folder, splits, mean, std, fields["note"])


class ShardSource:
    """Random access to one split: `len(source)`, `source[i] -> Sample`. Safe to share by threads.

    Opening checks that every file is there with its size and number of entries; `verify=True`
    also reads all bytes and compares checksums. A damaged entry raises `BadInput` when it is read
    (ArrayRecord keeps a hash of every chunk).
    """

    def __init__(self, folder: str | Path, split: str, *, verify: bool = False):
        self.manifest = read_manifest(folder)
        if split not in self.manifest.splits:
            known = ", ".join(sorted(self.manifest.splits)) or "none"
            raise BadInput(f"{folder} has no split {split!r}: it has {known}")
        self.info = self.manifest.splits[split]
        self._paths = [self.manifest.folder / file.name for file in self.info.files]
        self._ends = list(accumulate(file.count for file in self.info.files))
        for path, file in zip(self._paths, self.info.files, strict=True):
            _check_file(path, file, verify)
        self._readers = [None] * len(self._paths)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self.info.count

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(index)
        shard = bisect_right(self._ends, index)
        position = index - (self._ends[shard - 1] if shard else 0)
        try:
            (entry,) = self._reader(shard).read([position])
            return decode_sample(entry)
        except Exception as error:  # RuntimeError, ValueError, IndexError, msgpack's own kinds
            raise BadInput(
                f"{self._paths[shard]}: entry {position} cannot be read "
                f"({' '.join(str(error).split())[:160]}): build the shards again"
            ) from error

    def _reader(self, shard: int):
        with self._lock:
            if self._readers[shard] is None:
                self._readers[shard] = open_reader(self._paths[shard])
            return self._readers[shard]

    # Readers and locks stay behind when a source travels to another process.
    def __getstate__(self):
        return {**self.__dict__, "_readers": [None] * len(self._paths), "_lock": None}

    def __setstate__(self, state):
        self.__dict__.update(state, _lock=threading.Lock())


def open_reader(path: Path):
    # Without read-ahead: entries are asked for in random order.
    return array_record_module.ArrayRecordReader(
        os.fspath(path), options="readahead_buffer_size:0", file_reader_buffer_size=32768
    )


def _check_file(path: Path, file: ShardFile, verify: bool) -> None:
    if not path.is_file():
        raise BadInput(f"{path} is missing: copy it again, or build the shards again")
    if path.stat().st_size != file.size:
        raise BadInput(
            f"{path} has {path.stat().st_size} bytes, its manifest says {file.size}: "
            "copy it again, or build the shards again"
        )
    if verify and sha256_of(path) != file.sha256:
        raise BadInput(f"{path} does not match its checksum: copy it again")
    # A damaged index reads as zero entries, and says so only when the reader is closed.
    reader = open_reader(path)
    count = reader.num_records()
    with contextlib.suppress(RuntimeError):
        reader.close()
    if count != file.count:
        raise BadInput(f"{path} is damaged ({count} of {file.count} entries): copy it again")
