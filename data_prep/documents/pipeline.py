"""Documents on many machines: the command's own steps as an Apache Beam pipeline.

    files → `read_part` (one file: its documents, their pages, pictures) → `join_parts`

A part keeps what `read_documents` tells of a file, as JSON. The parts are told to one `Output`, in
the order of the files, as a single machine would have told it: so the records are the same bytes.
A part that is whole is not made again, so that a pipeline that was stopped goes on.
"""

import contextlib
import hashlib
import json
import logging
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from data_prep.cli.beam import run_pipeline
from data_prep.documents.document import Blob, Document
from data_prep.documents.output import Output
from data_prep.documents.readers import Settings
from data_prep.documents.serve import Opened, PageDone
from data_prep.documents.sources import Found, Sources, with_folder_as_site
from data_prep.documents.workers import Finished, Started, read_documents
from xojl_jax.files import write_bytes

_LOG = logging.getLogger(__name__)
Event = Started | PageDone | Finished


@dataclass(frozen=True)
class Job:
    """What to read into which folder. All machines see the folder under the same path."""

    out: str
    settings: Settings
    workers: int  # processes for each file under way
    cache_bytes: int  # the same

    @property
    def parts(self) -> Path:
        return Path(self.out) / "parts"


@dataclass(frozen=True)
class Portion:
    """A file, and which of its documents are not to be read again."""

    number: int  # in the order of files
    found: Found
    done: frozenset[str] = frozenset()


def read_with_beam(found: list[Found], job: Job, output: Output, flags: list[str]) -> Output:
    """Reads the files into the folder; returns the folder's new output.

    Args:
      output: of the folder, open; it is closed.
      flags: for Beam.
    """
    done: dict[str, set[str]] = {}
    for uri in output.documents:
        for name in (uri, uri.rpartition("/")[0]):  # a document that is a file, or is in one
            done.setdefault(name, set()).add(uri)
    portions = [
        Portion(number, one, frozenset(done.get(one.name, ())))
        for number, one in enumerate(found)
        if one.name not in output.ended
    ]
    output.close()
    job.parts.mkdir(exist_ok=True)
    run_pipeline(lambda pipeline: add_reading(pipeline, portions, job), flags)
    return Output(Path(job.out), job.settings)


def add_reading(pipeline, portions: list[Portion], job: Job) -> None:
    """The whole of it: `read_part` of every file, wherever; then `join_parts`, once."""
    import apache_beam as beam

    parts = (
        pipeline
        | "files" >> beam.Create(portions)
        | "spread" >> beam.Reshuffle()
        | "read" >> beam.Map(read_part, job)
    )
    once = pipeline | "once" >> beam.Create([job])
    _ = once | "join" >> beam.Map(join_parts, beam.pvalue.AsList(parts))


def read_part(portion: Portion, job: Job) -> tuple[int, str]:
    """Reads one file; returns its number and the part's name."""
    name = hashlib.sha256(portion.found.name.encode()).hexdigest()[:20]
    path = job.parts / f"{name}.jsonl"
    if not path.exists():
        # unique: an engine may try the same file twice at once.
        write_bytes(path, map(_to_line, read_file(portion, job, name)), unique=True)
        _LOG.info("read %s", portion.found.name)
    return portion.number, path.name


def read_file(portion: Portion, job: Job, name: str) -> Iterator[Event]:
    """What `read_documents` tells of a file. Pictures are written; copies of the file removed."""
    cache = Path(job.out) / "cache" / name
    sources = Sources([portion.found], cache, job.cache_bytes, job.settings.most_mb)
    documents = sources.documents(portion.done)
    if job.settings.folder_is_site:
        documents = (document and with_folder_as_site(document) for document in documents)
    events = read_documents(documents, Path(job.out), job.settings, job.workers)
    try:
        with contextlib.closing(events):
            for event in events:
                yield event
                if isinstance(event, Finished):
                    sources.finished(event.document)
    finally:
        sources.close(whole=True)


def join_parts(job: Job, parts: Iterable[tuple[int, str]]) -> None:
    """Writes the records of all parts, in order, and removes the parts.

    An engine may repeat this: what the output has already is not written twice.
    """
    output = Output(Path(job.out), job.settings)
    done = frozenset(output.documents)
    for _, name in sorted(parts):
        with contextlib.suppress(FileNotFoundError), (job.parts / name).open("rb") as lines:
            for event in _from_lines(lines):
                if not isinstance(event, PageDone):
                    skipped = event.document.uri in done
                if not skipped:
                    output.write(event)
    output.finish(0)
    shutil.rmtree(job.parts, ignore_errors=True)
    shutil.rmtree(Path(job.out) / "cache", ignore_errors=True)


def _to_line(event: Event) -> bytes:
    fields = asdict(event) if isinstance(event, PageDone) else {"reason": None, **vars(event)}
    if not isinstance(event, PageDone):
        document = event.document
        kept = ("uri", "reader", "source", "fault", "passing", "file", "ends", "size")
        fields["document"] = {field: getattr(document, field) for field in kept}
        fields["opened"] = event.opened and asdict(event.opened)
    return json.dumps(fields, ensure_ascii=False).encode() + b"\n"


def _from_lines(lines: Iterable[bytes]) -> Iterator[Event]:
    for line in lines:
        fields = json.loads(line)
        if "number" in fields:
            yield PageDone(**fields)
            continue
        size = fields["document"].pop("size")
        # Where its bytes were is of no use any more.
        document = Document(files={"": Blob("", size)}, **fields["document"])
        opened = fields["opened"] and Opened(**fields["opened"])
        if fields["reason"] is None:
            yield Started(document, opened)
        else:
            yield Finished(document, opened, fields["reason"])
