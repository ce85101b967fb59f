"""The sizes and parts that the model of answers is built from. Frozen, hence hashable."""

import dataclasses

from xojl_jax.nn.low_rank import AdapterConfig
from xojl_jax.nn.text.config import BertConfig
from xojl_jax.tasks.document.model_config import PageConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class AnswerConfig(PageConfig):
    """The whole model, as a run has it; `trunk.decoder` writes the answers.

    Attributes:
      prompt: what reads prompts; None where they are not read.
      box_features: frequencies of the Fourier encoding of a prompt's box.
      tokens: V, of the vocabulary of answers.
      bins: that a coordinate is rounded to.
      max_columns: of a table.
      adapters: what is trained of the encoders in their place; None: all of them.
    """

    prompt: BertConfig | None
    box_features: int
    tokens: int
    bins: int
    max_columns: int
    adapters: AdapterConfig | None = None

    @property
    def max_length(self) -> int:
        """L, tokens of an answer, EOS included."""
        return self.trunk.decoder.max_length

    def cut(self, tokens: int, answer: int) -> "AnswerConfig":
        """The same for samples of a bucket, for counting FLOPs."""
        decoder = dataclasses.replace(self.trunk.decoder, max_length=answer)
        trunk = dataclasses.replace(self.trunk, decoder=decoder)
        return dataclasses.replace(self, max_tokens=tokens, trunk=trunk)
