"""One Chromium for all tests of a process, and a Python with Beam; none where there is none."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from data_prep.browser import chromium as browser

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def chromium(chromium_path):
    """A `Browser`, with limits that suit small pages."""
    with browser.Browser(page_seconds=60) as started:
        yield started


@pytest.fixture(scope="session")
def beam_python(request, tmp_path_factory):
    """A Python that has apache-beam: an environment of its own, made from requirements-beam.txt.

    Where there is none the test is skipped, save with --slow, which makes one for itself.
    """
    ours = ROOT / ".venv-beam/bin/python"
    if ours.exists():
        return str(ours)
    if importlib.util.find_spec("apache_beam"):
        return sys.executable
    if not request.config.getoption("--slow"):
        pytest.skip("no .venv-beam: python3 -m venv .venv-beam && .venv-beam/bin/pip install -r …")
    made = tmp_path_factory.mktemp("beam")
    subprocess.run([sys.executable, "-m", "venv", made], check=True)
    pip = [made / "bin/pip", "install", "--quiet", "-r", ROOT / "requirements-beam.txt"]
    subprocess.run(pip, check=True)
    return str(made / "bin/python")
