"""The sizes and parts that the document model is built from. Frozen, hence hashable."""

import dataclasses

from xojl_jax.nn.config import BlockConfig, TrunkConfig, VisionConfig
from xojl_jax.nn.patches import patch_grid
from xojl_jax.nn.text.config import LanguageConfig


@dataclasses.dataclass(frozen=True)
class ImageTokenizerConfig:
    """The image tokenizer, which makes a number of every patch.

    Attributes:
      layers, decoder_layers: before and behind the codes.
      codes: entries of the codebook.
      code_width: of each.
      target: what it tells through the codes, a name in `image_tokenizer.TARGETS`.
      features: numbers of a patch that the teacher gives, where `target` is "features".
    """

    block: BlockConfig
    layers: int
    decoder_layers: int
    codes: int
    code_width: int
    target: str = "pixels"
    features: int = 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class PageConfig:
    """What reads a page: every model of documents has it.

    Attributes:
      trunk: vision encoder and multiway encoder, which other tasks share.
      text: a name in `TEXT_ENCODERS`.
      language: the model that `text` "language" reads words with.
      max_tokens: T of a batch.
      vocabulary_size: pieces of words.
    """

    trunk: TrunkConfig
    text: str
    language: LanguageConfig
    max_tokens: int
    vocabulary_size: int

    @property
    def block(self) -> BlockConfig:
        """Of everything but the vision encoder, whose block has options of its own."""
        return self.trunk.decoder.block

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        vision = self.trunk.vision
        return patch_grid(vision.image_height, vision.image_width, vision.patch)

    @property
    def num_patches(self) -> int:
        return self.grid[0] * self.grid[1]


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelConfig(PageConfig):
    """The whole model of pre-training, as a run has it.

    Attributes:
      tokenizer: of patches.
      objectives: names in `OBJECTIVES`, those that are trained.
      target: what is told of hidden patches, a name in `objectives.TARGETS`.
      cls_layers: of the head of the objective "mim_cls".
      teacher: whose features of patches are targets; None where they are not.
    """

    tokenizer: ImageTokenizerConfig
    objectives: tuple[str, ...]
    target: str = "codes"
    cls_layers: int = 2
    teacher: VisionConfig | None = None
