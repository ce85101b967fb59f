"""The table of contents of a shard folder: `manifest.json`, and what tensorflow-datasets reads.

`write_manifest` is the last step of making a folder: one without a manifest is no data set.
docs/shards.md describes both files.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xojl_jax.data.images import ChannelStatistics
from xojl_jax.errors import BadInput
from xojl_jax.files import write_text

FORMAT = "xojl-shards"
VERSION = 2
MANIFEST = "manifest.json"
# The name by which tensorflow-datasets knows the data set, unless told otherwise; file names start
# with it.
DATASET = "xojl_sections"
_REBUILD = "build the shards again: python -m data_prep.build --records RECORDS --out NEW_FOLDER"
_NUMBER_LIST = re.compile(r"\[\n *(?:-?[\d.e+-]+,\n *)*-?[\d.e+-]+\n *\]")


@dataclass(frozen=True)
class ShardFile:
    name: str
    count: int
    size: int
    sha256: str


@dataclass(frozen=True)
class SplitSummary:
    """One split as it was written. `skipped` holds one line for each record that was left out."""

    split: str
    files: tuple[ShardFile, ...]
    statistics: ChannelStatistics
    sizes: Mapping[str, list[int]] = field(default_factory=dict)
    weights: list[float] = field(default_factory=list)
    skipped: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        return sum(file.count for file in self.files)


@dataclass(frozen=True)
class SplitInfo:
    """One split as the manifest has it. Each column of `sizes` has one number a record, and so
    have `weights`, how rare a record is (data_prep.build writes them), where they are not empty."""

    files: tuple[ShardFile, ...]
    sizes: Mapping[str, tuple[int, ...]]
    weights: tuple[float, ...]
    skipped: tuple[str, ...]

    @property
    def count(self) -> int:
        return sum(file.count for file in self.files)


@dataclass(frozen=True)
class Manifest:
    """A shard folder's table of contents. `splits` maps a name to its `SplitInfo`."""

    folder: Path
    splits: Mapping[str, SplitInfo]
    channel_mean: tuple[float, ...]
    channel_std: tuple[float, ...]
    note: Mapping

    @property
    def statistics(self) -> dict[str, list[float]]:
        """Mean and standard deviation of each color channel, in [0, 1], as a checkpoint keeps
        them."""
        return {"mean": list(self.channel_mean), "std": list(self.channel_std)}


# --- writing ---------------------------------------------------------------------------------


def shard_name(split: str, index: int, count: int, dataset: str = DATASET) -> str:
    """The name that tensorflow-datasets gives to file `index` of `count`."""
    return f"{dataset}-{split}.array_record-{index:05d}-of-{count:05d}"


def write_manifest(
    folder: str | Path,
    summaries: Iterable[SplitSummary],
    *,
    note: Mapping | None = None,
    description: str = "Screenshots of web sections with their HTML and layout trees.",
    dataset: str = DATASET,
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
                "weights": list(s.weights),
                "skipped": list(s.skipped),
            }
            for s in summaries
        },
        "note": dict(note or {}),
    }
    _write_tfds(Path(folder), summaries, description, dataset)
    path = Path(folder) / MANIFEST
    text = json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
    # One line for each column of numbers. (A JSON string holds no line break: none is touched.)
    text = _NUMBER_LIST.sub(lambda match: re.sub(r"\n *", " ", match[0]), text)
    write_text(path, text)
    return path


def _write_tfds(
    folder: Path, summaries: list[SplitSummary], description: str, dataset: str
) -> None:
    """`dataset_info.json` and `features.json`, by tensorflow-datasets itself, without TensorFlow.

    A split without records is in our manifest only: tensorflow-datasets knows no such thing.
    """
    import tensorflow_datasets as tfds  # half a second, and only writers need it

    template = tfds.core.ShardedFileTemplate(
        data_dir=tfds.core.Path(folder), dataset_name=dataset, filetype_suffix="array_record"
    )
    splits = [
        tfds.core.SplitInfo(
            name=summary.split,
            shard_lengths=[file.count for file in summary.files],
            num_bytes=sum(file.size for file in summary.files),
            filename_template=template.replace(split=summary.split),
        )
        for summary in summaries
        if summary.count
    ]
    if splits:
        tfds.folder_dataset.write_metadata(
            data_dir=folder,
            features={"record": tfds.features.Text(), "image": tfds.features.Image()},
            split_infos=splits,
            filename_template=template,
            version=f"{VERSION}.0.0",
            description=description,
            check_data=False,  # it would read the first example with TensorFlow
        )


# --- reading ---------------------------------------------------------------------------------


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
        raise BadInput(f"{path} cannot be read ({error}): {_REBUILD}") from error
    if not isinstance(fields, dict) or fields.get("format") != FORMAT:
        raise BadInput(f"{path} is no manifest of record shards: expected format {FORMAT!r}")
    if fields.get("version") != VERSION:
        raise BadInput(
            f"{path} has version {fields.get('version')!r}, this program reads {VERSION}: "
            f"{_REBUILD}"
        )
    try:
        return _manifest_from(folder, fields)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadInput(f"{path} is damaged ({error!r}): {_REBUILD}") from error


def _manifest_from(folder: Path, fields: dict) -> Manifest:
    splits = {}
    for name, split in fields["splits"].items():
        files = tuple(ShardFile(**file) for file in split["files"])
        sizes = {column: tuple(values) for column, values in split["sizes"].items()}
        info = SplitInfo(files, sizes, tuple(split["weights"]), tuple(split["skipped"]))
        if any(file.name != Path(file.name).name for file in files):
            raise ValueError("a file lies outside the folder")
        columns = [*sizes.values(), *([info.weights] if info.weights else [])]
        if info.count != split["count"] or any(len(v) != info.count for v in columns):
            raise ValueError(f"the counts of split {name!r} disagree")
        splits[name] = info
    mean, std = (tuple(map(float, fields[key])) for key in ("channel_mean", "channel_std"))
    if len(mean) != 3 or len(std) != 3:
        raise ValueError("three channels expected")
    return Manifest(folder, splits, mean, std, fields["note"])
