"""What one start compiled, the next one reads: shown with real processes."""

import os
import subprocess
import sys

import jax
import pytest

from tests.engine.subprocesses import ROOT, SETTINGS
from xojl_jax import compilation_cache

TRAIN = ("train", "--config=tests/engine/toy_config.py", "--config.total_steps=4")


def start(command: str, *arguments: str, cache: str) -> subprocess.Popen:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JAX_PERSISTENT_CACHE")}
    environment.pop("JAX_COMPILATION_CACHE_DIR", None)
    return subprocess.Popen(
        [sys.executable, "-m", "tests.engine.toy_command", command, *arguments],
        cwd=ROOT,
        env=environment | SETTINGS | {"XDG_CACHE_HOME": str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen) -> str:
    """What the process said on standard error."""
    text = process.communicate(timeout=280)[1]
    assert process.returncode == 0, text
    return text


def programs(cache) -> set[str]:
    return {path.name for path in cache.rglob("*-cache")}


def test_the_second_start_of_a_command_compiles_nothing(tmp_path):
    """Protects the start-up: every program of train and predict is there, no new one is written.
    Two first starts at once, on the same empty folder, disturb neither."""
    cache, runs = tmp_path / "cache", [tmp_path / "a", tmp_path / "b"]
    for process in [start(*TRAIN, f"--workdir={run}", cache=cache) for run in runs]:
        # JAX may warn that an entry is half written, and compiles it itself: the run ends well.
        assert "Traceback" not in end(process)
    trained = programs(cache)
    assert any("train_step" in name for name in trained)
    end(start(*TRAIN, f"--workdir={tmp_path / 'c'}", cache=cache))
    assert programs(cache) == trained

    predict = ("predict", f"--workdir={runs[0]}", "--sample=0", "--split=val")
    end(start(*predict, cache=cache))
    predicted = programs(cache)
    assert len(predicted) > len(trained)
    end(start(*predict, cache=cache))
    assert programs(cache) == predicted


def test_it_can_be_moved_and_turned_off(tmp_path):
    """Protects both flags, of absl and of argparse: nothing goes where it was not asked for."""
    cache, mine = tmp_path / "cache", tmp_path / "mine"
    run = f"--workdir={tmp_path / 'run'}"
    end(start(*TRAIN, run, "--compilation_cache=off", cache=cache))
    assert not cache.exists()
    predict = ("predict", run, "--sample=0", "--split=val")
    end(start(*predict, f"--compilation-cache={mine}", cache=cache))
    assert programs(mine) and not cache.exists()


def test_a_folder_that_cannot_be_made_is_a_warning(tmp_path, caplog):
    """Protects runs on a read-only home: they go on, and say what is missing."""
    before = jax.config.jax_compilation_cache_dir
    (tmp_path / "file").touch()
    compilation_cache.enable(str(tmp_path / "file" / "cache"))
    assert "nothing compiled is kept" in caplog.text
    assert jax.config.jax_compilation_cache_dir == before


@pytest.mark.parametrize(("limit", "left"), [(100, "abc"), (25, "bc"), (20, "bc"), (5, "")])
def test_what_was_read_longest_ago_goes_first(tmp_path, limit, left):
    """Protects the disk: the folder keeps to its limit, by when a file was read or written."""
    for age, name in enumerate("cba"):
        path = tmp_path / "processor" / f"{name}-cache"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bytes(10))
        os.utime(path, (1e9 - age, 1e9 - age))
    compilation_cache.prune(tmp_path, limit)
    assert {path.name[0] for path in tmp_path.rglob("*-cache")} == set(left)


def test_processors_have_folders_of_their_own(monkeypatch):
    """Protects home folders that several kinds of machines share."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    here = compilation_cache.default_folder()
    assert here.parent.as_posix() == "/caches/xojl_jax/compiled"
    monkeypatch.setattr(compilation_cache, "_processor", lambda: "another")
    assert compilation_cache.default_folder() != here
