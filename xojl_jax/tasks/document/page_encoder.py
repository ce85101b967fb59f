"""Words and patches of a page, read together. B batch, T tokens, N patches, D width."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from xojl_jax.nn.trunk import Trunk

Array = jax.Array


def read_together(
    trunk: Trunk,
    text: nn.Module,
    tokens: Array,
    patches: Array,
    batch: Mapping[str, Array],
    grid: tuple[int, int],
    added: tuple[Array, Array] | None = None,
) -> tuple[Array, Array]:
    """[B, T, D] and [B, N, D], words and patches after the multiway encoder.

    Args:
      text: an entry of `TEXT_ENCODERS`.
      tokens: int32[B, T], those of the batch, or some of them hidden.
      patches: [B, N, D], of the vision encoder.
      batch: with tokens_mask, patch_mask and boxes.
      grid: rows and columns of patches.
      added: to what the encoder reads of words and of patches, such as a prompt (R031); each
        broadcasts to it. None: nothing.
    """
    words = text(tokens, batch["tokens_mask"])
    if added is not None:
        words = words + added[0].astype(words.dtype)
        patches = patches + added[1].astype(patches.dtype)
    return trunk.multiway(
        words,
        patches,
        batch["tokens_mask"],
        batch["patch_mask"],
        batch["boxes"],
        jnp.asarray(patch_boxes(*grid)),
    )


def patch_boxes(rows: int, columns: int) -> np.ndarray:
    """float32[N, 4]: the box of each patch, in [0, 1] of the canvas, row by row."""
    y, x = np.mgrid[:rows, :columns].reshape(2, -1)
    return np.stack([x / columns, y / rows, (x + 1) / columns, (y + 1) / rows], axis=-1).astype(
        np.float32
    )
