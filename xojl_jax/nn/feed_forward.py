"""What a block computes for each token by itself, by name.

A factory makes a module that is called as `(x, modality)`: x [B, T, D] -> [B, T, D], and modality,
int32[B, T] or None, for feed-forwards that have an expert per modality.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax.typing import DTypeLike

from xojl_jax.errors import BadUsage
from xojl_jax.nn.config import BlockConfig
from xojl_jax.nn.layers import Dropout, EinsumDense

Array = jax.Array


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


def _mlp(config: BlockConfig, name: str | None = None) -> nn.Module:
    return Mlp(config.mlp_ratio * config.width, config.dropout, config.jnp_dtype, name=name)


FEED_FORWARDS: dict[str, Callable[..., nn.Module]] = {"mlp": _mlp}


def make_feed_forward(config: BlockConfig, name: str | None = None) -> nn.Module:
    """The feed-forward that `config.feed_forward` names; BadUsage if there is none of this name."""
    if config.feed_forward not in FEED_FORWARDS:
        raise BadUsage(
            f"feed_forward={config.feed_forward!r} is not known: choose one of "
            f"{', '.join(FEED_FORWARDS)}"
        )
    # Without a name, Linen takes that of the attribute in `setup`.
    return FEED_FORWARDS[config.feed_forward](config, name)
