"""The document model: a page, its words and where they are, in; what was hidden of them, out.

`trunk` (vision encoder, multiway encoder) is what other tasks share; the text encoder, the image
tokenizer and the heads belong to documents. B batch, T tokens, N patches, D width.
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from xojl_jax.documents.word_pieces import MASK
from xojl_jax.nn.cls_aggregation import ClsAggregation
from xojl_jax.nn.masked import mean_token
from xojl_jax.nn.trunk import Trunk
from xojl_jax.tasks.document.image_tokenizer import CodeStatistics, ImageTokenizer
from xojl_jax.tasks.document.model_config import ModelConfig
from xojl_jax.tasks.document.objectives import (
    TOKENIZER,
    Batch,
    Features,
    inputs_of,
    objectives_of,
)
from xojl_jax.tasks.document.page_encoder import read_together
from xojl_jax.tasks.document.text import TEXT_ENCODERS

Array = jax.Array
Found = dict[str, Array]

COMMITMENT = 0.25  # weight of how far patches are from their codes, as in VQ-VAE


class DocumentModel(nn.Module):
    """See the module's docstring. Initializes only the parameters that its objectives use."""

    config: ModelConfig

    def setup(self) -> None:
        c = self.config
        self.trunk = Trunk(c.trunk)
        self.text = TEXT_ENCODERS[c.text].module(c)
        self.image_tokenizer = ImageTokenizer(c.tokenizer, c.trunk.vision)
        self.entries = objectives_of(c)
        self.heads = {n: entry.module(c) for n, entry in self.entries.items() if not entry.shares}
        self.cls_aggregation = ClsAggregation(c.trunk.vision.block, c.cls_layers)

    @property
    def needed(self) -> frozenset[str]:
        """What the objectives read."""
        return inputs_of(self.config)

    def features(self, batch: Batch) -> Features:
        """What the encoders give of a page with something hidden."""
        vision = self.trunk.vision(
            batch["image"], batch["patch_mask"], hidden=batch["hidden_patches"]
        )
        codes = self.image_tokenizer.codes(batch["image"]) if "codes" in self.needed else None
        aggregated = None
        if "aggregated" in self.needed:
            # Patches behind three quarters of the layers: of 12 the 9th, as in BEiT v2.
            last, earlier = vision.cls_taps[-1], vision.taps[-2]
            aggregated = self.cls_aggregation(last, earlier, batch["patch_mask"])
        if not {"words", "text"} & self.needed:
            return Features(vision.tokens, vision.cls, codes=codes, aggregated=aggregated)
        tokens = jnp.where(batch["hidden_tokens"], MASK, batch["tokens"])
        words, patches = self._together(tokens, batch, vision.tokens)
        text = self._text_alone(batch) if "text" in self.needed else None
        return Features(patches, vision.cls, words, text, codes, aggregated)

    def _together(self, tokens: Array, batch: Batch, patches: Array) -> tuple[Array, Array]:
        """[B, T, D] and [B, N, D], words and patches after the multiway encoder."""
        return read_together(self.trunk, self.text, tokens, patches, batch, self.config.grid)

    def _text_alone(self, batch: Batch) -> Array:
        """[B, D]: the words without the picture, by the experts of language."""
        mask = batch["tokens_mask"]
        embedded = self.text(batch["tokens"], mask)
        rows, width = mask.shape[0], embedded.shape[-1]
        words, _ = self.trunk.multiway(
            embedded,
            jnp.zeros((rows, 0, width), embedded.dtype),
            mask,
            jnp.zeros((rows, 0), bool),
            batch["boxes"],
            jnp.zeros((0, 4)),
        )
        return mean_token(words, mask)

    def vectors(self, batch: Batch) -> Found:
        """Vectors of whole pages, nothing hidden, float32[B, …]: "picture", of the vision encoder,
        and "page", of words and patches together, where words are read."""
        nothing = jnp.zeros_like(batch["hidden_patches"])
        seen = self.trunk.vision(batch["image"], batch["patch_mask"], hidden=nothing).tokens
        found = {"picture": mean_token(seen, batch["patch_mask"])}
        if {"words", "text"} & self.needed:
            both = self._together(batch["tokens"], batch, seen)
            masks = batch["tokens_mask"], batch["patch_mask"]
            found["page"] = jnp.concatenate(list(map(mean_token, both, masks)), axis=-1)
        return found

    def predict(self, batch: Batch) -> tuple[dict[str, Any], Features | None]:
        """The prediction of every objective with a head, by name."""
        if not self.heads:
            return {}, None
        features = self.features(batch)
        told = {
            name: entry.call(self.heads[entry.shares or name], features, batch)
            for name, entry in self.entries.items()
        }
        return told, features

    def losses(self, batch: Batch, rng: Array | None) -> tuple[Found, Found, CodeStatistics | None]:
        """The loss of every objective by its name, metrics, and what the codes shall learn.

        batch: with "teacher", float32[B, N, features] of the patches, where the objectives read it.
        rng: draws for the codes; None outside of training.
        """
        parts, metrics, statistics = {}, {}, None
        told, features = self.predict(batch)
        if features is not None and features.codes is not None:
            batch = {**batch, "codes": features.codes}
        for name, prediction in told.items():
            parts[name], found = self.entries[name].loss(prediction, batch)
            metrics |= found
        if TOKENIZER in self.config.objectives:
            error, apart, statistics = self.image_tokenizer.learn(
                batch["image"], batch["patch_mask"], rng, batch.get("teacher")
            )
            parts[TOKENIZER] = error + COMMITMENT * apart
            metrics |= {f"error/{self.config.tokenizer.target}": error, "error/codes": apart}
            if statistics is not None:
                metrics["codes_used"] = (statistics.counts > 0).mean()
        return parts, metrics, statistics
