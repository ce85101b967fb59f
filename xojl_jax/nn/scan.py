"""Equal layers as one scan over stacked parameters: a program's size does not grow with depth."""

from collections.abc import Callable
from typing import Any

import jax
from flax import linen as nn

from xojl_jax.nn.attention import SAVED_NAMES

Array = jax.Array

# What the backward pass finds saved of each layer, beside the layer's input. Less saved: less
# memory, more computed twice.
REMAT = {
    "full": None,
    "attention": jax.checkpoint_policies.save_only_these_names(*SAVED_NAMES),
    "dots": jax.checkpoint_policies.dots_with_no_batch_dims_saveable,
    "none": jax.checkpoint_policies.everything_saveable,
}


def scan_layers(
    layer: Callable,
    length: int,
    *,
    axis: str = "layers",
    in_axes: Any = nn.broadcast,
    remat: str | None = None,
    methods: dict[str, Any] | None = None,
) -> Callable:
    """A layer, applied `length` times, each time with parameters and random streams of its own.

    Args:
      layer: a function `(module, carry, *inputs) -> (carry, output)`, or a module class whose
        methods map `(carry, *inputs)` likewise.
      length: number of layers; the leading axis of every parameter and of the outputs.
      axis: logical name of that axis.
      remat: a name in `REMAT`; None saves what JAX saves by itself, which is right where the layer
        is a scan with a policy of its own.
      in_axes: of a function's inputs, as for `nn.scan`; by default all of them are the same for all
        layers.
      methods: of a class, the methods to scan, and for each its `in_axes`.
    """
    if remat is not None:
        # A scan's body is compiled once: nothing outside could be merged with what is recomputed.
        layer = nn.remat(layer, prevent_cse=False, policy=REMAT[remat])
    options = {
        # What is captured of layers (`capture_intermediates`) is stacked as parameters are.
        "variable_axes": {"params": 0, "intermediates": 0},
        # Without it, all layers would start from the same numbers and drop the same places.
        "split_rngs": {"params": True, "dropout": True},
        "length": length,
        "metadata_params": {nn.PARTITION_NAME: axis},
    }
    if methods is None:
        return nn.scan(layer, in_axes=in_axes, **options)
    return nn.scan(layer, methods={name: options | {"in_axes": m} for name, m in methods.items()})


class Stack(nn.Module):
    """`layers` equal blocks, one after the other, each layer rematerialized.

    Attributes:
      block: a factory of modules `block(x, *shared) -> x`. `shared` (masks, memory, bias) is the
        same for every layer.
      remat: a name in `REMAT`.
    """

    block: Callable[..., nn.Module]
    layers: int
    remat: str = "attention"

    @nn.compact
    def __call__(self, x: Any, *shared: object, each: Any = None) -> Any:
        """each: arrays with the layers leading, of which every layer gets its own as the last
        argument of its block; None: no such argument."""

        def layer(block: nn.Module, x: Array, *inputs: object) -> tuple[Array, None]:
            return block(x, *inputs), None

        in_axes, inputs = nn.broadcast, shared
        if each is not None:
            in_axes, inputs = (*(nn.broadcast for _ in shared), 0), (*shared, each)
        scanned = scan_layers(layer, self.layers, in_axes=in_axes, remat=self.remat)
        x, _ = scanned(self.block(name="layers"), x, *inputs)
        return x
