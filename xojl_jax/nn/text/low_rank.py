"""Low-rank adapters (LoRA, Hu et al. 2021): a frozen linear map, and a trained product of two
narrow ones beside it.

An adapter of the map `NAME` is the module `NAME_lora` beside it, so that a model without adapters
has the same parameters as ever, and merging is one addition per map.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jax.typing import DTypeLike

from xojl_jax.nn.layers import Dropout, EinsumDense, named
from xojl_jax.nn.text.config import LoraConfig

Array = jax.Array

SUFFIX = "_lora"


class LowRank(nn.Module):
    """What an adapter adds to the result of an `EinsumDense` with these features and axes.

    Parameters `down`, float32[inputs, r], and `up`, float32[r, *features]; `up` starts as zero, so
    that training starts from the frozen model.
    """

    config: LoraConfig
    features: tuple[int, ...]
    axes: tuple[str | None, ...]
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        contracted = len(self.axes) - len(self.features)
        x = Dropout(self.config.dropout)(x)
        shape = x.shape[x.ndim - contracted :]
        x = x.reshape(*x.shape[: x.ndim - contracted], math.prod(shape)).astype(self.dtype)
        # As the reference library starts it: uniform within 1 / sqrt(fan in).
        init = nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform")
        in_axis = self.axes[0]
        down = self.param(
            "down", named(init, in_axis, None), (x.shape[-1], self.config.rank), jnp.float32
        )
        zeros = named(nn.initializers.zeros, None, *self.axes[contracted:])
        up = self.param("up", zeros, (self.config.rank, *self.features), jnp.float32)
        scale = self.config.alpha / self.config.rank
        return jnp.tensordot(x @ down.astype(self.dtype), up.astype(self.dtype), axes=1) * scale


def adapted(
    lora: LoraConfig | None,
    name: str,
    features: tuple[int, ...],
    axes: tuple[str | None, ...],
    *,
    use_bias: bool = False,
    dtype: DTypeLike = jnp.float32,
) -> Callable[[Array], Array]:
    """The linear map `name` of the module being made, with an adapter if `lora` has one for it."""
    dense = EinsumDense(features, axes, use_bias=use_bias, dtype=dtype, name=name)
    if lora is None or name not in lora.targets:
        return dense
    adapter = LowRank(lora, features, axes, dtype, name=name + SUFFIX)
    return lambda x: dense(x) + adapter(x)


def merge(params: Mapping[str, Any], lora: LoraConfig) -> dict[str, Any]:
    """Parameters of the same model without adapters: each is added to its map's kernel.

    Args:
      params: nested, unboxed; layers may be stacked.
    """
    merged = {}
    for name, child in params.items():
        if name.endswith(SUFFIX):
            continue
        adapter = params.get(name + SUFFIX)
        if adapter is not None:
            child = {**child, "kernel": _sum(child["kernel"], adapter, lora)}
        elif isinstance(child, Mapping):
            child = merge(child, lora)
        merged[name] = child
    return merged


def _sum(kernel: Array, adapter: Mapping[str, Array], lora: LoraConfig) -> Array:
    down, up = adapter["down"], adapter["up"]
    # In float64 on the host, in float32 where traced: it is done once, and what is saved lasts.
    module = np if isinstance(kernel, np.ndarray) else jnp
    flat = up.reshape(*up.shape[: down.ndim - 1], -1)
    product = module.matmul(down, flat) * (lora.alpha / lora.rank)
    return kernel + product.reshape(kernel.shape).astype(kernel.dtype)


def is_trained(path: str, lora: LoraConfig | None) -> bool:
    """Whether a parameter of the model is trained, by its path such as "blocks/layers/norm/scale".

    Without adapters, all are.
    """
    if lora is None:
        return True
    parts = path.split("/")
    if any(part.endswith(SUFFIX) for part in parts):
        return True
    if parts[-1] == "scale":
        return lora.train_norms
    return lora.train_embeddings and parts[0] in ("embed", "head")


def split(
    params: Mapping[str, Any], trained: Callable[[str], bool], above: str = ""
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Nested parameters in two trees: those whose path is `trained`, and the others. A branch
    without leaves is left out. `join` is the inverse."""
    one: dict[str, Any] = {}
    other: dict[str, Any] = {}
    for name, child in params.items():
        path = f"{above}{name}"
        if isinstance(child, Mapping):
            for tree, part in zip((one, other), split(child, trained, f"{path}/"), strict=True):
                if part:
                    tree[name] = part
        else:
            (one if trained(path) else other)[name] = child
    return one, other


def join(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Two trees without a leaf in common, as one."""
    both = dict(one)
    for name, child in other.items():
        both[name] = join(both[name], child) if name in both else child
    return both
