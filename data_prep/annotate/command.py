"""`python -m data_prep.annotate`: people read sections and correct their labels."""

import argparse
import contextlib
import importlib.util
import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from data_prep.annotate.adjudication import FINAL, Adjudication, finish_equal
from data_prep.annotate.label_file import read_labels, write_labels
from data_prep.annotate.proposals import Start, from_labeler, from_record
from data_prep.annotate.reading import Reading
from data_prep.annotate.sections import Section, Sections, read_list
from data_prep.annotate.sheets import read_sheets, write_sheets
from data_prep.annotate.store import Store
from data_prep.label.command import (
    MakeLabeler,
    add_labeler_flags,
    check_labeler_flags,
    make_labeler,
    read_model_answers,
)
from data_prep.label.rules import Table
from xojl_jax.errors import BadInput, BadUsage

USAGE = """A page on this machine, to read captured sections and correct their labels, by keys.

  python -m data_prep.annotate --records data/raw --out data/read --reader ana
  python -m data_prep.annotate --records data/raw --out data/read --reader bo --blank
  python -m data_prep.annotate --records data/raw --out data/read --reader ana --list list.jsonl
  python -m data_prep.annotate --records data/raw --out data/read --reader ana --rejected
  python -m data_prep.annotate --records data/raw --out data/read --reader ana --with learned
  python -m data_prep.annotate --records data/raw --out data/read --reader m1 --model \\
      --write-sheets sheets
  python -m data_prep.annotate --records data/raw --out data/read --reader cy --adjudicate ana,bo

A section starts with what data_prep.label says of it (where there is an author.jsonl),
else with the labels of its record. Every decision is in OUT/READER/ at once; the same command
goes on where it was. Finished sections are records there, one .json file each: a data set. Readers
do not see one another's labels; `python -m data_prep.agreement --gold OUT/ana OUT/bo` compares
them, and --adjudicate shows where they differ, and writes OUT/final. docs/annotate.md says more."""

_READER = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


def main(argv: list[str]) -> int | None:
    options = parse_flags(argv)
    if options.exchange:
        with begin(options) as reading:
            return options.exchange(reading, options)
    # Imported late: without its libraries there is no page, and a line has said so.
    from data_prep.annotate.server import HOST, listen, serve

    with listen(options.port) as bound, begin(options) as reading:
        print(f"http://{HOST}:{bound.getsockname()[1]}/", flush=True)
        print("Ctrl+C ends it; every decision is saved already", file=sys.stderr)
        serve(reading, bound)
    return None


@contextlib.contextmanager
def begin(options: argparse.Namespace) -> Iterator[Reading]:
    """The work that the flags name; a line says how far it is."""
    listed = read_list(Path(options.list)) if options.list else None
    sections = Sections(Path(options.records), listed, rejected=options.rejected)
    reading, said = (adjudicate if options.adjudicate else read)(options, sections)
    with contextlib.closing(reading):
        print(f"{said}: {told(reading)}", file=sys.stderr)
        yield reading


def told(reading: Reading) -> str:
    return ", ".join(f"{count} {state}" for state, count in reading.counts().items())


def to_sheets(reading: Reading, options: argparse.Namespace) -> None:
    count = write_sheets(reading, Path(options.write_sheets))
    print(f"{count} sheets, and GUIDE.txt, in {options.write_sheets}", file=sys.stderr)


def from_sheets(reading: Reading, options: argparse.Namespace) -> int | None:
    faults = dict(read_sheets(reading, Path(options.read_sheets)))
    return tell(reading, faults, "answers")


def to_label_file(reading: Reading, options: argparse.Namespace) -> None:
    path = Path(options.write_labels)
    count, placeless = write_labels(reading, path, path.stem)
    left_out = f", {placeless} without boxes or a page left out" if placeless else ""
    print(f"labels of {count} sections in {path}{left_out}", file=sys.stderr)


def from_label_file(reading: Reading, options: argparse.Namespace) -> int | None:
    taken = read_labels(reading, Path(options.read_labels))
    if taken.by_box:
        print(f"{taken.by_box} have another tree by now: nodes found by box", file=sys.stderr)
    if taken.absent:
        pages = sorted(set(taken.absent))
        named = ", ".join(pages[:5]) + ", …" * (len(pages) > 5)
        print(f"{len(taken.absent)} are not in {options.records}: {named}", file=sys.stderr)
    return tell(reading, taken.faults, "labeled sections")


def tell(reading: Reading, faults: dict[str, str], what: str) -> int | None:
    """Says what was not finished, and why; the exit code of that."""
    wrong = {name: fault for name, fault in faults.items() if fault}
    for name, fault in wrong.items():
        print(f"{name}: {fault}", file=sys.stderr)
    print(f"{len(faults)} {what}, {len(wrong)} not finished: {told(reading)}", file=sys.stderr)
    return BadInput.exit_code if wrong else None


