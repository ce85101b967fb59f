"""Every command of ours in a launch file is read by the real flag parser and the real config."""

import re
import sys

import pytest
import yaml
from absl.testing import flagsaver

from tests.launch.conftest import LAUNCH, ROOT, printed_by_tpu_vm, shell_words
from xojl_jax import command, train

# ml_collections reads a config file by a call that Python is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore:the load_module:DeprecationWarning")


def tpu_vm() -> str:
    (start,) = printed_by_tpu_vm("start")
    (line,) = re.findall(r"-m (xojl_jax\.train .*)", " ".join(start))
    return line


def slurm() -> str:
    text = (LAUNCH / "slurm.sbatch").read_text()
    assert '-m xojl_jax.train "${TRAIN[@]}"' in text
    return "xojl_jax.train " + re.search(r"^TRAIN=\((.*)\)$", text, re.M)[1]


def jobset() -> str:
    pod = yaml.safe_load((LAUNCH / "gke_jobset.yaml").read_text())["spec"]["replicatedJobs"][0]
    (container,) = pod["template"]["spec"]["template"]["spec"]["containers"]
    values = {entry["name"]: entry["value"] for entry in container["env"]}
    line = container["command"][-1].partition("python -m ")[2]
    return line.replace("$TRAIN", values["TRAIN"])


def skypilot() -> str:
    task = yaml.safe_load((LAUNCH / "skypilot.yaml").read_text())
    line = task["run"].partition("python -m ")[2].strip()
    return line.replace("$TRAIN", task["envs"]["TRAIN"])


def in_comments(name: str):
    """A reader of the commands in a file's comments and text, lines joined over `\\`."""

    def read() -> str:
        text = re.sub(r"\\\n#? *", "", (LAUNCH / name).read_text())
        (line,) = re.findall(r"python -m (xojl_jax\.train --\S+=.*)", text)
        return line

    return read


COMMANDS = {
    "tpu_vm.sh": tpu_vm,
    "slurm.sbatch": slurm,
    "gke_jobset.yaml": jobset,
    "skypilot.yaml": skypilot,
    "docker/Dockerfile": in_comments("docker/Dockerfile"),
    "keep_running.sh": in_comments("keep_running.sh"),
}


# What only serves is tested in test_serve_files.py.
TRAINS = "xojl_jax.train"


def read_flags(argv: list[str], monkeypatch):
    """What a command line comes to: (config, workdir), or the exit code that it ends with."""
    read = []

    def main() -> int:
        read.extend((command.read_config(train.CONFIG), train.WORKDIR.value))
        return 0

    monkeypatch.setattr(sys, "argv", ["train", *argv])
    monkeypatch.chdir(ROOT)
    with flagsaver.flagsaver(), pytest.raises(SystemExit) as ended:
        command.run_absl(main, train.USAGE)
    return tuple(read) or ended.value.code


@pytest.mark.parametrize("name", COMMANDS)
def test_the_command_parses(name, monkeypatch):
    """Protects launch files from a renamed flag, field, preset or config file."""
    module, *argv = shell_words(COMMANDS[name]())
    assert module == "xojl_jax.train"
    config, workdir = read_flags(argv, monkeypatch)
    assert config.stage == 4
    assert workdir, "a run on a borrowed machine must say where it is kept"


def test_what_is_misspelt_is_refused(monkeypatch, capsys):
    """Protects the test above: it can fail."""
    argv = ["--config=configs/stage4.py", "--config.on_corrput=fallback"]
    assert read_flags(argv, monkeypatch) == 2
    assert "on_corrupt" in capsys.readouterr().err


def test_every_file_that_trains_is_covered():
    """Protects the list: a new launch file with a command of ours must be added to it."""
    files = [p for p in LAUNCH.rglob("*") if p.is_file() and p.suffix not in (".ipynb", ".md")]
    found = {p.relative_to(LAUNCH).as_posix() for p in files if TRAINS in p.read_text()}
    assert found == COMMANDS.keys()
