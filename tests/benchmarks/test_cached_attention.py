"""The benchmark of the decoder's cache, on a tiny decoder: all ways write the same token."""

import argparse
import re

import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import cached_attention
from benchmarks.cached_attention import WAYS

FLAGS = argparse.Namespace(width=16, layers=1, rows=2, dtype="float32")
LENGTHS = (3, 8)


@pytest.fixture(scope="module")
def given():
    return cached_attention.setting(FLAGS, max(LENGTHS))


def test_every_way_writes_the_same_token(given):
    """Protects the comparison of X102: four ways to one hidden state. (Of the first token: nothing
    is written before those that the benchmark times.)"""
    found = []
    for way in WAYS.values():
        token = way(given, 2)
        hidden, _ = token.write(token.kept, *token.others[:-1], jnp.int32(0))
        found.append(np.asarray(hidden))
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], atol=1e-5)


def test_both_tables_are_printed(capsys):
    """Protects the script: n tokens, and one token by what is kept, in every way."""
    cached_attention.main(["--width=16", "--layers=1", "--rows=2", "--lengths", "3", "8"])
    told = capsys.readouterr().out
    assert len(re.findall(r"^\| \d+ \|", told, re.M)) == 2 + 2 * len(WAYS)
    assert "cached: time grows as n^" in told


@pytest.mark.parametrize("length", LENGTHS)
def test_a_cache_holds_what_it_has_room_for(given, length):
    """Protects the memory that is told: layers x keys and values x rows x positions x width."""
    per_position = 2 * FLAGS.rows * FLAGS.width * 4
    held = {name: way(given, length).held / per_position for name, way in WAYS.items()}
    assert held["a cache, preallocated"] == max(LENGTHS)
    assert held["a cache, concatenated"] == length - 1
    assert held["no cache"] == length / 2
