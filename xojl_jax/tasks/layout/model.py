"""The layout model: screenshot and HTML tree in, scores of XOJL tokens out.

`trunk` (vision encoder and decoder) is what other tasks share; the HTML encoder, the fusion, the
heads and the token scores belong to layouts. Initializes only the parameters that its stage uses.

B batch, R decoder rows (2B: the semantic and the detail view of each record, as neighbors), N
patches, M memory tokens, T HTML nodes, L target positions, V vocabulary tokens, D width.
"""

import functools

import jax
import jax.numpy as jnp
from flax import linen as nn

from xojl_jax.nn.decoder import DecoderCache
from xojl_jax.nn.patches import patch_grid
from xojl_jax.nn.trunk import Trunk
from xojl_jax.nn.vision import VisionOutput
from xojl_jax.tasks.layout.encoded import Encoded, Features, per_row
from xojl_jax.tasks.layout.fusion import FUSIONS
from xojl_jax.tasks.layout.heads import HEADS
from xojl_jax.tasks.layout.html_cursor import HtmlCursor, is_element
from xojl_jax.tasks.layout.html_encoder import HtmlEncoder
from xojl_jax.tasks.layout.model_config import ModelConfig
from xojl_jax.tasks.layout.prior_scores import prior_scores
from xojl_jax.tasks.layout.token_scores import TokenScores
from xojl_jax.tasks.layout.tree_prior import StepPrior, step_prior, tree_prior
from xojl_jax.tasks.layout.visual_memory import VisualMemory

Array = jax.Array
Batch = dict[str, Array]


class LayoutModel(nn.Module):
    """See the module's docstring. Its entry points are the methods; it has no `__call__`."""

    config: ModelConfig

    def setup(self) -> None:
        c = self.config
        self.trunk = Trunk(c.trunk)
        self.html_encoder = HtmlEncoder(c.html)
        self.fusion = FUSIONS[c.fusion].module(c)
        self.visual_memory = VisualMemory(c)
        self.heads = {name: HEADS[name].module(c) for name in c.heads}
        self.token_scores = TokenScores(c)
        # Files of their own, but no level of their own in the tree of parameters.
        for module in (self.visual_memory, self.token_scores, *self.heads.values()):
            nn.share_scope(self, module)
        # Made in every stage, unlike all others: checkpoints of 0.1.0 have it in every stage, too.
        ones = nn.with_logical_partitioning(nn.initializers.ones, (None,))
        self.prior_weight = self.param("prior_weight", ones, (3,), jnp.float32)

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
        )

    def encode_html(self, batch: Batch) -> Features:
        """The HTML tree alone."""
        html, mask = self.html_encoder(batch), batch["html_mask"]
        return Features(tokens=html, tokens_mask=mask, html=html, html_mask=mask)

    def encode_both(self, batch: Batch) -> Features:
        """Both encoders, fused, and the decoder's memory."""
        vision, patch_mask = self._vision(batch)
        html_mask = batch["html_mask"]
        html = self.html_encoder(batch)
        html, patches = self.fusion(html, vision.tokens, html_mask, patch_mask)
        # Of this batch: another resolution than the one trained for has another grid (X025).
        grid = patch_grid(*batch["image"].shape[1:3], self.config.trunk.vision.patch)
        memory = self.visual_memory(html, html_mask, patches, patch_mask, vision.taps, grid)
        return Features(
            tokens=memory.tokens,
            tokens_mask=memory.mask,
            html=html,
            html_mask=html_mask,
            patches=patches,
            patch_mask=patch_mask,
            middle_patches=vision.taps[1],
            attention=memory.attention,
        )

    def _vision(self, batch: Batch) -> tuple[VisionOutput, Array]:
        """The vision encoder, and bool[B, N] which patches show a part of a screenshot."""
        mask = batch["patch_mask"] & batch["image_mask"][:, None]
        return self.trunk.vision(batch["image"], mask), mask

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
            prior=tree_prior(predictions["node"], features.html_mask),
            **self.token_scores.node_features(features.html),
        )
        return encoded, predictions

    # --- the decoder -------------------------------------------------------------------------

    def token_logits(
        self, encoded: Encoded, tokens: Array, cursor: HtmlCursor, depth: Array, detail: Array
    ) -> Array:
        """Scores of the token after each of `tokens`: float32[R, L, V + T].

        The G = R / B rows of a record are neighbors.

        Args:
          tokens: int32[R, L], what was written; BOS first.
          cursor: where in the HTML tree each position is.
          depth: int32[R, L], open nodes.
          detail: bool[R], rows of the detail view; the others are semantic.
        """
        step = self._prior(encoded, cursor, depth)
        x = self.token_scores.embed(encoded, tokens, cursor.node, step.expected, depth, detail)
        x = self.trunk.decoder(x, encoded.memory, encoded.memory_mask)
        return self._scores(encoded, x, tokens, step, detail)

    def start_cache(
        self, encoded: Encoded, rows: int, positions: int | None = None
    ) -> DecoderCache:
        """What `next_logits` needs at position 0, with room for so many positions (None: all)."""
        decoder = self.trunk.decoder
        return decoder.start_cache(encoded.memory, encoded.memory_mask, rows, positions)

    def next_logits(
        self,
        encoded: Encoded,
        cache: DecoderCache,
        position: Array,
        tokens: Array,
        cursor: HtmlCursor,
        depth: Array,
        detail: Array,
    ) -> tuple[Array, DecoderCache]:
        """As `token_logits` for the one `position`: tokens and depth int32[R] -> [R, V + T]."""
        tokens, depth = tokens[:, None], depth[:, None]
        step = self._prior(encoded, cursor, depth)
        x = self.token_scores.embed(encoded, tokens, cursor.node, step.expected, depth, detail)
        x, cache = self.trunk.decoder.step(x[:, 0], cache, position)
        return self._scores(encoded, x[:, None], tokens, step, detail)[:, 0], cache

    def _prior(self, encoded: Encoded, cursor: HtmlCursor, depth: Array) -> StepPrior:
        prior = jax.tree.map(functools.partial(per_row, rows=depth.shape[0]), encoded.prior)
        return step_prior(
            prior,
            cursor=cursor.node,
            depth=depth,
            node_depth=cursor.node_depth,
            element=cursor.element,
        )

    def _scores(
        self, encoded: Encoded, x: Array, tokens: Array, step: StepPrior, detail: Array
    ) -> Array:
        """Hidden states [R, L, D] -> float32[R, L, V + T]: the decoder's scores and the prior's."""
        prior = prior_scores(
            step,
            self.prior_weight,
            naming=detail[:, None] & is_element(tokens),
            has_html=per_row(encoded.html_mask.any(-1), x.shape[0]),
            vocabulary_size=self.config.vocabulary_size,
        )
        return self.token_scores.scores(encoded, x, detail) + prior
