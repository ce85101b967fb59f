"""Tokens in and out of the decoder: embeddings of what is written, scores of what comes next.

R decoder rows, L target positions, T HTML nodes, V vocabulary tokens, D width.
"""

import functools

import jax
import jax.numpy as jnp
from flax import linen as nn

from xojl_jax.nn.embedding import Embed, look_up
from xojl_jax.nn.layers import EinsumDense
from xojl_jax.tasks.layout.encoded import Encoded, by_record
from xojl_jax.tasks.layout.model_config import ModelConfig
from xojl_jax.tasks.layout.next_token import Projected
from xojl_jax.tasks.layout.tables import IDENTITY_STD, table
from xojl_jax.xojl.vocabulary import ELEMENT_BASE, ELEMENT_WIDTH

Array = jax.Array

# The deepest level of nesting that the decoder tells apart.
MAX_OPEN = 65
# The token scores that the semantic view can use: the special tokens, then the elements.
SEMANTIC_TOKENS = ELEMENT_BASE + ELEMENT_WIDTH


class TokenScores(nn.Module):
    """The decoder's input vectors, and its hidden states as scores.

    Its parameters are those of the whole model (`nn.share_scope`); the attributes' names are their
    paths in checkpoints, so they stay as they are.
    """

    config: ModelConfig

    def setup(self) -> None:
        c = self.config
        width, dtype = c.block.width, c.block.jnp_dtype
        dense = functools.partial(EinsumDense, dtype=dtype)
        init = nn.initializers.normal(IDENTITY_STD)
        embed = nn.with_logical_partitioning(init, ("vocab", "table_embed"))
        self.token_embed = Embed(c.vocabulary_size + 1, width, embed, dtype=dtype)
        self.depth_embed = table(MAX_OPEN, width, dtype, None)
        self.view_embed = table(2, width, dtype, None)
        self.here_in = dense((width,), ("embed", "mlp"))
        self.ahead_in = dense((width,), ("embed", "mlp"))
        # The scores start near zero, so that an untrained decoder predicts what the prior predicts.
        small_init_dense = functools.partial(dense, kernel_init=nn.initializers.normal(0.002))
        self.detail_head = small_init_dense((c.vocabulary_size,), ("embed", "vocab"))
        self.semantic_head = small_init_dense((SEMANTIC_TOKENS,), ("embed", "classes"))
        self.pointer_query = small_init_dense((width,), ("embed", "mlp"))
        self.pointer_key = dense((width,), ("embed", "mlp"))

    def node_features(self, html: Array) -> dict[str, Array]:
        """HTML tokens [B, T, D] as the fields of `Encoded` that every position reads."""
        return {
            "cursor_features": self.here_in(html),
            "next_node_features": self.ahead_in(html),
            "pointer_keys": self.pointer_key(html),
        }

    def embed(
        self, encoded: Encoded, tokens: Array, cursor: Array, depth: Array, detail: Array
    ) -> Array:
        """The decoder's input without `next_token.expected_node`, which is added: [R, L, D].

        Args:
          tokens: int32[R, L], the newest token.
          cursor: int32[R, L], the HTML node opened last, -1 before the first.
          depth: int32[R, L], open nodes.
          detail: bool[R], rows of the detail view.
        """
        opened = _nodes(encoded.cursor_features, cursor.clip(0))
        opened = jnp.where(cursor[..., None] >= 0, opened, jnp.zeros((), opened.dtype))
        # All pointers share the last row of the table, COPY: the cursor shows which node it is.
        words = self.token_embed(tokens.clip(max=self.config.vocabulary_size))
        depths = self.depth_embed(depth.clip(0, MAX_OPEN - 1))
        views = self.view_embed(detail.astype(jnp.int32))[:, None]
        return words + opened + depths + views

    def project(self, x: Array, detail: Array) -> Projected:
        """Hidden states [R, L, D] as what `next_token.token_scores` makes scores of."""
        semantic = self.semantic_head(x)
        unused = self.config.vocabulary_size - SEMANTIC_TOKENS
        semantic = jnp.pad(semantic, ((0, 0), (0, 0), (0, unused)))
        words = jnp.where(detail[:, None, None], self.detail_head(x), semantic)
        return Projected(words, self.pointer_query(x))


def _nodes(features: Array, nodes: Array) -> Array:
    """Each row's nodes int32[R, L] of its record's features [B, T, D]: [R, L, D]."""
    ids = by_record(nodes, features.shape[0])
    found = jax.vmap(lambda table, ids: look_up(table, ids, table.dtype))(features, ids)
    return found.reshape(*nodes.shape, features.shape[-1])
