"""The layout model: screenshot and HTML tree in, scores of XOJL tokens out.

`trunk` (vision encoder and decoder) is what other tasks share; the HTML encoder, the fusion, the
heads and the token scores belong to layouts. Initializes only the parameters that its stage uses.

B batch, R decoder rows (2B: the semantic and the detail view of each record, as neighbors), N
patches, M memory tokens, T HTML nodes, L target positions, V vocabulary tokens, D width.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from xojl_jax.nn.chunks import map_positions
from xojl_jax.nn.decoder import Decoder, DecoderCache
from xojl_jax.nn.patches import patch_grid
from xojl_jax.nn.trunk import Trunk
from xojl_jax.nn.vision import VisionOutput, draw_patches
from xojl_jax.tasks.layout.box_alignment import ModalityWeights, box_pairs
from xojl_jax.tasks.layout.decoder_stacks import (
    ViewCaches,
    run_stacks,
    start_caches,
    step_stacks,
)
from xojl_jax.tasks.layout.encoded import Encoded, Features
from xojl_jax.tasks.layout.fusion import FUSIONS
from xojl_jax.tasks.layout.heads import HEADS
from xojl_jax.tasks.layout.html_cursor import HtmlCursor
from xojl_jax.tasks.layout.html_encoder import HtmlEncoder
from xojl_jax.tasks.layout.model_config import ModelConfig
from xojl_jax.tasks.layout.next_token import CHUNK, Projected, expected_node, token_scores
from xojl_jax.tasks.layout.token_scores import TokenScores
from xojl_jax.tasks.layout.tree_prior import tree_prior
from xojl_jax.tasks.layout.views import VIEWS
from xojl_jax.tasks.layout.visual_memory import VisualMemory
from xojl_jax.tasks.layout.written_tree import places_of_targets

Array = jax.Array
Batch = dict[str, Array]


class LayoutModel(nn.Module):
    """See the module's docstring. Its entry points are the methods; it has no `__call__`."""

    config: ModelConfig
    # The views whose rows a record has in the decoder: a key of `VIEWS`.
    mode: str = "dual"

    def setup(self) -> None:
        c = self.config
        self.trunk = Trunk(c.trunk)
        self.semantic_decoder = Decoder(c.trunk.decoder)  # without parameters unless it runs
        self.html_encoder = HtmlEncoder(c.html)
        self.fusion = FUSIONS[c.fusion].module(c)
        self.modality_weights = ModalityWeights(c.block)  # without parameters unless it runs
        self.visual_memory = VisualMemory(c)
        self.heads = {name: HEADS[name].module(c) for name in c.heads}
        self.token_scores = TokenScores(c)
        # Files of their own, but no level of their own in the tree of parameters.
        for module in (self.visual_memory, self.token_scores, *self.heads.values()):
            nn.share_scope(self, module)
        # Made in every stage, unlike all others: checkpoints of 0.1.0 have it in every stage, too.
        ones = nn.with_logical_partitioning(nn.initializers.ones, (None,))
        self.prior_weight: Any = self.param("prior_weight", ones, (3,), jnp.float32)

    # --- the encoders ------------------------------------------------------------------------

    def features(self, batch: Batch) -> Features:
        """What the encoders of this stage compute."""
        stage = self.config.stage
        if stage.fused:
            return self.encode_both(batch)
        return self.encode_image(batch) if stage.vision else self.encode_html(batch)

    def encode_image(self, batch: Batch) -> Features:
        """The screenshot alone."""
        vision, mask = self._vision(batch)
        return Features(
            tokens=vision.tokens,
            tokens_mask=mask,
            patches=vision.tokens,
            patch_mask=mask,
            middle_patches=vision.taps[1],
            prefix=vision.prefix,
        )

    def encode_html(self, batch: Batch) -> Features:
        """The HTML tree alone."""
        html, mask = self.html_encoder(batch), batch["html_mask"]
        return Features(
            tokens=html.nodes,
            tokens_mask=mask,
            html=html.nodes,
            html_mask=mask,
            html_parent=batch["html_parent"],
            html_prefix=html.prefix,
        )

    def encode_both(self, batch: Batch) -> Features:
        """Both encoders, fused, and the decoder's memory."""
        html_mask, weights = batch["html_mask"], None
        if FUSIONS[self.config.fusion].early:
            html, html_prefix = self.html_encoder(batch)
            html = self.fusion(html)
            vision, patch_mask = self._vision(batch, html, html_mask)
            html, patches = vision.others, vision.tokens
        else:
            vision, patch_mask = self._vision(batch)
            html, html_prefix = self.html_encoder(batch)
            tokens = html, vision.tokens, html_mask, patch_mask
            more = self._fusion_inputs(batch, tokens)
            weights = more.get("weights")
            html, patches = self.fusion(*tokens, **more)
        # Of this batch: another resolution than the one trained for has another grid (X025).
        grid = patch_grid(*batch["image"].shape[1:3], self.config.trunk.vision.patch)
        memory = self.visual_memory(html, html_mask, patches, patch_mask, vision.taps, grid)
        return Features(
            tokens=memory.tokens,
            tokens_mask=memory.mask,
            html=html,
            html_mask=html_mask,
            html_parent=batch["html_parent"],
            html_prefix=html_prefix,
            patches=patches,
            patch_mask=patch_mask,
            middle_patches=vision.taps[1],
            prefix=vision.prefix,
            attention=memory.attention,
            weights=weights,
        )

    def _vision(self, batch: Batch, *others: Array) -> tuple[VisionOutput, Array]:
        """The vision encoder, and bool[B, N] which patches show a part of a screenshot.

        Args:
          others: tokens that run through its layers, too, and their mask.
        """
        mask = batch["patch_mask"] & batch["image_mask"][:, None]
        # Both are there only where the config asks for them.
        hints, kept = batch.get("class_hints"), batch.get("kept_patches")
        locality = batch.get("locality")
        vision = self.trunk.vision(batch["image"], mask, hints, kept, *others, locality=locality)
        return vision, mask

    def drop_patches(self, batch: Batch) -> Batch:
        """The batch with some patches left out, where the config says so and this is training: for
        everything that reads the batch, they are padding."""
        share = self.config.patch_drop
        if not (share and self.config.stage.vision and self.has_rng("dropout")):
            return batch
        mask = batch["patch_mask"]
        count = max(1, round(mask.shape[1] * (1 - share)))
        kept = draw_patches(self.make_rng("dropout"), mask, count)
        is_kept = jax.nn.one_hot(kept, mask.shape[1], dtype=bool).any(1)
        return batch | {"patch_mask": mask & is_kept, "kept_patches": kept}

    def _fusion_inputs(self, batch: Batch, tokens: tuple[Array, ...]) -> dict[str, Array]:
        """What the fusion takes beside the tokens, by name; nothing by default."""
        c, more = self.config, {}
        kind = FUSIONS[c.fusion].pairs
        if kind == "always" or (kind == "allowed" and c.fusion_pairs == "boxes"):
            more["pairs"] = box_pairs(batch, c.canvas_grid, strict=kind == "always")
        if c.fusion_weights:
            more["weights"] = self.modality_weights(*tokens)
        return more

    # --- heads, and what the decoder reads ---------------------------------------------------

    def predict_heads(self, features: Features) -> dict[str, Array]:
        """The predictions of this stage's heads by name; their forms are told in heads.py."""
        return {name: self.heads[name](features) for name in self.config.heads}

    def encode(self, batch: Batch) -> tuple[Encoded, dict[str, Array]]:
        """What the decoder reads of a section, and the predictions of the heads."""
        features = self.features(batch)
        predictions = self.predict_heads(features)
        encoded = Encoded(
            memory=features.tokens,
            memory_mask=features.tokens_mask,
            html_mask=features.html_mask,
            weights=features.weights,
            prior=tree_prior(predictions["node"], features.html_mask),
            **self.token_scores.node_features(features.html),
        )
        return encoded, predictions

    # --- the decoder -------------------------------------------------------------------------

    def project_targets(
        self,
        encoded: Encoded,
        tokens: Array,
        cursor: Any,
        depth: Array,
        detail: Array,
        read_cursor: Callable[[Any], HtmlCursor] = lambda cursor: cursor,
    ) -> Projected:
        """What scores of the token after each of `tokens` are made of.

        The G = R / B rows of a record are neighbors.

        Args:
          tokens: int32[R, L], what was written; BOS first.
          cursor: where in the HTML tree each position is: a pytree of arrays [R, L, ...].
          depth: int32[R, L], open nodes.
          detail: bool[R], rows of the detail view; the others are semantic.
          read_cursor: makes an `HtmlCursor` of some positions of `cursor`.
        """
        x = self._decoder_inputs(encoded, tokens, cursor, depth, detail, read_cursor)
        x = run_stacks(self._stacks(), x, encoded, self._places(tokens, depth))
        return self.token_scores.project(x, detail)

    def project_layers(
        self,
        encoded: Encoded,
        tokens: Array,
        cursor: Any,
        depth: Array,
        detail: Array,
        read_cursor: Callable[[Any], HtmlCursor],
    ) -> tuple[tuple[Projected, ...], tuple[Array, ...]]:
        """As `project_targets`, for a decoder with early exits: after every layer, and for each but
        the last how sure it is, logits float32[R, L]."""
        x = self._decoder_inputs(encoded, tokens, cursor, depth, detail, read_cursor)
        memory, places = (encoded.memory, encoded.memory_mask), self._places(tokens, depth)
        hidden, sure = self.trunk.decoder.every_layer(x, *memory, places=places)
        return tuple(self.token_scores.project(h, detail) for h in hidden), sure

    def _decoder_inputs(
        self,
        encoded: Encoded,
        tokens: Array,
        cursor: Any,
        depth: Array,
        detail: Array,
        read_cursor: Callable[[Any], HtmlCursor],
    ) -> Array:
        """What the decoder reads at each position: [R, L, D]."""

        def expected(inputs: tuple[Any, Array]) -> Array:
            cursor, depth = inputs
            return expected_node(encoded, read_cursor(cursor), depth)

        x = self.token_scores.embed(encoded, tokens, cursor.node, depth, detail)
        return x + map_positions(expected, (cursor, depth), CHUNK)

    def _places(self, tokens: Array, depth: Array) -> Array | None:
        """Where positions are in the tree that is written: int32[R, L, 2], where that is read."""
        return places_of_targets(tokens, depth) if self.config.trunk.decoder.tree_bias else None

    def _stacks(self) -> tuple[Decoder, ...]:
        """One decoder for all rows, or one for those of each view."""
        if self.config.decoder == "shared":
            return (self.trunk.decoder,)
        stacks = {"semantic": self.semantic_decoder, "detail": self.trunk.decoder}
        return tuple(stacks[view] for view in VIEWS[self.mode])

    def token_logits(
        self, encoded: Encoded, tokens: Array, cursor: HtmlCursor, depth: Array, detail: Array
    ) -> Array:
        """Scores of the token after each of `tokens`, whole: float32[R, L, V + T].

        The arguments are those of `project_targets`. The losses make them chunk by chunk instead.
        """
        projected = self.project_targets(encoded, tokens, cursor, depth, detail)
        return token_scores(encoded, projected, self.prior_weight, tokens, cursor, depth, detail)

    def start_cache(
        self, encoded: Encoded, rows: int, positions: int | None = None
    ) -> DecoderCache | ViewCaches:
        """What `next_logits` needs at position 0, with room for so many positions (None: all)."""
        return start_caches(self._stacks(), encoded, rows, positions)

    def next_logits(
        self,
        encoded: Encoded,
        cache: DecoderCache | ViewCaches,
        position: Array,
        tokens: Array,
        cursor: HtmlCursor,
        depth: Array,
        detail: Array,
    ) -> tuple[Array, DecoderCache | ViewCaches]:
        """As `token_logits` for the one `position`: tokens and depth int32[R] -> [R, V + T]."""
        tokens, depth = tokens[:, None], depth[:, None]
        x = self.token_scores.embed(encoded, tokens, cursor.node, depth, detail)
        x = x + expected_node(encoded, cursor, depth)
        x, cache = step_stacks(self._stacks(), x[:, 0], cache, position, tokens)
        projected = self.token_scores.project(x[:, None], detail)
        scores = token_scores(encoded, projected, self.prior_weight, tokens, cursor, depth, detail)
        return scores[:, 0], cache
