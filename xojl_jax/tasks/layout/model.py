"""The layout model: screenshot and HTML tree in, scores of XOJL tokens out.

`trunk` (vision encoder and decoder) is what other tasks share; the HTML encoder, the fusion and the
heads belong to layouts. A stage runs the methods it needs, and only their parameters come to be.

B batch, R decoder rows (2B: the semantic and the detail view of each record, side by side), N
patches, M memory tokens, T HTML nodes, L target positions, V vocabulary tokens, D width, E element
ids.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from xojl_jax.nn.config import BlockConfig, DecoderConfig, TrunkConfig, VisionConfig
from xojl_jax.nn.decoder import DecoderCache
from xojl_jax.nn.heads import PooledClassifier, Pyramid, SpatialAttention, TokenClassifier
from xojl_jax.nn.layers import EinsumDense, LayerNorm
from xojl_jax.nn.patches import patch_grid
from xojl_jax.nn.trunk import Trunk
from xojl_jax.nn.vision import VisionOutput
from xojl_jax.tasks.layout.alignment import Alignment, is_element
from xojl_jax.tasks.layout.fusion import Fusion
from xojl_jax.tasks.layout.html_encoder import IDENTITY_STD, HtmlEncoder, table
from xojl_jax.tasks.layout.tree_features import IdRanges
from xojl_jax.tasks.layout.tree_prior import (
    FLOOR,
    NUM_ELEMENTS,
    StepPrior,
    TreePrior,
    step_prior,
    tree_prior,
)
from xojl_jax.xojl.vocabulary import ELEMENT_BASE, ELEMENT_WIDTH, END, EOS

Array = jax.Array

# The deepest level of nesting that the decoder tells apart.
MAX_OPEN = 65
# The token scores that the semantic view can use: the special tokens, then the elements.
SEMANTIC_TOKENS = ELEMENT_BASE + ELEMENT_WIDTH
# What the visual memory's grid may be coarser by than the patches' grid.
STRIDES = (1, 2, 4)
PYRAMID_WIDTH = 256  # X065


class ModelConfig(NamedTuple):
    """The sizes that the model is built from; hashable, so that it can be a module's attribute."""

    image_height: int
    image_width: int
    patch: int
    width: int
    heads: int
    vision_layers: int
    html_layers: int
    fusion_layers: int
    decoder_layers: int
    mlp_ratio: int
    max_nodes: int
    max_target: int
    memory_stride: int
    dropout: float
    dtype: str
    remat: str
    shifts: str
    attention_block: int
    vocabulary_size: int
    num_categories: int
    ids: IdRanges
    image_mean: tuple[float, float, float]
    image_std: tuple[float, float, float]

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        return patch_grid(self.image_height, self.image_width, self.patch)


class Encoded(NamedTuple):
    """What the decoder reads of a section.

    Attributes:
      memory: [B, M, D], HTML tokens, then one level of the visual pyramid.
      memory_valid: bool[B, M].
      html_mask: bool[B, T].
      prior: the node head's answer.
      here, ahead, keys: [B, T, D], each node as the one opened last, as the one to open next, and
        as what a pointer is compared with. Made once, since a decode asks for them at every step.
    """

    memory: Array
    memory_valid: Array
    html_mask: Array
    prior: TreePrior
    here: Array
    ahead: Array
    keys: Array


class Heads(NamedTuple):
    """The dense predictions beside the sequence. float32.

    Attributes:
      node: [B, T, 23], each HTML node's element, or "merged into its parent".
      elements: [B, E], which elements occur.
      category: [B, number of categories].
      patch: [B, N, E], which elements cover a patch (auxiliary, from the middle of the encoder).
      attention: [B, N], logits of the spatial attention map (X069).
      html, patches: [B, T, D] and [B, N, D], projected to be compared with one another (X068).
    """

    node: Array
    elements: Array
    category: Array
    patch: Array
    attention: Array
    html: Array
    patches: Array


