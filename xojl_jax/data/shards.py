"""Record shards: one set of ArrayRecord files that we and tensorflow-datasets read alike.

A shard folder holds `manifest.json`, what tensorflow-datasets wants (`dataset_info.json`,
`features.json`) and the files, such as `xojl_sections-train.array_record-00000-of-00004`. One entry
is a `tf.train.Example` of two features with one bytes value each: `record`, the JSON text, and
`image`, the encoded screenshot (empty for a record without one). docs/shards.md tells all of it.

    summaries = [write_shards(pairs, folder, split) for split, pairs in ...]
    write_manifest(folder, summaries)
    source = ShardSource(folder, "train")
"""

import contextlib
import os
import re
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import accumulate, chain, islice
from pathlib import Path
from typing import Any, NamedTuple

from array_record.python import array_record_module  # pyright: ignore  (compiled, no stub)

from xojl_jax.data.images import ChannelStatistics, ImageError, decode_image
from xojl_jax.data.manifest import (
    MANIFEST,
    Manifest,
    ShardFile,
    SplitInfo,
    SplitSummary,
    read_manifest,
    shard_name,
    write_manifest,
)
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.files import replacing, sha256

__all__ = [
    "MANIFEST",
    "Manifest",
    "ShardFile",
    "ShardSource",
    "SplitInfo",
    "SplitSummary",
    "StoredRecord",
    "join_shards",
    "read_manifest",
    "write_manifest",
    "write_shard",
    "write_shards",
]

_SPLIT_NAME = re.compile(r"[a-z][a-z0-9_]*")

Sizes = Mapping[str, int]


class StoredRecord(NamedTuple):
    """One stored record: its JSON text and its encoded screenshot (`b""` where there is none)."""

    record: str
    image: bytes


# --- writing ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shard:
    """What `write_shard` wrote. `skipped` maps a position among its samples to what was wrong."""

    file: ShardFile
    statistics: ChannelStatistics
    sizes: Mapping[str, list[int]]
    skipped: Mapping[int, str]


def write_shard(path: Path, samples: Iterable[tuple[str, bytes, Sizes]]) -> Shard:
    """Writes one file; the same samples give the same bytes. It has its name only when it is whole.

    Args:
      path: the file. Its folder must exist.
      samples: (record as JSON text, encoded screenshot or b"", measures of the record by name). A
        screenshot that cannot be decoded whole leaves its record out. Every record must have the
        same measures.
    """
    # unique: on several machines an engine may try the same file twice at once.
    with replacing(path, unique=True) as temporary:
        count, statistics, columns, skipped = _write_entries(path, temporary, samples)
        file = ShardFile(path.name, count, temporary.stat().st_size, sha256(temporary))
    return Shard(file, statistics, columns, skipped)


def _write_entries(
    path: Path, temporary: Path, samples
) -> tuple[int, ChannelStatistics, dict, dict]:
    """How many entries were written, and the other fields of their `Shard`."""
    # group_size:1 is what makes single entries readable without their neighbors
    writer = array_record_module.ArrayRecordWriter(str(temporary), "group_size:1")
    statistics, columns, skipped, count = ChannelStatistics(), {}, {}, 0
    try:
        for position, (record, image, sizes) in enumerate(samples):
            if image:
                try:
                    statistics.add(decode_image(image))
                except ImageError as error:
                    skipped[position] = f"the screenshot {error}"
                    continue
            for name, value in sizes.items():
                columns.setdefault(name, []).append(int(value))
            with _told_of(path):
                writer.write(encode_sample(StoredRecord(record, image)))
            count += 1
        with _told_of(path):
            writer.close()
    finally:
        with contextlib.suppress(RuntimeError):
            writer.close()
    return count, statistics, columns, skipped


@contextlib.contextmanager
def _told_of(path: Path) -> Iterator[None]:
    """ArrayRecord's RuntimeErrors, such as a full disk's, in one line that names the file."""
    try:
        yield
    except RuntimeError as error:
        what = " ".join(str(error).split(";")[0].split())
        raise BadUsage(f"{path} cannot be written: {what}") from error


