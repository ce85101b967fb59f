"""The mesh, the one table of logical axes, parameter shardings, and batches onto devices.

A model names the axes of its parameters ("embed", "heads", …); this table maps each name to the
mesh axes it is split over; the config has the sizes of the mesh axes. One CPU is a 1 x 1 x 1 mesh.
"""

import contextlib
import logging
from collections.abc import Mapping

import flax.linen as nn
import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from xojl_jax.errors import BadUsage

MESH_AXES = ("data", "fsdp", "tensor")

# Logical axis -> mesh axes. A mesh axis is used once in an array, by the first name that claims it:
# an activation ("batch", "length", "embed") keeps its width whole, a kernel ("embed", "mlp") does
# not.
RULES: tuple[tuple[str, str | tuple[str, ...] | None], ...] = (
    # activations
    ("batch", ("data", "fsdp")),
    ("length", None),
    # parameters: the residual width is what fsdp gathers before use …
    ("embed", "fsdp"),
    # … and tensor parallelism splits the layers between two residual additions.
    ("heads", "tensor"),
    ("mlp", "tensor"),
    ("vocab", "tensor"),
    # whole everywhere
    ("head_dim", None),
    ("layers", None),
    ("groups", None),
    ("classes", None),
    ("patch", None),
    # Rows of a small look-up table.
    ("table", None),
    # The width of a table that is gathered from: splitting it as well as "vocab" makes XLA rebuild
    # the whole table on every device at every look-up.
    ("table_embed", None),
)

# Axes that stack the arrays of scanned layers: a bias of such a stack is no matrix.
STACKED = ("layers", "groups")

log = logging.getLogger(__name__)


def make_mesh(sizes, devices=None) -> Mesh:
    """The mesh of `config.mesh` (fields data, fsdp, tensor; data = -1 takes what is left)."""
    devices = jax.devices() if devices is None else devices
    fsdp, tensor = sizes.fsdp, sizes.tensor
    data = sizes.data
    if min(fsdp, tensor) < 1 or (data < 1 and data != -1):
        raise BadUsage("config.mesh: sizes must be positive (only mesh.data may be -1)")
    if data == -1:
        data = len(devices) // (fsdp * tensor)
    if data * fsdp * tensor != len(devices):
        raise BadUsage(
            f"config.mesh: data {sizes.data} x fsdp {fsdp} x tensor {tensor} does not fit "
            f"{len(devices)} device(s): choose sizes whose product is {len(devices)}"
        )
    return _mesh((data, fsdp, tensor), devices)


def single(device) -> Mesh:
    """The 1 x 1 x 1 mesh of one device."""
    return _mesh((1, 1, 1), [device])


def describe(mesh: Mesh) -> str:
    """The mesh for people: "data 2 x fsdp 4 x tensor 1"."""
    return " x ".join(f"{axis} {size}" for axis, size in mesh.shape.items())


@contextlib.contextmanager
def use_mesh(mesh: Mesh):
    """Makes the mesh and the table current. `with mesh:` would silently void the constraints."""
    with jax.set_mesh(mesh), nn.logical_axis_rules(RULES):
        yield


def param_shardings(boxed, mesh: Mesh):
    """The sharding of every parameter.

    Args:
      boxed: abstract parameters in `nn.LogicallyPartitioned` boxes, from `jax.eval_shape`.
      mesh: where they go.

    Returns:
      A tree like the unboxed parameters with a NamedSharding at every leaf. An axis that its mesh
      axes do not divide stays whole, with a logged note.
    """
    names = nn.get_partition_spec(boxed)
    shapes = unbox(boxed)

    def one(path, shape, axes):
        return NamedSharding(mesh, _fit(path_name(path), shape.shape, axes, mesh))

    return jax.tree_util.tree_map_with_path(one, shapes, names)


def unbox(boxed):
    """Parameters without their axis names. (`nn.meta.unbox` would constrain them in passing.)"""

    def is_box(leaf) -> bool:
        return isinstance(leaf, nn.meta.AxisMetadata)

    return jax.tree.map(
        lambda leaf: leaf.unbox(apply_constraint=False) if is_box(leaf) else leaf,
        boxed,
        is_leaf=is_box,
    )


def path_name(path) -> str:
    """A tree path as text: "vision/blocks/mlp/up/kernel"."""
    return jax.tree_util.keystr(path, simple=True, separator="/")


def batch_sharding(mesh: Mesh) -> NamedSharding:
    """Rows over data and fsdp, everything else whole."""
    return NamedSharding(mesh, PartitionSpec(("data", "fsdp")))


def replicated(mesh: Mesh) -> NamedSharding:
    return NamedSharding(mesh, PartitionSpec())


def check_batch_size(batch_size: int, accumulate: int, mesh: Mesh) -> None:
    """Refuses a global batch that does not split evenly over devices and micro-batches."""
    ways = mesh.shape["data"] * mesh.shape["fsdp"] * accumulate
    if batch_size % ways:
        raise BadUsage(
            f"config.batch_size {batch_size} does not split into {accumulate} micro-batch(es) over "
            f"{ways // accumulate} device group(s): choose a multiple of {ways}"
        )


def put_batch(batch: Mapping[str, np.ndarray], mesh: Mesh) -> dict[str, jax.Array]:
    """This process's rows of a batch, as global arrays split over the mesh."""
    sharding = batch_sharding(mesh)
    if jax.process_count() == 1:  # three times faster than the general way, for many small arrays
        return jax.device_put(dict(batch), sharding)
    return {
        name: jax.make_array_from_process_local_data(sharding, rows) for name, rows in batch.items()
    }


def _mesh(sizes: tuple[int, int, int], devices) -> Mesh:
    # Auto: Linen's logical constraints are hints to the partitioner, not types.
    return jax.make_mesh(sizes, MESH_AXES, axis_types=(AxisType.Auto,) * 3, devices=devices)


def _fit(name: str, shape, axes: PartitionSpec, mesh: Mesh) -> PartitionSpec:
    """The mesh axes of one parameter, without those that do not divide it."""
    table = dict(RULES)
    if unknown := [axis for axis in axes if axis is not None and axis not in table]:
        raise ValueError(f"{name}: logical axis {unknown[0]!r} is not in sharding.RULES")
    spec = nn.logical_to_mesh_axes(axes, RULES)
    fitted = []
    for axis, size, mesh_axes in zip(axes, shape, spec, strict=False):
        group = (mesh_axes,) if isinstance(mesh_axes, str) else mesh_axes or ()
        ways = int(np.prod([mesh.shape[axis] for axis in group]))
        if size % ways:
            log.warning("%s: %s of %d does not split %d ways, kept whole", name, axis, size, ways)
        fitted.append(mesh_axes if size % ways == 0 else None)
    return PartitionSpec(*fitted)
