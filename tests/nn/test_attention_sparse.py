"""Attention to a window and to the keys of the highest scores, against plain numpy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xojl_jax.nn.attention import Mask, attend, attend_dense, sparse

RNG = np.random.default_rng(0)
Q, K, V = (jnp.asarray(RNG.normal(size=(2, 21, 2, 4)), jnp.float32) for _ in range(3))
KEY_MASK = np.ones((2, 21), bool)
KEY_MASK[1, 5:9] = False
MASK = Mask(key_mask=jnp.asarray(KEY_MASK), causal=True, window=3, top_k=2)


def by_definition(q, k, v, key_mask, window, top_k):
    """Query by query, in float64: the window, then the best of what is before it."""
    q, k, v = (np.asarray(x, np.float64) for x in (q, k, v))
    out = np.zeros_like(q)
    for b, i, h in np.ndindex(q.shape[:3]):
        scores = k[b, :, h] @ q[b, i, h] / 2
        seen = [j for j in range(i + 1) if key_mask[b, j]]
        near = [j for j in seen if i - j <= window]
        far = sorted((j for j in seen if i - j > window), key=lambda j: -scores[j])[:top_k]
        kept = near + far
        if kept:
            weights = np.exp(scores[kept] - scores[kept].max())
            out[b, i, h] = weights @ v[b, kept, h] / weights.sum()
    return out


@pytest.mark.parametrize("rows", [256, 8])
def test_it_is_the_definition_in_one_block_and_in_several(monkeypatch, rows):
    """Protects X098, and that rows of one block are those of all: the last block overlaps."""
    monkeypatch.setattr(sparse, "ROWS", rows)
    found = jax.jit(lambda q, k, v: attend(q, k, v, MASK))(Q, K, V)
    np.testing.assert_allclose(found, by_definition(Q, K, V, KEY_MASK, 3, 2), atol=1e-5)


def test_with_room_for_all_keys_it_is_causal_attention():
    """Protects the gradient: what is kept has that of softmax attention; the choice has none."""
    wide = Mask(causal=True, window=3, top_k=21)
    causal = Mask(causal=True)

    def loss(function, mask):
        return jax.grad(lambda q, k, v: (function(q, k, v, mask) ** 2).sum(), argnums=(0, 1, 2))

    found, wanted = (
        jax.jit(loss(*pair))(Q, K, V) for pair in ((attend, wide), (attend_dense, causal))
    )
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)
