"""`python -m data_prep.build`: folders of records -> ArrayRecord shards with splits by site."""

import argparse
import hashlib
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from data_prep.progress import Progress
from xojl_jax import command
from xojl_jax.data.shards import write_manifest, write_shards
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.record import (
    Record,
    parse_record,
    read_directory,
    record_to_json,
    safe_screenshot_path,
)
from xojl_jax.xojl.tree import preorder
from xojl_jax.xojl.vocabulary import Vocabulary

USAGE = """Makes the shards that training reads from one folder of records or several.

  python -m data_prep.build --records data/raw --out data/shards
  python -m data_prep.build --records data/raw data/made --out data/shards --splits 80,10,10

A site never stands in two splits. Bad records are counted and left out, and so are records without
labels unless --unlabelled is given."""
SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Entry:
    """One good record, its screenshot still on disk."""

    site: str
    text: str
    screenshot: Path


def main(argv: list[str]) -> int | None:
    options = parse_flags(argv)
    out = Path(options.out)
    if out.exists() and any(out.iterdir() if out.is_dir() else [out]):
        raise BadUsage(f"--out {out}: not an empty folder; choose a new one, or remove it first")
    left_out: Counter = Counter()
    entries = list(read_all(options.records, options.unlabelled, options.least, left_out))
    if not entries:
        raise BadInput(f"no record to build from in {', '.join(options.records)}")
    by_split = split_by_site(entries, options.splits, options.seed)
    vocabulary = Vocabulary(Codebook.load())
    sizes = measurer(vocabulary)
    summaries = []
    try:
        for split, members in by_split.items():
            samples = ((e.text, e.screenshot.read_bytes()) for e in Progress(members, split))
            summaries.append(
                write_shards(samples, out, split, shard_size=options.shard_size, sizes=sizes)
            )
        note = {"codebook": vocabulary.codebook.digest, "left_out": dict(left_out)}
        sites = {split: sorted({e.site for e in members}) for split, members in by_split.items()}
        write_manifest(out, summaries, note={**note, "sites": sites})
    except OSError as error:
        raise BadUsage(f"--out {out}: cannot write ({error.strerror})") from error
    for summary in summaries:
        left_out.update(["screenshot cannot be decoded"] * len(summary.skipped))
    report(out, summaries, by_split, left_out)
    return None


def parse_flags(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m data_prep.build",
        description=USAGE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--records", required=True, nargs="+", metavar="DIR", help="folders of records"
    )
    parser.add_argument("--out", required=True, metavar="SHARDS", help="a new folder")
    parser.add_argument(
        "--splits",
        type=_shares,
        default=(80, 10, 10),
        metavar="A,B,C",
        help="parts for train, val and test (default 80,10,10)",
    )
    parser.add_argument("--seed", type=int, default=0, help="which sites go where (default 0)")
    parser.add_argument("--shard-size", type=int, default=1000, metavar="N", help="default 1000")
    parser.add_argument(
        "--least", type=int, default=1, metavar="N", help="labelled nodes of a record (default 1)"
    )
    parser.add_argument("--unlabelled", action="store_true", help="keep records without a layout")
    options = parser.parse_args(argv)
    if options.shard_size < 1:
        parser.error("--shard-size: at least 1")
    return options


def _shares(text: str) -> tuple[float, ...]:
    try:
        shares = tuple(float(part) for part in text.split(","))
    except ValueError:
        shares = ()
    if len(shares) != 3 or min(shares) < 0 or shares[0] <= 0:
        raise argparse.ArgumentTypeError(f"{text!r}: three numbers such as 80,10,10, train above 0")
    return shares


def read_all(
    folders: list[str], unlabelled: bool, least: int, left_out: Counter
) -> Iterator[Entry]:
    """Every good record of every folder; the rest is counted by reason."""
    for name in folders:
        folder = Path(name)
        for where, record in read_directory(folder):
            if isinstance(record, BadInput):
                print(f"{folder}/{record}", file=sys.stderr)
                left_out["not a record"] += 1
                continue
            if record.layout is None and not unlabelled:
                left_out["no layout"] += 1
                continue
            if record.layout is not None and len(preorder(record.layout)) < least:
                left_out[f"fewer than {least} labelled nodes"] += 1
                continue
            try:
                path = safe_screenshot_path(folder, record.screenshot)
            except BadInput as error:
                print(f"{folder}/{where}: {error}", file=sys.stderr)
                left_out["no screenshot"] += 1
                continue
            yield Entry(site_of(record, folder.name), record_to_json(record), path)


def site_of(record: Record, folder: str) -> str:
    """What must not be torn apart: the site, else the page's host or package, else the folder."""
    source = record.source or {}
    if isinstance(source.get("site"), str):
        return source["site"]
    uri = source.get("uri")
    if not isinstance(uri, str) or not uri:
        return folder
    parts = urlsplit(uri)
    return parts.hostname or uri  # a made section (synth:1/7) is a site of its own


def split_by_site(
    entries: list[Entry], shares: tuple[float, ...], seed: int
) -> dict[str, list[Entry]]:
    """Whole sites to splits: the largest first, each to the split that lacks most.

    With a few sites this comes as near to the wanted shares as may be; with many it equals them.
    The order of sites of one size follows from the seed alone.
    """
    sites: dict[str, list[Entry]] = {}
    for entry in entries:
        sites.setdefault(entry.site, []).append(entry)

    def order(site: str):
        return -len(sites[site]), hashlib.sha256(f"{seed}/{site}".encode()).digest()

    total = sum(shares)
    pairs = zip(SPLITS, shares, strict=True)
    wanted = {split: share / total * len(entries) for split, share in pairs if share > 0}
    out: dict[str, list[Entry]] = {split: [] for split in wanted}
    for site in sorted(sites, key=order):
        split = max(wanted, key=lambda s: wanted[s] - len(out[s]))
        out[split] += sites[site]
    return {split: members for split, members in out.items() if members}


def measurer(vocabulary: Vocabulary):
    """A function of a record's JSON text: what the record takes, as readers of shards ask it."""

    def sizes(text: str) -> dict[str, int]:
        record = parse_record(text)
        out = {"nodes": len(preorder(record.html)), "semantic_tokens": 0, "detail_tokens": 0}
        if record.layout is not None:
            detail = vocabulary.tokenise_detail(record.layout, record.html, record.alignment())
            out["semantic_tokens"] = len(vocabulary.tokenise_semantic(record.layout)) - 1
            out["detail_tokens"] = len(detail) - 1
        return out

    return sizes


def report(out: Path, summaries, by_split: dict[str, list[Entry]], left_out: Counter) -> None:
    for summary in summaries:
        sites = len({entry.site for entry in by_split[summary.split]})
        size = sum(file.size for file in summary.files) / 2**20
        print(
            f"{summary.split}: {summary.count} records of {sites} sites, {size:.1f} MiB",
            file=sys.stderr,
        )
    for reason, count in left_out.most_common():
        print(f"left out: {count} ({reason})", file=sys.stderr)
    print(f"shards in {out}", file=sys.stderr)


if __name__ == "__main__":
    command.run(main)
