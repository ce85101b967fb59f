"""Names, shapes and dtypes of a sample's arrays.

H, W pixels of the canvas; N patches; T tokens, pieces of words.
"""

import dataclasses

import jax
import numpy as np

from xojl_jax.nn.patches import patch_grid


@dataclasses.dataclass(frozen=True)
class FeatureSpec:
    """The sizes of a sample: the canvas that a page is fitted into, and the tokens of its words."""

    image_height: int
    image_width: int
    patch: int
    max_tokens: int

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        return patch_grid(self.image_height, self.image_width, self.patch)


def sample_spec(spec: FeatureSpec) -> dict[str, tuple[tuple[int, ...], type]]:
    """(shape, dtype) of every array.

    image: padded at the right and below. patch_mask: False where a patch is all padding.
    tokens: ids of pieces, `PAD` behind the last. tokens_mask: False there. word: the number of the
    word on its page that a piece is of, -1 behind. boxes: of the piece's word, in [0, 1] of the
    canvas. hidden_tokens, hidden_patches: what the model does not see and shall tell. aligned: of
    words that are seen, whether all of their patches are, too; aligned_mask: where that is asked.
    """
    patches, length = spec.grid[0] * spec.grid[1], spec.max_tokens
    return {
        "image": ((spec.image_height, spec.image_width, 3), np.uint8),
        "patch_mask": ((patches,), np.bool_),
        "tokens": ((length,), np.int32),
        "tokens_mask": ((length,), np.bool_),
        "word": ((length,), np.int32),
        "boxes": ((length, 4), np.float32),
        "hidden_tokens": ((length,), np.bool_),
        "hidden_patches": ((patches,), np.bool_),
        "aligned": ((length,), np.bool_),
        "aligned_mask": ((length,), np.bool_),
        "index": ((), np.int32),
    }


def batch_spec(spec: FeatureSpec, batch_size: int) -> dict[str, jax.ShapeDtypeStruct]:
    """What a batch of samples looks like, batch leading."""
    return {
        name: jax.ShapeDtypeStruct((batch_size, *shape), dtype)
        for name, (shape, dtype) in sample_spec(spec).items()
    }
