"""Attention on a mesh: batch and heads are split over devices, and each runs its share alone."""

from collections.abc import Callable

import jax
from flax import linen as nn
from jax.sharding import PartitionSpec

Names = tuple[str | None, ...]

# Logical axes of what goes in and out.
HEADS: Names = ("batch", None, "heads", None)  # [B, T, H, K]
ROWS: Names = ("batch", None, "heads")  # [B, T, H]
TOKENS: Names = ("batch", None)  # [B, T]


def per_device(function: Callable, sizes: dict[str, int], inputs, outputs) -> Callable:
    """`function` on each device's share of batch and heads.

    The partitioner cannot look into a kernel. Without this it would have to guess, or gather all.

    Args:
      function: of arrays, or None in place of one; independent over batch and heads.
      sizes: of the axes "batch" and "heads". One that its mesh axes do not divide stays whole.
      inputs, outputs: `HEADS`, `ROWS` or `TOKENS` for every argument and every result.
    """
    mesh = jax.sharding.get_abstract_mesh()
    if mesh.empty or mesh.size == 1 or mesh.manual_axes:
        return function
    assigned = nn.logical_to_mesh_axes(tuple(sizes)) or (None,) * len(sizes)
    axes = {
        name: mesh_axes if size % _ways(mesh, mesh_axes) == 0 else None
        for (name, size), mesh_axes in zip(sizes.items(), assigned, strict=True)
    }

    def specs(all_names):
        return tuple(PartitionSpec(*(axes.get(name) for name in names)) for names in all_names)

    return jax.shard_map(
        function, in_specs=specs(inputs), out_specs=specs(outputs), check_vma=False
    )


def batch_shares(batch: int) -> int:
    """How many devices or groups of devices share a batch of this size; 1 without a mesh."""
    mesh = jax.sharding.get_abstract_mesh()
    if mesh.empty or mesh.size == 1 or mesh.manual_axes:
        return 1
    (mesh_axes,) = nn.logical_to_mesh_axes(("batch",)) or (None,)
    ways = _ways(mesh, mesh_axes)
    return ways if batch % ways == 0 else 1


def _ways(mesh, mesh_axes: str | tuple[str, ...] | None) -> int:
    names = () if mesh_axes is None else (mesh_axes,) if isinstance(mesh_axes, str) else mesh_axes
    ways = 1
    for name in names:
        ways *= mesh.shape[name]
    return ways
