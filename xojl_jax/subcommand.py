"""A command of data_prep in a process of its own: another program's work, of which nothing is
imported here."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def run_data_prep(
    name: str, arguments: Sequence[str], seconds: float | None = None
) -> tuple[int, str]:
    """Runs `python -m data_prep.NAME` and returns (exit code, its last line).

    Args:
      seconds: after which it is killed; the exit code is then 124, as of timeout(1).
    """
    # Where this package was found, data_prep is, too, whatever the current folder.
    paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    try:
        done = subprocess.run(
            [sys.executable, "-m", f"data_prep.{name}", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        return 124, f"more than {seconds:g} s"
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    why = lines[-1].strip().removeprefix("error: ") if lines else f"exit code {done.returncode}"
    if "No module named" in why:
        why += ": pip install 'xojl_jax[data-prep]'"
    return done.returncode, why
