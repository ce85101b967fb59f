"""What makes vectors of a page's words, by name.

A module is called as `(tokens, tokens_mask)`: int32[B, T], in which `MASK` stands for what is
hidden, and bool[B, T] -> [B, T, D].
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
from flax import linen as nn
from jaxtyping import Bool, Float, Int

from xojl_jax.nn.embedding import Embed
from xojl_jax.nn.layers import EinsumDense, LayerNorm, named
from xojl_jax.nn.positions import POSITION_STD
from xojl_jax.nn.text.language_model import LanguageModel, language_flops
from xojl_jax.tasks.document.model_config import PageConfig

Array = jax.Array


class PieceEmbeddings(nn.Module):
    """Embeddings of pieces, and of their places in reading order."""

    config: PageConfig

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


class LanguageStates(nn.Module):
    """Hidden states of a language model that reads both ways, in the width of the trunk. Its
    parameters, at "language", are those of a run of the text task."""

    config: PageConfig

    @nn.compact
    def __call__(
        self, tokens: Int[Array, "B T"], tokens_mask: Bool[Array, "B T"]
    ) -> Float[Array, "B T D"]:
        block = self.config.block
        states = LanguageModel(self.config.language, name="language")(tokens, tokens_mask)
        out = EinsumDense((block.width,), ("embed", None), dtype=block.jnp_dtype, name="out")
        return LayerNorm(block.jnp_dtype, name="norm")(out(states))


class TextEncoder(NamedTuple):
    """An entry of `TEXT_ENCODERS`.

    Attributes:
      module: makes the module from the config.
      flops: forward FLOPs of a sample, by part.
    """

    module: Callable[[PageConfig], nn.Module]
    flops: Callable[[PageConfig], dict[str, float]]


TEXT_ENCODERS: dict[str, TextEncoder] = {
    "pieces": TextEncoder(PieceEmbeddings, lambda c: {}),
    "language": TextEncoder(
        LanguageStates,
        lambda c: {
            "language model": language_flops(c.language, c.max_tokens)
            + 2.0 * c.max_tokens * c.language.width * c.block.width
        },
    ),
}
