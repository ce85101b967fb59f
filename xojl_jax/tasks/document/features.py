"""Records of documents to arrays. T tokens, n of them real; N patches."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from xojl_jax.data.images import Fit, frame, shrink
from xojl_jax.documents.record import DocumentRecord
from xojl_jax.documents.word_pieces import PAD, WordPieces
from xojl_jax.tasks.base import Sample
from xojl_jax.tasks.document.masks import all_seen, hide_patches, hide_words
from xojl_jax.tasks.document.sample_spec import FeatureSpec


class Prepared(NamedTuple):
    """The words of a page in pieces: what a data set may keep."""

    tokens: np.ndarray  # int32[n]
    word: np.ndarray  # int32[n], rising
    boxes: np.ndarray  # float32[n, 4] in [0, 1] of the page

    @property
    def nbytes(self) -> int:
        return sum(array.nbytes for array in self)


class Picture(NamedTuple):
    """A page in the model's scale, not padded yet."""

    pixels: np.ndarray  # uint8[<= H, <= W, 3]
    fit: Fit

    @property
    def on_canvas(self) -> np.ndarray:
        """float32[4]: what a box in [0, 1] of the page is multiplied by to be one of the canvas."""
        content, target = np.array(self.fit.content), np.array(self.fit.target)
        return np.tile((content / target)[::-1], 2).astype(np.float32)


class Hiding(NamedTuple):
    """How much training hides: `config.mask` has these fields."""

    words: float
    span: float
    patches: float


class Featurizer:
    """Builds samples of one spec. Safe to share by threads."""

    def __init__(self, spec: FeatureSpec, pieces: WordPieces, hiding: Hiding):
        self.spec, self.pieces, self.hiding = spec, pieces, hiding

    def prepare(self, record: DocumentRecord) -> Prepared:
        """All words of a page, in pieces."""
        return self.prepare_words(record.words, record.boxes)

    def prepare_words(self, words: Sequence[str], boxes: np.ndarray) -> Prepared:
        """The same of words and their boxes, float[n, 4] in [0, 1] of the page."""
        spelled = [self.pieces.encode(word) for word in words]
        lengths = [len(ids) for ids in spelled]
        return Prepared(
            tokens=np.fromiter((i for ids in spelled for i in ids), np.int32),
            word=np.repeat(np.arange(len(spelled), dtype=np.int32), lengths),
            boxes=np.repeat(boxes, lengths, axis=0).reshape(-1, 4).astype(np.float32),
        )

    def shrink(self, image: np.ndarray) -> Picture:
        """uint8[h, w, 3] -> its picture."""
        return Picture(*shrink(image, (self.spec.image_height, self.spec.image_width)))

    def finish(
        self, prepared: Prepared, picture: Picture, rng: np.random.Generator, index: int = 0
    ) -> Sample:
        """The sample, with what is hidden drawn from `rng`."""
        sample = self.page(prepared, picture, index)
        return sample | self.hide(sample, rng)

    def page(self, prepared: Prepared, picture: Picture, index: int = 0) -> Sample:
        """The arrays of a page, nothing hidden. One with more tokens than the spec gives its first
        ones."""
        length = self.spec.max_tokens
        count = min(len(prepared.tokens), length)

        def padded(array: np.ndarray, fill: int = 0) -> np.ndarray:
            whole = np.full((length, *array.shape[1:]), fill, array.dtype)
            whole[:count] = array[:count]
            return whole

        return {
            "image": frame(picture.pixels, picture.fit),
            "patch_mask": picture.fit.patch_mask(self.spec.patch),
            "tokens": padded(prepared.tokens, PAD),
            "tokens_mask": np.arange(length) < count,
            "word": padded(prepared.word, -1),
            "boxes": padded(prepared.boxes) * picture.on_canvas,
            "index": np.array(index, np.int32),
        }

    def hide(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """The arrays of what is hidden of a sample, drawn anew."""
        mask, share = sample["tokens_mask"], self.hiding
        hidden_tokens = np.zeros_like(mask)
        if mask.any():
            hidden_tokens[mask] = hide_words(sample["word"][mask], rng, share.words, share.span)
        real = sample["patch_mask"].reshape(self.spec.grid)
        hidden_patches = hide_patches(real, rng, share.patches)
        return {
            "hidden_tokens": hidden_tokens,
            "hidden_patches": hidden_patches.reshape(-1),
            "aligned": all_seen(sample["boxes"], hidden_patches) & mask,
            "aligned_mask": mask & ~hidden_tokens,
        }
