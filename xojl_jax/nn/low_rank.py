"""Low-rank adapters (LoRA, Hu et al. 2021) of any model, by the paths of its parameters.

An adapter of a kernel is two narrow matrices whose product is added to it. Here they are added
before the model is called, so that no module knows of them. `nn.text.low_rank` adds them within a
language model instead, whose frozen kernels may then be kept apart from what is trained.

Letters: G groups of layers that are stacked, r rank.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

Array = jax.Array

# Logical names of axes that count layers.
STACKED = ("layers", "groups")
# Kernel's name -> the number of its axes that are inputs; those before them count layers.
INPUT_AXES = {"query": 1, "key": 1, "value": 1, "out": 2, "up": 1, "down": 1}


@dataclasses.dataclass(frozen=True)
class AdapterConfig:
    """
    Attributes:
      rank: r.
      alpha: the product is multiplied by alpha / r.
      targets: names in `INPUT_AXES`.
    """

    rank: int
    alpha: float
    targets: tuple[str, ...]

    @property
    def scale(self) -> float:
        return self.alpha / self.rank


def init_adapters(
    rng: Array, params: Mapping[str, Any], config: AdapterConfig, adapted: Callable[[str], bool]
) -> dict[str, Any]:
    """Adapters of the kernels whose path is `adapted` and whose module is a target: for each
    "down", random, and "up", zero, so that training begins with the model as it is.

    Args:
      params: boxed.
    """
    found: dict[str, Any] = {}
    for path, box in _kernels(params):
        if not adapted("/".join(path)) or path[-2] not in config.targets:
            continue
        layers, inputs, outputs = _split(box.value.shape, box.names, INPUT_AXES[path[-2]])
        rng, own = jax.random.split(rng)
        width = math.prod(size for size, _ in inputs)
        down = jax.random.normal(own, (*_sizes(layers), width, config.rank)) / width**0.5
        up = jnp.zeros((*_sizes(layers), config.rank, *_sizes(outputs)), jnp.float32)
        names = _names(layers)
        node = found
        for part in path[:-1]:
            node = node.setdefault(part, {})
        node["lora_down"] = nn.LogicallyPartitioned(down, (*names, None, None))
        node["lora_up"] = nn.LogicallyPartitioned(up, (*names, None, *_names(outputs)))
    return found


def add_adapters(
    params: Mapping[str, Any], adapters: Mapping[str, Any], config: AdapterConfig
) -> dict[str, Any]:
    """Unboxed parameters with their adapters added."""
    both: dict[str, Any] = {}
    for name, child in params.items():
        own = adapters.get(name, {})
        if "lora_down" in own:
            kernel, down, up = child["kernel"], own["lora_down"], own["lora_up"]
            flat = up.reshape(*up.shape[: down.ndim - 1], -1)
            product = jnp.matmul(down, flat) * config.scale
            child = {**child, "kernel": kernel + product.reshape(kernel.shape)}
        elif isinstance(child, Mapping):
            child = add_adapters(child, own, config)
        both[name] = child
    return both


def _kernels(params: Mapping[str, Any], above: tuple[str, ...] = ()):
    for name, child in params.items():
        if isinstance(child, Mapping):
            yield from _kernels(child, (*above, name))
        elif name == "kernel":
            yield (*above, name), child


def _split(shape: tuple[int, ...], names: tuple, inputs: int) -> tuple[list, list, list]:
    """Axes as (size, name): those of layers, inputs and outputs. Layers come first, and have the
    name of their stack."""
    axes = list(zip(shape, names, strict=True))
    stacked = sum(name in STACKED for name in names)
    return axes[:stacked], axes[stacked : stacked + inputs], axes[stacked + inputs :]


def _sizes(axes: list) -> list[int]:
    return [size for size, _ in axes]


def _names(axes: list) -> list:
    return [name for _, name in axes]
