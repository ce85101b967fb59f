"""Checkpoints: Orbax reads and writes the arrays, this module knows what is beside them.

Orbax is used through its v0 interface, and only here and in `saver`: v1 is still marked
experimental, and its names change between minor releases.
"""

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp

from xojl_jax.engine import checkpoint_files, compatibility, processes
from xojl_jax.engine.checkpoint_files import ARRAYS, METADATA
from xojl_jax.engine.sharding import path_name
from xojl_jax.engine.state import TrainState, seed_array
from xojl_jax.errors import BadInput

FORMAT = 1


@dataclasses.dataclass(frozen=True)
class Restored:
    state: TrainState
    metadata: dict[str, Any]


def read_metadata(checkpoint: Path) -> dict[str, Any]:
    """The metadata of a verified checkpoint, by the names of today whichever version wrote it.

    "stored_names" has today's path -> the path in the checkpoint, where they differ.
    """
    metadata = json.loads((checkpoint / METADATA).read_text(encoding="utf-8"))
    if metadata["format"] != FORMAT:
        raise BadInput(
            f"{checkpoint} has format {metadata['format']}, this version reads {FORMAT}: "
            "use the version that wrote it"
        )
    if calibration := checkpoint_files.read_calibration(checkpoint):
        metadata["task"]["calibration"] = calibration
    names = {stored: compatibility.upgrade_path(stored) for stored in metadata["arrays"]}
    return {
        **metadata,
        "config": compatibility.upgrade_config(metadata["config"]),
        "arrays": {names[stored]: array for stored, array in metadata["arrays"].items()},
        "inherited": {
            compatibility.upgrade_path(stored): origin
            for stored, origin in metadata["inherited"].items()
        },
        "stored_names": {name: stored for stored, name in names.items() if name != stored},
    }


def restore_newest(folder: Path, abstract: TrainState, *, on_corrupt: str) -> Restored | None:
    """The state of the newest checkpoint on the shardings of `abstract`; None if there is none.

    A damaged checkpoint is an error, or passed over in favor of an older one when `on_corrupt` is
    "fallback". That none is sound is always an error: a run never silently starts afresh.
    """
    # The first process alone reads and checks all the bytes.
    chosen = processes.broadcast_from_process_0(
        lambda: checkpoint_files.newest_sound(folder, on_corrupt)
    )
    if not chosen:
        return None
    checkpoint = Path(chosen)
    metadata = read_metadata(checkpoint)
    check_fit(checkpoint, metadata, abstract.params, abstract.frozen)
    stored_names = metadata["stored_names"]
    tree = _renamed(as_tree(abstract), stored_names)
    arguments = ocp.args.PyTreeRestore(
        item=tree, restore_args=ocp.checkpoint_utils.construct_restore_args(tree)
    )
    with ocp.Checkpointer(ocp.PyTreeCheckpointHandler()) as orbax:
        tree = orbax.restore(checkpoint / ARRAYS, args=arguments)
    tree = _renamed(tree, {stored: name for name, stored in stored_names.items()})
    seed = seed_array(metadata["position"]["seed"], abstract.seed.sharding)
    return Restored(abstract.replace(**tree, seed=seed), metadata)


def load_params(path: str | os.PathLike, *, ema: bool = True) -> tuple[Any, dict[str, Any]]:
    """Parameters of a checkpoint without its optimizer, for evaluate, predict, export, init_from.

    Args:
      path: a working directory (its newest checkpoint) or a checkpoint folder.
      ema: take the running average where the run kept one.

    Returns:
      A nested dict of numpy arrays, float32, and the checkpoint's metadata, in which "checkpoint"
      is the folder that was read and "weights" is "ema" or "params".
    """
    checkpoint = checkpoint_files.find(path)
    checkpoint_files.verify(checkpoint)
    metadata = read_metadata(checkpoint)
    which = "ema" if ema and metadata["has_ema"] else "params"
    arrays = {
        name: jax.ShapeDtypeStruct(tuple(shape), np.dtype(dtype))
        for name, (shape, dtype) in metadata["arrays"].items()
    }
    stored_names = metadata["stored_names"]
    item = _renamed({which: compatibility.nest(arrays, "/")}, stored_names)
    arguments = ocp.args.PyTreeRestore(
        item=item,
        restore_args=jax.tree.map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), item),
        partial_restore=True,
    )
    with ocp.Checkpointer(ocp.PyTreeCheckpointHandler()) as orbax:
        tree = orbax.restore(checkpoint / ARRAYS, args=arguments)
    tree = _renamed(tree, {stored: name for name, stored in stored_names.items()})
    return tree[which], {**metadata, "checkpoint": str(checkpoint), "weights": which}


