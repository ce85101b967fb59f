"""launch/keep_running.sh with real processes: when it starts again, when it ends."""

import signal
import subprocess

import pytest

from tests.launch.conftest import LAUNCH

# Ends with the next code of its arguments at each start; the file `starts` counts.
IN_TURN = 'n=$(cat starts 2>/dev/null || echo 0); echo $((n + 1)) > starts; shift "$n"; exit "$1"'


def keep_running(cwd, *command: str, retries: int = 2) -> subprocess.Popen:
    return subprocess.Popen(
        [LAUNCH / "keep_running.sh", *command],
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin", "PAUSE": "0", "RETRIES": str(retries)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


@pytest.mark.parametrize(
    ("codes", "code", "starts"),
    [
        ("0", 0, 1),
        ("75 75 75 75 0", 0, 5),  # interruptions do not count
        ("2", 2, 1),  # wrong usage and bad data stay what they are
        ("75 3", 3, 2),
        ("134 75 134 134 0", 0, 5),  # an interruption ends a row of failures
        ("1 1 1 0", 1, 3),  # the third failure in a row is one too many
    ],
)
def test_exit_codes_decide(tmp_path, codes, code, starts):
    """Protects unattended runs: interruptions resume, mistakes and crash loops end."""
    process = keep_running(tmp_path, "bash", "-c", IN_TURN, "x", *codes.split())
    process.communicate(timeout=20)
    assert process.returncode == code
    assert int((tmp_path / "starts").read_text()) == starts


def test_a_signal_is_passed_on_and_ends_it(tmp_path):
    """Protects the save: the command hears SIGTERM, is waited for, and is not started again."""
    saves = "trap 'sleep 0.3; echo saved; exit 75' TERM; echo ready; while :; do sleep 0.05; done"
    process = keep_running(tmp_path, "bash", "-c", saves)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=20)
    assert (rest, process.returncode) == ("saved\n", 75)


def test_without_a_command_it_says_how(tmp_path):
    """Protects the user from a loop around nothing."""
    process = keep_running(tmp_path)
    process.communicate(timeout=20)
    assert process.returncode == 2
