"""The image side of a published CLIP model as a teacher: its features of a page's patches.

They are those of the patches behind its last norm, as in EVA (Fang et al. 2023) and BEiT v2 (Peng
et al. 2022), but not projected into the space of texts: a published tower has no projection.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float, UInt8

from xojl_jax.nn.config import VisionConfig
from xojl_jax.nn.patches import patch_grid
from xojl_jax.nn.vision import VisionEncoder

Array = jax.Array


def teacher_features(
    teacher: VisionConfig,
    params: Mapping[str, Any],
    images: UInt8[Array, "B H W 3"],
    patch_mask: Bool[Array, "B N"],
    patch: int,
) -> Float[Array, "B N D"]:
    """float32[B, N, D of the teacher] of the patches of side `patch`; no gradients.

    A teacher of other patches reads the page in the size in which its grid is the same.
    """
    _, height, width, _ = images.shape
    rows, columns = patch_grid(height, width, patch)
    beyond = ((0, 0), (0, rows * patch - height), (0, columns * patch - width), (0, 0))
    images = jnp.pad(images, beyond, mode="edge")
    if patch != teacher.patch:
        size = (len(images), rows * teacher.patch, columns * teacher.patch, 3)
        images = jax.image.resize(images.astype(jnp.float32), size, "cubic")
        images = jnp.clip(jnp.round(images), 0, 255).astype(jnp.uint8)
    out: Any = VisionEncoder(teacher).apply({"params": params}, images, patch_mask)
    return jax.lax.stop_gradient(out.tokens.astype(jnp.float32))


def cosine_distance(
    told: Float[Array, "B N D"], features: Float[Array, "B N D"]
) -> Float[Array, "B N"]:
    """1 - the cosine of each patch's two vectors: what BEiT v2's tokenizer and EVA minimize."""
    told, features = (x.astype(jnp.float32) for x in (told, features))
    product = jnp.sum(told * features, -1)
    norms = jnp.sum(jnp.square(told), -1) * jnp.sum(jnp.square(features), -1)
    return 1 - product * jax.lax.rsqrt(norms + 1e-12)
