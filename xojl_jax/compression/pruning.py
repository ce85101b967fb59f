"""Pruning: attention heads and hidden units that go away (structured), or single weights that
become zero (magnitude). Which ones is told by the size of the weights.

Structured: Li et al. 2017, "Pruning filters for efficient ConvNets", with heads and hidden units in
place of filters. Magnitude: Han et al. 2015, "Learning both weights and connections".
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import flax.linen as nn
import numpy as np

from xojl_jax.config_fields import flatten
from xojl_jax.engine import sharding
from xojl_jax.engine.compatibility import nest
from xojl_jax.errors import BadUsage

# Logical axes whose indices are independent of one another between two residual additions.
PRUNED = ("heads", "mlp")


class Axis(NamedTuple):
    """An axis of an array that has something pruned along it.

    Attributes:
      owner: path of the module (an attention, a feed-forward) whose arrays share the choice.
      dim: of the array.
      stacked: leading axes that count layers, each of which chooses by itself.
      keep: how many indices stay.
    """

    path: str
    owner: str
    dim: int
    stacked: int
    keep: int


def structured(params: Mapping[str, Any], boxed, smaller) -> dict[str, Any]:
    """Parameters of a model with fewer heads and hidden units, taken from those of the larger one.

    Every layer keeps those of its own whose kernels have the largest sum of squares.

    Args:
      params: nested arrays of the larger model.
      boxed, smaller: abstract parameters of both, in boxes that name their axes.
    """
    flat = {path: np.asarray(array) for path, array in flatten(params, "/").items()}
    axes = list(_axes(boxed, smaller))
    kept = {owner: _choose(owner, axes, flat) for owner in {axis.owner for axis in axes}}
    for axis in axes:
        index = kept[axis.owner]
        shape = [1] * flat[axis.path].ndim
        shape[: axis.stacked], shape[axis.dim] = index.shape[:-1], axis.keep
        flat[axis.path] = np.take_along_axis(flat[axis.path], index.reshape(shape), axis.dim)
    return nest(flat, "/")


def magnitude(params: Mapping[str, Any], keep: float) -> dict[str, Any]:
    """Parameters with the smallest entries of every kernel set to zero.

    Args:
      keep: the share of entries that stay.
    """
    flat = dict(flatten(params, "/"))
    for path, array in flat.items():
        if path.split("/")[-1] == "kernel":
            array = np.asarray(array)
            size = np.abs(array)
            flat[path] = np.where(size < np.quantile(size, 1 - keep), np.float32(0), array)
    return nest(flat, "/")


def zeros(params: Mapping[str, Any]) -> float:
    """The share of kernel entries that are zero."""
    kernels = [a for path, a in flatten(params, "/").items() if path.split("/")[-1] == "kernel"]
    return sum(int((np.asarray(a) == 0).sum()) for a in kernels) / sum(a.size for a in kernels)


def _axes(boxed, smaller) -> Iterator[Axis]:
    names = flatten(nn.get_partition_spec(boxed), "/")
    large, small = (flatten(sharding.unbox(tree), "/") for tree in (boxed, smaller))
    if large.keys() != small.keys():
        raise BadUsage("the smaller model has other parts than the larger one")
    owners = {_owner(path) for path in large if path.split("/")[-1] == "kernel"}
    for path, array in large.items():
        for dim, (before, after) in enumerate(zip(array.shape, small[path].shape, strict=True)):
            if before == after:
                continue
            if names[path][dim] not in PRUNED:
                raise BadUsage(f"{path}: axis {dim} shrinks, and is none of {', '.join(PRUNED)}")
            stacked = sum(axis in sharding.STACKED for axis in names[path])
            yield Axis(path, _owner_of(path, owners), dim, stacked, after)


def _owner(path: str) -> str:
    """Of "…/attention/query/kernel", "…/attention"."""
    return path.rsplit("/", 2)[0]


def _owner_of(path: str, owners: set[str]) -> str:
    """The module whose heads an array counts: its own, or the one below it that has some."""
    if path.split("/")[-1] in ("kernel", "bias"):
        return _owner(path)
    above = path.rsplit("/", 1)[0]
    if above in owners:
        return above
    attentions = [o for o in owners if o.startswith(f"{above}/") and o.endswith("attention")]
    if len(attentions) != 1:
        raise BadUsage(f"{path} has an entry for each head, and it is not plain of which attention")
    return attentions[0]


def _choose(owner: str, axes: list[Axis], flat: Mapping[str, np.ndarray]) -> np.ndarray:
    """The indices that stay, int64[layers…, keep], in their order."""
    score, keep = 0.0, 0
    for axis in axes:
        if axis.owner == owner and axis.path.split("/")[-1] == "kernel":
            array = flat[axis.path].astype(np.float64)
            others = tuple(d for d in range(axis.stacked, array.ndim) if d != axis.dim)
            score, keep = score + np.square(array).sum(others), axis.keep
    return np.sort(np.argsort(-score, axis=-1, kind="stable")[..., :keep], axis=-1)
