"""Two decoders, one for each view, against each of them run alone."""

import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from xojl_jax.nn.config import BlockConfig, DecoderConfig
from xojl_jax.nn.decoder import Decoder
from xojl_jax.tasks.layout.decoder_stacks import (
    grow_caches,
    reorder_caches,
    run_stacks,
    start_caches,
    step_stacks,
)
from xojl_jax.tasks.layout.written_tree import places_of_targets
from xojl_jax.xojl.vocabulary import BOS, ELEMENT_BASE, END

CONFIG = DecoderConfig(
    BlockConfig(width=8, heads=2, mlp_ratio=1), layers=1, max_length=4, tree_bias=True
)
RNG = np.random.default_rng(0)
MEMORY = jnp.asarray(RNG.normal(size=(2, 3, 8)), jnp.float32)
X = jnp.asarray(RNG.normal(size=(4, 4, 8)), jnp.float32)  # two records, two views
# The first two begin nodes, one in the other.
TOKENS = jnp.array([[BOS, ELEMENT_BASE, ELEMENT_BASE, END], [BOS, ELEMENT_BASE, END, END]] * 2)
PLACES = places_of_targets(TOKENS, jnp.array([[0, 1, 2, 1], [0, 1, 0, 0]] * 2))
ENCODED = types.SimpleNamespace(memory=MEMORY, memory_mask=jnp.ones((2, 3), bool))


class Stacks(nn.Module):
    """Decoders as the layout model has them."""

    def setup(self):
        self.semantic, self.detail = Decoder(CONFIG), Decoder(CONFIG)

    def __call__(self, x, places):
        return run_stacks((self.semantic, self.detail), x, ENCODED, places)

    def cached(self, x, tokens, index):
        """All positions one by one; after the second, row r goes on as row index[r] was."""
        stacks = self.semantic, self.detail
        cache, hidden = start_caches(stacks, ENCODED, x.shape[0], 2), []
        for position in range(x.shape[1]):
            if position == 2:
                cache = grow_caches(reorder_caches(cache, index), 4)
                x, tokens = x[index], tokens[index]
            now = (jnp.int32(position), tokens[:, position, None])
            y, cache = step_stacks(stacks, x[:, position], cache, *now)
            hidden.append(y)
        return jnp.stack(hidden, axis=1)


@pytest.fixture(scope="module")
def params():
    variables = jax.jit(Stacks().init)(jax.random.key(0), X, PLACES)
    leaves, tree = jax.tree.flatten(nn.meta.unbox(variables["params"]))
    noise = [x + 0.1 * RNG.normal(size=x.shape).astype(np.float32) for x in leaves]
    return jax.tree.unflatten(tree, noise)


def test_each_view_runs_through_its_own_decoder(params):
    """Protects X082: rows are told apart by view, and come back in their order."""
    found = jax.jit(Stacks().apply)({"params": params}, X, PLACES)
    alone = jax.jit(Decoder(CONFIG).apply)
    for view, name in enumerate(("semantic", "detail")):
        inputs = (X[view::2], MEMORY, ENCODED.memory_mask, None, PLACES[view::2])
        wanted = alone({"params": params[name]}, *inputs)
        np.testing.assert_allclose(found[view::2], wanted, atol=1e-6)


def test_cached_steps_follow_rows_that_change_places(params):
    """Protects beams: two hypotheses a view; each cache is reordered by its own rows. And X080:
    steps find the relations of the written tree that whole sequences are told."""
    x = jnp.repeat(X, 2, axis=0) + 0.1 * jnp.asarray(RNG.normal(size=(8, 4, 8)), jnp.float32)
    index = jnp.array([1, 0, 3, 3, 4, 5, 7, 6])
    tokens, places = jnp.repeat(TOKENS, 2, axis=0), jnp.repeat(PLACES, 2, axis=0)
    step = jax.jit(lambda *a: Stacks().apply({"params": params}, *a, method="cached"))
    cached = step(x, tokens, index)
    whole = jax.jit(Stacks().apply)
    forced = whole({"params": params}, x[index], places[index])
    np.testing.assert_allclose(cached[:, 2:], forced[:, 2:], atol=1e-5)
    unrelated = whole({"params": params}, x[index], jnp.zeros_like(places))
    assert float(jnp.abs(forced - unrelated)[:, 2:].max()) > 1e-4
