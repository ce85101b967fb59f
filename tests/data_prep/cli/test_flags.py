"""What several commands ask for in the same words is refused in the same words."""

import argparse

import pytest

from data_prep.cli.flags import add_workers


def test_a_number_of_workers_that_cannot_be_is_refused_and_says_why(capsys):
    parser = argparse.ArgumentParser()
    add_workers(parser, "browsers")
    assert parser.parse_args([]).workers >= 1
    assert parser.parse_args(["--workers", "3"]).workers == 3
    for wrong in ("0", "-1", "many", "257"):
        with pytest.raises(SystemExit) as stop:
            parser.parse_args([f"--workers={wrong}"])
        assert stop.value.code == 2
        assert "no number from 1 to 256" in capsys.readouterr().err
