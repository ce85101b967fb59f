"""The benchmark of sparse attention, on a few tokens."""

import re

from benchmarks import sparse_attention


def test_every_kind_is_measured_at_every_length(capsys):
    """Protects the script: what it prints of X098 are all kinds, at a length beyond the window and
    at one within it."""
    argv = ["--heads=1", "--head-dim=4", "--window=4", "--top-k=4", "--key-block=2", "--repeats=1"]
    sparse_attention.main([*argv, "--lengths", "4", "12"])
    rows = re.findall(r"^\| (\d+) \| ([\w ]+) \|(.*) \|$", capsys.readouterr().out, re.M)
    assert [row[0] for row in rows] == ["4"] * 3 + ["12"] * 3
    assert len({row[1] for row in rows}) == 3
    assert all(float(cell) >= 0 for row in rows for cell in row[2].split("|"))
