"""BERT-like encoders as published: config.json, and the names of the tensors."""

from collections.abc import Mapping
from typing import Any

from xojl_jax.errors import BadInput
from xojl_jax.nn.text.config import BertConfig
from xojl_jax.pretrained.names import Row, Table

_LAYER, _OURS = "encoder.layer.{layer}.", "blocks/layers/"


def _linear(ours: str, published: str, inputs: int = 1) -> tuple[Row, Row]:
    return (
        Row(f"{_OURS}{ours}/kernel", f"{_LAYER}{published}.weight", inputs),
        Row(f"{_OURS}{ours}/bias", f"{_LAYER}{published}.bias"),
    )


def _norm(ours: str, published: str) -> tuple[Row, Row]:
    return Row(f"{ours}/scale", f"{published}.weight"), Row(f"{ours}/bias", f"{published}.bias")


TABLE = Table(
    rows=(
        Row("embed/embedding", "embeddings.word_embeddings.weight"),
        Row("positions/embedding", "embeddings.position_embeddings.weight"),
        Row("token_types/embedding", "embeddings.token_type_embeddings.weight"),
        *_norm("embed_norm", "embeddings.LayerNorm"),
        *_linear("attention/query", "attention.self.query"),
        *_linear("attention/key", "attention.self.key"),
        *_linear("attention/value", "attention.self.value"),
        *_linear("attention/out", "attention.output.dense", inputs=2),
        *_norm(f"{_OURS}attention_norm", f"{_LAYER}attention.output.LayerNorm"),
        *_linear("up", "intermediate.dense"),
        *_linear("down", "output.dense"),
        *_norm(f"{_OURS}feed_forward_norm", f"{_LAYER}output.LayerNorm"),
    ),
    prefixes=("bert.", ""),
    # Numbers of positions, and heads on top of the encoder.
    ignored=(r"embeddings\.position_ids$", r"^(bert\.)?pooler\.", r"^cls\."),
)


def parse_config(published: Mapping[str, Any], where: str, **changes: Any) -> BertConfig:
    """The config of a published config.json; arguments as in `language.parse_config`."""
    if published.get("model_type") != "bert":
        raise BadInput(f"{where}: model_type {published.get('model_type')!r} is no bert")
    if published.get("position_embedding_type", "absolute") != "absolute":
        raise BadInput(f"{where}: only absolute positions are built")
    try:
        fields = {
            "vocabulary": published["vocab_size"],
            "width": published["hidden_size"],
            "layers": published["num_hidden_layers"],
            "heads": published["num_attention_heads"],
            "hidden": published["intermediate_size"],
            "max_length": published["max_position_embeddings"],
            "token_types": published["type_vocab_size"],
            "activation": published.get("hidden_act", "gelu"),
            "norm_epsilon": published.get("layer_norm_eps", 1e-12),
        }
    except KeyError as error:
        raise BadInput(f"{where}: the field {error} is missing") from None
    return BertConfig(**(fields | changes))
