"""The model of answers: a page, its words and a prompt in, the tokens of an answer out (R032).

The encoders are those of pre-training, under the same names. The decoder attends to words and
patches together. B batch, T tokens of the page, M memory (T and patches), L tokens of the answer, R
rows (B times hypotheses), V tokens of the vocabulary, D width.
"""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from xojl_jax.nn.chunks import map_positions
from xojl_jax.nn.decoder import DecoderCache
from xojl_jax.nn.embedding import Embed
from xojl_jax.nn.layers import EinsumDense, named
from xojl_jax.nn.positions import POSITION_STD
from xojl_jax.nn.trunk import Trunk
from xojl_jax.tasks.document.answering.model_config import AnswerConfig
from xojl_jax.tasks.document.answering.prompt import Prompt
from xojl_jax.tasks.document.page_encoder import read_together
from xojl_jax.tasks.document.text import TEXT_ENCODERS

Array = jax.Array
Batch = Mapping[str, Array]

# Positions whose scores of all tokens are in memory at once, of each row.
CHUNK = 256
# A pointer that may not be: less than any score, and finite.
FORBIDDEN = -1e9


class Encoded(NamedTuple):
    """A page that was read.

    Attributes:
      memory: [B, M, D]. memory_mask: bool[B, M].
      copied: [B, T, D], what the decoder reads of a word that was copied.
      keys: [B, T, D], what it compares with to copy one.
      copyable: bool[B, T].
    """

    memory: Array
    memory_mask: Array
    copied: Array
    keys: Array
    copyable: Array


class TokenScores(NamedTuple):
    """log_prob: float32[B, L], of the true token. guess: int32[B, L], the likeliest one."""

    log_prob: Array
    guess: Array


class AnswerModel(nn.Module):
    """See the module's docstring."""

    config: AnswerConfig

    def setup(self) -> None:
        c = self.config
        width, dtype = c.block.width, c.block.jnp_dtype
        self.trunk = Trunk(c.trunk)
        self.text = TEXT_ENCODERS[c.text].module(c)
        self.prompt = Prompt(c)
        init = nn.initializers.normal(POSITION_STD)
        table = nn.with_logical_partitioning(init, ("vocab", "table_embed"))
        self.embed = Embed(c.tokens, width, table, dtype=dtype)

        def dense() -> nn.Module:
            return EinsumDense((width,), ("embed", None), dtype=dtype)

        self.copied, self.keys, self.query = dense(), dense(), dense()
        self.kernel = self.param("kernel", named(init, "embed", "vocab"), (width, c.tokens))
        self.bias = self.param("bias", named(nn.initializers.zeros, "vocab"), (c.tokens,))

    def encode(self, batch: Batch) -> Encoded:
        c = self.config
        seen = self.trunk.vision(batch["image"], batch["patch_mask"]).tokens
        words, patches = read_together(
            self.trunk, self.text, batch["tokens"], seen, batch, c.grid, self.prompt(batch)
        )
        return Encoded(
            jnp.concatenate([words, patches], axis=1),
            jnp.concatenate([batch["tokens_mask"], batch["patch_mask"]], axis=1),
            self.copied(words),
            self.keys(words),
            batch["copyable"],
        )

    def scores(self, batch: Batch) -> TokenScores:
        """Teacher forcing: each token of `target`, int32[B, L], from those before it."""
        encoded, target = self.encode(batch), batch["target"]
        before = batch["before"]
        x = self._embed(before, encoded)
        x = self.trunk.decoder(x, encoded.memory, encoded.memory_mask)

        def score(inputs: tuple[Array, Array]) -> TokenScores:
            hidden, truth = inputs
            logits = self._logits(hidden, encoded)
            of_truth = jnp.take_along_axis(logits, truth[..., None], axis=-1)[..., 0]
            log_prob = of_truth - jax.nn.logsumexp(logits, axis=-1)
            return TokenScores(log_prob, jnp.argmax(logits, axis=-1).astype(jnp.int32))

        return map_positions(score, (x, target), CHUNK)

    def start_cache(self, encoded: Encoded, positions: int) -> DecoderCache:
        return self.trunk.decoder.start_cache(
            encoded.memory, encoded.memory_mask, positions=positions
        )

    def next_logits(
        self, encoded: Encoded, cache: DecoderCache, position: Array, token: Array
    ) -> tuple[Array, DecoderCache]:
        """One position of every row: token int32[R] -> float32[R, V + T], and the cache."""
        rows = token.shape[0]
        by_page = token.reshape(encoded.memory.shape[0], -1)  # hypotheses of a page side by side
        x = self._embed(by_page, encoded).reshape(rows, -1)
        hidden, cache = self.trunk.decoder.step(x, cache, position)
        logits = self._logits(hidden.reshape(*by_page.shape, -1), encoded)
        return logits.reshape(rows, -1), cache

    def _embed(self, tokens: Array, encoded: Encoded) -> Array:
        """int32[B, L] -> [B, L, D]; a pointer is read as the word that it copies."""
        size, length = self.config.tokens, encoded.copied.shape[1]
        own = self.embed(jnp.minimum(tokens, size - 1))
        at = jnp.clip(tokens - size, 0, length - 1)[..., None]
        copied = jnp.take_along_axis(encoded.copied, at, axis=1)
        return jnp.where((tokens >= size)[..., None], copied.astype(own.dtype), own)

    def _logits(self, hidden: Array, encoded: Encoded) -> Array:
        """[B, L, D] -> float32[B, L, V + T]."""
        words = jnp.matmul(hidden, self.kernel.astype(hidden.dtype)).astype(jnp.float32) + self.bias
        pointers = jnp.einsum(
            "bld,btd->blt",
            self.query(hidden),
            encoded.keys,
            preferred_element_type=jnp.float32,
        )
        pointers = pointers / hidden.shape[-1] ** 0.5
        pointers = jnp.where(encoded.copyable[:, None], pointers, FORBIDDEN)
        return jnp.concatenate([words, pointers], axis=-1)
