"""`data_prep.documents --beam`: the steps by themselves, and as a pipeline where Beam is there."""

import importlib.util
import subprocess
from pathlib import Path

import pytest

from data_prep.documents.command import main
from data_prep.documents.output import Output
from data_prep.documents.pipeline import Job, Portion, join_parts, read_part
from data_prep.documents.readers import Settings
from data_prep.documents.sources import find_files
from tests.data_prep.documents.made_pdf import make_pdf, text
from tests.data_prep.documents.test_published import write_shard
from tests.data_prep.documents.test_remote import shard
from xojl_jax.errors import BadUsage

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """(folder of files, what the command makes of them without Beam)."""
    folder = tmp_path_factory.mktemp("pipeline")
    source = folder / "in"
    source.mkdir()
    twin = make_pdf(text(20, 80, "Hello world"), "", text(20, 20, "The end"))
    (source / "a.pdf").write_bytes(twin)
    (source / "b.pdf").write_bytes(twin)
    (source / "c.tar").write_bytes(shard("one", "two"))
    write_shard(source / "d.tar", {})
    assert main(["--no-ocr", "--workers", "1", "--out", str(folder / "out"), str(source)]) == 0
    return source, folder / "out"


def same(folder: Path, other: Path) -> bool:
    names = ("records.jsonl", "documents.jsonl")
    pictures, others = ([p.relative_to(f) for p in f.rglob("*.png")] for f in (folder, other))
    return sorted(pictures) == sorted(others) and all(
        (folder / name).read_bytes() == (other / name).read_bytes() for name in (*names, *pictures)
    )


def test_parts_make_the_same_bytes(local, tmp_path):
    """Protects the order, copies of a document, and reasons, whatever machine read which file; and
    a step that is repeated."""
    source, expected = local
    job = Job(str(tmp_path), Settings(), workers=1, cache_bytes=1 << 20)
    Output(tmp_path, job.settings).close()
    job.parts.mkdir()
    portions = [Portion(i, found) for i, found in enumerate(find_files([str(source)]))]
    parts = [read_part(portion, job) for portion in reversed(portions)]
    times = [path.stat().st_mtime_ns for path in sorted(job.parts.iterdir())]
    assert [read_part(portion, job) for portion in reversed(portions)] == parts
    assert times == [path.stat().st_mtime_ns for path in sorted(job.parts.iterdir())]
    join_parts(job, parts)
    assert same(expected, tmp_path)
    for portion in portions:
        job.parts.mkdir(exist_ok=True)
        read_part(portion, job)
    join_parts(job, parts)  # an engine that did not learn of the first time
    assert same(expected, tmp_path)
    assert not job.parts.exists()


@pytest.mark.timeout(900)
def test_a_pipeline_makes_the_same_bytes(beam_python, local, tmp_path):
    """Protects the whole, on Beam's own runner for one machine."""
    source, expected = local
    arguments = ["--beam", "--no-ocr", "--workers", "1", "--out", tmp_path, source]
    command = [beam_python, "-m", "data_prep.documents", *arguments, "--runner=DirectRunner"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert same(expected, tmp_path)


def test_without_beam_the_command_says_what_to_do(tmp_path):
    """In the environment of everything else; and flags that are nobody's are refused."""
    with pytest.raises(SystemExit):
        main(["--runner=DirectRunner", "--out", str(tmp_path / "out"), "a.pdf"])
    if importlib.util.find_spec("apache_beam"):
        pytest.skip("apache-beam is here")
    with pytest.raises(BadUsage, match=r"requirements-beam\.txt"):
        main(["--beam", "--out", str(tmp_path / "out"), "a.pdf"])
    assert not (tmp_path / "out").exists()
