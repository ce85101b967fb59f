"""Whether the vision encoder's attention looks where the elements are: intersection over union of
attention maps and boxes, for `evaluate --attention-overlap` (X116).

A map says how much of its weight a summary token gives to each patch in the last layer, the mean
over heads. It is cut to the fewest patches that have 60 % of the weight, as maps of DINO are (Caron
et al. 2021, arXiv 2104.14294), and compared with the patches whose centers are in the boxes. The
kernels of attention keep no weights: in a pass of its own, queries and keys of the layers are
captured, and those of a few tokens of the last layer are multiplied once more. What is off costs
nothing.

B batch, N patches, E element ids, T tokens of the vision encoder, H heads, K head width, k maps.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Float32

from xojl_jax.evaluation.bootstrap import ScoreTable
from xojl_jax.nn.blocks import Attention
from xojl_jax.tasks.layout import losses
from xojl_jax.tasks.layout.model import LayoutModel
from xojl_jax.tasks.layout.parts import image_patches
from xojl_jax.xojl.tree import ELEMENTS

if TYPE_CHECKING:
    from xojl_jax.tasks.layout.task import LayoutTask

Array = jax.Array

# The share of its weight that a map is cut to.
MASS = 0.6


@dataclasses.dataclass(frozen=True)
class AttentionMaps:
    """Tokens whose attention has something to look at.

    Attributes:
      about: what is compared, for a table.
      tokens: which tokens of the vision encoder, CLS first, then a prefix for each element.
      wanted: bool[B, E, N], which elements cover each patch -> bool[B, k, N], where each of the
        tokens should look.
    """

    about: str
    tokens: slice
    wanted: Callable[[Array], Array]


MAPS = {
    "class": AttentionMaps(
        about="of class tokens, boxes of their class",
        tokens=slice(1, 1 + len(ELEMENTS)),
        wanted=lambda covered: covered,
    ),
    "cls": AttentionMaps(
        about="of CLS, boxes of all elements",
        tokens=slice(1),
        wanted=lambda covered: covered.any(1, keepdims=True),
    ),
}
# The scores of each, with what a table says of them.
SHOWN = {
    name: meaning
    for kind, maps in MAPS.items()
    for name, meaning in (
        (f"attention_iou_{kind}", f"IoU of attention and boxes: {maps.about}"),
        (f"attention_iou_{kind}_chance", "… of as many patches, drawn at random"),
    )
}


def of_batch(
    task: "LayoutTask", params, batch: Mapping[str, Array]
) -> dict[str, Float32[Array, " B"]]:
    """The scores in `SHOWN` of each record; NaN where no box covers a patch. Jittable."""
    patches = image_patches(dict(batch))
    q, k = last_queries_and_keys(task, params, batch)
    rows, columns = task.model_config.canvas_grid
    boxes = batch["html_boxes"], batch["html_box_mask"]
    inside = losses.patches_in_boxes(*boxes, (rows, columns), patches.shape[1] // columns)
    covered = losses.patch_elements(inside, batch["node_element"], len(ELEMENTS)) > 0
    covered = covered.swapaxes(1, 2) & patches[:, None]
    found = {}
    for kind, maps in MAPS.items():
        weights = map_weights(q[:, maps.tokens], k, patches)
        overlap, chance = overlaps(weights, maps.wanted(covered), patches)
        found |= {f"attention_iou_{kind}": overlap, f"attention_iou_{kind}_chance": chance}
    return found


def last_queries_and_keys(
    task: "LayoutTask", params, batch: Mapping[str, Array]
) -> tuple[Float[Array, "B _ H K"], Float[Array, "B N H K"]]:
    """Scaled queries of CLS and prefixes, and keys of patches, in the encoder's last layer."""

    def is_projection(module, method: str) -> bool:
        vision = isinstance(module, Attention) and module.path[:2] == ("trunk", "vision")
        return vision and method in ("project_query", "project_memory")

    _, state = task.model().apply(
        {"params": params},
        batch,
        method=LayoutModel.features,
        capture_intermediates=is_projection,
        mutable=["intermediates"],
    )
    found: Any = state["intermediates"]["trunk"]["vision"]["groups"]["layers"]["attention"]
    # Stacked by groups of layers and by layers. A patch is where it is behind CLS and prefixes.
    queries, keys = found["project_query"][0][-1, -1], found["project_memory"][0][0][-1, -1]
    ahead = 1 + task.model_config.trunk.vision.num_prefixes
    return queries[:, :ahead], keys[:, ahead : ahead + batch["patch_mask"].shape[1]]


def map_weights(
    q: Float[Array, "B k H K"], keys: Float[Array, "B N H K"], patches: Bool[Array, "B N"]
) -> Float32[Array, "B k N"]:
    """How the weight that each head gives to real patches is spread over them: its mean.

    What else a token attends to, and a bias that all patches share, are no matter of this.
    """
    scores = jnp.einsum("bqhk,bshk->bhqs", q, keys, preferred_element_type=jnp.float32)
    scores = jnp.where(patches[:, None, None], scores, losses.ILLEGAL)
    return jax.nn.softmax(scores, axis=-1).mean(1)


def overlaps(
    weights: Float32[Array, "B k N"], wanted: Bool[Array, "B k N"], patches: Bool[Array, "B N"]
) -> tuple[Float32[Array, " B"], Float32[Array, " B"]]:
    """IoU of the patches that have most of a map's weight and those that are wanted, the mean over
    the maps that have any; and what to expect of as many patches drawn at random."""
    order = jnp.argsort(-weights, axis=-1)
    heaviest = jnp.take_along_axis(weights, order, axis=-1)
    needed = jnp.cumsum(heaviest, axis=-1) - heaviest < MASS
    kept = jnp.take_along_axis(needed, jnp.argsort(order, axis=-1), axis=-1) & patches[:, None]
    counts = (kept & wanted, kept, wanted, jnp.broadcast_to(patches[:, None], kept.shape))
    both, told, true, real = (x.sum(-1).astype(jnp.float32) for x in counts)
    by_chance = told * true / jnp.maximum(real, 1)

    def mean(both: Array) -> Array:
        iou = both / jnp.maximum(told + true - both, 1)
        return jnp.where(true > 0, iou, 0).sum(-1) / (true > 0).sum(-1).astype(jnp.float32)

    return mean(both), mean(by_chance)


def scores(answered: Sequence[Mapping[str, float]]) -> dict[str, dict]:
    """The means over records, with intervals: name -> {"value", "low", "high", "records"}."""
    table = ScoreTable(len(answered))
    for name in answered[0]:
        table.add_mean(name, np.array([one[name] for one in answered]).tolist())
    return table.scores
