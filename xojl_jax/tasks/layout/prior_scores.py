"""The tree prior as scores of tokens, which are added to the decoder's own.

R decoder rows, L target positions, T HTML nodes, V vocabulary tokens.
"""

import jax
import jax.numpy as jnp

from xojl_jax.tasks.layout.tree_prior import FLOOR, NUM_ELEMENTS, StepPrior
from xojl_jax.xojl.vocabulary import ELEMENT_BASE, END, EOS

Array = jax.Array


def prior_scores(
    step: StepPrior, weights: Array, *, naming: Array, has_html: Array, vocabulary_size: int
) -> Array:
    """The prior, laid out over all tokens: float32[R, L, V + T].

    Args:
      weights: float32[3], learned factors of closing, elements and pointers.
      naming: bool[R, L], where a detail row has announced an element whose node comes next. No node
        is opened or closed there, it is only pointed at.
      has_html: bool[R]; rows without HTML have no prior, and get zeros.
    """
    close_weight, element_weight, copy_weight = weights
    close = jnp.where(naming, FLOOR, close_weight * step.close)
    elements = jnp.where(naming[..., None], FLOOR, element_weight * step.elements)
    words = jnp.full((*naming.shape, vocabulary_size), FLOOR, jnp.float32)
    words = words.at[..., END].set(close).at[..., EOS].set(close)
    words = words.at[..., ELEMENT_BASE : ELEMENT_BASE + NUM_ELEMENTS].set(elements)
    scores = jnp.concatenate([words, copy_weight * step.copy], axis=-1)
    return jnp.where(has_html[:, None, None], scores, 0.0)
