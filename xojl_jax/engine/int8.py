"""Kernels as int8 with a scale for every output, by qwix: after training, or trained for.

Every array called `kernel` is quantized: those of attention and feed-forward layers, of the patch
embedding and of the heads, nine tenths of the parameters. Products are computed in floats:
activations are not quantized. Jacob et al. 2018, "Quantization and training of neural networks for
efficient integer-arithmetic-only inference", section 3, for the straight-through gradient.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from xojl_jax.config_fields import flatten
from xojl_jax.engine import sharding
from xojl_jax.engine.compatibility import nest
from xojl_jax.errors import BadUsage

# What replaces a kernel: {"int8": int8[...], "scale": float32[...]}, which broadcast.
VALUES, SCALE = "int8", "scale"


def output_axes(boxed) -> dict[str, tuple[int, ...]]:
    """The axes that have a scale for each index, of every kernel by its path: the layers of a
    stack, and those of the output, which are as many as a bias has.

    Args:
      boxed: abstract parameters in boxes that name their axes.
    """
    shapes = flatten(sharding.unbox(boxed), "/")
    names = flatten(nn.get_partition_spec(boxed), "/")
    found = {}
    for path, array in shapes.items():
        if path.split("/")[-1] != "kernel":
            continue
        stacked = sum(axis in sharding.STACKED for axis in names[path])
        bias = shapes.get(path.removesuffix("kernel") + "bias")
        outputs = 1 if bias is None else bias.ndim - stacked
        found[path] = (*range(stacked), *range(array.ndim - outputs, array.ndim))
    return found


def quantize(params: Mapping[str, Any], axes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """Nested parameters with {"int8", "scale"} in place of every kernel that `axes` has."""
    qwix, flat = _qwix(), flatten(params, "/")

    @jax.jit  # one program: of single kernels, each shape would be several to compile
    def all_of_them(kernels):
        return {
            path: qwix.quantize(kernel, jnp.int8, channelwise_axes=axes[path])
            for path, kernel in kernels.items()
        }

    for path, found in all_of_them({path: flat.pop(path) for path in axes}).items():
        flat |= {f"{path}/{VALUES}": found.qvalue, f"{path}/{SCALE}": found.scale}
    return nest(flat, "/")


def is_quantized(node: Any) -> bool:
    """Whether this replaces a kernel."""
    return isinstance(node, Mapping) and node.keys() == {VALUES, SCALE}


def dequantize(params: Mapping[str, Any]) -> dict[str, Any]:
    """Nested parameters with float32 kernels again; those that are floats stay as they are."""

    def one(node):
        return node[VALUES].astype(jnp.float32) * node[SCALE] if is_quantized(node) else node

    return jax.tree.map(one, params, is_leaf=is_quantized)


def straight_through(params, axes: Mapping[str, tuple[int, ...]]):
    """Nested parameters with the values that quantization will leave, and the gradient of those
    that they come from: a training step that sees the rounding learns to live with it."""

    def one(path, param):
        channels = axes.get(sharding.path_name(path))
        if channels is None:
            return param
        qwix = _qwix()
        rounded = qwix.dequantize(qwix.quantize(param, jnp.int8, channelwise_axes=channels))
        return param + jax.lax.stop_gradient(rounded.astype(param.dtype) - param)

    return jax.tree_util.tree_map_with_path(one, params)


def aware_loss(loss: Callable, boxed) -> Callable:
    """A task's loss of the parameters as quantization will leave them."""
    _qwix()  # that it is missing is said before anything is compiled
    axes = output_axes(boxed)

    @functools.wraps(loss)
    def of_rounded(params, *arguments, **named):
        return loss(straight_through(params, axes), *arguments, **named)

    return of_rounded


def _qwix():
    try:
        import qwix
    except ImportError as error:
        raise BadUsage(
            "int8 needs qwix: pip install 'xojl_jax[compression]' (or 'qwix>=0.1.8')"
        ) from error
    return qwix
