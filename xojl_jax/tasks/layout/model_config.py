"""The sizes and parts that the layout model is built from.

Frozen, hence hashable: a Linen module's attribute has to be. `configure.py` makes it from the
config.
"""

import dataclasses

from xojl_jax.nn.config import BlockConfig, TrunkConfig
from xojl_jax.nn.patches import patch_grid
from xojl_jax.tasks.layout.stages import Stage
from xojl_jax.tasks.layout.tree_features import NO_STYLES, IdRanges, StyleIds


@dataclasses.dataclass(frozen=True)
class HtmlConfig:
    """The HTML encoder.

    Attributes:
      max_nodes, max_classes: T and C of a batch.
      ids: sizes of the tables of discrete inputs.
      embeddings, positions: names in `EMBEDDINGS` and `POSITIONS`, in the order of their sum.
      class_composition: a name in `COMPOSITIONS`.
      tree_bias: whether attention is biased by how two nodes are related.
      pieces: ids of the class tokenizer; 0 without one.
      num_prefixes: P, prefix tokens of element classes ahead of the nodes.
      styles: what the embedding "inherited" reads of classes.
    """

    block: BlockConfig
    layers: int
    max_nodes: int
    max_classes: int
    ids: IdRanges
    embeddings: tuple[str, ...]
    positions: tuple[str, ...]
    class_composition: str = "attention"
    tree_bias: bool = True
    pieces: int = 0
    num_prefixes: int = 0
    styles: StyleIds = NO_STYLES


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """The whole model, as one stage runs it.

    Attributes:
      trunk: the vision encoder and the decoder, which other tasks share.
      stage: what of the model runs.
      fusion: a name in `FUSIONS`.
      fusion_pairs: which nodes and patches read each other, "all" or "boxes".
      fusion_weights: whether the modalities are weighted by what their tokens say.
      patch_drop: share of patches that training leaves out.
      decoder: a name in `DECODERS`.
      heads: names in `HEADS`, those that this stage trains, in the order of their computation.
      visual_memory: a name in `PICTURE_LEVELS`.
      memory_stride: how much coarser the grid of the visual memory is than the patches' grid.
      masked_map: the spatial attention reads no padding, so that a record's features do not depend
        on how many rows of padding its bucket has. (Without buckets it does, as in 0.1.0.)
    """

    trunk: TrunkConfig
    html: HtmlConfig
    stage: Stage
    fusion: str
    fusion_layers: int
    heads: tuple[str, ...]
    memory_stride: int
    vocabulary_size: int
    num_categories: int
    masked_map: bool = False
    decoder: str = "shared"
    patch_drop: float = 0.0
    fusion_pairs: str = "all"
    fusion_weights: bool = False
    visual_memory: str = "pyramid"

    @property
    def block(self) -> BlockConfig:
        """What all layers of the model share."""
        return self.html.block

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        vision = self.trunk.vision
        return patch_grid(vision.image_height, vision.image_width, vision.patch)

    @property
    def canvas_grid(self) -> tuple[int, int]:
        """As `grid`, of the canvas that screenshots are fitted into: another one than that of the
        training in prediction at another resolution (X025)."""
        vision = self.trunk.vision
        sizes = vision.canvas or (vision.image_height, vision.image_width)
        return patch_grid(*sizes, vision.patch)

    @property
    def num_patches(self) -> int:
        return self.grid[0] * self.grid[1]

    @property
    def memory_cells(self) -> int:
        """Cells of the visual grid that the decoder attends to."""
        rows, columns = (-(-side // self.memory_stride) for side in self.grid)
        return rows * columns

    @property
    def num_tokens(self) -> int:
        """Tokens that heads of the whole section read: `Features.tokens`."""
        if not self.stage.vision:
            return self.html.max_nodes
        if not self.stage.html:
            return self.num_patches
        return self.html.max_nodes + self.memory_cells

    def cut(self, rows: int, nodes: int, classes: int, tokens: int) -> "ModelConfig":
        """The sizes of a bucket, for counting its work: parameters are those of the full size."""
        vision, decoder = self.trunk.vision, self.trunk.decoder
        height = min(vision.image_height, rows * vision.patch)
        trunk = TrunkConfig(
            dataclasses.replace(vision, image_height=height),
            dataclasses.replace(decoder, max_length=tokens),
        )
        html = dataclasses.replace(self.html, max_nodes=nodes, max_classes=classes)
        return dataclasses.replace(self, trunk=trunk, html=html)
