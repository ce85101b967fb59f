"""The card of a data set: what is in it and how it was made, for people and for programs.

`card.json` has the figures, `README.md` shows them as tables. Both are in the folder of shards.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from data_prep.build.records import Job
from xojl_jax.data.manifest import SplitSummary

_SITES_SHOWN = 50
_QUANTILES = {"least": 0, "5 %": 0.05, "median": 0.5, "95 %": 0.95, "most": 1}

Facts = Mapping[str, list[dict]]  # of every record by split; see `records.facts_of`


def make_card(
    job: Job,
    summaries: list[SplitSummary],
    facts: Facts,
    left_out: Mapping[str, int],
) -> dict:
    """The figures. `facts[split]` are in the order of the split's records."""
    everything = [fact for members in facts.values() for fact in members]
    return {
        "name": job.records.DATASET,
        "about": job.about or job.records.ABOUT,
        "made_by": job.command,
        "hash": hash_of(summaries),
        **job.records.note(),
        "splits": {s.split: _split_figures(s, facts[s.split]) for s in summaries},
        "sites": _counts_by_split(facts, lambda fact: [fact["site"]]),
        "licences": _counts_by_split(facts, lambda fact: [fact["licence"]]),
        **{
            name: _counts_by_split(facts, labels)
            for name, (_, _, labels) in job.records.TABLES.items()
        },
        "sizes": {
            name: _quantiles([n for s in summaries for n in s.sizes[name]])
            for name in summaries[0].sizes
        },
        "quality": {
            name: _quantiles([f["quality"][name] for f in everything if name in f["quality"]])
            for name in sorted({name for fact in everything for name in fact["quality"]})
        },
        "left_out": dict(sorted(left_out.items())),
    }


def hash_of(summaries: Iterable[SplitSummary]) -> str:
    """One checksum for the whole data set: of the names and checksums of its files."""
    lines = [f"{file.sha256}  {file.name}" for s in summaries for file in s.files]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def _split_figures(summary: SplitSummary, facts: list[dict]) -> dict[str, int]:
    return {
        "records": summary.count,
        "labelled": sum(bool(fact["elements"]) for fact in facts),
        "sites": len({fact["site"] for fact in facts}),
        "files": len(summary.files),
        "bytes": sum(file.size for file in summary.files),
    }


def _counts_by_split(facts: Facts, labels) -> dict[str, dict[str, int]]:
    """Label → split → how often records have it; the commonest label first."""
    counts = {
        split: Counter(label for fact in members for label in labels(fact))
        for split, members in facts.items()
    }
    total = sum(counts.values(), Counter())
    order = sorted(total, key=lambda label: (-total[label], label))
    return {label: {split: counts[split][label] for split in facts} for label in order}


def _quantiles(values: list[float]) -> dict[str, float]:
    numbers = np.quantile(values, list(_QUANTILES.values()), method="nearest")
    return {"records": len(values)} | dict(zip(_QUANTILES, numbers.tolist(), strict=True))


# --- for people ------------------------------------------------------------------------------


def write_card(folder: Path, card: dict, tables: Mapping) -> None:
    """Writes `card.json` and `README.md`; `tables` are those of the kind of record."""
    text = json.dumps(card, ensure_ascii=False, indent=1) + "\n"
    (folder / "card.json").write_text(text, encoding="utf-8")
    (folder / "README.md").write_text(render(card, tables), encoding="utf-8")


def read_card(folder: Path) -> dict:
    return json.loads((folder / "card.json").read_text(encoding="utf-8"))


def render(card: dict, tables: Mapping) -> str:
    """The card as Markdown."""
    splits = card["splits"]
    total = sum(split["records"] for split in splits.values())
    shares = [
        [name, s["records"], s["labelled"], s["sites"], s["files"], f"{s['bytes'] / 2**20:.1f}"]
        for name, s in splits.items()
    ]
    sites = [[site, *counts.values()] for site, counts in card["sites"].items()]
    if len(sites) > _SITES_SHOWN:
        more = sites[_SITES_SHOWN:]
        rest = [sum(column) for column in zip(*(row[1:] for row in more), strict=True)]
        sites = [*sites[:_SITES_SHOWN], [f"and {len(more)} more", *rest]]
    quantiles = ["records", *_QUANTILES]
    numbers = {"sizes": "How large a record is", "quality": "How far a record can be trusted"}
    blocks = [
        f"# {card['name']}: {total} records",
        card["about"],
        _table(["split", "records", "labelled", "sites", "files", "MiB"], shares),
        "No site is in two splits. Records are in the order of a hash of their content.",
        "## Reading",
        _READING,
        "## How it was made",
        f"    {card['made_by']}",
        f"Data set `{card['hash']}`, "
        + (f"codebook `{card['codebook']}`." if "codebook" in card else "records of documents."),
        "### Left out",
        _table(["reason", "records"], card["left_out"].items()) if card["left_out"] else "Nothing.",
        "## What is in it",
        "### Sites",
        _table(["site", *splits], sites),
        *_counted(card, "licences", "licence", "### Licences"),
        *(
            block
            for name, (head, title, _) in tables.items()
            for block in _counted(card, name, head, title)
        ),
    ]
    for name, title in numbers.items():
        if card[name]:
            rows = [
                [label.replace("_", " "), *(f"{row[q]:g}" for q in quantiles)]
                for label, row in card[name].items()
            ]
            blocks += [f"### {title}", _table([name, *quantiles], rows)]
    return "\n\n".join(blocks) + "\n"


_READING = """```python
import tensorflow_datasets as tfds  # TensorFlow itself is not needed
train = tfds.builder_from_directory(".").as_data_source("train")
train[0]["record"], train[0]["image"]  # JSON as bytes, uint8[H, W, 3]

from xojl_jax.data.shards import ShardSource
train = ShardSource(".", "train", verify=True)
train[0].record, train[0].image  # JSON text, the screenshot's own bytes
```"""


def _counted(card: dict, name: str, head: str, title: str) -> list[str]:
    if not card[name]:
        return []
    rows = [[label, *counts.values()] for label, counts in card[name].items()]
    return [title, _table([head, *card["splits"]], rows)]


def _table(head: list[str], rows: Iterable) -> str:
    """A Markdown table: names to the left, figures to the right."""
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")
