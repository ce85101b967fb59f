"""Shapes in annotations are checked under pytest, and only there."""

import subprocess
import sys
import typing
from pathlib import Path

import jax
import jax.numpy as jnp
import jaxtyping
import pytest
from jaxtyping import Array, Float

from tests import shape_checks
from xojl_jax.nn import layers

ROOT = Path(__file__).parent.parent


def test_wrong_shapes_are_found_and_right_ones_pass():
    """Protects the hook's checker: one letter is one length, and only shapes are looked at."""

    @jaxtyping.jaxtyped(typechecker=shape_checks.check_shapes)
    def add(x: Float[Array, "B T"], y: Float[Array, " T"], name: int) -> Float[Array, "B T"]:
        return x + y

    ones = jnp.ones((2, 3))
    assert add(ones, jnp.ones(3), "no int").shape == (2, 3)
    for x, y in ((ones, jnp.ones(2)), (jnp.ones(3), jnp.ones(3)), (ones.astype(int), ones[0])):
        with pytest.raises(jaxtyping.TypeCheckError):
            add(x, y, 1)


def test_shapes_are_found_inside_other_types():
    """Protects optional arguments and tuples from being skipped."""
    shape = Float[Array, "B"]
    for hint in (shape, shape | None, tuple[int, shape], typing.Annotated[shape, 1]):
        assert shape_checks.has_shape(hint)
    for hint in (int, jax.Array, str | None, tuple[int, ...]):
        assert not shape_checks.has_shape(hint)


def test_the_hook_is_active_here_and_off_in_production():
    """Protects both: tests check, and a run pays nothing."""
    assert hasattr(layers.LayerNorm.__call__, "__wrapped__")
    code = "from xojl_jax.nn import layers; import sys; print('beartype' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.stdout.strip() == "False", done.stderr