def block_config(c: ModelConfig) -> BlockConfig:
    """Every tower has the same width, heads and options."""
    return BlockConfig(
        width=c.width,
        heads=c.heads,
        mlp_ratio=c.mlp_ratio,
        dropout=c.dropout,
        dtype=c.dtype,
        remat=c.remat,
        attention_block=c.attention_block,
    )


def trunk_config(c: ModelConfig) -> TrunkConfig:
    block = block_config(c)
    vision = VisionConfig(
        block=block,
        layers=c.vision_layers,
        image_height=c.image_height,
        image_width=c.image_width,
        patch=c.patch,
        shifts=c.shifts,
        mean=c.image_mean,
        std=c.image_std,
    )
    return TrunkConfig(vision, DecoderConfig(block, c.decoder_layers, c.max_target))


class LayoutModel(nn.Module):
    """See the module's docstring. Its entry points are the methods; it has no `__call__`."""

    config: ModelConfig

    def setup(self) -> None:
        c = self.config
        self.dtype = dtype = jnp.dtype(c.dtype)
        dense = functools.partial(EinsumDense, dtype=dtype)
        block = block_config(c)
        self.trunk = Trunk(trunk_config(c))
        self.html_encoder = HtmlEncoder(block, c.html_layers, c.max_nodes, c.ids)
        self.fusion = Fusion(block, c.fusion_layers)
        # Only the level that the decoder reads: level 1 has the stride of the patches themselves.
        level = 1 + STRIDES.index(c.memory_stride)
        self.pyramid = Pyramid(min(PYRAMID_WIDTH, c.width), (level,), dtype)
        self.memory_in = dense((c.width,), (None, "embed"))
        self.memory_norm = LayerNorm(dtype)

        # Dense predictions.
        self.node_head = TokenClassifier(NUM_ELEMENTS + 1, dtype)
        self.patch_head = TokenClassifier(ELEMENT_WIDTH, dtype)
        self.element_head = PooledClassifier(ELEMENT_WIDTH, dtype=dtype)
        self.category_head = dense((c.num_categories,), ("embed", "classes"))
        self.spatial_attention = SpatialAttention(dtype=dtype)
        self.node_region = dense((c.width,), ("embed", "mlp"))
        self.patch_region = dense((c.width,), ("embed", "mlp"))

        # Tokens in and out.
        init = nn.initializers.normal(IDENTITY_STD)
        embed = nn.with_logical_partitioning(init, ("vocab", "table_embed"))
        self.token_embed = nn.Embed(
            c.vocabulary_size + 1, c.width, dtype=dtype, embedding_init=embed
        )
        self.depth_embed = table(MAX_OPEN, c.width, dtype, None)
        self.view_embed = table(2, c.width, dtype, None)
        self.here_in = dense((c.width,), ("embed", "mlp"))
        self.ahead_in = dense((c.width,), ("embed", "mlp"))
        # The scores start near zero, so that an untrained decoder says what the prior says.
        quiet = functools.partial(dense, kernel_init=nn.initializers.normal(0.002))
        self.detail_head = quiet((c.vocabulary_size,), ("embed", "vocab"))
        self.semantic_head = quiet((SEMANTIC_TOKENS,), ("embed", "classes"))
        self.pointer_query = quiet((c.width,), ("embed", "mlp"))
        self.pointer_key = dense((c.width,), ("embed", "mlp"))
        ones = nn.with_logical_partitioning(nn.initializers.ones, (None,))
        self.prior_weight = self.param("prior_weight", ones, (3,), jnp.float32)

    # --- the encoders ------------------------------------------------------------------------

    def see(self, batch: dict[str, Array]) -> tuple[VisionOutput, Array, Array]:
        """The vision encoder, bool[B, N] which patches show something, and the patch logits."""
        valid = batch["patch_valid"] & batch["image_valid"][:, None]
        vision = self.trunk.vision(batch["image"], valid)
        # From the middle of the encoder: after layer 6 of 12 (X048).
        return vision, valid, self.patch_head(vision.taps[1])

    def read(self, batch: dict[str, Array]) -> tuple[Array, Array]:
        """The HTML encoder [B, T, D], and the node logits before any fusion."""
        html = self.html_encoder(batch)
        return html, self.node_head(html)

    def classify(self, tokens: Array, valid: Array, nodes: int = 0) -> tuple[Array, Array]:
        """Which elements occur, and the category, from any set of tokens [B, M, D]. float32.

        The first `nodes` tokens are HTML nodes. They weigh as much as all others together: a
        picture has ten times as many patches as the page has nodes.
        """
        is_node = jnp.arange(tokens.shape[1]) < nodes
        means = 0.0
        for part in (valid & is_node, valid & ~is_node):
            weight = part[..., None].astype(tokens.dtype)
            means = means + (tokens * weight).sum(1) / jnp.maximum(weight.sum(1), 1)
        return self.element_head(tokens, valid), self.category_head(means).astype(jnp.float32)

    def encode(self, batch: dict[str, Array]) -> tuple[Encoded, Heads]:
        """Both encoders, their fusion, and every dense prediction."""
        vision, patch_valid, patch_logits = self.see(batch)
        mask = batch["html_mask"]
        html = self.html_encoder(batch)
        html, patches = self.fusion(html, vision.tokens, mask, patch_valid)

        # Of this batch: another resolution than the one trained for has another grid (X025).
        shape = patch_grid(*batch["image"].shape[1:3], self.config.patch)
        grid = patches.reshape(patches.shape[0], *shape, -1)
        grid, attention = self.spatial_attention(grid)
        # The pyramid reads the encoder's taps, the last of them as fusion and attention left it.
        taps = vision.taps.at[-1].add(grid.reshape(patches.shape))
        (level,) = self.pyramid(taps, shape, patch_valid)
        cells = level.features.reshape(patches.shape[0], -1, level.features.shape[-1])
        cells_valid = level.mask.reshape(patches.shape[0], -1)
        memory = jnp.concatenate([html, self.memory_in(cells)], axis=1)
        memory_valid = jnp.concatenate([mask, cells_valid], axis=1)
        memory = self.memory_norm(memory)

        node = self.node_head(html)
        elements, category = self.classify(memory, memory_valid, mask.shape[1])
        heads = Heads(
            node=node,
            elements=elements,
            category=category,
            patch=patch_logits,
            attention=attention.reshape(patch_valid.shape),
            html=self.node_region(html),
            patches=self.patch_region(patches),
        )
        encoded = Encoded(
            memory=memory,
            memory_valid=memory_valid,
            html_mask=mask,
            prior=tree_prior(node, mask),
            here=self.here_in(html),
            ahead=self.ahead_in(html),
            keys=self.pointer_key(html),
        )
        return encoded, heads

    # --- the decoder -------------------------------------------------------------------------

    def token_logits(
        self, encoded: Encoded, tokens: Array, place: Alignment, depth: Array, detail: Array
    ) -> Array:
        """Scores of the token after each of `tokens`: float32[R, L, V + T].

        The G = R / B rows of a record stand side by side.

        Args:
          tokens: int32[R, L], what was written; BOS first.
          place: where in the HTML tree each position stands.
          depth: int32[R, L], open nodes.
          detail: bool[R], rows of the detail view; the others are semantic.
        """
        step = self._prior(encoded, place, depth)
        x = self._embed(encoded, tokens, place.cursor, step, depth, detail)
        x = self.trunk.decoder(x, encoded.memory, encoded.memory_valid)
        return self._scores(encoded, x, tokens, step, detail)

    def start_cache(self, encoded: Encoded, rows: int) -> DecoderCache:
        """What `next_logits` needs at position 0."""
        return self.trunk.decoder.start_cache(encoded.memory, encoded.memory_valid, rows)

    def next_logits(
        self,
        encoded: Encoded,
        cache: DecoderCache,
        position: Array,
        tokens: Array,
        place: Alignment,
        depth: Array,
        detail: Array,
    ) -> tuple[Array, DecoderCache]:
        """As `token_logits` for the one `position`: tokens and depth int32[R] -> [R, V + T]."""
        tokens, depth = tokens[:, None], depth[:, None]
        step = self._prior(encoded, place, depth)
        x = self._embed(encoded, tokens, place.cursor, step, depth, detail)
        x, cache = self.trunk.decoder.step(x[:, 0], cache, position)
        return self._scores(encoded, x[:, None], tokens, step, detail)[:, 0], cache

    def _prior(self, encoded: Encoded, place: Alignment, depth: Array) -> StepPrior:
        prior = jax.tree.map(functools.partial(per_row, rows=depth.shape[0]), encoded.prior)
        return step_prior(
            prior,
            cursor=place.cursor,
            depth=depth,
            node_depth=place.node_depth,
            element=place.element,
        )

    def _embed(
        self,
        encoded: Encoded,
        tokens: Array,
        cursor: Array,
        step: StepPrior,
        depth: Array,
        detail: Array,
    ) -> Array:
        """What the decoder is told at each position: [R, L, D]."""
        here = per_row(encoded.here, tokens.shape[0])
        here = jnp.take_along_axis(here, cursor[..., None].clip(0), axis=1)
        here = jnp.where(cursor[..., None] >= 0, here, jnp.zeros((), here.dtype))
        ahead = per_row(encoded.ahead, tokens.shape[0])
        ahead = jnp.einsum("rlt,rtd->rld", step.expected.astype(ahead.dtype), ahead)
        # The last row of the table is COPY: which node it is, `here` tells.
        words = self.token_embed(tokens.clip(max=self.config.vocabulary_size))
        depths = self.depth_embed(depth.clip(0, MAX_OPEN - 1))
        return words + here + ahead + depths + self.view_embed(detail.astype(jnp.int32))[:, None]

    def _scores(
        self, encoded: Encoded, x: Array, tokens: Array, step: StepPrior, detail: Array
    ) -> Array:
        """Hidden states [R, L, D] -> float32[R, L, V + T]."""
        semantic = self.semantic_head(x).astype(jnp.float32)
        unused = self.config.vocabulary_size - SEMANTIC_TOKENS
        semantic = jnp.pad(semantic, ((0, 0), (0, 0), (0, unused)))
        words = self.detail_head(x).astype(jnp.float32)
        words = jnp.where(detail[:, None, None], words, semantic)
        keys = per_row(encoded.keys, x.shape[0])
        dot = functools.partial(jnp.einsum, preferred_element_type=jnp.float32)
        pointers = dot("rld,rtd->rlt", self.pointer_query(x), keys) / self.config.width**0.5
        scores = jnp.concatenate([words, pointers], axis=-1)
        naming = detail[:, None] & is_element(tokens)
        return scores + self._prior_scores(encoded, step, naming)

    def _prior_scores(self, encoded: Encoded, step: StepPrior, naming: Array) -> Array:
        """The tree prior, laid out as scores: float32[R, L, V + T]; zero for rows without HTML.

        Args:
          naming: bool[R, L], where a detail row has announced an element whose node comes next. No
            node is opened or closed there, it is only pointed at.
        """
        close_weight, element_weight, copy_weight = self.prior_weight
        close = jnp.where(naming, FLOOR, close_weight * step.close)
        elements = jnp.where(naming[..., None], FLOOR, element_weight * step.elements)
        words = jnp.full((*naming.shape, self.config.vocabulary_size), FLOOR, jnp.float32)
        words = words.at[..., END].set(close).at[..., EOS].set(close)
        words = words.at[..., ELEMENT_BASE : ELEMENT_BASE + NUM_ELEMENTS].set(elements)
        scores = jnp.concatenate([words, copy_weight * step.copy], axis=-1)
        has_html = per_row(encoded.html_mask.any(-1), naming.shape[0])
        return jnp.where(has_html[:, None, None], scores, 0.0)


def per_row(x: Array, rows: int) -> Array:
    """Repeats each record's entry for its rows of the decoder: [B, …] -> [R, …]."""
    return x if x.shape[0] == rows else jnp.repeat(x, rows // x.shape[0], axis=0)