def save_params(params: Any, folder: Path) -> None:
    """Writes nested parameters alone, for an exported model."""
    with ocp.Checkpointer(ocp.PyTreeCheckpointHandler()) as orbax:
        orbax.save(folder, args=ocp.args.PyTreeSave(params))


def check_fit(checkpoint: Path | str, metadata: dict[str, Any], params, frozen=None) -> None:
    """Refuses a checkpoint whose arrays are not those of the model.

    Args:
      params: the model's parameters, or their shapes.
      frozen: the state's frozen parameters; None does not compare them.
    """
    problems = _shape_differences(metadata["arrays"], describe_arrays(params))
    if frozen is not None:
        problems += _shape_differences(metadata.get("frozen_arrays", {}), describe_arrays(frozen))
    if problems:
        raise BadInput(
            f"{checkpoint} does not fit the model: {'; '.join(problems[:5])}"
            + (f"; and {len(problems) - 5} more" if len(problems) > 5 else "")
        )


def make_metadata(task, config, setup, inherited: dict[str, Any]) -> dict[str, Any]:
    """What every checkpoint of a run has beside its arrays.

    Args:
      inherited: name of an array that came from another run -> where from (`init_from`).
    """
    frozen = describe_arrays(setup.abstract.frozen)
    return {
        "format": FORMAT,
        "config": json.loads(config.to_json()),
        "task": task.metadata(),
        "position": {"seed": config.seed, "global_batch": config.batch_size},
        "has_ema": bool(config.optim.ema_decay),
        "inherited": inherited,
        **({"frozen_arrays": frozen} if frozen else {}),
        "versions": {"jax": jax.__version__, "orbax": ocp.__version__},
    }


def describe_arrays(params) -> dict[str, list]:
    """Name -> [shape, dtype] of every parameter."""
    return {
        path_name(path): [list(leaf.shape), np.dtype(leaf.dtype).name]
        for path, leaf in jax.tree_util.tree_leaves_with_path(params)
    }


def as_tree(state: TrainState) -> dict[str, Any]:
    """Fields by name, as they are stored: without the seed, which the metadata has. Without frozen
    parameters the tree is that of 0.1.0."""
    tree = {field.name: getattr(state, field.name) for field in dataclasses.fields(state)}
    del tree["seed"]
    if not jax.tree.leaves(state.frozen):
        del tree["frozen"]
    return tree


def _renamed(tree: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a state with other parameter paths, in the optimizer's moments, too."""
    if not names:
        return tree

    def is_dict(node) -> bool:
        return isinstance(node, Mapping)

    def rename(node):
        return compatibility.rename_paths(node, names) if is_dict(node) else node

    return {field: jax.tree.map(rename, value, is_leaf=is_dict) for field, value in tree.items()}


def _shape_differences(stored: dict[str, list], wanted: dict[str, list]) -> list[str]:
    problems = []
    for name in sorted(stored.keys() | wanted.keys()):
        if name not in stored:
            problems.append(f"{name} is not in the checkpoint")
        elif name not in wanted:
            problems.append(f"{name} is not in the model")
        elif stored[name] != wanted[name]:
            problems.append(f"{name} is {stored[name]} there, {wanted[name]} here")
    return problems
