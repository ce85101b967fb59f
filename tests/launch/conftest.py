"""Where the launch files are, and how a test reads a shell line as a shell does."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
LAUNCH = ROOT / "launch"


def shell_words(line: str) -> list[str]:
    """The words that bash makes of a line, quotes and escapes undone."""
    command = ["bash", "-c", f"printf '%s\\0' {line}"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return printed.split("\0")[:-1]


def printed_by_tpu_vm(verb: str) -> list[list[str]]:
    """The commands that `tpu_vm.sh VERB` would run, as words."""
    process = subprocess.run(
        [LAUNCH / "tpu_vm.sh", verb],
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "PRINT": "1"},
        check=True,
        capture_output=True,
        text=True,
    )
    return [shell_words(line) for line in process.stdout.splitlines()]