def write_shards(
    samples: Iterable[tuple[str, bytes]],
    folder: str | Path,
    split: str,
    *,
    shard_size: int = 1000,
    sizes: Callable[[str], Sizes] | None = None,
) -> SplitSummary:
    """Writes one split, file after file. Call `write_manifest` after the last split.

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
    if stale := sorted(folder.glob(f"*-{split}.array_record-*")):
        raise BadUsage(f"{stale[0]} exists: choose an empty folder, or remove the old shards first")
    (folder / MANIFEST).unlink(missing_ok=True)  # it no longer tells the truth

    triples = ((record, image, sizes(record) if sizes else {}) for record, image in samples)
    shards = []
    for first in triples:
        part = islice(chain([first], triples), shard_size)
        shards.append(write_shard(folder / f"{split}-{len(shards):05d}.part", part))
    skipped = [
        f"record {number * shard_size + position}: {why}"
        for number, shard in enumerate(shards)
        for position, why in shard.skipped.items()
    ]
    for number, shard in enumerate(shards):  # how many there are is known only now
        name = shard_name(split, number, len(shards))
        (folder / shard.file.name).rename(folder / name)
        shards[number] = replace(shard, file=replace(shard.file, name=name))
    return join_shards(split, shards, skipped)


def join_shards(split: str, shards: Iterable[Shard], skipped: Iterable[str]) -> SplitSummary:
    """The files of one split, in their order, as one summary."""
    shards, columns = list(shards), {}
    for shard in shards:
        for name, values in shard.sizes.items():
            columns.setdefault(name, []).extend(values)
    statistics = sum((shard.statistics for shard in shards), ChannelStatistics())
    files = tuple(shard.file for shard in shards)
    return SplitSummary(split, files, statistics, columns, skipped=tuple(skipped))


_IMPORT_LOCK = threading.Lock()


@cache
def _example() -> type:
    """The message class `tf.train.Example` as tensorflow-datasets ships it (TensorFlow not needed).

    Imported when the first source is opened, or the first record written: it takes a third of a
    second. Not later: while tensorflow-datasets is imported, its lazy imports replace `__import__`
    in all threads, and what another imports then, such as JAX while it compiles, fails.
    """
    # The module imports itself when it is first used. Two reading threads would do so at once, each
    # holding a lock that the other waits for (of the lazy attribute, of the import): one at a time.
    with _IMPORT_LOCK:
        from tensorflow_datasets.proto import tf_example_pb2

        return tf_example_pb2.Example  # pyright: ignore  (protobuf makes it at run time)


def encode_sample(sample: StoredRecord) -> bytes:
    example = _example()()
    feature = example.features.feature
    feature["record"].bytes_list.value.append(sample.record.encode())
    feature["image"].bytes_list.value.append(sample.image)
    return example.SerializeToString(deterministic=True)  # a map's order is free otherwise


def decode_sample(entry: bytes) -> StoredRecord:
    feature = _example().FromString(entry).features.feature
    (record,), (image,) = (feature[name].bytes_list.value for name in StoredRecord._fields)
    return StoredRecord(record.decode(), image)


# --- reading ---------------------------------------------------------------------------------


class NoSplit(BadInput):
    """A split that the data set does not have."""


class ShardSource:
    """Random access to one split: `len(source)`, `source[i]`. Safe to share by threads.

    Opening checks that every file is there with its size and number of entries; `verify=True`
    also reads all bytes and compares checksums. A damaged entry raises `BadInput` when it is read
    (ArrayRecord keeps a hash of every chunk).
    """

    def __init__(self, folder: str | Path, split: str, *, verify: bool = False):
        self.manifest = read_manifest(folder)
        if split not in self.manifest.splits:
            known = ", ".join(sorted(self.manifest.splits)) or "none"
            raise NoSplit(f"{folder} has no split {split!r}: it has {known}")
        self.info = self.manifest.splits[split]
        self._paths = [self.manifest.folder / file.name for file in self.info.files]
        self._ends = list(accumulate(file.count for file in self.info.files))
        for path, file in zip(self._paths, self.info.files, strict=True):
            _check_file(path, file, verify)
        self._readers: list[Any] = [None] * len(self._paths)
        self._lock = threading.Lock()
        _example()

    def __len__(self) -> int:
        return self.info.count

    def __getitem__(self, index: int) -> StoredRecord:
        if not 0 <= index < len(self):
            raise IndexError(index)
        shard = bisect_right(self._ends, index)
        position = index - (self._ends[shard - 1] if shard else 0)
        try:
            (entry,) = self._reader(shard).read([position])
            return decode_sample(entry)
        except Exception as error:  # RuntimeError, ValueError, IndexError, protobuf's own kinds
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
    if verify and sha256(path) != file.sha256:
        raise BadInput(f"{path} does not match its checksum: copy it again")
    # A damaged index reads as zero entries, and says so only when the reader is closed.
    reader = open_reader(path)
    count = reader.num_records()
    with contextlib.suppress(RuntimeError):
        reader.close()
    if count != file.count:
        raise BadInput(f"{path} is damaged ({count} of {file.count} entries): copy it again")
