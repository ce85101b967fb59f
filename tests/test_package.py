"""What surrounds the code: the package's metadata, the workflows, the site's index."""

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest
import yaml

import xojl_jax
from xojl_jax import command, entry_points

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
# With the names that its variables have by default.
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
MAKEFILE = MAKEFILE.replace("$(VENV)", ".venv").replace("$(LIBTPU)", ".libtpu")


def test_the_version_is_written_once():
    """Protects releases: the package, its metadata and the citation agree."""
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.dev\d+)?", xojl_jax.__version__)
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"]["attr"] == "xojl_jax.__version__"
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert str(citation["version"]) == xojl_jax.__version__
    assert f"## [{xojl_jax.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_command_is_an_entry_point():
    """Protects `xojl-NAME`: there is one per command, and each runs a module that exists."""
    scripts = PROJECT["project"]["scripts"]
    for name, target in scripts.items():
        module, _, attribute = target.partition(":")
        assert module == entry_points.__name__
        runs = getattr(entry_points, attribute).args[0]
        assert importlib.util.find_spec(runs), runs
        assert name == "xojl-" + runs.rpartition(".")[2].replace("_", "-")
    commands = {path.parent.name for path in (ROOT / "data_prep").glob("*/__main__.py")}
    for path in (*(ROOT / "xojl_jax").glob("*.py"), *(ROOT / "data_prep").glob("*.py")):
        if 'if __name__ == "__main__":' in path.read_text(encoding="utf-8"):
            commands.add(path.stem)
    assert scripts.keys() == {"xojl-" + name.replace("_", "-") for name in commands}


def test_files_that_are_no_python_are_in_the_package():
    """Protects the wheel: style sheets, scripts, tables and the sample data go with the code, but
    for what is left out by name: megabytes of pages to train on."""
    setuptools = PROJECT["tool"]["setuptools"]
    packed, left_out = setuptools["package-data"], setuptools["exclude-package-data"]
    folders = ["marked_pages/*", "marked_pages/assets/*", "read_sections/*/*"]
    assert left_out == {"data_prep": folders}
    for package in ("xojl_jax", "data_prep"):
        globs = [*packed[package], *left_out.get(package, [])]
        inside = {path for glob in globs for path in (ROOT / package).glob(glob)}
        for path in (ROOT / package).rglob("*"):
            if path.is_file() and path.suffix not in (".py", ".pyc"):
                assert path in inside, path


def test_a_shipped_config_is_found_without_a_checkout(tmp_path, monkeypatch):
    """Protects `--config=configs/stage4.py:tiny` where only the wheel is installed."""
    for prefix in ("--config=", ""):
        monkeypatch.chdir(ROOT)
        argument = f"{prefix}configs/stage4.py:tiny"
        assert command._find_shipped_config(argument) == argument
        monkeypatch.chdir(tmp_path)
        found = command._find_shipped_config(argument)
        assert found == f"{prefix}{ROOT / 'configs/stage4.py'}:tiny"
    for other in ("--config=configs/stage9.py", "--config.data.path=configs/stage4.py", "--help"):
        assert command._find_shipped_config(other) == other


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_are_sound(path):
    """Protects CI from typing errors: known fields, pinned actions, real targets."""
    # YAML 1.1 reads the key `on` as True.
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow.keys() <= {"name", True, "permissions", "concurrency", "jobs"}
    assert workflow["permissions"] == {"contents": "read"}
    triggers = {"push", "pull_request", "schedule", "workflow_dispatch"}
    assert workflow[True].keys() <= triggers
    for job in workflow["jobs"].values():
        assert job.keys() <= {"name", "runs-on", "timeout-minutes", "strategy", "env", "steps"}
        assert job["runs-on"] == "ubuntu-24.04"
        assert job["timeout-minutes"]
        for step in job["steps"]:
            assert step.keys() <= {"name", "if", "uses", "with", "env", "run"}
            assert ("uses" in step) != ("run" in step)
            if "uses" in step:
                assert re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"])
            else:
                # An expression inside a script would let a branch's name write shell.
                assert not re.search(r"\$\{\{(?! matrix\.)", step["run"])
                for target in make_targets(step["run"], job):
                    assert re.search(rf"^{re.escape(target)}:", MAKEFILE, re.M), target


def make_targets(script: str, job: dict) -> list[str]:
    """The targets of the `make` lines of a step, the matrix filled in."""
    words = [w for line in re.findall(r"^make (.+)$", script, re.M) for w in line.split()]
    if "${{" not in words:
        return words
    return [entry["target"] for entry in job["strategy"]["matrix"]["include"]]


def test_the_three_workflows_are_there():
    """Protects the list above from an empty folder."""
    assert [path.stem for path in WORKFLOWS] == ["ci", "nightly", "release"]


def test_hooks_are_pinned():
    """Protects commits from a hook that changes by itself."""
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    for repo in hooks["repos"]:
        assert repo["repo"] == "local" or re.fullmatch(r"v\d+\.\d+\.\d+", repo["rev"])


def test_the_index_has_every_page():
    """Protects readers: each page of docs/ is in the site's navigation and on its front page."""
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"index.md"}
    navigation = re.findall(r": (\w+\.md)$", (ROOT / "mkdocs.yml").read_text("utf-8"), re.M)
    assert set(navigation) == pages | {"index.md"}
    front = (ROOT / "docs/index.md").read_text(encoding="utf-8")
    assert pages == set(re.findall(r"\]\((\w+\.md)\)", front))
