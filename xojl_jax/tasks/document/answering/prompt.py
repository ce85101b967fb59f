"""What a prompt adds to every word and patch of a page: a vector of its text (R031), and where it
points. B batch, T tokens of the page, N patches, P tokens of the prompt, D width.

A small text encoder reads the prompt's words; the mean of its states is mapped to the width of the
encoder and added to what that reads, as if the question were printed on every word. A box or a
point, as in SAM (Kirillov et al. 2023), is added by its Fourier features, and what lies in it is
marked.
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Bool, Float

from xojl_jax.nn.layers import EinsumDense, named
from xojl_jax.nn.masked import mean_token
from xojl_jax.nn.positions import POSITION_STD, FourierBoxes
from xojl_jax.nn.text.bert import BertEncoder
from xojl_jax.tasks.document.answering.model_config import AnswerConfig
from xojl_jax.tasks.document.page_encoder import patch_boxes

Array = jax.Array

# What makes tokens of a prompt: the page's word pieces, for an encoder that starts from scratch, or
# the tokenizer of a published sentence encoder. "none": prompts are not read.
PROMPT_ENCODERS = ("pieces", "published", "none")


class Prompt(nn.Module):
    """The batch -> what is added to words and to patches, [B, T or 1, D] and [B, N or 1, D]."""

    config: AnswerConfig

    @nn.compact
    def __call__(self, batch: Mapping[str, Array]) -> tuple[Array, Array]:
        c = self.config
        width = c.block.width
        total = jnp.zeros((batch["prompt"].shape[0], 1, width), jnp.float32)
        if c.prompt is not None:
            states = BertEncoder(c.prompt, name="text")(batch["prompt"], batch["prompt_mask"])
            mean = mean_token(states, batch["prompt_mask"])
            dense = EinsumDense((width,), (None, "embed"), dtype=c.block.jnp_dtype, name="out")
            total = total + dense(mean)[:, None].astype(jnp.float32)
        points = batch["points"][:, None, None]
        box = batch["prompt_box"]
        place = FourierBoxes(width, c.box_features, name="box")(box)[:, None]
        total = total + jnp.where(points, place.astype(jnp.float32), 0.0)
        mark = self.param("mark", named(nn.initializers.normal(POSITION_STD), "embed"), (width,))
        patches = jnp.broadcast_to(patch_boxes(*c.grid), (box.shape[0], c.num_patches, 4))

        def added(boxes: Array) -> Array:
            return total + jnp.where(points & lies_in(boxes, box)[..., None], mark, 0.0)

        return added(batch["boxes"]), added(patches)


def lies_in(boxes: Float[Array, "B N 4"], wanted: Float[Array, "B 4"]) -> Bool[Array, "B N"]:
    """Which boxes lie in `wanted`: the middle of one in the other, so that a point finds its word,
    and the patch that it is in.

    The data's own rule (`documents/words_in_box.py`) takes the nearest word of a point that is in
    none; here such a point marks no word, as it lies on none.
    """
    wanted = wanted[:, None]

    def holds(outer: Array, inner: Array) -> Array:
        middle = (inner[..., :2] + inner[..., 2:]) / 2
        return ((outer[..., :2] <= middle) & (middle <= outer[..., 2:])).all(-1)

    return holds(wanted, boxes) | holds(boxes, wanted)
