"""Checkpoints: Orbax writes the arrays, this module everything around them.

A checkpoint is a folder `checkpoints/STEP/`:

    arrays/         params, opt_state, ema, frozen, step and counters, as Orbax lays them out
    metadata.json   format, config, the task's vocabulary, the position in the data, array shapes
    manifest.json   size and sha256 of every other file; written last

It is written as `STEP.partial` and renamed when all of it is durable, so a half-written one is
never listed. The manifest is checked before anything is restored.

Orbax is used through its v0 interface, and only here: v1 is still marked experimental, and its
names change between minor releases.
"""

import dataclasses
import errno
import json
import logging
import os
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp

from xojl_jax import files
from xojl_jax.engine import compatibility, processes
from xojl_jax.engine.sharding import path_name
from xojl_jax.engine.state import TrainState
from xojl_jax.errors import BadInput, UserError

FORMAT = 1
ARRAYS, METADATA, MANIFEST, PARTIAL = "arrays", "metadata.json", "manifest.json", ".partial"
BEST = "best"  # a link in the working directory to the checkpoint of the best evaluation

log = logging.getLogger(__name__)


class Saver:
    """Saves in the background and keeps the newest few.

    A save copies the state to host memory before it returns, so the caller may donate the state at
    once. (On CPUs it holds on to the state's own memory, and the step that donates it makes the
    copy.) What fails later is raised by the next `check`, `save` or `close`.
    """

    def __init__(self, folder: Path, *, keep: int, metadata: dict[str, Any]):
        self.folder = folder
        self._best = folder.parent / BEST
        self._keep = keep
        self._metadata = metadata
        self._primary = jax.process_index() == 0
        self._orbax = ocp.AsyncCheckpointer(ocp.PyTreeCheckpointHandler())
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        self.last_step: int | None = None
        processes.sync_errors(self._sweep)

    def save(self, state: TrainState, step: int, *, best: bool = False) -> None:
        """Starts to save `state` as checkpoint `step`; waits first for the save before it.

        The `best` one is kept, beside the newest, until a better one is durable. All processes
        save together; what has failed on any of them by then ends all.
        """
        partial = self.folder / f"{step}{PARTIAL}"
        processes.sync_errors(lambda: self._begin(partial, step))
        try:
            self._orbax.save(partial / ARRAYS, args=ocp.args.PyTreeSave(_as_tree(state)))
        except Exception as error:  # Orbax's storage has errors of its own for a full disk
            raise _save_failed(self.folder, step, error) from error
        shapes = describe_arrays(state.params)
        # Not a daemon: at a normal end the interpreter waits until the save has finished.
        self._thread = threading.Thread(target=self._finish, args=(partial, step, shapes, best))
        self._thread.start()
        self.last_step = step

    def check(self) -> None:
        """Raises the error of a background save, if there was one."""
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def close(self) -> None:
        """Waits until the last save is durable."""
        self._join()
        try:
            self._orbax.close()
        except Exception as error:  # it raises once more what failed in a save
            self._failure = self._failure or _save_failed(self.folder, self.last_step, error)
        self.check()

    def _sweep(self) -> None:
        for leftover in self.folder.glob(f"*{PARTIAL}") if self._primary else ():
            log.warning("removing %s, left by an interrupted save", leftover)
            try:
                _remove(leftover)
            except OSError as error:
                why = f"cannot remove {leftover}: {error}"
                raise UserError(f"{why}; {advice(self.folder)}") from error

    def _begin(self, partial: Path, step: int) -> None:
        self._join()
        self.check()
        if not self._primary:
            return
        try:
            if partial.exists():
                _remove(partial)
            partial.mkdir(parents=True)
        except OSError as error:
            raise _save_failed(self.folder, step, error) from error

    def _join(self) -> None:
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _finish(self, partial: Path, step: int, shapes: dict[str, Any], best: bool) -> None:
        try:
            self._orbax.wait_until_finished()
            if self._primary:
                position = {**self._metadata["position"], "step": step}
                metadata = {**self._metadata, "position": position, "arrays": shapes}
                files.write_text(partial / METADATA, json.dumps(metadata, sort_keys=True))
                files.write_text(partial / MANIFEST, json.dumps(_digests(partial), sort_keys=True))
                _commit(partial, self.folder / str(step))
                if best:
                    files.replace_link(self._best, self.folder / str(step))
                self._prune()
        except Exception as error:  # whatever it is, the training thread must hear of it
            self._failure = _save_failed(self.folder, step, error)
            self._failure.__cause__ = error
            if self._primary:  # on a full disk its space is wanted
                shutil.rmtree(partial, ignore_errors=True)

    def _prune(self) -> None:
        best = self._best.resolve().name if self._best.is_symlink() else ""
        for step in list_steps(self.folder)[: -max(self._keep, 1)]:
            if str(step) == best:
                continue
            # Renamed first: a folder that is half removed must not look like a checkpoint.
            doomed = self.folder / f"{step}.old{PARTIAL}"
            (self.folder / str(step)).rename(doomed)
            _remove(doomed)


