"""`python -m data_prep.beam_build`: the build as an Apache Beam pipeline, for any engine of Beam's.

The steps are those of `data_prep.build`, and so is the result, byte for byte. Beam has an
environment of its own (requirements-beam.txt says why), and so have its workers.
"""

import logging
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

from data_prep.build.command import job_of, make_parser, make_room, report
from data_prep.build.files import Part, Plan, finish, make_plan, tally, write_part
from data_prep.build.records import Candidate, Job, LeftOut, Place, places, sift, source_of
from data_prep.cli.beam import require_beam, run_pipeline
from xojl_jax.data.shards import MANIFEST

USAGE = """As data_prep.build, on many machines: an Apache Beam pipeline. Unknown flags go to Beam.

  python3 -m venv .venv-beam && .venv-beam/bin/pip install -r requirements-beam.txt

  .venv-beam/bin/python -m data_prep.beam_build --records data/raw --out data/shards
  … --direct_running_mode=multi_processing --direct_num_workers=8
  … --runner=FlinkRunner --flink_master=HOST:8081 --environment_type=LOOPBACK
  … --runner=DataflowRunner --project=P --region=R --temp_location=gs://B/tmp \\
      --sdk_container_image=IMAGE

Every worker must see the folders of --records and --out under the same path (a shared disk), and
needs this project and requirements-beam.txt installed. The files are the same as those of
data_prep.build, byte for byte. Started again after it was stopped, it keeps the finished files."""

_LOG = logging.getLogger(__name__)


def main(argv: list[str]) -> int | None:
    options, for_beam = make_parser("python -m data_prep.beam_build", USAGE).parse_known_args(argv)
    require_beam("use data_prep.build")
    job = job_of(options, f"python -m data_prep.beam_build {shlex.join(argv)}")
    for folder in job.folders:
        source_of(folder)  # a folder that is not there is said before anything starts
    make_room(job)
    run_pipeline(lambda pipeline: add_build(pipeline, job), for_beam)
    report(job)
    return None


def add_build(pipeline, job: Job) -> None:
    """The whole build: `places` → `sift` → `make_plan` → `write_part` → `finish`."""
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
