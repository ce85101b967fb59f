"""Parameters of a smaller run, in the shapes of a larger one."""

import jax
import jax.numpy as jnp
import numpy as np

from xojl_jax.nn.positions import GridPositions
from xojl_jax.tasks.layout.resized_params import adapt


def test_a_table_of_rows_is_what_the_model_read_of_it():
    """Protects progressive resizing (X060): positions after the change are those that the smaller
    model would have interpolated."""
    rng = np.random.default_rng(0)
    tables = {"row": rng.normal(size=(3, 4)), "column": rng.normal(size=(5, 4))}
    params = jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), tables)
    before = GridPositions(3, 5, 4).apply({"params": params}, 6, 9)
    sizes = {"row": jnp.zeros((6, 4)), "column": jnp.zeros((9, 4))}
    larger = {
        name: adapt(f"trunk/vision/positions/{name}", np.asarray(params[name]), fresh)
        for name, fresh in sizes.items()
    }
    larger = jax.tree.map(jnp.asarray, larger)
    after = GridPositions(6, 9, 4).apply({"params": larger}, 6, 9)
    np.testing.assert_allclose(after, before, atol=1e-6)


def test_numbers_keep_their_rows():
    """Protects short sequences first (X096): what was learned of a position stays, what is new is
    as it was initialized, and a smaller run takes the first rows."""
    stored, fresh = np.ones((3, 2), np.float32), jnp.full((5, 2), 7.0)
    longer = adapt("trunk/decoder/positions", stored, fresh)
    assert longer.tolist() == [[1, 1]] * 3 + [[7, 7]] * 2
    assert adapt("trunk/decoder/positions", stored, fresh[:2]).tolist() == [[1, 1]] * 2


def test_another_width_is_another_model():
    """Protects from nonsense: no other array, and no other width, is bent into shape."""
    fresh = jnp.zeros((5, 2))
    assert adapt("token_scores/detail_head/kernel", np.ones((3, 2)), fresh) is None
    assert adapt("trunk/decoder/positions", np.ones((3, 4)), fresh) is None
