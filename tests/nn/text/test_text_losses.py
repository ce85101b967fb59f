"""MNTP, SimCSE and the poolings against their definitions in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xojl_jax.nn.text.contrast import info_nce
from xojl_jax.nn.text.masked_next_token import CHUNK, masked_next_token
from xojl_jax.nn.text.pooling import POOLINGS, pool

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("length", [9, CHUNK + 40])
def test_masked_next_token_reads_the_state_before(length):
    """Protects MNTP's shift: the score of masked token i comes from position i - 1, and only there;
    in chunks or not."""
    hidden = RANDOM.normal(size=(2, length, 6))
    head = RANDOM.normal(size=(6, 11))
    tokens = RANDOM.integers(0, 11, (2, length))
    masked = RANDOM.random((2, length)) < 0.3
    masked[:, 0] = True  # has no state before it: must not count
    losses, right = [], []
    for row, i in zip(*np.nonzero(masked), strict=True):
        if i:
            logits = hidden[row, i - 1] @ head
            losses.append(np.log(np.exp(logits).sum()) - logits[tokens[row, i]])
            right.append(logits.argmax() == tokens[row, i])
    arguments = jnp.float32(hidden), jnp.float32(head), jnp.int32(tokens), jnp.asarray(masked)
    loss, metrics = jax.jit(masked_next_token)(*arguments)
    assert float(loss) == pytest.approx(np.mean(losses), rel=1e-5)
    assert float(metrics["mntp"]) == pytest.approx(np.mean(right))
    assert float(metrics["masked"]) == len(losses)
    gradient = jax.jit(jax.grad(lambda h: masked_next_token(h, *arguments[1:])[0]))(arguments[0])
    used = np.asarray(jnp.abs(gradient).max(-1) > 0)
    np.testing.assert_array_equal(used[:, :-1], masked[:, 1:])
    assert not used[:, -1].any()


def test_nothing_masked_is_no_loss():
    """Protects training from a batch without a masked token: 0, not 0 / 0."""
    loss, _ = masked_next_token(
        jnp.ones((1, 4, 2)), jnp.ones((2, 3)), jnp.zeros((1, 4), jnp.int32), jnp.zeros((1, 4), bool)
    )
    assert float(loss) == 0


def test_info_nce_is_its_definition():
    """Protects SimCSE: cosines over the temperature, the partner among all rows."""
    one, other = RANDOM.normal(size=(5, 7)), RANDOM.normal(size=(5, 7))
    unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (one, other)]
    cosines = unit[0] @ unit[1].T
    scores = cosines / 0.05
    wanted = np.mean([np.log(np.exp(row).sum()) - row[i] for i, row in enumerate(scores)])
    loss, metrics = jax.jit(info_nce)(jnp.float32(one), jnp.float32(other))
    assert float(loss) == pytest.approx(wanted, rel=1e-4)
    assert float(metrics["cosine"]) == pytest.approx(np.diagonal(cosines).mean(), abs=1e-5)
    squared = ((unit[0] - unit[1]) ** 2).sum(1)
    assert float(metrics["alignment"]) == pytest.approx(squared.mean(), rel=1e-4)
    pairs = [((unit[0][i] - unit[0][j]) ** 2).sum() for i in range(5) for j in range(5) if i != j]
    wanted = np.log(np.exp(-2 * np.array(pairs)).mean())
    assert float(metrics["uniformity"]) == pytest.approx(wanted, rel=1e-4)
    equal, metrics = info_nce(jnp.float32(one), jnp.float32(one), temperature=1e-3)
    assert float(equal) < 1e-3
    assert float(metrics["retrieved"]) == 1


def reference_pool(mode, hidden, counts, ids, bos):
    """As the reference library has it: padding on the left, the last `count` tokens count."""
    rows = []
    for row, count, tokens in zip(hidden, counts, ids, strict=True):
        part = row[-count:]
        if mode == "mean":
            rows.append(part.mean(0))
        elif mode == "weighted_mean":
            weights = np.arange(count) + 1
            rows.append((part * (weights / weights.sum())[:, None]).sum(0))
        elif mode in ("eos_token", "last_token"):
            rows.append(row[-1])
        elif mode == "bos_token":
            rows.append(row[tokens == bos][0])
        else:
            rows.append(part[0])
    return np.stack(rows)


@pytest.mark.parametrize("mode", POOLINGS)
def test_poolings_are_those_of_the_reference(mode):
    """Protects each pooling, with and without a skipped instruction, by its definition there; and
    that padding on the right gives the same."""
    hidden = RANDOM.normal(size=(3, 8, 4))
    real, document = np.array([8, 6, 3]), np.array([5, 6, 1])
    at = np.arange(8)[None]
    mask, embed = at >= 8 - real[:, None], at >= 8 - document[:, None]
    ids = np.where(at == 8 - real[:, None], 1, 7)
    for counts, chosen in ((real, None), (document, jnp.asarray(embed))):
        wanted = reference_pool(mode, hidden, counts, ids, bos=1)
        if mode == "cls_token":
            wanted = np.stack([hidden[i, 8 - count] for i, count in enumerate(counts)])
        arguments = mode, jnp.float32(hidden), jnp.asarray(mask), chosen, jnp.asarray(ids == 1)
        np.testing.assert_allclose(pool(*arguments), wanted, atol=1e-6)
        right = [None if x is None else jnp.stack([jnp.roll(row, n, 0) for row, n in
                 zip(x, real, strict=True)]) for x in arguments[1:]]  # fmt: skip
        np.testing.assert_allclose(pool(mode, *right), wanted, atol=1e-6)


def test_an_empty_document_counts_its_real_tokens():
    """Protects empty texts from the mean of padding."""
    hidden = jnp.asarray(RANDOM.normal(size=(1, 4, 2)), jnp.float32)
    mask = jnp.asarray([[False, False, True, True]])
    got = pool("mean", hidden, mask, jnp.zeros((1, 4), bool))
    np.testing.assert_allclose(got, hidden[:, 2:].mean(1), atol=1e-6)
