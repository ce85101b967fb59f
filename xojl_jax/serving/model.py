"""Reads an exported model. Neither the trainer nor Orbax is imported: parameters come from
safetensors, what is computed from the exported programs."""

import dataclasses
import functools
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from xojl_jax import tasks
from xojl_jax.engine import compatibility
from xojl_jax.errors import BadInput
from xojl_jax.serving import folder, params, training
from xojl_jax.serving.programs import Buckets, Program
from xojl_jax.tasks.base import Bucket, Task


@dataclasses.dataclass(frozen=True)
class Exported:
    """What a folder holds.

    Attributes:
      path: the folder.
      model: what `model.json` says.
      task: built from the model's own config and facts.
      params: nested dict of float32 numpy arrays, as the programs take them.
      training: what is kept of the training data, see `serving.training`.
    """

    path: Path
    model: dict[str, Any]
    task: Task
    params: dict[str, Any]
    training: Mapping[str, Any]

    _programs: dict[str, Buckets] = dataclasses.field(default_factory=dict)

    def program(self, name: str) -> Buckets:
        """One of the model's programs in all its sizes, each read when it is first needed."""
        if name not in self._programs:
            entry, shapes = self.model["programs"][name], self.model["inputs"]

            def read(file: str, inputs: Mapping[str, Any]) -> Program:
                inputs = {read: (tuple(inputs[read][0]), inputs[read][1]) for read in inputs}
                return Program((self.path / file).read_bytes(), entry["options"], inputs)

            full = read(entry["file"], {name: shapes[name] for name in entry["inputs"]})
            smaller = [
                (
                    Bucket(tuple(map(tuple, bucket["sizes"]))),
                    functools.cache(functools.partial(read, bucket["file"], bucket["inputs"])),
                )
                for bucket in entry.get("buckets", ())
            ]
            self._programs[name] = Buckets(full, smaller, self.task)
        return self._programs[name]


def read(path: str | os.PathLike, data_path: str | None = None) -> Exported:
    """Reads a model, every file of it checked against its hash first.

    Args:
      data_path: shards to read instead of those that it was trained on.

    Raises:
      BadInput: it is damaged, or newer than this version.
    """
    # Resolved: a link that is moved while the model serves must not mix two versions.
    path = Path(path).expanduser().resolve()
    if not folder.is_exported(path):
        raise BadInput(
            f"{path} is no exported model: python -m xojl_jax.export --workdir=RUN --out=MODEL "
            "makes one"
        )
    model = folder.read_model(path)
    folder.verify(path)
    config = ConfigDict(compatibility.upgrade_config(model["config"]))
    if data_path is not None:
        config.data.path = data_path
    facts = {name: _read_fact(path, name, kind) for name, kind in model["facts"].items()}
    weights = params.read(path / folder.PARAMS)
    return Exported(path, model, tasks.make(config, facts), weights, training.read(path))


def _read_fact(path: Path, name: str, kind: str) -> Any:
    file = path / folder.TASK / f"{name}.json"
    try:
        text = file.read_text(encoding="utf-8")
        return text if kind == "text" else json.loads(text)
    except (OSError, ValueError) as error:
        raise BadInput(f"{file} cannot be read ({error}): export the model again") from error
