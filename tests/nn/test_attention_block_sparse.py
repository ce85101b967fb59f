"""Attention to a window and to blocks of keys that are chosen by their means, against plain
numpy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xojl_jax.errors import BadUsage
from xojl_jax.nn.attention import Mask, attend, attend_cached, attend_dense, block_sparse

RNG = np.random.default_rng(0)
LENGTH, WINDOW, SIZE = 23, 4, 3
Q, K, V = (jnp.asarray(RNG.normal(size=(2, LENGTH, 2, 4)), jnp.float32) for _ in range(3))
WEIGHT = jnp.asarray(RNG.normal(size=Q.shape), jnp.float32)
MASK = Mask(causal=True, window=WINDOW, top_k=2 * SIZE, key_block=SIZE)


def chosen_keys():
    """bool[B, H, Tq, S] by the definition, query by query: the window, and of the blocks that begin
    before it the two whose mean key fits best, in float64."""
    q, k = (np.asarray(x, np.float64) for x in (Q, K))
    seen = np.zeros((2, 2, LENGTH, LENGTH), bool)
    for b, h, i in np.ndindex(2, 2, LENGTH):
        seen[b, h, i, max(0, i - WINDOW) : i + 1] = True
        starts = [s for s in range(0, LENGTH, SIZE) if s < i - WINDOW]
        fits = {s: k[b, s : s + SIZE, h].mean(0) @ q[b, i, h] for s in starts}
        for start in sorted(fits, key=fits.get, reverse=True)[:2]:
            seen[b, h, i, start : start + SIZE] = True
    return seen


def masked_dense(q, k, v):
    """Dense attention under the mask of the chosen keys."""
    scores = jnp.einsum("bqhk,bshk->bhqs", q, k) / 2
    weights = jax.nn.softmax(jnp.where(chosen_keys(), scores, -jnp.inf), axis=-1)
    return jnp.einsum("bhqs,bshk->bqhk", weights, v)


@jax.jit
def attend_masked(q, k, v):
    return attend(q, k, v, MASK)


def weighted(function):
    """The gradients of a sum in which every output counts differently."""
    return jax.jit(jax.grad(lambda *x: (function(*x) * WEIGHT).sum(), argnums=(0, 1, 2)))


def test_the_definition_chooses_fewer_keys_than_there_are():
    """Protects the tests below: the mask that they compare with leaves keys out and takes far ones
    in, and a block that is not chosen by some is chosen by others."""
    far = chosen_keys()[:, :, -1, : LENGTH - WINDOW - 1]
    assert (far.sum(-1) <= 2 * SIZE).all() and (far.sum(-1) > SIZE).all()
    assert far.any(1).sum(-1).max() > 2 * SIZE


@pytest.mark.parametrize("rows", [128, 8])
def test_it_is_dense_attention_masked_to_the_chosen_keys(monkeypatch, rows):
    """Protects X098, in one block of rows and in several, of which the last is cut short; and that
    a length need not be a multiple of the blocks'."""
    monkeypatch.setattr(block_sparse, "ROWS", rows)
    found = jax.jit(lambda q, k, v: attend(q, k, v, MASK))(Q, K, V)
    np.testing.assert_allclose(found, masked_dense(Q, K, V), atol=1e-5)


def test_its_gradient_is_that_of_the_chosen_keys():
    """Protects training: of what is chosen, softmax attention's gradient; of the choice, none."""
    found = weighted(lambda q, k, v: attend(q, k, v, MASK))(Q, K, V)
    for one, other in zip(found, weighted(masked_dense)(Q, K, V), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_a_short_sequence_is_causal_attention():
    """Protects sequences within the window, and those that have no whole block."""
    for length in (WINDOW + 1, SIZE - 1):
        inputs = [x[:, :length] for x in (Q, K, V)]
        wanted = jax.jit(lambda *inputs: attend_dense(*inputs, Mask(causal=True)))(*inputs)
        np.testing.assert_allclose(attend_masked(*inputs), wanted, atol=1e-5)


def test_a_step_of_a_buffer_is_a_row_of_the_whole():
    """Protects decoding: means that are kept while keys are written choose what whole sequences
    choose, and what else is in the buffer does not count."""
    whole = attend_masked(Q, K, V)
    keys = jnp.full((2, 2, LENGTH + 4, 4), 9, jnp.float32)
    values, means = keys, jnp.full((2, 2, (LENGTH + 4) // SIZE, 4), 9, jnp.float32)

    @jax.jit
    def step(keys, values, means, position):
        def write(buffer, new):
            new = jax.lax.dynamic_slice_in_dim(new, position, 1, axis=1).swapaxes(1, 2)
            return jax.lax.dynamic_update_slice_in_dim(buffer, new, position, axis=2)

        keys, values = write(keys, K), write(values, V)
        means = block_sparse.write_mean(means, keys, position, SIZE)
        q = jax.lax.dynamic_slice_in_dim(Q, position, 1, axis=1) / 2
        y = attend_cached(q, keys, values, MASK, position=position, means=means)
        return y, keys, values, means

    for position in range(LENGTH):
        y, keys, values, means = step(keys, values, means, jnp.int32(position))
        np.testing.assert_allclose(y[:, 0], whole[:, position], atol=1e-5)


def test_values_that_are_not_chosen_are_not_read():
    """Protects the claim of X098: were they read and weighted by 0, NaN would come out."""
    seen = jnp.asarray(chosen_keys()[:, :, -1])[..., None]
    keys, values = K.swapaxes(1, 2), jnp.where(seen, V.swapaxes(1, 2), jnp.nan)

    @jax.jit
    def attend_last(keys, values):
        means = block_sparse.block_means(keys, SIZE)
        last = jnp.int32(LENGTH - 1)
        return block_sparse.attend_step(Q[:, -1:] / 2, keys, values, means, MASK, last)

    found = attend_last(keys, values)
    np.testing.assert_allclose(found[:, 0], attend_masked(Q, K, V)[:, -1], atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"key_mask": jnp.ones((2, LENGTH), bool)}, "under a causal mask alone"),
        ({"causal": False}, "under a causal mask alone"),
    ],
)
def test_other_masks_are_refused(changes, reason):
    """Protects people from a mask that is silently left out."""
    with pytest.raises(BadUsage, match=reason):
        attend(Q, K, V, MASK.replace(**changes))
