"""What the trunk is built from: frozen dataclasses, hashable, so that a module can hold one.

A module takes one of these instead of a dozen arguments. Values are checked when a config is made,
before anything is compiled.
"""

import dataclasses

import jax.numpy as jnp

from xojl_jax.errors import BadUsage
from xojl_jax.nn.activations import ACTIVATIONS_BY_NAME
from xojl_jax.nn.tree_places import RELATIONS

# The vision encoder hands out its residual stream after each quarter of its layers.
TAPS = 4
# Of `VisionConfig.relative_positions`.
RELATIVE_POSITIONS = ("none", "own", "shared")
# Types of computation, by their name in a config.
DTYPES = {name: jnp.dtype(name) for name in ("bfloat16", "float16", "float32")}


@dataclasses.dataclass(frozen=True)
class BlockConfig:
    """What all blocks of a tower share.

    Attributes:
      width: D, of the residual stream.
      heads: H.
      mlp_ratio: hidden width of the feed-forward, as a multiple of `width`.
      head_width: K, of a head; 0: `width / heads`. Without some of its heads, a pruned block keeps
        the width of the others.
      mlp_width: hidden width of the feed-forward; 0: what `mlp_ratio` says.
      activation: of the feed-forward, a name in `activations.ACTIVATIONS_BY_NAME`.
      key_bias: whether keys have a bias, as queries and values have. It changes no softmax; BEiT
        has none.
      norm_epsilon: of the layer norms.
      layer_scale: what the learned scales of residual branches start at (Touvron et al. 2021); 0:
        there are none.
      drop_path: share of samples whose residual branches the last layer leaves out in training; the
        first leaves none out, and between it rises evenly.
      init_std: standard deviation of initial kernels; 0: by their inputs, so that variances stay.
      depth_init: whether the initial kernels that end a residual branch are divided by
        sqrt(2 * layer), layers counted from 1.
      dropout: rate, of every dropout.
      dtype: a name in `DTYPES`, the compute dtype; parameters are float32.
      remat: a name in `scan.REMAT`, what the backward pass finds saved.
      attention_block: keys that attention reads at once.
      feed_forward: a name in `feed_forward.FEED_FORWARDS`.

    Raises:
      BadUsage: the heads do not divide the width, or an unknown activation.
    """

    width: int
    heads: int
    mlp_ratio: int = 4
    dropout: float = 0.0
    dtype: str = "float32"
    remat: str = "attention"
    attention_block: int = 512
    feed_forward: str = "mlp"
    head_width: int = 0
    mlp_width: int = 0
    activation: str = "gelu_pytorch_tanh"
    key_bias: bool = True
    norm_epsilon: float = 1e-6
    layer_scale: float = 0.0
    drop_path: float = 0.0
    init_std: float = 0.0
    depth_init: bool = False

    def __post_init__(self) -> None:
        if self.activation not in ACTIVATIONS_BY_NAME:
            raise BadUsage(
                f"model: activation {self.activation!r} is not known: choose one of "
                f"{', '.join(ACTIVATIONS_BY_NAME)}"
            )
        if not self.head_width and self.width % self.heads:
            raise BadUsage(
                f"model: width ({self.width}) must be a multiple of heads ({self.heads})"
            )

    @property
    def by_depth(self) -> bool:
        """Whether a block must know which layer it is."""
        return bool(self.drop_path or self.depth_init)

    @property
    def head_dim(self) -> int:
        return self.head_width or self.width // self.heads

    @property
    def inner(self) -> int:
        """The width of all heads together: that of the residual stream, unless some are gone."""
        return self.heads * self.head_dim

    @property
    def hidden(self) -> int:
        """The hidden width of the feed-forward."""
        return self.mlp_width or self.mlp_ratio * self.width

    @property
    def jnp_dtype(self) -> jnp.dtype:
        return DTYPES[self.dtype]


