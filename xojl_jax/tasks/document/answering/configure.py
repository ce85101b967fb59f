"""From a config to the sizes and parts of the model of answers."""

from typing import Any

from xojl_jax.config_fields import split_names
from xojl_jax.errors import BadUsage
from xojl_jax.nn.low_rank import AdapterConfig
from xojl_jax.nn.text.config import BertConfig
from xojl_jax.pretrained import bert
from xojl_jax.tasks.document.answering.model_config import AnswerConfig
from xojl_jax.tasks.document.answering.vocabulary import AnswerVocabulary
from xojl_jax.tasks.document.configure import page_fields


def answer_config(
    config,
    vocabulary: AnswerVocabulary,
    statistics: dict[str, list[float]],
    published: dict[str, Any] | None,
    published_prompt: dict[str, Any] | None,
) -> AnswerConfig:
    """What the model is built from.

    Args:
      statistics: "mean" and "std" of each color channel, in [0, 1].
      published: what the folder of `config.model.pretrained_vision` tells of its encoder.
      published_prompt: what that of `config.prompt.pretrained` tells.

    Raises:
      BadUsage: for parts that do not go together.
    """
    m, lora = config.model, config.lora
    page = page_fields(
        config,
        vocabulary.pieces.size,
        statistics,
        published,
        layers=m.decoder_layers,
        max_length=config.answer.max_length,
    )
    adapters = None
    if lora.rank:
        adapters = AdapterConfig(lora.rank, lora.alpha, split_names(lora.targets))
    return AnswerConfig(
        **page,
        prompt=_prompt(config, vocabulary.pieces.size, published_prompt),
        box_features=m.box_features,
        tokens=vocabulary.size,
        bins=config.answer.bins,
        max_columns=config.answer.max_columns,
        adapters=adapters,
    )


def _prompt(config, pieces: int, published: dict[str, Any] | None) -> BertConfig | None:
    """The encoder of prompts; None where none are read."""
    c, m = config.prompt, config.model
    common = {
        "dropout": m.dropout,
        "dtype": m.dtype,
        "remat": m.remat,
        "attention_block": m.attention_block,
    }
    if c.encoder == "none":
        return None
    if c.encoder == "pieces":
        sizes = {"width": c.width, "layers": c.layers, "heads": c.heads, "hidden": 4 * c.width}
        return BertConfig(
            vocabulary=pieces, max_length=c.max_tokens, token_types=1, **sizes, **common
        )
    assert published is not None
    found = bert.parse_config(published, "config.prompt.pretrained", **common)
    if c.max_tokens > found.max_length:
        raise BadUsage(
            f"config.prompt.max_tokens is {c.max_tokens}, and the published encoder has "
            f"{found.max_length} positions: choose at most so many"
        )
    return found
