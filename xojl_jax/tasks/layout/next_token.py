"""What each position of a sequence needs of the prior and of the scores, as pure functions.

They are large, [R, L, T] and [R, L, V + T] in float32, so training computes them for some positions
at a time, where they are used (`nn.chunks.map_positions`), and decoding for one.

B batch, R decoder rows, L target positions, T HTML nodes, V vocabulary tokens, D width.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from xojl_jax.tasks.layout.encoded import Encoded, by_record, per_row
from xojl_jax.tasks.layout.html_cursor import HtmlCursor, is_element
from xojl_jax.tasks.layout.prior_scores import prior_scores
from xojl_jax.tasks.layout.tree_prior import StepPrior, step_prior

Array = jax.Array

# Target positions that are worked on at once: [rows, 256, 1728] float32 takes 3.5 MB a sample.
CHUNK = 256


class Projected(NamedTuple):
    """A hidden state as what scores are made of.

    Attributes:
      words: [R, L, V] in the compute dtype, the scores of the row's view.
      query: [R, L, D], what is compared with `Encoded.pointer_keys`.
    """

    words: Array
    query: Array


def expected_node(encoded: Encoded, cursor: HtmlCursor, depth: Array) -> Array:
    """The HTML nodes that may be opened next, by their probability: [R, L, D]."""
    expected = _prior(encoded, cursor, depth).expected
    nodes = encoded.next_node_features
    expected = by_record(expected.astype(nodes.dtype), nodes.shape[0])
    found = jnp.einsum("bkt,btd->bkd", expected, nodes)
    return found.reshape(*depth.shape, nodes.shape[-1])


def token_scores(
    encoded: Encoded,
    projected: Projected,
    prior_weight: Array,
    tokens: Array,
    cursor: HtmlCursor,
    depth: Array,
    detail: Array,
) -> Array:
    """The decoder's scores and the prior's: float32[R, L, V + T].

    Args:
      prior_weight: float32[3], see `prior_scores`.
      tokens: int32[R, L], the newest token of each position.
      depth: int32[R, L], open nodes.
      detail: bool[R], rows of the detail view.
    """
    words, query = projected
    prior = prior_scores(
        _prior(encoded, cursor, depth),
        prior_weight,
        naming=detail[:, None] & is_element(tokens),
        has_html=per_row(encoded.html_mask.any(-1), tokens.shape[0]),
        vocabulary_size=words.shape[-1],
    )
    keys = encoded.pointer_keys
    dot = functools.partial(jnp.einsum, preferred_element_type=jnp.float32)
    pointers = dot("bkd,btd->bkt", by_record(query, keys.shape[0]), keys)
    pointers = pointers.reshape(*tokens.shape, keys.shape[1]) / query.shape[-1] ** 0.5
    return jnp.concatenate([words.astype(jnp.float32), pointers], axis=-1) + prior


def _prior(encoded: Encoded, cursor: HtmlCursor, depth: Array) -> StepPrior:
    prior = jax.tree.map(functools.partial(per_row, rows=depth.shape[0]), encoded.prior)
    return step_prior(
        prior,
        cursor=cursor.node,
        depth=depth,
        node_depth=cursor.node_depth,
        element=cursor.element,
    )
