"""`python -m data_prep.build`: folders of records -> shards, split by site, with a card."""

import argparse
import multiprocessing
import shlex
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from data_prep.build.card import read_card
from data_prep.build.files import Part, finish, make_plan, nothing_left, tally, write_part
from data_prep.build.kinds import KINDS, one_kind
from data_prep.build.pipeline import build_with_beam
from data_prep.build.records import SIZES, Candidate, Job, LeftOut, Place, places, sift, source_of
from data_prep.cli.beam import require_beam
from data_prep.cli.flags import add_workers
from data_prep.cli.progress import Progress
from data_prep.records.splits import SPLITS
from xojl_jax.documents.word_pieces import FEWEST, MOST
from xojl_jax.errors import BadUsage

USAGE = """Makes the shards that training reads, from folders of layout records or of document
records (or from older shards). The result opens with tensorflow-datasets, too, and its README.md
says what is in it. With documents comes a tokenizer of their words.

  python -m data_prep.build --records data/raw --out data/shards
  python -m data_prep.build --records data/raw data/made --out data/shards --splits 90,5,5
  python -m data_prep.build --records data/raw --out data/shards --least label=0.8 \\
    --test-sites a.org,b.org

On many machines, as an Apache Beam pipeline, in an environment from requirements-beam.txt:
  … -m data_prep.build --beam --records data/raw --out data/shards
  … --direct_running_mode=multi_processing --direct_num_workers=8
  … --runner=FlinkRunner --flink_master=HOST:8081 --environment_type=LOOPBACK
  … --runner=DataflowRunner --project=P --region=R --temp_location=gs://B/tmp \\
      --sdk_container_image=IMAGE
Every worker must see the folders of --records and --out under the same path (a shared disk), and
needs this project and requirements-beam.txt installed.

A site, or an author of made sections, is never in two splits. The same records give the same
files, whatever their order, the number of workers and of machines. A build that was stopped goes on
where it was. Everything that is left out is counted with its reason. docs/shards.md tells more."""


def main(argv: list[str]) -> int | None:
    options, for_beam = parse_flags(argv)
    if options.beam:
        require_beam("leave --beam out")
    job = job_of(options, f"python -m data_prep.build {shlex.join(argv)}")
    make_room(job)
    if options.beam:
        build_with_beam(job, for_beam)
    else:
        build_here(job, options.workers)
    report(job)
    return None


# --- flags -----------------------------------------------------------------------------------


