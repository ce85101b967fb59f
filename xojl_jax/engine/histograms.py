"""Histograms of parameters, counted on the devices: only the counts travel."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from xojl_jax.engine.metric_writer import Histogram
from xojl_jax.engine.sharding import path_name
from xojl_jax.engine.state import TrainState

BINS = 64


def make() -> Callable[[TrainState], dict[str, Histogram]]:
    """Returns state -> a histogram of every parameter array, by its path."""

    @jax.jit
    def count(params):
        def one(array):
            values = array.astype(jnp.float32).ravel()
            counts, edges = jnp.histogram(values, bins=BINS)
            return counts, edges, values.sum(), jnp.square(values).sum()

        return jax.tree.map(one, params)

    def histograms(state: TrainState) -> dict[str, Histogram]:
        found = jax.device_get(count(state.params))
        return {
            path_name(path): Histogram(np.asarray(counts), np.asarray(edges), float(s), float(s2))
            for path, (counts, edges, s, s2) in jax.tree_util.tree_leaves_with_path(
                found, is_leaf=lambda node: isinstance(node, tuple)
            )
        }

    return histograms
