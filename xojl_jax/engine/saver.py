"""Saves checkpoints beside the training steps, and keeps the newest few."""

import errno
import json
import logging
import shutil
import threading
from pathlib import Path
from typing import Any

import jax
import orbax.checkpoint as ocp

from xojl_jax import files
from xojl_jax.engine import checkpoint, checkpoint_files, processes
from xojl_jax.engine.checkpoint_files import ARRAYS, MANIFEST, METADATA, PARTIAL
from xojl_jax.engine.state import TrainState
from xojl_jax.errors import UserError

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
            self._orbax.save(partial / ARRAYS, args=ocp.args.PyTreeSave(checkpoint.as_tree(state)))
        except Exception as error:  # Orbax's storage has errors of its own for a full disk
            raise _save_failed(self.folder, step, error) from error
        shapes = checkpoint.describe_arrays(state.params)
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
                checkpoint_files.remove(leftover)
            except OSError as error:
                why = f"cannot remove {leftover}: {error}"
                raise UserError(f"{why}; {checkpoint_files.advice(self.folder)}") from error

    def _begin(self, partial: Path, step: int) -> None:
        self._join()
        self.check()
        if not self._primary:
            return
        try:
            if partial.exists():
                checkpoint_files.remove(partial)
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
                digests = checkpoint_files.digests(partial)
                files.write_text(partial / MANIFEST, json.dumps(digests, sort_keys=True))
                checkpoint_files.commit(partial, self.folder / str(step))
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
        for step in checkpoint_files.list_steps(self.folder)[: -max(self._keep, 1)]:
            if str(step) == best:
                continue
            # Renamed first: a folder that is half removed must not look like a checkpoint.
            doomed = self.folder / f"{step}.old{PARTIAL}"
            (self.folder / str(step)).rename(doomed)
            checkpoint_files.remove(doomed)


def _save_failed(folder: Path, step: int | None, error: BaseException) -> UserError:
    # The storage describes it in a page of its own parameters.
    full = getattr(error, "errno", None) == errno.ENOSPC or "RESOURCE_EXHAUSTED" in str(error)
    why = "No space left on device" if full else str(error)
    advice = checkpoint_files.advice(folder)
    return UserError(f"saving checkpoint {step} in {folder} failed: {why}; {advice}")