@dataclasses.dataclass(frozen=True)
class VisionConfig:
    """The vision encoder.

    Attributes:
      block: of every layer.
      layers: a multiple of `TAPS`.
      image_height, image_width: of images, in pixels.
      tables: (height, width) in pixels that the position tables are made for; None: those of
        images. Images of another size interpolate them.
      positions: a name in `positions.GRID_POSITIONS`, of what is added to patches.
      relative_positions: what scores of attention get by how patches lie to one another: "none",
        "own" (a table for each layer) or "shared" (one table for all).
      canvas: (height, width) in pixels of which images are the upper rows; None where every image
        is a whole one. So a batch of low pictures may leave rows of padding out, and what is left
        keeps its place on the canvas.
      patch: pixels, the side of a square patch.
      patch_embed: a name in `patch_embeds.PATCH_EMBEDS`.
      shifts: a name in `patches.SHIFTS`, for all patch embeddings but "linear".
      fine_regions: regions of 2 x 2 patches that `patch_embed="progressive"` reads finely.
      mean, std: of the data set's channels, on the scale 0 to 1.
      num_prefixes: P, prefix tokens beside CLS.
      temperature, exclude_self, window: the three independent switches of locality self-attention:
        a learned temperature per head, no attention of a token to itself, and a band of so many
        patches before and after (CLS and prefixes see everything).
      class_bias: what every layer adds to the scores by the types of the two tokens (CLS, each
        prefix, patch): None, "learned" (per head, from zero), or a fixed matrix of
        num_prefixes + 2.
      mask_token: whether patches may be hidden: each then reads as one learned vector.
      patch_bias: whether the projection of patches has a bias; only `patch_embed="linear"` can be
        without.
      embed_norm: whether there is a norm before the first layer.

    Raises:
      BadUsage: sizes that do not fit one another.
    """

    block: BlockConfig
    layers: int
    image_height: int
    image_width: int
    patch: int
    patch_embed: str = "shifted"
    shifts: str = "axis4"
    fine_regions: int = 64
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.25, 0.25, 0.25)
    canvas: tuple[int, int] | None = None
    num_prefixes: int = 22
    temperature: bool = True
    exclude_self: bool = True
    window: int | None = None
    class_bias: str | tuple[tuple[float, ...], ...] | None = None
    mask_token: bool = False
    positions: str = "rows_columns"
    relative_positions: str = "none"
    patch_bias: bool = True
    embed_norm: bool = False
    tables: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.relative_positions not in RELATIVE_POSITIONS:
            raise BadUsage(
                f"vision encoder: relative_positions {self.relative_positions!r} is not known: "
                f"choose one of {', '.join(RELATIVE_POSITIONS)}"
            )
        if not self.patch_bias and self.patch_embed != "linear":
            raise BadUsage(f"vision encoder: patch_embed {self.patch_embed!r} has a bias")
        if self.layers % TAPS:
            raise BadUsage(f"vision encoder: layers ({self.layers}) must be a multiple of {TAPS}")
        if isinstance(self.class_bias, tuple):
            types = self.num_token_types
            if {len(self.class_bias), *map(len, self.class_bias)} != {types}:
                raise BadUsage(f"vision encoder: class_bias must be a {types} x {types} matrix")

    @property
    def num_token_types(self) -> int:
        """CLS, each prefix, and patches."""
        return self.num_prefixes + 2


@dataclasses.dataclass(frozen=True)
class DecoderConfig:
    """The decoder.

    Attributes:
      block: of every layer.
      layers: any number.
      max_length: positions that have an embedding, and that a cache can hold.
      window: earlier positions that a position sees; None: all.
      top_k: beyond the window, so many of the highest scores are seen, too; None: none.
      key_block: keys of `top_k` that are selected together, by their mean; 1: each by its score.
      tree_bias: the scores of two positions are biased by how they are related in the tree that is
        written (tree_places.py).
      exit_at: each layer says how sure it is that what is there suffices (see exits.py), and a step
        leaves the later layers out for rows that are surer than this, in (0, 1]; None: no exits.
    """

    block: BlockConfig
    layers: int
    max_length: int
    window: int | None = None
    top_k: int | None = None
    exit_at: float | None = None
    tree_bias: bool = False
    key_block: int = 1

    @property
    def relations(self) -> int:
        """Kinds of pairs of positions whose scores have a bias."""
        return len(RELATIONS) if self.tree_bias else 0


@dataclasses.dataclass(frozen=True)
class MultiwayConfig:
    """The encoder of words and patches together.

    Attributes:
      block: of every layer; its feed-forward is "multiway".
      layers: in which each modality has a feed-forward of its own.
      joint_layers: above them, in which both have one together, the vision-language expert.
      box_features: frequencies of the Fourier encoding of boxes.
      box_channels: of the bias that attention gets from boxes, per head; 0: no such bias.
    """

    block: BlockConfig
    layers: int
    joint_layers: int = 0
    box_features: int = 64
    box_channels: int = 8


@dataclasses.dataclass(frozen=True)
class TrunkConfig:
    """The parts that every task shares; `multiway` is of documents."""

    vision: VisionConfig
    decoder: DecoderConfig
    multiway: MultiwayConfig | None = None