@dataclasses.dataclass(frozen=True)
class Restored:
    state: TrainState
    metadata: dict[str, Any]


def list_steps(folder: Path) -> list[int]:
    """Steps of the finished checkpoints in a `checkpoints` folder, in rising order."""
    if not folder.is_dir():
        return []
    return sorted(
        int(entry.name)
        for entry in folder.iterdir()
        if entry.name.isdigit() and (entry / MANIFEST).is_file()
    )


def find(path: str | os.PathLike) -> Path:
    """The checkpoint that a path means: itself (`WORKDIR/best`, too), or the newest one of a
    working directory."""
    path = Path(path).expanduser().absolute()
    if (path / MANIFEST).is_file():
        return path.resolve()
    for folder in (path / "checkpoints", path):
        if steps := list_steps(folder):
            return folder / str(steps[-1])
    raise BadInput(f"{path} holds no checkpoint: name a working directory, or its checkpoints/STEP")


def verify(checkpoint: Path) -> None:
    """Compares every file with the manifest. Raises BadInput that names the file and the step."""
    what = f"checkpoint of step {checkpoint.name} is damaged"
    try:
        wanted = json.loads((checkpoint / MANIFEST).read_text(encoding="utf-8"))
        found = _digests(checkpoint)
    except (OSError, ValueError) as error:
        raise BadInput(f"{what}: {checkpoint / MANIFEST}: {error}") from error
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            how = "missing" if name not in found else "changed" if name in wanted else "unexpected"
            raise BadInput(
                f"{what}: {checkpoint / name} is {how}; remove {checkpoint} to go on from an older "
                "checkpoint, or resume with --config.on_corrupt=fallback"
            )


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
    chosen = processes.broadcast_from_process_0(lambda: _choose(folder, on_corrupt))
    if not chosen:
        return None
    checkpoint = Path(chosen)
    metadata = read_metadata(checkpoint)
    check_fit(checkpoint, metadata, abstract.params, abstract.frozen)
    stored_names = metadata["stored_names"]
    tree = _renamed(_as_tree(abstract), stored_names)
    arguments = ocp.args.PyTreeRestore(
        item=tree, restore_args=ocp.checkpoint_utils.construct_restore_args(tree)
    )
    with ocp.Checkpointer(ocp.PyTreeCheckpointHandler()) as orbax:
        tree = orbax.restore(checkpoint / ARRAYS, args=arguments)
    tree = _renamed(tree, {stored: name for name, stored in stored_names.items()})
    return Restored(abstract.replace(**tree), metadata)


def load_params(path: str | os.PathLike, *, ema: bool = True) -> tuple[Any, dict[str, Any]]:
    """Parameters of a checkpoint without its optimizer, for evaluate, predict, export, init_from.

    Args:
      path: a working directory (its newest checkpoint) or a checkpoint folder.
      ema: take the running average where the run kept one.

    Returns:
      A nested dict of numpy arrays, float32, and the checkpoint's metadata, in which "checkpoint"
      is the folder that was read and "weights" is "ema" or "params".
    """
    checkpoint = find(path)
    verify(checkpoint)
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


def _as_tree(state: TrainState) -> dict[str, Any]:
    """Fields by name, as they are stored. Without frozen parameters the tree is that of 0.1.0."""
    tree = {field.name: getattr(state, field.name) for field in dataclasses.fields(state)}
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


def _choose(folder: Path, on_corrupt: str) -> str:
    """The newest sound checkpoint, "" if there is none at all."""
    steps = list_steps(folder)
    for step in reversed(steps):
        try:
            verify(folder / str(step))
        except BadInput as error:
            if on_corrupt != "fallback":
                raise
            log.warning("%s: trying the one before", error)
        else:
            return str(folder / str(step))
    if steps:
        raise BadInput(f"none of the checkpoints in {folder} is sound: remove them to start afresh")
    return ""


def _digests(checkpoint: Path) -> dict[str, Any]:
    """Relative name -> [size, sha256] of every file but the manifest."""
    digests = {}
    for path in sorted(checkpoint.rglob("*")):
        if path.is_file() and path.name != MANIFEST:
            name = path.relative_to(checkpoint).as_posix()
            digests[name] = [path.stat().st_size, files.sha256(path)]
    return digests


def _commit(partial: Path, final: Path) -> None:
    if final.exists():
        _remove(final)
    partial.rename(final)
    # The rename itself must survive a power cut before an older checkpoint is pruned.
    files.sync_folder(final.parent)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _save_failed(folder: Path, step: int, error: BaseException) -> UserError:
    # The storage describes it in a page of its own parameters.
    full = getattr(error, "errno", None) == errno.ENOSPC or "RESOURCE_EXHAUSTED" in str(error)
    why = "No space left on device" if full else str(error)
    return UserError(f"saving checkpoint {step} in {folder} failed: {why}; {advice(folder)}")


def advice(folder: Path) -> str:
    """For a run whose disk fails: what is safe, and what to do."""
    kept = list_steps(folder)
    rest = f"the newest sound one is step {kept[-1]}" if kept else "there is no older one"
    return f"{rest}. Mend the disk and resume"


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
