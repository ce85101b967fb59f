"""The sections of a whole page, by the command that captures pages: it needs a Chromium, and is
another program's work, so nothing of it is imported."""

import os
import subprocess
import sys
from pathlib import Path

from xojl_jax.errors import BadInput

PAGE = "page.html"  # what a page's text is written to


def capture(page: str | os.PathLike, folder: Path) -> Path:
    """Renders a page, cuts it into sections, and returns the folder of their records.

    Args:
      page: an address, an HTML file, or the text of one.
      folder: where to work; page and records go into it.

    Raises:
      BadInput: the page cannot be rendered, or has no section, or there is no Chromium.
    """
    source = os.fspath(page)
    if source.lstrip().startswith("<"):
        source = str(folder / PAGE)
        Path(source).write_text(os.fspath(page), encoding="utf-8")
    records = folder / "records"
    command = [sys.executable, "-m", "data_prep.capture", "--out", str(records), "--workers=1"]
    # Where this package was found, data_prep is, too, whatever the current folder.
    paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    done = subprocess.run(
        [*command, source], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        why = lines[-1].removeprefix("error: ") if lines else f"exit code {done.returncode}"
        if "No module named" in why:
            why += ": pip install 'xojl_jax[data_prep]'"
        raise BadInput(f"the page has no sections ({why})")
    return records
