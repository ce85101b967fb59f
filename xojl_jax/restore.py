"""A trained run or an exported model, ready to answer: what evaluate and predict share."""

import argparse
import os
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict

from xojl_jax import compilation_cache, tasks
from xojl_jax.engine import (
    checkpoint,
    checkpoint_files,
    compiler_options,
    local_devices,
    sharding,
    state,
)
from xojl_jax.errors import BadUsage, UserError
from xojl_jax.serving import folder as exported_folder
from xojl_jax.serving import model as exported_model
from xojl_jax.tasks.base import Inference, Task


class LoadedModel(NamedTuple):
    """A task with its parameters, as one checkpoint or one exported model holds them.

    Attributes:
      task: built from the model's own config and vocabulary.
      inference: how it answers.
      params: nested dict of float32 arrays on the device.
      metadata: the checkpoint's, with "checkpoint", the folder that was read.
      exported: the exported model, None for a checkpoint.
    """

    task: Task
    inference: Inference
    params: Any
    metadata: dict[str, Any]
    exported: exported_model.Exported | None = None

    @property
    def folder(self) -> Path:
        """Where what is made with it goes: its working directory, or beside the exported model.
        Never the checkpoint itself, in which any further file counts as damage."""
        checkpoint = Path(self.metadata["checkpoint"])
        inside = checkpoint.parent.name == "checkpoints"
        return checkpoint.parents[1] if inside else checkpoint.parent


def load(
    workdir: str | os.PathLike,
    data_path: str | None = None,
    flags: argparse.Namespace | None = None,
) -> LoadedModel:
    """Reads the newest checkpoint of a working directory, one checkpoint folder, or an exported
    model.

    Args:
      data_path: shards to read instead of those that the run was trained on.
      flags: of a command, in which the task's inference finds its own; None for their defaults.
    """
    local_devices.check()
    if exported_folder.is_exported(workdir):
        return _load_exported(workdir, data_path, flags)
    params, metadata = checkpoint.load_params(workdir)
    config = ConfigDict(metadata["config"])
    if data_path is not None:
        config.data.path = data_path
    task = tasks.make(config, metadata["task"])
    inference = _inference(task, workdir, flags)
    _check_fit(task, metadata)
    return LoadedModel(task, inference, jax.device_put(params), metadata)


def load_params(source: str | os.PathLike) -> tuple[Any, dict[str, Any]]:
    """Parameters that training may start from: of a run, a checkpoint or an exported model.

    Returns:
      Nested dict of float32 arrays (those of an exported model as its programs take them: of int8
      kernels what they stand for), and metadata with "config" and "checkpoint", the folder.
    """
    if exported_folder.is_exported(source):
        exported = exported_model.read(source)
        return exported.params, _metadata(exported)
    return checkpoint.load_params(source)


def _load_exported(path, data_path: str | None, flags: argparse.Namespace | None) -> LoadedModel:
    exported = exported_model.read(path, data_path)
    inference = _inference(exported.task, path, flags)
    params = jax.device_put(exported.params)
    return LoadedModel(exported.task, inference, params, _metadata(exported), exported)


def _metadata(exported: exported_model.Exported) -> dict[str, Any]:
    """As a checkpoint has it."""
    return {**exported.model, "checkpoint": str(exported.path)}


def _inference(task: Task, path, flags: argparse.Namespace | None) -> Inference:
    try:
        return task.inference(flags)
    except BadUsage as error:
        raise BadUsage(f"{path}: {error}") from error


def _check_fit(task: Task, metadata: dict[str, Any]) -> None:
    """Code that has changed since would fail deep inside the model, or answer nonsense."""
    boxed = state.abstract_params(task, sharding.single(jax.devices()[0]))
    checkpoint.check_fit(metadata["checkpoint"], metadata, sharding.unbox(boxed))


def parse_flags(
    command: str, parser: argparse.ArgumentParser, argv: list[str]
) -> tuple[argparse.Namespace, type[Inference]]:
    """Parses a command's flags together with those of the run's task, which is returned, too.

    The task of `--workdir` is looked up first: it has flags of its own, which `--help` shows. Where
    no run is named, or it cannot be read (`load` says why), the flags are those of the first task.

    Args:
      command: "predict" or "evaluate".
      parser: with the command's own flags.
    """
    parser.add_argument(
        "--compilation-cache", default="", metavar="DIR", help=compilation_cache.HELP
    )
    inference, fault = _inference_type(argv)
    parser.epilog = inference.examples(command)
    inference.add_arguments(parser.add_argument_group(inference.about), command)
    flags, unknown = parser.parse_known_args(argv)
    if unknown and fault is not None:
        raise fault  # they may be flags of the run's task, which is not known
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    inference.check_arguments(flags, command)
    return flags, inference


def _inference_type(argv: list[str]) -> tuple[type[Inference], UserError | None]:
    """How the run's task answers; where it is not known, how the first task does, and why."""
    finder = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    finder.add_argument("--workdir")
    name, fault = next(iter(tasks.TASKS)), None
    try:
        name = _task_name(finder.parse_known_args(argv)[0].workdir)
    except UserError as error:
        fault = error
    except (argparse.ArgumentError, OSError, ValueError, KeyError, TypeError):
        pass
    kind = tasks.find(name).inference_type
    if kind is None:
        raise BadUsage(f"the task {name} is for training: it gives no answers")
    return kind, fault


def _task_name(path: str | os.PathLike) -> str:
    if exported_folder.is_exported(path):
        return exported_folder.read_model(Path(path).expanduser())["task"]
    return checkpoint.read_metadata(checkpoint_files.find(path))["config"]["task"]


def predictor(model: LoadedModel, options: dict[str, Any]):
    """The task's `predict`, compiled once for each shape: (batch, rng or None) -> its result.

    That of an exported model is its own program, where it has one for these options.

    Args:
      options: static arguments of `Inference.predict`.
    """
    inference, predict = model.inference, model.inference.predict
    if model.exported is not None:
        stored = model.exported.model["programs"]
        own = {name: entry["options"] for name, entry in stored.items()}
        if (name := inference.program_for(options, own)) is not None:
            program = model.exported.program(name)
            return lambda batch, rng=None: inference.from_named(program(model.params, batch))
        _check_fit(model.task, model.metadata)
    compiled = jax.jit(
        lambda params, batch, rng: predict(params, batch, rng=rng, **options),
        compiler_options=compiler_options.for_many_runs(jax.default_backend()),
    )

    def run(batch: dict[str, np.ndarray], rng: jax.Array | None = None):
        batch = jax.device_put({name: np.asarray(array) for name, array in batch.items()})
        return jax.device_get(compiled(model.params, batch, rng))

    return run
