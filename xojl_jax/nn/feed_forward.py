"""What a block computes for each token by itself, by name.

A factory makes a module that is called as `(x, modality)`: x [B, T, D] -> [B, T, D], and modality
for feed-forwards that go by it: int32[B, T], or `Parts` where tokens of one modality are
neighbors, or None.
"""

import itertools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax import struct
from jax.typing import DTypeLike

from xojl_jax.errors import BadUsage
from xojl_jax.nn.config import BlockConfig
from xojl_jax.nn.layers import Dropout, EinsumDense

Array = jax.Array


@struct.dataclass
class Parts:
    """Which modality tokens are of, where each modality is one run of tokens.

    Attributes:
      sizes: (modality, tokens) in the order of the tokens, such as
        (("language", 256), ("vision", 256)). Static: it decides which parameters there are.
    """

    sizes: tuple[tuple[str, int], ...] = struct.field(pytree_node=False)


class Mlp(nn.Module):
    """Two linear maps with a GELU between: [..., D] -> [..., D], whatever the modality."""

    hidden: int
    dropout: float = 0.0
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, x: Array, modality: Array | None = None) -> Array:
        width = x.shape[-1]
        x = EinsumDense((self.hidden,), ("embed", "mlp"), dtype=self.dtype, name="up")(x)
        x = Dropout(self.dropout)(nn.gelu(x))
        return EinsumDense((width,), ("mlp", "embed"), dtype=self.dtype, name="down")(x)


class Multiway(nn.Module):
    """An `Mlp` for each modality: [B, T, D] -> [B, T, D] (VLMo, Bao et al. 2022; BEiT-3, Wang et
    al. 2023).

    Tokens of one modality are neighbors, so each expert is one matrix product on its own tokens,
    and none is computed and thrown away. The parameters of a modality that does not occur are not
    made.
    """

    hidden: int
    dropout: float = 0.0
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, x: Array, modality: Parts | None = None) -> Array:
        if not isinstance(modality, Parts):
            raise BadUsage("feed_forward='multiway' is of encoders that tell the parts of tokens")
        ends = list(itertools.accumulate(size for _, size in modality.sizes))
        if ends[-1] != x.shape[1]:
            raise ValueError(f"multiway: {ends[-1]} tokens in parts, {x.shape[1]} given")
        names = [name for name, _ in modality.sizes]
        if len(set(names)) < len(names):
            raise ValueError(f"multiway: a modality has two parts: {names}")
        done = [
            Mlp(self.hidden, self.dropout, self.dtype, name=name)(part)
            for name, part in zip(names, jnp.split(x, ends[:-1], axis=1), strict=True)
        ]
        return jnp.concatenate(done, axis=1)


def _mlp(config: BlockConfig, name: str | None = None) -> nn.Module:
    return Mlp(config.hidden, config.dropout, config.jnp_dtype, name=name)


def _multiway(config: BlockConfig, name: str | None = None) -> nn.Module:
    return Multiway(config.mlp_ratio * config.width, config.dropout, config.jnp_dtype, name=name)


FEED_FORWARDS: dict[str, Callable[..., nn.Module]] = {"mlp": _mlp, "multiway": _multiway}


def make_feed_forward(config: BlockConfig, name: str | None = None) -> nn.Module:
    """The feed-forward that `config.feed_forward` names; BadUsage if there is none of this name."""
    if config.feed_forward not in FEED_FORWARDS:
        raise BadUsage(
            f"feed_forward={config.feed_forward!r} is not known: choose one of "
            f"{', '.join(FEED_FORWARDS)}"
        )
    # Without a name, Linen takes that of the attribute in `setup`.
    return FEED_FORWARDS[config.feed_forward](config, name)
