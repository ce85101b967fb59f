"""The build on many machines: its own steps as an Apache Beam pipeline, for any engine of Beam's.

    `places` → `sift` → `make_plan` → `write_part` → `finish`

The result is that of one machine, byte for byte. Beam has an environment of its own
(requirements-beam.txt says why), and so have its workers.
"""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

from data_prep.build.files import Part, Plan, finish, make_plan, tally, write_part
from data_prep.build.records import Candidate, Job, LeftOut, Place, places, sift
from data_prep.cli.beam import run_pipeline
from xojl_jax.data.shards import MANIFEST

_LOG = logging.getLogger(__name__)


def build_with_beam(job: Job, flags: list[str]) -> None:
    """Builds the job's files; `flags` are Beam's own."""
    run_pipeline(lambda pipeline: add_build(pipeline, job), flags)


def add_build(pipeline, job: Job) -> None:
    """The whole build, from the job's folders to its finished files."""
    import apache_beam as beam

    sifted = (
        pipeline
        | "folders" >> beam.Create(job.folders)
        | "places" >> beam.FlatMap(places)
        | "spread" >> beam.Reshuffle()
        | "sift" >> beam.Map(sift_and_tell, job)
    )
    candidates = sifted | "wanted" >> beam.FlatMap(if_wanted)
    reasons = (
        sifted
        | "reasons" >> beam.FlatMap(reason_of)
        | "count reasons" >> beam.combiners.Count.PerElement()
    )
    plan = (
        candidates
        | "site" >> beam.FlatMap(site_figures)
        | "sum sites" >> beam.CombinePerKey(add_pairs)
        | "all sites" >> beam.combiners.ToDict()
        | "plan" >> beam.Map(make_plan, job)
    )
    parts = (
        candidates
        | "part" >> beam.Map(with_part, beam.pvalue.AsSingleton(plan))
        | "gather parts" >> beam.GroupByKey()
        | "write" >> beam.Map(write_and_tell, job)
    )
    everything = beam.pvalue.AsList(parts), beam.pvalue.AsDict(reasons)
    _ = pipeline | "once" >> beam.Create([job]) | "finish" >> beam.Map(finish_once, *everything)


def sift_and_tell(place: Place, job: Job) -> Candidate | LeftOut:
    result = sift(place, job)
    if isinstance(result, LeftOut) and result.fault:
        _LOG.warning("%s", result.fault)
    return result


def if_wanted(result: Candidate | LeftOut) -> list[Candidate]:
    return [result] if isinstance(result, Candidate) else []


def reason_of(result: Candidate | LeftOut) -> list[str]:
    return [result.reason] if isinstance(result, LeftOut) else []


def site_figures(candidate: Candidate) -> list[tuple[str, tuple[int, int]]]:
    return list(tally([candidate]).items())


def add_pairs(pairs: Iterable[tuple[int, int]]) -> tuple[int, int]:
    counts, sizes = zip((0, 0), *pairs, strict=True)
    return sum(counts), sum(sizes)


def with_part(candidate: Candidate, plan: Plan) -> tuple[tuple[str, int], Candidate]:
    return plan.part_of(candidate), candidate


def write_and_tell(group: tuple[tuple[str, int], Iterable[Candidate]], job: Job) -> Part:
    written = write_part(*group, job)
    for one in written.left_out:
        if one.fault:
            _LOG.warning("%s", one.fault)
    return written


def finish_once(job: Job, parts: list[Part], reasons: Mapping[str, int]) -> None:
    """An engine may repeat a step whose end it did not learn of: then there is nothing to do."""
    if not Path(job.out, MANIFEST).is_file():
        finish(parts, reasons, job)
