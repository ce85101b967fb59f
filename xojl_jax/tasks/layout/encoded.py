"""What the encoders hand to the heads and to the decoder.

B batch, R decoder rows (2B: the semantic and the detail view of each record, as neighbors), N
patches, M memory tokens, T HTML nodes, D width.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from xojl_jax.tasks.layout.tree_prior import TreePrior

Array = jax.Array
# A field that the stage does not compute. Whoever reads one knows that it is there: see
# `Head.inputs`.
NOT_COMPUTED: Any = None


class Features(NamedTuple):
    """What heads read. A field is None where the stage does not compute it (`Stage.features`).

    Attributes:
      tokens, tokens_mask: [B, M, D] and bool[B, M], all that is known of the section: patches, or
        HTML nodes, or, fused, first the nodes and then the cells of the decoder's visual memory.
      html, html_mask: [B, T, D] and bool[B, T], HTML nodes; fused where both encoders run.
      html_parent: int32[B, T], -1 for a root.
      html_prefix: [B, P, D], the HTML encoder's prefix tokens.
      patches, patch_mask: [B, N, D] and bool[B, N], after the final norm; fused where both run.
      middle_patches: [B, N, D], the patches' residual stream in the middle of the vision encoder.
      prefix: [B, P, D], the vision encoder's prefix tokens.
      attention: float32[B, N], logits of the spatial attention map (X069).
      weights: float32[B, 2], how much HTML and vision counted in the fusion; None: not weighted.
    """

    tokens: Array
    tokens_mask: Array
    html: Array = NOT_COMPUTED
    html_mask: Array = NOT_COMPUTED
    html_parent: Array = NOT_COMPUTED
    html_prefix: Array | None = NOT_COMPUTED
    patches: Array = NOT_COMPUTED
    patch_mask: Array = NOT_COMPUTED
    middle_patches: Array = NOT_COMPUTED
    prefix: Array = NOT_COMPUTED
    attention: Array = NOT_COMPUTED
    weights: Array | None = None


class Encoded(NamedTuple):
    """What the decoder reads of a section.

    Attributes:
      memory: [B, M, D], HTML tokens, then one level of the visual pyramid.
      memory_mask: bool[B, M].
      html_mask: bool[B, T].
      prior: the node head's prediction.
      cursor_features, next_node_features, pointer_keys: [B, T, D], each node as the one opened
        last, as the one to open next, and as what a pointer is compared with. Computed once per
        section, because every step of decoding reads them.
      weights: float32[B, 2], see `Features`.
    """

    memory: Array
    memory_mask: Array
    html_mask: Array
    prior: TreePrior
    cursor_features: Array
    next_node_features: Array
    pointer_keys: Array
    weights: Array | None = None


def per_row(x: Array, rows: int) -> Array:
    """Repeats each record's entry for its rows of the decoder: [B, …] -> [R, …]."""
    return x if x.shape[0] == rows else jnp.repeat(x, rows // x.shape[0], axis=0)


def by_record(x: Array, records: int) -> Array:
    """[R, L, …] -> [B, R / B * L, …]: the rows of a record are neighbors, so that what is compared
    with the record's nodes reads them once for all rows, and nothing is repeated."""
    return x.reshape(records, -1, *x.shape[2:])


def interleave_views(semantic: Array, detail: Array) -> Array:
    """[B, …] and [B, …] -> [2B, …]: the two rows of a record are neighbors."""
    return jnp.stack([semantic, detail], axis=1).reshape(-1, *semantic.shape[1:])
