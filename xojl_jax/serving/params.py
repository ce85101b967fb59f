"""Parameters as a safetensors file: a format that many languages read, and that runs no code."""

from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from xojl_jax.config_fields import flatten
from xojl_jax.engine import int8
from xojl_jax.engine.compatibility import nest
from xojl_jax.errors import BadInput


def write(params: Any, path: Path) -> None:
    """Writes nested parameters under paths such as "trunk/vision/patches/kernel"; of a kernel that
    is int8 (`engine.int8`), "…/kernel/int8" and "…/kernel/scale"."""
    flat = {name: np.ascontiguousarray(array) for name, array in flatten(params, "/").items()}
    path.write_bytes(save(flat))  # save_file would make it readable for its owner alone


def read(path: Path) -> dict[str, Any]:
    """Nested numpy arrays, float32 however they are stored."""
    try:
        flat = load_file(path)
    except (OSError, SafetensorError) as error:
        raise BadInput(
            f"{path} cannot be read ({error}): copy or export the model again"
        ) from error
    return int8.dequantize(nest(flat, "/"))
