"""Parameters as a safetensors file: a format that many languages read, and that runs no code."""

from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from xojl_jax.config_fields import flatten
from xojl_jax.engine.compatibility import nest
from xojl_jax.errors import BadInput

# Of an array that is stored as int8: "PATH:scale", float32, a factor for every 64 values in order.
SCALE, BLOCK = ":scale", 64
# Smaller arrays (biases, norms, temperatures) stay float32: they weigh little and count much.
_LEAST = 4096


def write(params: Any, path: Path, *, as_int8: bool = False) -> None:
    """Writes nested parameters under paths such as "trunk/vision/patches/kernel".

    Args:
      as_int8: stores large arrays in a quarter of the bytes; `read` gives float32 again, rounded.
    """
    flat = {name: np.ascontiguousarray(array) for name, array in flatten(params, "/").items()}
    if as_int8:
        for name in [name for name, array in flat.items() if array.size >= _LEAST]:
            flat[name], flat[name + SCALE] = _to_int8(flat[name])
    path.write_bytes(save(flat))  # save_file would make it readable for its owner alone


def read(path: Path) -> dict[str, Any]:
    """Nested numpy arrays, float32 however they are stored."""
    try:
        flat = load_file(path)
    except (OSError, SafetensorError) as error:
        raise BadInput(
            f"{path} cannot be read ({error}): copy or export the model again"
        ) from error
    for name in [name for name in flat if name.endswith(SCALE)]:
        stored, scale = name.removesuffix(SCALE), flat.pop(name)
        flat[stored] = _to_float32(flat[stored], scale)
    return nest(flat, "/")


def _to_int8(array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """int8 of the same shape, and float32[blocks]: the value is their product. Dettmers et al.
    2022, "8-bit optimizers via block-wise quantization", section 2.1, with even steps."""
    blocks = _blocks(array.astype(np.float32))
    scale = np.abs(blocks).max(-1) / 127
    steps = np.rint(blocks / np.where(scale, scale, 1)[:, None]).astype(np.int8)
    return steps.reshape(-1)[: array.size].reshape(array.shape), scale


def _to_float32(steps: np.ndarray, scale: np.ndarray) -> np.ndarray:
    blocks = _blocks(steps) * scale[:, None]
    return blocks.reshape(-1)[: steps.size].reshape(steps.shape)


def _blocks(array: np.ndarray) -> np.ndarray:
    """The values in order as [blocks, BLOCK], zeros at the end."""
    flat = array.reshape(-1)
    return np.pad(flat, (0, -flat.size % BLOCK)).reshape(-1, BLOCK)