def parse_flags(argv: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """Our flags, and those for Beam."""
    parser = argparse.ArgumentParser(
        "python -m data_prep.build",
        description=USAGE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--records", required=True, nargs="+", metavar="DIR", help="folders of records, or shards")
    add("--out", required=True, metavar="SHARDS", help="a new folder")
    add(
        "--splits",
        type=_shares,
        default=(80, 10, 10),
        metavar="A,B,C",
        help="parts for train, val and test (default 80,10,10)",
    )
    for split in SPLITS:
        add(
            f"--{split}-sites",
            type=_names,
            default=(),
            metavar="SITE,…",
            help=f"these sites go to {split}, whatever the parts",
        )
    add(
        "--assign",
        choices=("shares", "hash"),
        default="shares",
        help="shares: as near to the parts as whole sites can be (default). hash: by the site's"
        " name alone, so that none ever moves when others are added; near the parts if many",
    )
    add("--seed", type=int, default=0, help="which sites go where (default 0)")
    add(
        "--least",
        type=_quality,
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        help="leave out records whose quality NAME is lower or missing: label=0.8, round_trip=0.6",
    )
    add(
        "--least-nodes",
        type=int,
        default=1,
        metavar="N",
        help="leave out records with fewer labeled nodes (default 1)",
    )
    add(
        "--most",
        type=_size,
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        help=f"leave out larger records; NAME is one of {', '.join(SIZES)}",
    )
    add("--unlabelled", action="store_true", help="keep records without a layout")
    add(
        "--fit",
        type=_canvas,
        metavar="HEIGHTxWIDTH",
        help="shrink larger screenshots to this canvas, the model's image.height and image.width,"
        " such as 384x512 (default: as they were captured)",
    )
    add(
        "--ask",
        type=_names,
        default=(),
        metavar="KIND,…",
        help="of documents: make questions of what records hold; KIND is one of "
        + ", ".join(KINDS["documents"].ASKS),
    )
    add(
        "--shard-mib",
        type=float,
        default=64,
        metavar="MIB",
        help="about the size of a file (default 64)",
    )
    add(
        "--pieces",
        type=int,
        default=8192,
        metavar="N",
        help="of documents: entries of the tokenizer that is made of the training split's words"
        " (default 8192)",
    )
    add("--about", default="", metavar="TEXT", help="what these records are, for the card")
    add_workers(parser, "processes")
    add("--beam", action="store_true", help="as an Apache Beam pipeline; its flags are taken, too")
    options, rest = parser.parse_known_args(argv)
    if rest and not options.beam:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if options.beam and any(word.partition("=")[0] == "--workers" for word in argv):
        parser.error(
            "--workers: with --beam, say it by a flag of the engine's, such as --direct_num_workers"
        )
    return options, rest


def job_of(options: argparse.Namespace, made_by: str) -> Job:
    """The job that flags ask for. Raises BadUsage where they contradict each other."""
    fixed = {}
    for split in SPLITS:
        for site in getattr(options, f"{split}_sites"):
            if fixed.setdefault(site, split) != split:
                raise BadUsage(f"site {site!r} is wanted in {fixed[site]} and in {split}")
    if options.shard_mib <= 0:
        raise BadUsage("--shard-mib: above 0")
    if not FEWEST <= options.pieces <= MOST:
        raise BadUsage(f"--pieces: from {FEWEST} to {MOST:,}")
    kind = one_kind({folder: source_of(folder) for folder in options.records})
    for name in options.most:
        if name[0] not in KINDS[kind].SIZES:
            raise BadUsage(f"--most {name[0]}: {kind} have {', '.join(KINDS[kind].SIZES)}")
    known = KINDS[kind].ASKS
    for name in options.ask:
        if name not in known:
            raise BadUsage(f"--ask {name}: {kind} can be asked {', '.join(known) or 'nothing'}")
    return Job(
        folders=tuple(options.records),
        out=options.out,
        shares=options.splits,
        seed=options.seed,
        assign=options.assign,
        fixed=fixed,
        shard_bytes=max(1, round(options.shard_mib * 2**20)),
        unlabeled=options.unlabelled,
        least_nodes=options.least_nodes,
        least=dict(options.least),
        most=dict(options.most),
        fit=options.fit,
        ask=tuple(name for name in known if name in options.ask),
        about=options.about,
        command=made_by,
        kind=kind,
        pieces=options.pieces,
    )


def _shares(text: str) -> tuple[float, ...]:
    try:
        shares = tuple(float(part) for part in text.split(","))
    except ValueError:
        shares = ()
    if len(shares) != 3 or not all(0 <= share < float("inf") for share in shares) or not shares[0]:
        raise argparse.ArgumentTypeError(f"{text!r}: three numbers such as 80,10,10, train above 0")
    return shares


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip().lower() for name in text.split(",") if name.strip())


def _quality(text: str) -> tuple[str, float]:
    name, _, number = text.partition("=")
    try:
        least = float(number)
    except ValueError:
        least = -1.0
    if not name or not 0 <= least <= 1:
        raise argparse.ArgumentTypeError(
            f"{text!r}: a quality and a number from 0 to 1, such as label=0.8"
            " (--least-nodes has the number of labeled nodes)"
        )
    return name, least


def _size(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    if name not in SIZES or not number.isascii() or not number.isdigit():
        raise argparse.ArgumentTypeError(
            f"{text!r}: one of {', '.join(SIZES)} and a number, such as nodes=512"
        )
    return name, int(number)


def _canvas(text: str) -> tuple[int, int]:
    height, _, width = text.partition("x")
    try:
        canvas = int(height), int(width)
    except ValueError:
        canvas = 0, 0
    if min(canvas) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: height and width in pixels, such as 384x512")
    return canvas


# --- one machine -----------------------------------------------------------------------------

Spread = Callable[..., Iterator]  # as `map`, and `chunk`: how many to send at once


def make_room(job: Job) -> None:
    """The folder where files are until all are whole. What an earlier try finished stays."""
    out = Path(job.out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadUsage(f"--out {out}: not an empty folder; choose a new one, or remove it first")
    try:
        job.building.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadUsage(f"--out {out}: cannot write there ({error.strerror})") from error


def build_here(job: Job, workers: int) -> None:
    """Builds the job's files on this machine."""
    try:
        with processes(workers) as spread:
            candidates, left_out = sift_all(job, spread)
            parts = write_all(candidates, job, spread)
        finish(parts, left_out, job)
    except OSError as error:
        raise BadUsage(f"--out {job.out}: cannot write ({error.strerror})") from error
    except BrokenProcessPool as error:
        raise BadUsage(
            "a worker process was killed, perhaps for want of memory: run the same command with "
            "fewer --workers; finished files are kept"
        ) from error


@contextmanager
def processes(count: int) -> Iterator[Spread]:
    """Work spread over processes; a single one is this one."""
    if count == 1:
        yield lambda function, *items, chunk=1: map(function, *items)
        return
    context = multiprocessing.get_context("spawn")  # nothing is inherited that threads may hold
    with ProcessPoolExecutor(count, mp_context=context) as pool:
        try:
            yield lambda function, *items, chunk=1: pool.map(function, *items, chunksize=chunk)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def sift_all(job: Job, spread: Spread) -> tuple[list[Candidate], Counter]:
    """(the records to build from, how many were left out for which reason)."""
    found: list[Place] = [place for folder in job.folders for place in places(folder)]
    results = spread(partial(sift, job=job), found, chunk=32)
    candidates, left_out = [], Counter()
    for result in Progress(results, "records read", total=len(found)):
        if isinstance(result, Candidate):
            candidates.append(result)
        else:
            left_out[result.reason] += 1
            tell([result])
    if not candidates:
        raise nothing_left(job, left_out)
    return candidates, left_out


def write_all(candidates: Iterable[Candidate], job: Job, spread: Spread) -> list[Part]:
    plan = make_plan(tally(candidates), job)
    members: dict[tuple[str, int], list[Candidate]] = {}
    for candidate in candidates:
        members.setdefault(plan.part_of(candidate), []).append(candidate)
    written = spread(partial(write_part, job=job), members, members.values())
    parts = []
    for part in Progress(written, "files written", total=len(members)):
        parts.append(part)
        tell(part.left_out)
    return parts


def tell(left_out: Iterable[LeftOut]) -> None:
    for one in left_out:
        if one.fault:
            print(one.fault, file=sys.stderr)


def report(job: Job) -> None:
    """What was built, from its card."""
    card = read_card(Path(job.out))
    for split, share in zip(SPLITS, job.shares, strict=True):
        if split in card["splits"]:
            s = card["splits"][split]
            size = f"{s['bytes'] / 2**20:.1f} MiB in {s['files']} files"
            print(f"{split}: {s['records']} records of {s['sites']} sites, {size}", file=sys.stderr)
        elif share:
            print(
                f"{split}: no record: {len(card['sites'])} sites are too few; add another one, or"
                " another seed of data_prep.synthesize",
                file=sys.stderr,
            )
    for reason, count in sorted(card["left_out"].items(), key=lambda item: -item[1]):
        print(f"left out: {count} ({reason})", file=sys.stderr)
    print(f"shards in {job.out}; {job.out.rstrip('/')}/README.md is their card", file=sys.stderr)
