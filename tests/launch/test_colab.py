"""The notebook: sound as a file, its commands read by the real parsers, and executed whole."""

import base64
import io
import json
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from PIL import Image

from tests.launch.conftest import LAUNCH, ROOT, shell_words
from tests.launch.test_commands import read_flags
from xojl_jax import evaluate, predict

NOTEBOOK = LAUNCH / "colab.ipynb"


def read_cells(kind: str) -> dict[str, str]:
    """Id -> source of the cells of a kind, in order."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return {cell["id"]: "".join(cell["source"]) for cell in cells if cell["cell_type"] == kind}


def command(cell: str, **values: str) -> list[str]:
    """The words behind `-m` of a cell's only command, the notebook's variables filled in."""
    source = read_cells("code")[cell].replace("\\\n", " ")
    (line,) = re.findall(r'^ *!"{python}" -m (.*?)(?: > .*)?$', source, re.M)
    return shell_words(line.format(**values))


def test_no_outputs_are_kept():
    """Protects reviews and the repository: the notebook holds only what people wrote."""
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    assert json.dumps(notebook, indent=1, ensure_ascii=False) + "\n" == NOTEBOOK.read_text("utf-8")


def test_what_must_be_changed_is_one_line_at_the_top():
    """Protects people: the address of the project is written once, in the first cell of code."""
    first, *others = read_cells("code").values()
    assert "# ---- change this ----" in first.splitlines()[:4]
    assert first.count("YOUR-NAME") == 1
    assert not any("YOUR-NAME" in text for text in (*others, *read_cells("markdown").values()))


@pytest.mark.filterwarnings("ignore:the load_module:DeprecationWarning")
def test_the_commands_are_read(monkeypatch):
    """Protects the notebook from a flag that was renamed."""
    module, *words = command("train", STEPS="7")
    assert module == "xojl_jax.train"
    config, workdir = read_flags(words, monkeypatch)
    assert (config.preset, config.total_steps, workdir) == ("tiny", 7, "runs/colab")
    module, *words = command("evaluate")
    assert (module, evaluate.parse(words).workdir) == ("xojl_jax.evaluate", workdir)
    module, *words = command("predict", sample="9")
    assert (module, predict.parse(words)[0].sample) == ("xojl_jax.predict", 9)


def test_the_files_that_it_names_exist():
    """Protects newcomers from following the text into nothing."""
    text = "\n".join(read_cells("markdown").values())
    named = re.findall(r"(?:configs|launch|docs)/[\w.]+", text)
    assert named
    for name in named:
        assert (ROOT / name).exists(), name


@pytest.fixture
def kernel(tmp_path) -> dict[str, str]:
    """The environment of a kernel that has our packages and a place of its own to install into."""
    source = tmp_path / "project"
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--"]
    parts = ["xojl_jax", "configs", "data_prep", "pyproject.toml", "README.md", "LICENSE"]
    found = subprocess.run([*listed, *parts], cwd=ROOT, check=True, capture_output=True, text=True)
    for name in filter(None, found.stdout.split("\0")):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    venv.create(tmp_path / "venv", symlinks=True)
    (packages,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    here = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "ours.pth").write_text("\n".join(here))
    environment = {
        "XOJL_SOURCE": str(source),
        "XOJL_STEPS": "3",
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": "",  # one device, not the eight of the tests
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    python = str(tmp_path / "venv/bin/python")
    specification = {
        "argv": [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "a fresh environment",
        "language": "python",
        "env": environment,
    }
    folder = tmp_path / "jupyter/kernels/fresh"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps(specification))
    return environment | {"JUPYTER_PATH": str(tmp_path / "jupyter")}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_it_runs_from_the_first_cell_to_the_last(kernel, tmp_path):
    """Protects the first ten minutes of a newcomer: installs, trains, scores, draws.

    Needs the package index, for the build back end that pip asks for.
    """
    done = tmp_path / "colab.ipynb"
    shutil.copy(NOTEBOOK, done)
    # In a process of its own: what the libraries of notebooks warn of is not ours.
    execute = [sys.executable, "-m", "jupyter", "execute", "--inplace", "--startup_timeout=300"]
    subprocess.run(
        [*execute, "--kernel_name=fresh", str(done)],
        env=os.environ | kernel,
        cwd=tmp_path,
        check=True,
        timeout=850,
    )
    outputs = {
        cell["id"]: cell["outputs"]
        for cell in json.loads(done.read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == "code"
    }
    texts = {
        name: "".join("".join(part.get("text", "")) for part in found)
        for name, found in outputs.items()
    }
    assert "cpu" in texts["device"]
    assert "3 steps done, checkpoint 3 is saved" in texts["train"]
    row = r"F1 of the elements of a section.* (\d\.\d{3}) .* (\d\.\d{3}) .* (\d\.\d{3}) "
    scores = re.search(row, texts["evaluate"])
    assert scores, texts["evaluate"]
    assert all(0 <= float(score) <= 1 for score in scores.groups())
    pictures = [part["data"]["image/png"] for part in outputs["predict"] if "data" in part]
    assert len(set(pictures)) == 2
    for picture in pictures:
        assert min(Image.open(io.BytesIO(base64.b64decode(picture))).size) > 100
    answers = Path(kernel["XOJL_SOURCE"]) / "runs/colab/predictions"
    for answer in answers.glob("*.json"):
        assert json.loads(answer.read_text(encoding="utf-8"))
