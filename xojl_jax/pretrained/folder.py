"""A model's folder as published: config.json, and tensors in one or several safetensors files."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from xojl_jax.errors import BadInput
from xojl_jax.files import write_bytes, write_text

CONFIG, WEIGHTS, INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"
# Bytes of one file of weights, as the hub's own library cuts them.
SHARD_BYTES = 5 * 10**9


class WeightsFolder:
    """The tensors of a published model, each read when it is asked for.

    Args:
      path: the folder.
      weights: the file of tensors where there is one; beside it, `weights`.index.json may name
        several.

    Raises:
      BadInput: the folder has no such files, or they are damaged.
    """

    def __init__(self, path: str | Path, weights: str = WEIGHTS):
        self.path = Path(path)
        self._files = self._find(weights)

    def _find(self, weights: str) -> dict[str, Path]:
        """Name of every tensor -> its file."""
        index = self.path / f"{weights}.index.json"
        if index.is_file():
            named = read_json(index).get("weight_map")
            if not isinstance(named, dict) or not all(isinstance(v, str) for v in named.values()):
                raise BadInput(f"{index}: expected an object `weight_map` of names of files")
            for name in sorted(set(named.values())):
                # The index comes from anybody: it must not lead out of the folder.
                if Path(name).name != name or not (self.path / name).is_file():
                    raise BadInput(f"{index}: its file {name!r} is not in the folder: copy it, too")
            return {tensor: self.path / name for tensor, name in named.items()}
        file = self.path / weights
        if not file.is_file():
            raise BadInput(
                f"{self.path}: no {weights} and no {index.name}: give a folder with safetensors "
                "(a checkpoint in PyTorch's own format must be converted first)"
            )
        with _open(file) as tensors:
            return dict.fromkeys(tensors.keys(), file)

    def names(self) -> set[str]:
        return set(self._files)

    def read(self, name: str) -> np.ndarray:
        """A tensor as float32. BadInput if it is not there."""
        if name not in self._files:
            raise BadInput(f"{self.path}: no tensor {name}: is config.json that of these weights?")
        with _open(self._files[name]) as tensors:
            try:
                return np.asarray(tensors.get_tensor(name)).astype(np.float32)
            except SafetensorError as error:
                raise BadInput(f"{self._files[name]}: {name}: {error}") from None


def read_json(path: Path) -> dict[str, Any]:
    """An object from a JSON file. BadInput where there is none."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise BadInput(f"{path}: there is no such file") from None
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"{path}: cannot be read as JSON ({error})") from None
    if not isinstance(value, dict):
        raise BadInput(f"{path}: expected an object, found {type(value).__name__}")
    return value


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    write_text(path, json.dumps(value, indent=2) + "\n")


def write_weights(
    path: Path, tensors: Mapping[str, np.ndarray], shard_bytes: int = SHARD_BYTES
) -> None:
    """Writes tensors to a folder: one file, or several and their index where they are large."""
    shards: list[dict[str, np.ndarray]] = [{}]
    size = 0
    for name, tensor in tensors.items():
        if size and size + tensor.nbytes > shard_bytes:
            shards.append({})
            size = 0
        shards[-1][name] = np.ascontiguousarray(tensor)
        size += tensor.nbytes
    files = [WEIGHTS] if len(shards) == 1 else list(_shard_names(len(shards)))
    for file, shard in zip(files, shards, strict=True):
        # The other libraries ask for this line.
        write_bytes(path / file, [save(shard, metadata={"format": "pt"})])
    if len(shards) > 1:
        total = sum(tensor.nbytes for tensor in tensors.values())
        named = {name: file for file, shard in zip(files, shards, strict=True) for name in shard}
        write_json(path / INDEX, {"metadata": {"total_size": total}, "weight_map": named})


def _shard_names(count: int) -> Iterator[str]:
    for i in range(1, count + 1):
        yield f"model-{i:05}-of-{count:05}.safetensors"


def _open(file: Path):
    try:
        return safe_open(file, framework="numpy")
    except (OSError, SafetensorError) as error:
        raise BadInput(f"{file}: no sound safetensors file ({error}): copy it again") from None
