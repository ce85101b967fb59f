"""The losses against plain numpy, and their masks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xojl_jax.nn.masked import masked_mean
from xojl_jax.tasks.layout import losses
from xojl_jax.xojl.vocabulary import PAD

RNG = np.random.default_rng(0)


def sequence_loss(logits, targets, legal, **options):
    found = losses.token_losses(logits, targets, legal, **options)
    return losses.sequence_loss(*found, targets)


def test_sequence_loss_is_the_softmax_over_legal_tokens():
    """Protects training from another distribution than decoding's: illegal tokens get nothing."""
    logits = RNG.normal(size=(2, 3, 7)).astype(np.float32)
    legal = RNG.random((2, 3, 7)) < 0.5
    targets = np.array([[4, 5, 0], [6, 4, 5]], np.int32)  # 0 is PAD
    np.put_along_axis(legal, targets[..., None], True, axis=-1)
    nats, right = [], []
    for row in np.argwhere(targets != 0):
        scores = np.where(legal[tuple(row)], logits[tuple(row)], -np.inf).astype(np.float64)
        target = targets[tuple(row)]
        nats.append(np.log(np.exp(scores).sum()) - scores[target])
        right.append(scores.argmax() == target)
    result = sequence_loss(*map(jnp.asarray, (logits, targets, legal)))
    np.testing.assert_allclose(result.loss, np.mean(nats), rtol=1e-6)
    np.testing.assert_allclose(result.accuracy, np.mean(right))
    assert result.tokens == 5


def test_an_illegal_logit_moves_nothing():
    """Protects the same from the gradient's side, also with label smoothing."""
    legal = jnp.array([[[True, True, False]]])

    def loss(logits, label_smoothing):
        targets = jnp.array([[1]], jnp.int32)
        return sequence_loss(logits, targets, legal, label_smoothing=label_smoothing).loss

    for smoothing in (0.0, 0.2):
        gradient = jax.grad(loss)(jnp.array([[[0.3, -1.0, 50.0]]]), smoothing)
        assert gradient[0, 0, 2] == 0
        assert abs(gradient[0, 0, :2]).min() > 0


def test_label_smoothing_is_spread_over_legal_tokens():
    """Protects the smoothed loss: (1 - s) of the target and s of the even distribution."""
    logits = jnp.array([[[1.0, 2.0, 3.0, 9.0]]])
    legal = jnp.array([[[True, True, True, False]]])
    log_prob = np.log(np.exp([1.0, 2.0, 3.0]) / np.exp([1.0, 2.0, 3.0]).sum())
    wanted = -(0.9 * log_prob[1] + 0.1 * log_prob.mean())
    targets = jnp.array([[1]], jnp.int32)
    result = sequence_loss(logits, targets, legal, label_smoothing=0.1)
    np.testing.assert_allclose(result.loss, wanted, rtol=1e-6)


def test_patches_are_in_the_boxes_that_hold_their_centers():
    """Protects the map from boxes to patches, row by row, and its mask."""
    boxes = jnp.array([[[0.0, 0.0, 0.5, 0.5], [0.5, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]]])
    inside = losses.patches_in_boxes(boxes, jnp.array([[True, True, False]]), (2, 4))
    assert inside[0, 0].reshape(2, 4).astype(int).tolist() == [[1, 1, 0, 0], [0, 0, 0, 0]]
    assert inside[0, 1].reshape(2, 4).astype(int).tolist() == [[0, 0, 1, 1], [0, 0, 1, 1]]
    assert not inside[0, 2].any()


def test_patch_elements_names_every_element_over_a_patch():
    """Protects the auxiliary target (X048): several elements may cover one patch."""
    inside = jnp.array([[[True, True], [True, False]]])
    elements = losses.patch_elements(inside, jnp.array([[0, 5]]), 8)
    assert np.argwhere(np.asarray(elements[0])).tolist() == [[0, 0], [0, 5], [1, 0]]
    merged = losses.patch_elements(inside, jnp.array([[22, -1]]), 8)
    assert not merged.any()


@pytest.mark.parametrize("masked", [masked_mean, losses.binary_loss])
def test_nothing_labeled_costs_nothing(masked):
    """Protects batches without labels from 0 / 0."""
    values = jnp.ones((2, 3))
    mask = jnp.zeros((2, 3) if masked is masked_mean else (2,), bool)
    arguments = (values, mask) if masked is masked_mean else (values, values, mask)
    assert masked(*arguments) == 0


def test_every_layer_learns_to_write_and_to_know_how_sure_it_is():
    """Protects deep supervision (X101): tokens and confidence of each layer, padding left out, and
    no gradient from a confidence to what it judges."""
    rng = np.random.default_rng(0)
    nats, sure = rng.random((2, 2, 3)), rng.normal(size=(2, 2, 3))
    right, targets = rng.random((2, 2, 3)) < 0.5, np.array([[5, 6, 0], [7, 0, 0]], np.int32)
    real = targets != PAD
    judged = np.log1p(np.exp(sure)) - right * sure
    wanted = np.mean([nats[i][real].mean() + judged[i][real].mean() for i in range(2)])
    layers = [(jnp.asarray(nats[i], jnp.float32), jnp.asarray(right[i])) for i in range(2)]
    confidences = [jnp.asarray(one, jnp.float32) for one in sure]
    found = losses.exit_loss(layers, confidences, jnp.asarray(targets))
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
