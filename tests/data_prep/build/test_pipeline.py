"""`data_prep.build --beam` builds the same bytes as without, and goes on after a kill."""

import importlib.util
import subprocess
import sys
import time
from pathlib import Path

import pytest

from data_prep.build import command as build
from tests.data_prep.build.test_build import hashes, make_records
from xojl_jax.files import sha256

ROOT = Path(__file__).parents[3]
PIECES = ("--shard-mib", "0.003", "--least", "label=0.02")


COMMAND = ("data_prep.build", "--beam")


def start(python, *words, command=COMMAND):
    line = [python, "-m", *command, *map(str, words)]
    return subprocess.Popen(line, cwd=ROOT, stderr=subprocess.PIPE, text=True)


@pytest.mark.timeout(900)
def test_both_builds_give_the_same_bytes(beam_python, tmp_path, capsys):
    """Every file but the card, which holds the command; and the same is said to be left out."""
    folders = [make_records(tmp_path / f"raw{i}", 30, first=30 * i) for i in (0, 1)]
    words = ["--records", *map(str, folders), *PIECES]
    build.main([*words, "--out", str(tmp_path / "local"), "--workers", "1"])
    local = [line for line in capsys.readouterr().err.splitlines() if "left out" in line]
    process = start(beam_python, *words, "--out", tmp_path / "beam", "--runner=DirectRunner")
    _, said = process.communicate()
    assert process.returncode == 0, said
    assert len(hashes(tmp_path / "local")) > 9
    assert hashes(tmp_path / "beam") == hashes(tmp_path / "local")
    assert len(local) > 3 and set(local) <= set(said.splitlines())


@pytest.mark.timeout(900)
def test_a_killed_pipeline_goes_on(beam_python, tmp_path):
    """The files that were finished before are the ones of the result."""
    folder = make_records(tmp_path / "raw", 60)
    words = ["--records", str(folder), *PIECES]
    build.main([*words, "--out", str(tmp_path / "local"), "--workers", "1"])
    out = tmp_path / "beam"
    building = tmp_path / "beam.building"
    process = start(beam_python, *words, "--out", out)
    while process.poll() is None and not list(building.glob("*.part.json")):
        time.sleep(0.001)
    process.kill()
    process.communicate()
    if not out.exists():  # else it was faster than the kill, and must be whole
        notes = list(building.glob("*.part.json"))
        parts = [note.with_name(note.name.removesuffix(".json")) for note in notes]
        before = {(sha256(part), part.stat().st_mtime_ns) for part in parts}
        process = start(beam_python, *words, "--out", out)
        _, said = process.communicate()
        assert process.returncode == 0, said
        assert before <= {(sha256(file), file.stat().st_mtime_ns) for file in out.iterdir()}
    assert hashes(out) == hashes(tmp_path / "local")


@pytest.mark.timeout(900)
def test_mistakes_are_one_clear_line(beam_python, tmp_path):
    """Also one that shows itself only inside the pipeline."""
    folder = make_records(tmp_path / "raw", 10)
    for words, code, message in (
        (("--records", tmp_path / "none"), 3, "not a directory"),
        (("--records", folder, "--test-sites", "x.org"), 2, "no record is of 'x.org'"),
    ):
        process = start(beam_python, *words, "--out", tmp_path / "out")
        _, said = process.communicate()
        (line,) = [line for line in said.splitlines() if not line.startswith("WARNING:")]
        assert process.returncode == code and line.startswith("error: ") and message in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", [COMMAND, ("data_prep.beam_build",)], ids=["--beam", "alias"])
def test_without_beam_the_command_says_what_to_do(command):
    """In the environment of everything else; and by the name that it had before."""
    if importlib.util.find_spec("apache_beam"):
        pytest.skip("apache-beam is here")
    process = start(sys.executable, "--records", ".", "--out", "nowhere", command=command)
    _, said = process.communicate()
    assert process.returncode == 2 and said.count("\n") == 1 and "requirements-beam.txt" in said


@pytest.mark.parametrize("words", [("--runner=DirectRunner",), ("--beam", "--workers=2")])
def test_flags_that_would_do_nothing_are_refused(words, tmp_path, capsys):
    """Protects from silence: an engine's flags without one, and our processes beside one."""
    with pytest.raises(SystemExit):
        build.main([*words, "--records", str(tmp_path), "--out", str(tmp_path / "out")])
    assert words[-1].partition("=")[0] in capsys.readouterr().err
