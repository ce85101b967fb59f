"""The ways from images to patch embeddings, by name.

Each is a module, called with images uint8[B, H, W, 3] and bool[B, N] which patches are real (or
None), that gives [B, N, D]. Its `channels` tells what it costs: numbers per pixel of a patch that
are projected.
"""

from typing import Any

from xojl_jax.errors import BadUsage
from xojl_jax.nn.patches import LinearPatchEmbed, ShiftedPatchEmbed
from xojl_jax.nn.progressive_patches import ProgressivePatchEmbed

# `VisionConfig.patch_embed` names one.
PATCH_EMBEDS: dict[str, Any] = {
    "shifted": ShiftedPatchEmbed,
    "linear": LinearPatchEmbed,
    "progressive": ProgressivePatchEmbed,
}


def patch_embed_class(name: str) -> Any:
    """The module of this name in `PATCH_EMBEDS`; BadUsage if there is none."""
    if name not in PATCH_EMBEDS:
        raise BadUsage(
            f"patch_embed={name!r} is not known: choose one of {', '.join(PATCH_EMBEDS)}"
        )
    return PATCH_EMBEDS[name]
