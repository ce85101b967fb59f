"""Language models as published: the forms of config.json, and the names of the tensors."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

from xojl_jax.errors import BadInput
from xojl_jax.nn.text.config import LanguageConfig, RotaryConfig
from xojl_jax.pretrained.names import Row, Table

_LAYER, _OURS = "layers.{layer}.", "blocks/layers/"


def _linear(ours: str, published: str, inputs: int = 1) -> tuple[Row, Row]:
    return (
        Row(f"{_OURS}{ours}/kernel", f"{_LAYER}{published}.weight", inputs),
        Row(f"{_OURS}{ours}/bias", f"{_LAYER}{published}.bias"),
    )


TABLE = Table(
    rows=(
        Row("embed/embedding", "embed_tokens.weight"),
        *_linear("attention/query", "self_attn.q_proj"),
        *_linear("attention/key", "self_attn.k_proj"),
        *_linear("attention/value", "self_attn.v_proj"),
        *_linear("attention/out", "self_attn.o_proj", inputs=2),
        *_linear("feed_forward/gate", "mlp.gate_proj"),
        *_linear("feed_forward/up", "mlp.up_proj"),
        *_linear("feed_forward/down", "mlp.down_proj"),
        Row(f"{_OURS}attention_norm/scale", f"{_LAYER}input_layernorm.weight"),
        Row(f"{_OURS}feed_forward_norm/scale", f"{_LAYER}post_attention_layernorm.weight"),
        Row("norm/scale", "norm.weight"),
        Row("head/kernel", "lm_head.weight", inputs=1),
    ),
    prefixes=("model.", ""),
    # Angles, which older versions saved; the head of a model that is read as an encoder.
    ignored=(r"rotary_emb\.inv_freq$", r"^lm_head\.weight$"),
)


def parse_config(published: Mapping[str, Any], where: str, **changes: Any) -> LanguageConfig:
    """The config of a published config.json.

    Args:
      published: the object in the file.
      where: the file, for messages.
      changes: fields of `LanguageConfig` that replace what the file says.

    Raises:
      BadInput: a form that is not built, a field that is missing or that asks for something else.
    """
    kind = published.get("model_type")
    if kind not in FORMS:
        raise BadInput(f"{where}: model_type {kind!r} is not built: it must be one of {_known()}")
    try:
        heads = published["num_attention_heads"]
        fields = {
            "vocabulary": published["vocab_size"],
            "width": published["hidden_size"],
            "layers": published["num_hidden_layers"],
            "heads": heads,
            "kv_heads": published.get("num_key_value_heads") or heads,
            "head_dim": published.get("head_dim") or published["hidden_size"] // heads,
            "hidden": published["intermediate_size"],
            "activation": published.get("hidden_act") or "silu",
            "norm_epsilon": published.get("rms_norm_eps", 1e-6),
            "tied": bool(published.get("tie_word_embeddings", False)),
            "rotary": _rotary(published, where),
        }
    except KeyError as error:
        raise BadInput(f"{where}: the field {error} is missing") from None
    for name in ("attention_bias", "mlp_bias"):
        if published.get(name):
            raise BadInput(f"{where}: {name} is not built")
    return LanguageConfig(**(fields | FORMS[kind](published) | changes))


def to_published(config: LanguageConfig) -> dict[str, Any]:
    """What config.json says of a config, under the model_type whose form it has."""
    kind = "llama"
    if config.norm_offset:
        kind = "gemma"
    elif config.qkv_bias:
        kind = "qwen2"
    elif config.window is not None:
        kind = "mistral"
    published = {
        "model_type": kind,
        "architectures": [f"{kind.capitalize()}ForCausalLM"],
        "vocab_size": config.vocabulary,
        "hidden_size": config.width,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.kv_heads,
        "head_dim": config.head_dim,
        "intermediate_size": config.hidden,
        "hidden_act": config.activation,
        "rms_norm_eps": config.norm_epsilon,
        "tie_word_embeddings": config.tied,
        "rope_theta": config.rotary.theta,
        "torch_dtype": "float32",
    }
    rotary = config.rotary
    if rotary.kind != "plain":
        published["rope_scaling"] = {"rope_type": rotary.kind, "factor": rotary.factor}
    if rotary.kind == "llama3":
        published["rope_scaling"] |= {
            "low_freq_factor": rotary.low,
            "high_freq_factor": rotary.high,
            "original_max_position_embeddings": rotary.trained_length,
        }
    if kind == "gemma":
        published["hidden_activation"] = config.activation
    if config.window is not None:
        published["sliding_window"] = config.window
        published["use_sliding_window"] = True
    return published


def without_lora(config: LanguageConfig) -> LanguageConfig:
    """The published model under adapters."""
    return dataclasses.replace(config, lora=None)


# --- the forms: what each says beside the fields that all have ------------------------------------


def _llama(published: Mapping[str, Any]) -> dict[str, Any]:
    return {}


def _mistral(published: Mapping[str, Any]) -> dict[str, Any]:
    # Absent, the first published model's; null, none.
    return {"window": published.get("sliding_window", 4096)}


def _gemma(published: Mapping[str, Any]) -> dict[str, Any]:
    # Published as "gelu" at first, and always computed by the approximation.
    activation = published.get("hidden_activation") or "gelu_pytorch_tanh"
    return {
        "activation": activation,
        "norm_offset": 1.0,
        "embed_scale": math.sqrt(published["hidden_size"]),
        "tied": bool(published.get("tie_word_embeddings", True)),
        "head_dim": published.get("head_dim", 256),
    }


def _qwen2(published: Mapping[str, Any]) -> dict[str, Any]:
    window = published.get("sliding_window") if published.get("use_sliding_window") else None
    return {"qkv_bias": True, "window": window}


FORMS: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "llama": _llama,
    "mistral": _mistral,
    "gemma": _gemma,
    "qwen2": _qwen2,
}


def _rotary(published: Mapping[str, Any], where: str) -> RotaryConfig:
    # One object in newer files, a number and an optional object in older ones.
    told = published.get("rope_parameters") or published.get("rope_scaling") or {}
    theta = told.get("rope_theta") or published.get("rope_theta") or 10_000.0
    kind = told.get("rope_type") or told.get("type") or "default"
    rotary = RotaryConfig(theta=float(theta))
    if kind == "default":
        return rotary
    if kind == "linear":
        return dataclasses.replace(rotary, kind="linear", factor=float(told["factor"]))
    if kind == "llama3":
        return dataclasses.replace(
            rotary,
            kind="llama3",
            factor=float(told["factor"]),
            low=float(told["low_freq_factor"]),
            high=float(told["high_freq_factor"]),
            trained_length=int(told["original_max_position_embeddings"]),
        )
    raise BadInput(f"{where}: rotary positions of type {kind!r} are not built")


def _known() -> str:
    return ", ".join(FORMS)
