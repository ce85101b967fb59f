"""One record looked at: its problems, its sizes, its fingerprint. Runs in several processes."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from data_prep.records.entries import Entry, Folder, Shards, open_source
from data_prep.records.splits import site_of
from data_prep.validate import checks
from data_prep.validate.checks import Problem
from data_prep.validate.coverage import Coverage
from data_prep.validate.duplicates import Fingerprint, fingerprint_of, hash_picture
from xojl_jax.data.images import ChannelStatistics, decode_image
from xojl_jax.errors import BadInput
from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.faults import XojlError
from xojl_jax.xojl.record import Record, parse_record
from xojl_jax.xojl.tree import preorder
from xojl_jax.xojl.vocabulary import Vocabulary

# Nodes and tokens of the detail view that each preset takes (configs/layout.py; a test compares).
LIMITS = {"tiny": (128, 256), "small": (512, 1024), "base": (1024, 2048)}
_CHUNK = 16  # records that a process is given at a time
# Starting processes takes longer than looking at so many records.
_WORTH_IT = 128


@dataclass
class Finding:
    """What one record is like. Without `record`'s trees: thousands of these are kept."""

    where: str
    split: str | None = None
    problems: list[Problem] = field(default_factory=list)
    readable: bool = False  # the fields below say something
    labeled: bool = False
    id: str | None = None
    screenshot: str = ""  # its file; "" in shards, which hold the bytes
    site: str = "unknown"
    category: str = "other"
    elements: tuple[str, ...] = ()
    nodes: int = 0  # of html
    layout_nodes: int = 0
    semantic_tokens: int = 0  # BOS not counted
    detail_tokens: int = 0
    without_twin: int = 0
    recovered: float | None = None
    size: tuple[int, int] | None = None  # width, height in px; None without a sound screenshot
    quality: dict[str, float] | None = None
    fingerprint: Fingerprint | None = None

    @property
    def bad(self) -> bool:
        return any(checks.KINDS[problem.kind].bad for problem in self.problems)

    @property
    def fits(self) -> str | None:
        """The smallest preset that takes the record; None where none does."""
        for preset, (nodes, tokens) in LIMITS.items():
            if self.nodes <= nodes and max(self.semantic_tokens, self.detail_tokens) <= tokens:
                return preset
        return None


@dataclass
class Totals:
    """What is counted over records rather than kept for each."""

    coverage: Coverage = field(default_factory=Coverage)
    channels: ChannelStatistics = field(default_factory=ChannelStatistics)

    def merge(self, other: "Totals") -> None:
        self.coverage.merge(other.coverage)
        self.channels += other.channels


def inspect_all(
    path: Path, entries: list[Entry], totals: Totals, workers: int
) -> Iterator[Finding]:
    """A finding per entry, in order; `totals` grows on the way."""
    chunks = [entries[i : i + _CHUNK] for i in range(0, len(entries), _CHUNK)]
    if workers < 2 or len(entries) < _WORTH_IT:
        _start(path)
        yield from _collect(map(_inspect_chunk, chunks), totals)
        return
    # Spawned, not forked: the caller may have threads.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_start, initargs=(path,)) as pool:
        yield from _collect(pool.map(_inspect_chunk, chunks), totals)


def _collect(results, totals: Totals) -> Iterator[Finding]:
    for findings, part in results:
        totals.merge(part)
        yield from findings


def _start(path: Path) -> None:
    """What a process keeps: the open data set and the vocabulary."""
    global _source, _vocabulary
    _source, _vocabulary = open_source(path), Vocabulary.load(Codebook.load())


_source: Folder | Shards
_vocabulary: Vocabulary


def _inspect_chunk(entries: list[Entry]) -> tuple[list[Finding], Totals]:
    totals = Totals()
    return [inspect(_source, entry, _vocabulary, totals) for entry in entries], totals


