"""The benchmark of early exits, on a run that nobody trained."""

import pytest

from benchmarks import early_exit
from tests.tasks.conftest import small_config, write_untrained_run
from xojl_jax.errors import BadUsage


def test_every_threshold_answers(tmp_path, capsys):
    """Protects the script: each threshold is decoded with, and the same sections are scored."""
    write_untrained_run(small_config(**{"model.exit_at": 0.85}), tmp_path / "run")
    early_exit.main([f"--workdir={tmp_path / 'run'}", "--sections=2", "--thresholds=0.5"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("2 sections, one at a time")
    assert [line.split()[:2] for line in lines[1:]] == [
        ["threshold", "1.00"],
        ["threshold", "0.50"],
    ]
    assert all(float(line.split(" ms")[0].split()[-1]) > 0 for line in lines[1:])


def test_a_run_without_exits_is_refused(tmp_path):
    """Protects from thresholds that change nothing."""
    write_untrained_run(small_config(), tmp_path / "run")
    with pytest.raises(BadUsage, match="without exits"):
        early_exit.main([f"--workdir={tmp_path / 'run'}"])