# Flag -> what is done instead of showing the page.
EXCHANGES = {
    "write_sheets": to_sheets,
    "read_sheets": from_sheets,
    "write_labels": to_label_file,
    "read_labels": from_label_file,
}


def parse_flags(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m data_prep.annotate",
        description=USAGE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--records", required=True, metavar="DIR", help="a folder of records, or shards")
    add("--out", required=True, metavar="DIR", help="every reader gets a folder in it")
    add("--reader", required=True, metavar="NAME", help="who reads: a-z, 0-9, - and _")
    add("--list", metavar="FILE", help="these sections in this order: what xojl_jax.active wrote")
    add("--rejected", action="store_true", help="read what data_prep.label rejected")
    add("--blank", action="store_true", help="start without labels: no proposal sways the reader")
    add_labeler_flags(parser)
    add(
        "--adjudicate",
        metavar="A,B",
        help="decide where these two readers differ; writes OUT/final",
    )
    add(
        "--write-sheets",
        metavar="DIR",
        help="instead of the page: each section as a picture and a text, for a model that looks",
    )
    add("--read-sheets", metavar="DIR", help="takes over the answers beside those files")
    add(
        "--write-labels",
        metavar="FILE",
        help="the labels of finished sections, without their pages, a line each",
    )
    add(
        "--read-labels",
        metavar="FILE",
        help="takes over such labels, for the sections of the same pages that are in --records",
    )
    add(
        "--model",
        dest="kind",
        action="store_const",
        const="model",
        default="person",
        help="the reader is a model that looks at the picture, no person; its records say so",
    )
    add("--port", type=int, default=8010, help="default 8010; 0 takes a free one")
    options = parser.parse_args(argv)
    check_labeler_flags(options)
    if not _READER.fullmatch(options.reader) or options.reader == FINAL:
        raise BadUsage(f"--reader {options.reader}: a name of a-z, 0-9, - and _, not {FINAL!r}")
    if options.adjudicate:
        if options.blank or options.rules or options.labeler != "rules":
            raise BadUsage(
                "--adjudicate starts from two readers: without --blank, --rules and --with"
            )
        names = tuple(options.adjudicate.split(","))
        if len(set(names)) != 2 or not all(map(_READER.fullmatch, names)):
            raise BadUsage(f"--adjudicate {options.adjudicate}: two readers, such as ana,bo")
        options.adjudicate = names
    folder = Path(options.out) / (FINAL if options.adjudicate else options.reader)
    if Path(options.records).resolve() == folder.resolve():
        raise BadUsage(f"--records {options.records} is where this writes to: give another --out")
    wanted = [name for name in EXCHANGES if getattr(options, name)]
    if len(wanted) > 1:
        flags = " and ".join(f"--{name.replace('_', '-')}" for name in wanted)
        raise BadUsage(f"{flags}: one at a time, first the one that writes")
    options.exchange = EXCHANGES[wanted[0]] if wanted else None
    if options.exchange:
        return options
    if missing := [name for name in ("starlette", "uvicorn") if not importlib.util.find_spec(name)]:
        raise BadUsage(f"the page needs {' and '.join(missing)}: pip install 'xojl_jax[serve]'")
    return options


def read(options: argparse.Namespace, sections: Sections) -> tuple[Reading, str]:
    """One reader's work, and a line about it."""
    store = Store(Path(options.out) / options.reader)
    start: Callable[[Section], Start] = _nothing
    if not options.blank:
        start = partial(
            _proposed,
            table=Table.load(options.rules),
            make=make_labeler(options, read_model_answers(options)),
        )
    about = {"reader": options.reader, "kind": options.kind, "blank": options.blank}
    return Reading(sections, store, start, about), f"{options.reader} reads"


def adjudicate(options: argparse.Namespace, sections: Sections) -> tuple[Reading, str]:
    """The work of whoever decides between two readers, and a line about it."""
    out = Path(options.out)
    both = Adjudication(out, options.adjudicate)
    alone = both.keep_common(sections)
    about = {"readers": list(both.readers), "adjudicator": options.reader, "kind": options.kind}
    reading = Reading(sections, Store(out / FINAL), both.start, about)
    equal = finish_equal(reading)
    return reading, f"{equal} sections read alike are final now, {alone} are read by one alone"


def _nothing(section: Section) -> Start:
    return Start(origin="no labels (--blank)")


def _proposed(section: Section, table: Table, make: MakeLabeler) -> Start:
    """The labeler's labels where it knows the author's words, else the record's own."""
    if section.author is not None and section.record.html_boxes is not None:
        return from_labeler(section.record, section.author, table, make)
    return from_record(section.record)
