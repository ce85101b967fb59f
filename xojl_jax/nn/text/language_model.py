"""A decoder-only language model in the Llama, Mistral or Gemma form, causal or read as an encoder.

Letters: B batch, T tokens, D width, H heads, Hk heads of keys and values, K head width, V
vocabulary.
"""

import functools

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Bool, Float, Int

from xojl_jax.nn.activations import ACTIVATIONS_BY_NAME
from xojl_jax.nn.attention import Mask, attend
from xojl_jax.nn.blocks import ACTIVATIONS
from xojl_jax.nn.embedding import Embed
from xojl_jax.nn.layers import Dropout, named
from xojl_jax.nn.scan import Stack
from xojl_jax.nn.text.config import LanguageConfig
from xojl_jax.nn.text.low_rank import adapted
from xojl_jax.nn.text.rms_norm import RmsNorm
from xojl_jax.nn.text.rotary import rotate, rotations
from xojl_jax.nn.text.shifted import attend_shifted

Array = jax.Array

EMBEDDING_STD = 0.02


class GroupedAttention(nn.Module):
    """Self-attention with rotary positions, where several heads of the queries share keys and
    values (grouped queries, Ainslie et al. 2023): [B, T, D] -> [B, T, D]."""

    config: LanguageConfig
    sparse: bool = False

    @nn.compact
    def __call__(
        self, x: Float[Array, "B T D"], mask: Mask, cosine: Array, sine: Array
    ) -> Float[Array, "B T D"]:
        c = self.config
        make = functools.partial(adapted, c.lora, dtype=c.jnp_dtype)
        into = functools.partial(make, axes=("embed", "heads", "head_dim"), use_bias=c.qkv_bias)
        q = rotate(into("query", features=(c.heads, c.head_dim))(x), cosine, sine)
        k = rotate(into("key", features=(c.kv_heads, c.head_dim))(x), cosine, sine)
        v = into("value", features=(c.kv_heads, c.head_dim))(x)
        # Attention has as many heads of keys as of queries.
        k, v = (jnp.repeat(part, c.heads // c.kv_heads, axis=2) for part in (k, v))
        if self.sparse:
            y = attend_shifted(q, k, v, mask, c.shift_group, block_size=c.attention_block)
        else:
            y = attend(q, k, v, mask, block_size=c.attention_block)
        return make("out", features=(c.width,), axes=("heads", "head_dim", "embed"))(y)


class GatedMlp(nn.Module):
    """down(activation(gate(x)) * up(x)) (Shazeer 2020): [B, T, D] -> [B, T, D]."""

    config: LanguageConfig

    @nn.compact
    def __call__(self, x: Float[Array, "B T D"]) -> Float[Array, "B T D"]:
        c = self.config
        make = functools.partial(adapted, c.lora, dtype=c.jnp_dtype)
        into = functools.partial(make, features=(c.hidden,), axes=("embed", "mlp"))
        gate = ACTIVATIONS_BY_NAME[c.activation](into("gate")(x))
        return make("down", features=(c.width,), axes=("mlp", "embed"))(gate * into("up")(x))


class LanguageBlock(nn.Module):
    """Pre-norm block: self-attention, then the feed-forward, each added to the residual stream."""

    config: LanguageConfig
    sparse: bool = False

    @nn.compact
    def __call__(
        self, x: Float[Array, "B T D"], mask: Mask, cosine: Array, sine: Array
    ) -> Float[Array, "B T D"]:
        c = self.config
        norm = functools.partial(RmsNorm, c.norm_epsilon, c.norm_offset, c.jnp_dtype)
        x = nn.with_logical_constraint(x, ACTIVATIONS)
        attention = GroupedAttention(c, self.sparse, name="attention")
        y = attention(norm(name="attention_norm")(x), mask, cosine, sine)
        x = nn.with_logical_constraint(x + Dropout(c.dropout)(y).astype(x.dtype), ACTIVATIONS)
        y = GatedMlp(c, name="feed_forward")(norm(name="feed_forward_norm")(x))
        return x + Dropout(c.dropout)(y).astype(x.dtype)


class Head(nn.Module):
    """The kernel float32[D, V] that scores hidden states."""

    width: int
    vocabulary: int

    @nn.compact
    def __call__(self) -> Float[Array, "D V"]:
        init = named(nn.initializers.normal(EMBEDDING_STD), "embed", "vocab")
        return self.param("kernel", init, (self.width, self.vocabulary), jnp.float32)


class LanguageModel(nn.Module):
    """Tokens int32[B, T] -> hidden states [B, T, D], normalized; `head` scores them.

    Attributes:
      config: of the model.
      sparse: shifted sparse attention, for training on long texts, in place of dense attention. The
        parameters are the same.
    """

    config: LanguageConfig
    sparse: bool = False

    def setup(self) -> None:
        c = self.config
        # The table is gathered from and, transposed, multiplied with: rows over "vocab" serve both.
        init = named(nn.initializers.normal(EMBEDDING_STD), "vocab", "table_embed")
        self.embed = Embed(c.vocabulary, c.width, init, c.jnp_dtype)
        self.blocks = Stack(functools.partial(LanguageBlock, c, self.sparse), c.layers, c.remat)
        self.norm = RmsNorm(c.norm_epsilon, c.norm_offset, c.jnp_dtype)
        # A model that is read as an encoder has none: it is made where `head` is called.
        self.own_head = None if c.tied else Head(c.width, c.vocabulary, name="head")

    def __call__(
        self,
        tokens: Int[Array, "B T"],
        token_mask: Bool[Array, "B T"] | None = None,
        segments: Int[Array, "B T"] | None = None,
        positions: Int[Array, "B T"] | None = None,
    ) -> Float[Array, "B T D"]:
        """Hidden states after the last layer and its norm.

        Args:
          tokens: int32[B, T], ids.
          token_mask: bool[B, T], False in padding, on whichever side.
          segments: int32[B, T], of texts packed into one row, which do not see one another.
          positions: int32[B, T]; by default 0, 1, …, padding included: distances alone count.

        Returns:
          [B, T, D] in the compute dtype. Values in padding have no meaning.
        """
        c = self.config
        if positions is None:
            positions = jnp.arange(tokens.shape[1], dtype=jnp.int32)[None]
        x = self.embed(tokens)
        # The factor rounded to the compute dtype, as where the published weights were trained.
        x = x * jnp.asarray(c.embed_scale, c.jnp_dtype)
        x = nn.with_logical_constraint(x, ACTIVATIONS)
        mask = Mask(
            key_mask=token_mask,
            segments=segments,
            causal=not c.bidirectional,
            # Published windows count the position itself.
            window=None if c.window is None else c.window - 1,
        )
        return self.norm(self.blocks(x, mask, *rotations(c.rotary, c.head_dim, positions)))

    def head(self) -> Float[Array, "D V"]:
        """What hidden states are multiplied with to score tokens: [D, V] in the compute dtype."""
        kernel = self.embed.embedding.T if self.own_head is None else self.own_head()
        return kernel.astype(self.config.jnp_dtype)

    def logits(
        self, tokens: Int[Array, "B T"], token_mask: Bool[Array, "B T"] | None = None
    ) -> Float[Array, "B T V"]:
        """Scores of the next token, or in a bidirectional model whatever it was trained to score
        there: float32[B, T, V]. For training, the losses read `head` some positions at a time."""
        return (self(tokens, token_mask) @ self.head()).astype(jnp.float32)


def language_flops(c: LanguageConfig, length: int, sparse: bool = False) -> float:
    """Forward FLOPs of the blocks for one row of `length` tokens."""
    attention = c.width * c.head_dim * (2 * c.heads + 2 * c.kv_heads)
    seen = min(length, c.shift_group) if sparse else length
    scores = 2 * seen * c.heads * c.head_dim
    return 2.0 * length * c.layers * (attention + scores + 3 * c.width * c.hidden)
