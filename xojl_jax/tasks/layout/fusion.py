"""How the two modalities exchange information; `config.model.fusion` names the way.

"late": each modality reads the other through cross-attention (X063, X067). The encoders stay
independent, so a section without a screenshot, or without HTML, is only a mask: a token that may
attend to nothing reads zeros, and keeps what its own encoder made of it (X064). Two switches: what
is read of a modality may be weighted by how much its tokens say (`fusion_weights`), and a node
whose box is known and the patches in it may read each other alone (`fusion_pairs`, X073).

"mixture": all tokens attend to all, with parameters of each modality's own (X076; joint_fusion.py).
"coarse_to_fine": as "late", from groups of patches to patches (X075, X076; coarse_fusion.py).
"early": HTML tokens run through the vision encoder's layers beside the patches (X063).
"aligned": what boxes say belongs together is averaged, without attention (X075; box_alignment.py).

B batch, N patches, T HTML nodes, D width.
"""

import dataclasses
from collections.abc import Callable

from flax import linen as nn

from xojl_jax.tasks.layout.box_alignment import BoxAlignment, alignment_flops
from xojl_jax.tasks.layout.coarse_fusion import CoarseToFineFusion, coarse_flops
from xojl_jax.tasks.layout.joint_fusion import (
    HtmlAmongPatches,
    MixtureFusion,
    early_flops,
    mixture_flops,
)
from xojl_jax.tasks.layout.late_fusion import LateFusion, late_fusion_flops
from xojl_jax.tasks.layout.model_config import ModelConfig


@dataclasses.dataclass(frozen=True)
class Fusion:
    """A way to fuse.

    Attributes:
      module: made from the config, called with (html, patches, html_mask, patch_mask), gives the
        fused html [B, T, D] and patches [B, N, D]. Its parameters are below `fusion/`.
      flops: forward FLOPs of one sample, by part.
      pairs: whether the module takes `pairs`, too: "always", "never", or where the config says so
        ("allowed"). See `box_alignment.box_pairs`.
      weights: whether it takes `weights`, where the config says so.
      early: the module is called with HTML tokens alone, and gives those that run through the
        vision encoder.
    """

    module: Callable[[ModelConfig], nn.Module]
    flops: Callable[[ModelConfig], dict[str, float]]
    pairs: str = "never"
    weights: bool = False
    early: bool = False


FUSIONS = {
    "late": Fusion(
        module=lambda c: LateFusion(c.block, c.fusion_layers),
        flops=late_fusion_flops,
        pairs="allowed",
        weights=True,
    ),
    "mixture": Fusion(
        module=lambda c: MixtureFusion(c.block, c.fusion_layers), flops=mixture_flops
    ),
    "coarse_to_fine": Fusion(
        module=lambda c: CoarseToFineFusion(c.block, c.fusion_layers, c.canvas_grid[1]),
        flops=coarse_flops,
    ),
    "early": Fusion(module=lambda c: HtmlAmongPatches(c.block), flops=early_flops, early=True),
    "aligned": Fusion(
        module=lambda c: BoxAlignment(c.block), flops=alignment_flops, pairs="always"
    ),
}