def inspect(
    source: Folder | Shards, entry: Entry, vocabulary: Vocabulary, totals: Totals
) -> Finding:
    """Everything that can be said of a record without the others."""
    found = Finding(entry.where, entry.file if source.splits else None)
    text = source.text(entry)
    try:
        record = parse_record(text, where=entry.where)
    except XojlError as fault:
        found.problems.append(checks.text_problem(fault, text))
        return found
    _tell(found, record, source.path.name)
    totals.coverage.add(record, vocabulary.codebook)
    picture = None
    found.screenshot = "" if source.splits else record.screenshot
    try:
        data = source.picture(entry, record.screenshot)
        if data or not source.splits:  # in shards, a record may come without a screenshot
            picture = _inspect_picture(found, record, data, totals)
    except XojlError as fault:
        found.problems.append(Problem("path", str(fault)))
    except BadInput as fault:
        found.problems.append(Problem("picture", f"screenshot {record.screenshot} {fault}"))
    except OSError as fault:
        found.problems.append(Problem("path", f"screenshot {record.screenshot}: {fault.strerror}"))
    found.problems += checks.tree_problems(record)
    found.problems += checks.label_problems(record)
    found.problems += checks.flaw_problems(record)
    if record.layout is not None:
        _inspect_labels(found, record, vocabulary)
    if found.fits is None:
        sizes = f"{found.nodes} html nodes, {found.detail_tokens} tokens"
        nodes, tokens = LIMITS["base"]
        found.problems.append(Problem("large", f"{sizes}; at most {nodes} and {tokens}"))
    found.fingerprint = fingerprint_of(record, picture)
    return found


def _tell(found: Finding, record: Record, folder: str) -> None:
    found.readable = True
    found.id, found.category, found.quality = record.id, record.category, record.quality
    found.site = site_of(record, folder)
    found.nodes = len(preorder(record.html))


def _inspect_picture(found: Finding, record: Record, data: bytes, totals: Totals):
    pixels = decode_image(data)
    totals.channels.add(pixels)
    found.size = pixels.shape[1], pixels.shape[0]
    picture = hash_picture(pixels)
    if picture.blank:
        found.problems.append(Problem("blank", f"{found.size[0]} x {found.size[1]} px"))
    found.problems += checks.ending_problems(record, data)
    found.problems += checks.box_problems(record, pixels.shape[:2])
    return picture


def _inspect_labels(found: Finding, record: Record, vocabulary: Vocabulary) -> None:
    visits = preorder(record.layout)
    found.labeled = True
    found.layout_nodes = len(visits)
    found.elements = tuple(sorted({visit.node.element for visit in visits}))
    twins = record.alignment()
    found.semantic_tokens = len(vocabulary.tokenize_semantic(record.layout)) - 1
    found.detail_tokens = len(vocabulary.tokenize_detail(record.layout, record.html, twins)) - 1
    if not any(problem.kind == "layout_nodes" for problem in found.problems):
        alignment = checks.alignment_of(record)
        found.without_twin, found.recovered = alignment
        found.problems += checks.alignment_problems(record, alignment)


def mark_repeats(findings: list[Finding]) -> None:
    """Adds the problems that take two records: equal ids, and one file for two trees."""
    seen: dict[str, str] = {}
    pictured: dict[str, Finding] = {}
    for found in findings:
        if found.screenshot and found.fingerprint is not None:
            other = pictured.setdefault(found.screenshot, found)
            if other.fingerprint.html != found.fingerprint.html:
                text = _PAIR_TEXTS["shared"].format(other=other.where)
                found.problems.append(Problem("shared", text))
        if found.id is None:
            continue
        first = seen.setdefault(f"{found.split}/{found.id}", found.where)
        if first != found.where:
            found.problems.append(Problem("id", f"id {found.id!r} is that of {first}, too"))


def mark_pairs(findings: list[Finding], pairs) -> None:
    """Adds the problems of like records; between splits of shards they are leaks."""
    for pair in pairs:
        one, other = findings[pair.one], findings[pair.other]
        if pair.kind == "shared" and any(p.kind == "shared" for p in one.problems):
            continue  # they name one file, which was told
        kind = "leak" if one.split != other.split and pair.kind != "shared" else pair.kind
        text = _PAIR_TEXTS[pair.kind].format(other=other.where, tree=pair.tree)
        if pair.kind != "shared" and one.split is None and one.site != other.site:
            text += ", of another site"
        one.problems.append(Problem(kind, text))


_PAIR_TEXTS = {
    "duplicate": "the same as {other}",
    "labels": "the picture and HTML of {other}, other labels",
    "near": "like {other} (trees {tree:.0%} alike)",
    "shared": "the picture of {other}, another tree",
}
