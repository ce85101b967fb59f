"""What a block computes for each token by itself, by name.

A factory makes a module that is called as `(x, modality)`: x [B, T, D] -> [B, T, D], and modality
for feed-forwards that go by it: int32[B, T], or `Parts` where tokens of one modality are
neighbors, or None.
"""

import functools
import itertools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax import struct
from jax.typing import DTypeLike

from xojl_jax.errors import BadUsage
from xojl_jax.nn.activations import ACTIVATIONS_BY_NAME
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
    """Two linear maps with an activation between: [..., D] -> [..., D], whatever the modality.

    Attributes:
      init_std, shrink: as in `EinsumDense`; the second map alone is shrunk.
    """

    hidden: int
    dropout: float = 0.0
    dtype: DTypeLike = jnp.float32
    activation: str = "gelu_pytorch_tanh"
    init_std: float = 0.0
    shrink: Any = None

    @nn.compact
    def __call__(self, x: Array, modality: Array | None = None) -> Array:
        dense = functools.partial(EinsumDense, dtype=self.dtype, init_std=self.init_std)
        width = x.shape[-1]
        x = dense((self.hidden,), ("embed", "mlp"), name="up")(x)
        x = Dropout(self.dropout)(ACTIVATIONS_BY_NAME[self.activation](x))
        return dense((width,), ("mlp", "embed"), shrink=self.shrink, name="down")(x)


class Multiway(nn.Module):
    """An expert for each modality, made by `expert(name=)`: [B, T, D] -> [B, T, D] (VLMo, Bao et
    al. 2022; BEiT-3, Wang et al. 2023).

    Tokens of one modality are neighbors, so each expert is one matrix product on its own tokens,
    and none is computed and thrown away. The parameters of a modality that does not occur are not
    made.
    """

    expert: Callable[..., nn.Module]

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
            self.expert(name=name)(part)
            for name, part in zip(names, jnp.split(x, ends[:-1], axis=1), strict=True)
        ]
        return jnp.concatenate(done, axis=1)


def _mlp(c: BlockConfig, name: str | None = None, shrink: Any = None) -> nn.Module:
    return Mlp(c.hidden, c.dropout, c.jnp_dtype, c.activation, c.init_std, shrink, name=name)


def _multiway(c: BlockConfig, name: str | None = None, shrink: Any = None) -> nn.Module:
    hidden = c.mlp_ratio * c.width
    options = (hidden, c.dropout, c.jnp_dtype, c.activation, c.init_std, shrink)
    return Multiway(functools.partial(Mlp, *options), name=name)


FEED_FORWARDS: dict[str, Callable[..., nn.Module]] = {"mlp": _mlp, "multiway": _multiway}


def make_feed_forward(
    config: BlockConfig, name: str | None = None, shrink: Array | None = None
) -> nn.Module:
    """The feed-forward that `config.feed_forward` names; BadUsage if there is none of this name.

    Args:
      shrink: float[] by which the initial kernel of its last map is divided; None: by nothing.
    """
    if config.feed_forward not in FEED_FORWARDS:
        raise BadUsage(
            f"feed_forward={config.feed_forward!r} is not known: choose one of "
            f"{', '.join(FEED_FORWARDS)}"
        )
    # Without a name, Linen takes that of the attribute in `setup`.
    options = {} if shrink is None else {"shrink": shrink}
    return FEED_FORWARDS[config.feed_forward](config, name, **options)
