"""A table of names: which published tensor is which of our parameters, and in which layout.

The tables of the forms (language.py, bert.py) are lists of rows; reading, writing and every check
are here, once.
"""

import dataclasses
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from xojl_jax.errors import BadInput
from xojl_jax.pretrained.folder import WeightsFolder

LAYER = "{layer}"


@dataclasses.dataclass(frozen=True)
class Row:
    """One parameter.

    Attributes:
      path: ours, such as "blocks/layers/attention/query/kernel".
      name: the published tensor; with `{layer}` in it, one for each layer, which ours stacks.
      inputs: of a linear map, how many leading axes of ours it contracts: published ones are
        [outputs, inputs]. 0: the tensor has our order of axes.
      patches: whether it projects patches: published as a convolution [outputs, 3, side, side], of
        ours the rows are by row, column, channel.
      lead: leading axes of length 1 that the tensor has more than ours; -1: it lacks ours.
    """

    path: str
    name: str
    inputs: int = 0
    patches: bool = False
    lead: int = 0

    def to_ours(self, tensor: np.ndarray, shape: Sequence[int]) -> np.ndarray:
        """A layer's tensor in our shape."""
        if self.patches:
            tensor = tensor.transpose(2, 3, 1, 0)
        return (tensor.T if self.inputs else tensor).reshape(shape)

    def to_published(self, array: np.ndarray) -> np.ndarray:
        """The inverse for one layer's array."""
        if self.patches:
            side = math.isqrt(len(array) // 3)
            return array.reshape(side, side, 3, -1).transpose(3, 2, 0, 1)
        if self.lead:
            return array[0] if self.lead < 0 else array[(None,) * self.lead]
        if self.inputs:
            width = int(np.prod(array.shape[: self.inputs]))
            return array.reshape(width, -1).T
        # A bias [H, K] is published flat; a table keeps its two axes.
        return array.reshape(-1) if self.name.endswith("bias") else array


@dataclasses.dataclass(frozen=True)
class Table:
    """The names of one form of model.

    Attributes:
      rows: one per parameter that a model of this form may have.
      prefixes: what may come before every name; the first under which the folder has all is taken.
      ignored: patterns of tensors that hold nothing we compute with.
      stacked: leading axes of our parameters that count layers: 2 where layers are in groups.
    """

    rows: tuple[Row, ...]
    prefixes: tuple[str, ...] = ("",)
    ignored: tuple[str, ...] = ()
    stacked: int = 1

    def renamed(self, modules: Mapping[str, str]) -> "Table":
        """The same with other names of modules: {"layernorm": "pooler.layernorm"}."""
        rows = []
        for row in self.rows:
            module, _, leaf = row.name.rpartition(".")
            name = f"{modules.get(module, module)}.{leaf}"
            rows.append(dataclasses.replace(row, name=name))
        return dataclasses.replace(self, rows=tuple(rows))

    def rows_of(self, paths: Iterable[str]) -> list[Row]:
        """The rows of these paths, in their order."""
        known = {row.path: row for row in self.rows}
        return [known[path] for path in paths]


def read(
    folder: WeightsFolder,
    table: Table,
    shapes: Mapping[str, Any],
    place: Callable[[str, np.ndarray], Any] = lambda path, array: array,
) -> dict[str, Any]:
    """Parameters of a model from a published folder.

    Args:
      shapes: nested, what `jax.eval_shape` of the model's `init` gives, unboxed.
      place: called with every path and its float32 array as soon as it is read: puts it on devices,
        say, so that the host never holds the whole model.

    Raises:
      BadInput: a tensor is missing, has another shape than config.json says, or is left over.
    """
    flat = {_name(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(shapes)}
    rows = table.rows_of(flat)
    found, names = {}, folder.names()
    prefix, unread = _prefix(rows, table, names), set(names)
    for row in rows:
        shape = flat[row.path].shape
        tensors = _tensors_of(row, prefix, math.prod(shape[: table.stacked]), names)
        array = _read_row(folder, row, tensors, shape, table.stacked)
        found[row.path] = place(row.path, array)
        unread -= set(tensors)
    unknown = [n for n in sorted(unread) if not any(re.search(p, n) for p in table.ignored)]
    if unknown:
        raise BadInput(
            f"{folder.path}: {len(unknown)} tensor(s) belong to no parameter of this model, such "
            f"as {unknown[0]}: it would compute something else"
        )
    leaves = [found[path] for path in flat]
    return jax.tree.unflatten(jax.tree.structure(shapes), leaves)


def write(params: Mapping[str, Any], table: Table, prefix: str = "") -> dict[str, np.ndarray]:
    """Published names -> float32 arrays, of a model's nested parameters."""
    tensors = {}
    flat = {_name(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(params)}
    for row in table.rows_of(flat):
        array = np.asarray(flat[row.path], np.float32)
        layers = array.reshape(-1, *array.shape[table.stacked :])
        for i, layer in enumerate(layers if LAYER in row.name else [array]):
            tensors[prefix + row.name.replace(LAYER, str(i))] = row.to_published(layer)
    return tensors


def _prefix(rows: Sequence[Row], table: Table, names: set[str]) -> str:
    first = next(row.name.replace(LAYER, "0") for row in rows if LAYER in row.name)
    return next((p for p in table.prefixes if p + first in names), table.prefixes[-1])


def _tensors_of(row: Row, prefix: str, layers: int, names: set[str]) -> list[str]:
    """The names of a row's tensors: one, or one for each layer."""
    if LAYER in row.name:
        return [prefix + row.name.replace(LAYER, str(i)) for i in range(layers)]
    # A head, or the norm before it, is published beside the model, without its prefix.
    beside = prefix + row.name not in names and row.name in names
    return [row.name if beside else prefix + row.name]


def _read_row(
    folder: WeightsFolder, row: Row, tensors: list[str], shape: Sequence[int], stacked: int
) -> np.ndarray:
    def one(name: str, shape: Sequence[int]) -> np.ndarray:
        tensor = folder.read(name)
        wanted = row.to_published(np.broadcast_to(np.float32(0), shape)).shape
        if tensor.shape != wanted:
            raise BadInput(
                f"{folder.path}: {name} is {list(tensor.shape)}, and config.json says "
                f"{list(wanted)}"
            )
        return row.to_ours(tensor, shape)

    if LAYER not in row.name:
        return one(tensors[0], shape)
    layers = np.empty((len(tensors), *shape[stacked:]), np.float32)
    for i, name in enumerate(tensors):
        layers[i] = one(name, shape[stacked:])
    return layers.reshape(shape)


def _name(path) -> str:
    return jax.tree_util.keystr(path, simple=True, separator="/")
