"""What makes vectors of a page's words, by name.

A module is called as `(tokens, tokens_mask)`: int32[B, T], in which `MASK` stands for what is
hidden, and bool[B, T] -> [B, T, D]. A language model is another entry.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
from flax import linen as nn
from jaxtyping import Bool, Float, Int

from xojl_jax.nn.embedding import Embed
from xojl_jax.nn.layers import LayerNorm, named
from xojl_jax.nn.positions import POSITION_STD
from xojl_jax.tasks.document.model_config import ModelConfig

Array = jax.Array


class PieceEmbeddings(nn.Module):
    """Embeddings of pieces, and of their places in reading order."""

    config: ModelConfig

    @nn.compact
    def __call__(
        self, tokens: Int[Array, "B T"], tokens_mask: Bool[Array, "B T"]
    ) -> Float[Array, "B T D"]:
        c = self.config
        width, dtype = c.block.width, c.block.jnp_dtype
        init = nn.initializers.normal(POSITION_STD)
        table = Embed(
            c.vocabulary_size,
            width,
            nn.with_logical_partitioning(init, ("vocab", "table_embed")),
            dtype=dtype,
            name="pieces",
        )
        places = self.param("places", named(init, None, "embed"), (c.max_tokens, width))
        x = table(tokens) + places[: tokens.shape[1]].astype(dtype)
        return LayerNorm(dtype, name="norm")(x)


class TextEncoder(NamedTuple):
    """An entry of `TEXT_ENCODERS`.

    Attributes:
      module: makes the module from the config.
      flops: forward FLOPs of a sample, by part.
    """

    module: Callable[[ModelConfig], nn.Module]
    flops: Callable[[ModelConfig], dict[str, float]]


TEXT_ENCODERS: dict[str, TextEncoder] = {
    "pieces": TextEncoder(PieceEmbeddings, lambda c: {}),
}
