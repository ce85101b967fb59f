"""Masked next-token prediction, MNTP (LLM2Vec, BehnamGhader et al. 2024): the state before a masked
token predicts it, as in the next-token training that the model comes from.

Letters: B batch, T tokens, D width, V vocabulary.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float, Float32, Int

from xojl_jax.nn.chunks import map_positions

Array = jax.Array

# Positions whose scores of all tokens are in memory at once.
CHUNK = 128


def masked_next_token(
    hidden: Float[Array, "B T D"],
    head: Float[Array, "D V"],
    tokens: Int[Array, "B T"],
    masked: Bool[Array, "B T"],
) -> tuple[Float32[Array, ""], dict[str, Float32[Array, ""]]]:
    """The mean cross-entropy, in nats, of masked tokens under the states one position earlier.

    Args:
      hidden: of the text with its masked tokens replaced.
      head: scores hidden states.
      tokens: int32[B, T], of the text as it is.
      masked: which were replaced, padding excluded. The first token of a row has no state before
        it, and does not count.

    Returns:
      The loss, and {"mntp": share of masked tokens with the highest score, "masked": how many}.
    """
    targets, counted = tokens[:, 1:], masked[:, 1:]

    def score(inputs: tuple[Array, Array]) -> tuple[Array, Array]:
        states, targets = inputs
        logits = jnp.matmul(states, head, preferred_element_type=jnp.float32)
        chosen = jnp.take_along_axis(logits, targets[..., None], axis=-1)[..., 0]
        return jax.nn.logsumexp(logits, axis=-1) - chosen, logits.argmax(-1) == targets

    losses, right = map_positions(score, (hidden[:, :-1], targets), CHUNK)
    count = counted.sum().astype(jnp.float32)

    def mean(x: Array) -> Array:
        return jnp.where(counted, x.astype(jnp.float32), 0).sum() / jnp.maximum(count, 1)

    return mean(losses), {"mntp": mean(right), "masked": count}
