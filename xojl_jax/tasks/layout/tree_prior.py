"""What the node head predicts of the next token, as a prior for the decoder.

The node head predicts of every HTML node which element it is, or that it is merged into its parent.
A layout keeps some nodes of the HTML tree, in order; so, given the node that was opened last (the
*cursor*), the next one is node i with probability

    next[i] = keep[i] * prod_{cursor < j < i} (1 - keep[j]),        i > cursor,

its layout depth is the number of opened ancestors it has, and END (or EOS) comes first wherever
that depth is less than the number of open nodes. The decoder's logits start from the logarithm of
these probabilities and learn what they miss. Nothing is discrete in the gradient's way: `keep` and
the elements' probabilities are differentiable, cursor and depth are data.

B batch, L target positions, T HTML nodes, E = 22 elements.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float32, Int32

# The lowest log probability that the prior gives: the decoder must be able to overrule it.
FLOOR = -9.0
# Log probability of the impossible. Finite, because gradients through an infinity are NaN.
NEVER = -1e9
NUM_ELEMENTS = 22


class TreePrior(NamedTuple):
    """The node head's prediction, in the form that the prior needs.

    Attributes:
      log_keep: float32[B, T], log probability that the node is in the layout; `NEVER` in padding.
      skipped: float32[B, T + 1], running sum of log(1 - keep); `skipped[i]` covers nodes < i.
      elements: float32[B, T, E], log probability of each element, given that the node is kept.
    """

    log_keep: jax.Array
    skipped: jax.Array
    elements: jax.Array


def tree_prior(node_logits: Float32[Array, "B T 23"], html_mask: Bool[Array, "B T"]) -> TreePrior:
    """Builds the prior from float32[B, T, 23] node logits (22 elements, then "merged")."""
    # Clipped, so that running sums over a thousand nodes keep their precision.
    log_prob = jax.nn.log_softmax(node_logits.astype(jnp.float32), axis=-1).clip(-15.0)
    kept, merged = log_prob[..., :NUM_ELEMENTS], log_prob[..., NUM_ELEMENTS]
    log_keep = jax.nn.logsumexp(kept, axis=-1)
    skipped = jnp.cumsum(jnp.where(html_mask, merged, 0.0), axis=-1)
    return TreePrior(
        log_keep=jnp.where(html_mask, log_keep, NEVER),
        skipped=jnp.pad(skipped, ((0, 0), (1, 0))),
        elements=kept - log_keep[..., None],
    )


def next_node(
    prior: TreePrior, cursor: Int32[Array, "B L"]
) -> tuple[Float32[Array, "B L T"], Float32[Array, "B L"]]:
    """Log probabilities of the node that is opened next.

    Args:
      cursor: int32[B, L], the node opened last, -1 before the first.

    Returns:
      float32[B, L, T] for each node, and float32[B, L] that no node is left to open.
    """
    nodes = prior.log_keep.shape[-1]
    before = jnp.take_along_axis(prior.skipped, cursor + 1, axis=1)  # [B, L]
    to_node = prior.log_keep + prior.skipped[:, :-1]  # [B, T]
    ahead = jnp.arange(nodes) > cursor[..., None]
    log_next = jnp.where(ahead, to_node[:, None] - before[..., None], NEVER)
    return log_next, prior.skipped[:, -1:] - before


class StepPrior(NamedTuple):
    """The prior at some target positions, in log probabilities not below `FLOOR`.

    Attributes:
      close: float32[B, L], for END (or EOS where nothing is open).
      elements: float32[B, L, E], for each ELEMENT token.
      copy: float32[B, L, T], for each pointer, given that the newest ELEMENT is `element`.
      expected: float32[B, L, T], probabilities of the node opened next; their sum is at most 1.
    """

    close: jax.Array
    elements: jax.Array
    copy: jax.Array
    expected: jax.Array


def step_prior(
    prior: TreePrior,
    *,
    cursor: Int32[Array, "B L"],
    depth: Int32[Array, "B L"],
    node_depth: Int32[Array, "B L T"],
    element: Int32[Array, "B L"],
) -> StepPrior:
    """What the node head predicts of the tokens at L positions.

    Args:
      cursor: int32[B, L], the node opened last, -1 before the first.
      depth: int32[B, L], how many layout nodes are open.
      node_depth: int32[B, L, T], how many opened ancestors each node ahead of the cursor has.
      element: int32[B, L], the newest ELEMENT token's element (used by `copy`; any value where
        none was written).
    """
    log_next, log_none = next_node(prior, cursor)
    level = node_depth - depth[..., None]  # below 0: something closes first
    inside = jnp.where(level >= 0, log_next, NEVER)
    # A node that has just been announced by its ELEMENT is already counted as open.
    announced = jnp.where(level >= -1, log_next, NEVER)
    # A product, whose gradient is one, too: as a look-up's it would be a scatter of all positions
    # into 22 rows.
    one_hot = jax.nn.one_hot(element.clip(0, NUM_ELEMENTS - 1), NUM_ELEMENTS)
    chosen = jnp.einsum("ble,bte->blt", one_hot, prior.elements, precision="highest")
    outside = jnp.where(level < 0, log_next, NEVER)
    probability = jnp.exp(inside)
    return StepPrior(
        close=_floor(jnp.exp(outside).sum(-1) + jnp.exp(log_none)),
        elements=_floor(jnp.einsum("blt,bte->ble", probability, jnp.exp(prior.elements))),
        copy=_floor(_normalize(announced + chosen)),
        expected=jnp.exp(announced),
    )


def _floor(probability: jax.Array) -> jax.Array:
    return jnp.log(probability + jnp.exp(FLOOR))


def _normalize(log_weight: jax.Array) -> jax.Array:
    """Softmax over the last axis that gives zeros where nothing is possible."""
    top = jax.lax.stop_gradient(log_weight.max(-1, keepdims=True))
    weight = jnp.where(log_weight > NEVER / 2, jnp.exp(log_weight - top), 0.0)
    return weight / jnp.maximum(weight.sum(-1, keepdims=True), 1e-20)
