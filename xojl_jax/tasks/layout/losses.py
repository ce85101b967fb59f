"""The losses of the layout task. Every one takes a mask, because any label may be missing.

Each returns a mean over what is labeled, and 0 where nothing is: a batch without boxes trains
everything that needs no boxes. float32 throughout.

B batch, L target positions, T HTML nodes, N patches, E element ids, V + T decoder outputs.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float32, Int32

from xojl_jax.nn.masked import masked_mean
from xojl_jax.xojl.vocabulary import PAD

# Large and finite: a masked logit's softmax is exactly 0, and its gradient is no NaN.
ILLEGAL = -1e9


class SequenceLoss(NamedTuple):
    loss: jax.Array  # float32[]: mean cross-entropy of a real target token, in nats
    accuracy: jax.Array  # float32[]: share of real target tokens that are the most probable
    tokens: jax.Array  # float32[]: how many real target tokens there are


def token_losses(
    logits: Float32[Array, "B L _"],
    targets: Int32[Array, "B L"],
    legal: Bool[Array, "B L _"],
    *,
    label_smoothing: float = 0.0,
) -> tuple[Float32[Array, "B L"], Bool[Array, "B L"]]:
    """Cross-entropy of the softmax over the legal tokens alone, as decoding sees it (XOJL.md 5).

    Args:
      logits: float32[B, L, V + T].
      targets: int32[B, L].
      legal: bool[B, L, V + T], the automaton's mask.
      label_smoothing: share of the target that is spread evenly over the legal tokens.

    Returns:
      float32[B, L] of each target, in nats, and bool[B, L] whether it is the most probable.
    """
    logits = jnp.where(legal, logits, ILLEGAL)
    total = jax.nn.logsumexp(logits, axis=-1)
    # By comparison: the gradient of a look-up would be a scatter.
    is_target = jnp.arange(logits.shape[-1]) == targets[..., None]
    nats = total - jnp.where(is_target, logits, 0.0).sum(-1)
    if label_smoothing:
        count = jnp.maximum(legal.sum(-1).astype(jnp.float32), 1.0)
        # Differences first: a sum of log probabilities cancels less than the sum of logits.
        even = jnp.where(legal, total[..., None] - logits, 0.0).sum(-1) / count
        nats = (1 - label_smoothing) * nats + label_smoothing * even
    return nats, logits.argmax(-1) == targets


def sequence_loss(
    nats: Float32[Array, "B L"], right: Bool[Array, "B L"], targets: Int32[Array, "B L"]
) -> SequenceLoss:
    """The means of `token_losses` over real targets: those that are not PAD, int32[B, L]."""
    real = targets != PAD
    return SequenceLoss(
        loss=masked_mean(nats, real),
        accuracy=masked_mean(right.astype(jnp.float32), real),
        tokens=real.sum().astype(jnp.float32),
    )


def exit_loss(
    layers: Sequence[tuple[Float32[Array, "B L"], Bool[Array, "B L"]]],
    sure: Sequence[Float32[Array, "B L"]],
    targets: Int32[Array, "B L"],
) -> Float32[Array, ""]:
    """Deep supervision of every layer but the last, and of how sure it is (X101): the mean over
    layers of the tokens' cross-entropy, and of the binary one of being right.

    Args:
      layers: `token_losses` of each layer.
      sure: each layer's confidence, logits.
    """
    real, total = targets != PAD, jnp.float32(0)
    for (nats, right), confidence in zip(layers, sure, strict=True):
        # Whether a layer is right is data to its confidence, which must not make layers worse.
        hit = jax.lax.stop_gradient(right.astype(jnp.float32))
        judged = optax.sigmoid_binary_cross_entropy(confidence, hit)
        total = total + masked_mean(nats, real) + masked_mean(judged, real)
    return total / max(len(layers), 1)


def distillation(
    logits: Float32[Array, "... _"], taught: Float32[Array, "... _"], legal: Bool[Array, "... _"]
) -> Float32[Array, "..."]:
    """How far a softmax is from that of a teacher: the Kullback-Leibler divergence in nats, over
    what is legal (Hinton et al. 2015, at temperature 1)."""
    ours = jax.nn.log_softmax(jnp.where(legal, logits, ILLEGAL))
    theirs = jax.nn.log_softmax(jnp.where(legal, taught, ILLEGAL))
    return (jnp.exp(theirs) * jnp.where(legal, theirs - ours, 0.0)).sum(-1)


def class_loss(
    logits: Float32[Array, "... _"], labels: Int32[Array, "..."]
) -> tuple[Float32[Array, ""], Float32[Array, ""]]:
    """Cross-entropy and accuracy of int32 labels; a negative label is unknown."""
    known = labels >= 0
    nats = optax.softmax_cross_entropy_with_integer_labels(logits, labels.clip(0))
    right = (logits.argmax(-1) == labels).astype(jnp.float32)
    return masked_mean(nats, known), masked_mean(right, known)


def binary_loss(
    logits: Float32[Array, "... E"], targets: Float32[Array, "... E"], mask: Bool[Array, "..."]
) -> Float32[Array, ""]:
    """Mean binary cross-entropy of float32[..., E] targets where bool[...] `mask` holds."""
    nats = optax.sigmoid_binary_cross_entropy(logits, targets).mean(-1)
    return masked_mean(nats, mask)


def patches_in_boxes(
    boxes: Float32[Array, "B T 4"],
    mask: Bool[Array, "B T"],
    grid: tuple[int, int],
    shown: int | None = None,
) -> Bool[Array, "B T N"]:
    """Which patches' centers are in which boxes: bool[B, T, N], row-major patches.

    Args:
      boxes: float32[B, T, 4], x0, y0, x1, y1 in [0, 1].
      mask: bool[B, T], the boxes that are known.
      grid: rows and columns of patches of the canvas that boxes are fractions of.
      shown: rows from the top that N has; None: all.
    """
    rows, columns = grid
    y = (jnp.arange(shown or rows, dtype=jnp.float32) + 0.5) / rows
    x = (jnp.arange(columns, dtype=jnp.float32) + 0.5) / columns
    left, top, right, bottom = (boxes[..., i : i + 1] for i in range(4))
    in_row = (top <= y) & (y < bottom)
    in_column = (left <= x) & (x < right)
    inside = in_row[..., :, None] & in_column[..., None, :]
    return inside.reshape(*inside.shape[:2], -1) & mask[..., None]


def patch_elements(
    inside: Bool[Array, "B T N"], node_element: Int32[Array, "B T"], num_elements: int
) -> Float32[Array, "B N E"]:
    """Which elements cover each patch: float32[B, N, E] (X048).

    Args:
      inside: bool[B, T, N] of `patches_in_boxes`.
      node_element: int32[B, T]; what is no element id counts for nothing.
    """
    element = jax.nn.one_hot(node_element, num_elements, dtype=jnp.float32)
    count = jnp.einsum("btn,bte->bne", inside.astype(jnp.float32), element)
    return (count > 0).astype(jnp.float32)
