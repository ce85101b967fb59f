"""Building shards, the second half: which record goes where, the files, and the finished folder.

docs/shards.md describes the folder; `records` has the first half.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from data_prep.build.card import make_card, write_card
from data_prep.build.pieces import write_pieces
from data_prep.build.records import (
    Candidate,
    Job,
    LeftOut,
    measure_picture,
    source_of,
)
from data_prep.records.splits import SPLITS, assign_sites
from xojl_jax.data.images import ChannelStatistics
from xojl_jax.data.manifest import VERSION, shard_name, write_manifest
from xojl_jax.data.shards import Shard, ShardFile, join_shards, write_shard
from xojl_jax.errors import BadInput
from xojl_jax.files import sha256, write_text


@dataclass(frozen=True)
class Plan:
    """Where everything goes: the split of each site, and the number of files of each split."""

    split_of: Mapping[str, str]
    files: Mapping[str, int]

    def part_of(self, candidate: Candidate) -> tuple[str, int]:
        """(split, number of the file): equal ranges of keys, so files are about equally long."""
        split = self.split_of[candidate.site]
        # The first 48 bits of the key as a fraction, times the number of files.
        return split, int(candidate.key[:12], 16) * self.files[split] >> 48


@dataclass(frozen=True)
class Part:
    """One finished file of a split; `facts` of each record in it, for the weights and the card."""

    split: str
    index: int
    shard: Shard
    facts: list[dict]
    left_out: list[LeftOut]


# --- one file --------------------------------------------------------------------------------


def tally(candidates: Iterable[Candidate]) -> dict[str, tuple[int, int]]:
    """Of every site: (records, bytes)."""
    sites: dict[str, tuple[int, int]] = {}
    for candidate in candidates:
        count, size = sites.get(candidate.site, (0, 0))
        sites[candidate.site] = count + 1, size + candidate.size
    return sites


def make_plan(sites: Mapping[str, tuple[int, int]], job: Job) -> Plan:
    """From (records, bytes) of every site: which split it goes to, how many files a split has."""
    counts = {site: count for site, (count, _) in sites.items()}
    split_of = assign_sites(counts, job.shares, job.seed, how=job.assign, fixed=job.fixed)
    totals: Counter = Counter()
    for site, (_, size) in sites.items():
        totals[split_of[site]] += size
    files = {split: max(1, -(-total // job.shard_bytes)) for split, total in totals.items()}
    return Plan(split_of, files)


def write_part(part: tuple[str, int], candidates: Iterable[Candidate], job: Job) -> Part:
    """Writes one file of a split, its records in the order of their keys, or finds it finished.

    A finished file is one whose note (`….json` beside it) has the digest of these candidates and
    the file's checksum: it is what this call would write.
    """
    (split, index), candidates = part, sorted(candidates, key=_order)
    path = job.building / f"{split}-{index:05d}.part"
    note = path.with_name(path.name + ".json")
    measures = "measures 2"  # those of an earlier release lacked what buckets need
    fitted = [] if job.fit is None else [f"fit {job.fit}"]
    made = [*fitted, *(f"ask {kind}" for kind in job.ask)]
    parts = [str(VERSION), measures, job.records.digest(), *made, *(c.digest for c in candidates)]
    keys = "\n".join(parts)
    digest = hashlib.sha256(keys.encode()).hexdigest()
    if (found := _finished(path, note, digest)) is not None:
        return found
    facts, left_out = [], []
    note.unlink(missing_ok=True)
    shard = write_shard(path, _samples(candidates, job, facts, left_out))
    for position, why in shard.skipped.items():
        place = facts[position].pop("place")
        left_out.append(LeftOut("screenshot cannot be decoded", f"{place}: {why}"))
    kept = [fact for position, fact in enumerate(facts) if position not in shard.skipped]
    for fact in kept:
        del fact["place"]
    done = Part(split, index, shard, kept, left_out)
    # unique: on several machines an engine may try the same part twice at once.
    write_text(note, json.dumps({"digest": digest} | _to_json(done)), unique=True)
    return done


def _order(candidate: Candidate) -> tuple[str, int, str, str]:
    return candidate.key, candidate.folder, candidate.digest, str(candidate.place)


def _samples(
    candidates: list[Candidate], job: Job, facts: list[dict], left_out: list[LeftOut]
) -> Iterator[tuple[str, bytes, dict[str, int]]]:
    """What `write_shard` wants, of each record once; adds to `facts` and `left_out`."""
    last, kind = None, job.records
    for candidate in candidates:
        if last and candidate.key == last.key:
            again = candidate.digest == last.digest
            left_out.append(LeftOut("given twice" if again else "given with another label before"))
            continue
        last, place = candidate, candidate.place
        source = source_of(place.folder)
        try:
            record = kind.parse_record(source.text(place.entry), where=str(place))
            picture = source.picture(place.entry, kind.picture_path(record))
        except (BadInput, OSError) as error:
            raise BadInput(f"{place} changed while it was read: run the build again") from error
        if job.fit is not None:
            record, picture = kind.fit_record(record, picture, job.fit)
        for ask in job.ask:
            record = kind.ASKS[ask](record)
        facts.append(kind.facts_of(record, candidate.site) | {"place": str(place)})
        yield kind.record_to_json(record), picture, kind.measure(record) | measure_picture(picture)


def _finished(path: Path, note: Path, digest: str) -> Part | None:
    try:
        fields = json.loads(note.read_text(encoding="utf-8"))
        if fields.pop("digest") == digest and sha256(path) == fields["file"]["sha256"]:
            return _from_json(fields)
    except (OSError, ValueError, KeyError, TypeError):
        pass  # not begun, or half written: write it
    return None


def _to_json(part: Part) -> dict:
    return {
        "split": part.split,
        "index": part.index,
        "file": asdict(part.shard.file),
        "histogram": part.shard.statistics.histogram.tolist(),
        "sizes": dict(part.shard.sizes),
        "skipped": list(part.shard.skipped.items()),
        "facts": part.facts,
        "left_out": [asdict(one) for one in part.left_out],
    }


def _from_json(fields: dict) -> Part:
    statistics = ChannelStatistics(np.array(fields["histogram"], np.int64))
    file, skipped = ShardFile(**fields["file"]), dict(fields["skipped"])
    shard = Shard(file, statistics, fields["sizes"], skipped)
    left_out = [LeftOut(**one) for one in fields["left_out"]]
    return Part(fields["split"], fields["index"], shard, fields["facts"], left_out)


# --- all of it -------------------------------------------------------------------------------


def finish(parts: Iterable[Part], left_out: Mapping[str, int], job: Job) -> None:
    """Names the files, writes card and manifest, and gives the folder its name, last of all."""
    parts = sorted(parts, key=lambda part: (SPLITS.index(part.split), part.index))
    left_out = Counter(left_out)
    left_out.update(one.reason for part in parts for one in part.left_out)
    parts = [part for part in parts if part.facts]
    if not parts:
        raise nothing_left(job, left_out)
    kind, dataset = job.records, job.records.DATASET
    by_split = {part.split: [p for p in parts if p.split == part.split] for part in parts}
    summaries, facts = [], {}
    for split, members in by_split.items():
        facts[split] = [fact for part in members for fact in part.facts]
        shards = [
            _named(part.shard, job.building, shard_name(split, number, len(members), dataset))
            for number, part in enumerate(members)
        ]
        skipped = [one.fault for part in members for one in part.left_out if one.fault]
        summary = join_shards(split, shards, skipped)
        summaries.append(replace(summary, weights=rarity(map(kind.labels_of, facts[split]))))
    keep = {file.name for summary in summaries for file in summary.files}
    for path in job.building.iterdir():
        if path.name not in keep:
            path.unlink()
    if kind.MAKES_PIECES:
        chosen = [s for s in summaries if s.split == "train"] or summaries
        files = [job.building / file.name for summary in chosen for file in summary.files]
        write_pieces(job.building, job.pieces, files)
    card = make_card(job, summaries, facts, left_out)
    write_card(job.building, card, kind.TABLES)
    note = {
        **kind.note(),
        "hash": card["hash"],
        "left_out": card["left_out"],
        "sites": {split: sorted({fact["site"] for fact in facts[split]}) for split in facts},
    }
    write_manifest(job.building, summaries, note=note, description=card["about"], dataset=dataset)
    job.building.replace(job.out)


def _named(shard: Shard, folder: Path, name: str) -> Shard:
    (folder / shard.file.name).replace(folder / name)
    return replace(shard, file=replace(shard.file, name=name))


def nothing_left(job: Job, left_out: Mapping[str, int]) -> BadInput:
    reasons = ", ".join(f"{count} {reason}" for reason, count in left_out.items())
    return BadInput(
        f"no record to build from in {', '.join(job.folders)}"
        + (f"; left out: {reasons}" if reasons else "")
    )


def rarity(labels: Iterable[list[str]]) -> list[float]:
    """How rare each record is: how many records of the split there are for each one that has its
    rarest label, be that its category or one of its elements. 1 where all records have all labels.
    """
    labels = list(labels)
    counts = Counter(label for some in labels for label in some)
    return [round(len(labels) / min(counts[label] for label in some), 3) for some in labels]
