"""Parameters of a run of other sizes, for `config.init_from`.

So a run may start small and go on larger: with low pictures (progressive resizing, X060), few
nodes, or short sequences (X096). Another width or depth is another model.
"""

import jax
import jax.numpy as jnp
import numpy as np

# Tables over rows or columns of patches: the picture is the same, seen more or less finely.
INTERPOLATED = (
    "trunk/vision/positions/row",
    "trunk/vision/positions/column",
    "trunk/vision/patches/coarse_positions/row",
    "trunk/vision/patches/coarse_positions/column",
)
# Tables by number: a number means the same in both, and further ones start from scratch.
PREFIXED = (
    "trunk/decoder/positions",
    "semantic_decoder/positions",
    "html_encoder/depth_first/embedding",
    "html_encoder/breadth_first/embedding",
    "html_encoder/parent/embedding",
)


def adapt(path: str, stored: np.ndarray, fresh: jax.Array) -> np.ndarray | None:
    """The stored table with as many rows as `fresh` [n, D]; None for what is no such table."""
    if stored.ndim != 2 or stored.shape[1:] != fresh.shape[1:]:
        return None
    if path in INTERPOLATED:
        table = jnp.asarray(stored)
        return np.asarray(jax.image.resize(table, fresh.shape, "linear", antialias=False))
    if path in PREFIXED:
        return np.concatenate([stored, np.asarray(fresh)[len(stored) :]])[: len(fresh)]
    return None
