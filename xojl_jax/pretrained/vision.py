"""Image encoders as published, BEiT and the vision tower of CLIP: config.json, and the names of the
tensors. Both are the trunk's vision encoder (`nn/vision.py`) with other options."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from xojl_jax.errors import BadInput
from xojl_jax.nn.config import TAPS, BlockConfig, VisionConfig
from xojl_jax.nn.vision import VisionEncoder
from xojl_jax.pretrained import names
from xojl_jax.pretrained.folder import CONFIG, WeightsFolder, read_json
from xojl_jax.pretrained.names import Row, Table

# Beside config.json: how pictures are normalized, where the folder says so.
PREPROCESSOR = "preprocessor_config.json"
_OURS = "groups/layers/"
_HALF = [0.5, 0.5, 0.5]


def _norm(ours: str, published: str) -> tuple[Row, Row]:
    return Row(f"{ours}/scale", f"{published}.weight"), Row(f"{ours}/bias", f"{published}.bias")


def _linear(ours: str, published: str, inputs: int = 1) -> tuple[Row, Row]:
    return (
        Row(f"{_OURS}{ours}/kernel", f"{published}.weight", inputs),
        Row(f"{_OURS}{ours}/bias", f"{published}.bias"),
    )


_RELATIVE = "relative_position_bias.relative_position_bias_table"
_BEIT = "encoder.layer.{layer}."
BEIT = Table(
    rows=(
        Row("special", "embeddings.cls_token", lead=1),
        Row("mask_token", "embeddings.mask_token", lead=2),
        Row("positions/table", "embeddings.position_embeddings", lead=1),
        Row(
            "patches/project/kernel", "embeddings.patch_embeddings.projection.weight", patches=True
        ),
        Row("patches/project/bias", "embeddings.patch_embeddings.projection.bias"),
        Row("relative_positions/table", f"encoder.{_RELATIVE}"),
        Row(f"{_OURS}own_bias/table", f"{_BEIT}attention.attention.{_RELATIVE}"),
        *_norm(f"{_OURS}attention_norm", f"{_BEIT}layernorm_before"),
        *_linear("attention/query", f"{_BEIT}attention.attention.query"),
        *_linear("attention/key", f"{_BEIT}attention.attention.key"),
        *_linear("attention/value", f"{_BEIT}attention.attention.value"),
        *_linear("attention/out", f"{_BEIT}attention.output.dense", inputs=2),
        Row(f"{_OURS}attention_scale", f"{_BEIT}lambda_1"),
        *_norm(f"{_OURS}feed_forward_norm", f"{_BEIT}layernorm_after"),
        *_linear("feed_forward/up", f"{_BEIT}intermediate.dense"),
        *_linear("feed_forward/down", f"{_BEIT}output.dense"),
        Row(f"{_OURS}feed_forward_scale", f"{_BEIT}lambda_2"),
        *_norm("norm", "layernorm"),
    ),
    prefixes=("beit.", ""),
    # Numbers that follow from the sizes, and heads on top of the encoder.
    ignored=(r"relative_position_index$", r"^(beit\.)?pooler\.", r"^lm_head\.", r"^classifier\."),
    stacked=2,
)
_CLIP = "encoder.layers.{layer}."
CLIP = Table(
    rows=(
        Row("special", "embeddings.class_embedding", lead=-1),
        Row("positions/table", "embeddings.position_embedding.weight"),
        Row("patches/project/kernel", "embeddings.patch_embedding.weight", patches=True),
        # "pre_layrnorm" is how it is published.
        *_norm("embed_norm", "pre_layrnorm"),
        *_norm(f"{_OURS}attention_norm", f"{_CLIP}layer_norm1"),
        *_linear("attention/query", f"{_CLIP}self_attn.q_proj"),
        *_linear("attention/key", f"{_CLIP}self_attn.k_proj"),
        *_linear("attention/value", f"{_CLIP}self_attn.v_proj"),
        *_linear("attention/out", f"{_CLIP}self_attn.out_proj", inputs=2),
        *_norm(f"{_OURS}feed_forward_norm", f"{_CLIP}layer_norm2"),
        *_linear("feed_forward/up", f"{_CLIP}mlp.fc1"),
        *_linear("feed_forward/down", f"{_CLIP}mlp.fc2"),
        *_norm("norm", "post_layernorm"),
    ),
    prefixes=("vision_model.",),
    # The text side, and projections into the space of both.
    ignored=(r"\.position_ids$", r"^text_model\.", r"_projection\.weight$", r"^logit_scale$"),
    stacked=2,
)


class Form(NamedTuple):
    """What the published forms differ in.

    Attributes:
      table: its names.
      defaults: what config.json leaves out, as the reference library fills it in.
      options: its config -> fields of `VisionConfig`, and fields of `BlockConfig`.
      mean, std: of the channels, where the folder says nothing.
    """

    table: Table
    defaults: Mapping[str, Any]
    options: Callable[[Mapping[str, Any]], tuple[dict[str, Any], dict[str, Any]]]
    mean: list[float]
    std: list[float]


_SIZES = {
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "image_size": 224,
}


def _beit_options(c: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    own, shared = c["use_relative_position_bias"], c["use_shared_relative_position_bias"]
    if own and shared:
        raise BadInput("relative positions both of each layer and of all are not built")
    vision = {
        "positions": "table" if c["use_absolute_position_embeddings"] else "none",
        "relative_positions": "own" if own else "shared" if shared else "none",
        "mask_token": bool(c["use_mask_token"]),
    }
    return vision, {"key_bias": False, "layer_scale": c["layer_scale_init_value"]}


def _clip_options(c: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    return {"positions": "table", "patch_bias": False, "embed_norm": True}, {}


FORMS: dict[str, Form] = {
    "beit": Form(
        BEIT,
        _SIZES
        | {
            "patch_size": 16,
            "hidden_act": "gelu",
            "layer_norm_eps": 1e-12,
            "use_mask_token": False,
            "use_absolute_position_embeddings": False,
            "use_relative_position_bias": False,
            "use_shared_relative_position_bias": False,
            "use_mean_pooling": True,
            "layer_scale_init_value": 0.1,
        },
        _beit_options,
        _HALF,
        _HALF,
    ),
    "clip_vision_model": Form(
        CLIP,
        _SIZES | {"patch_size": 32, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5},
        _clip_options,
        [0.48145466, 0.4578275, 0.40821073],
        [0.26862954, 0.26130258, 0.27577711],
    ),
}


def read_config(folder: str | Path) -> dict[str, Any]:
    """What a published folder says of its image encoder: config.json (of a whole CLIP model its
    vision_config), with "image_mean" and "image_std". Ready for JSON.

    Raises:
      BadInput: there is no such file, or its form is not built.
    """
    path = Path(folder) / CONFIG
    published = read_json(path)
    if published.get("model_type") == "clip":
        told = published.get("vision_config")
        published = {**(told if isinstance(told, dict) else {}), "model_type": "clip_vision_model"}
    kind = published.get("model_type", "")
    if kind not in FORMS:
        raise BadInput(
            f"{path}: model_type {kind!r} is no image encoder that is built: it must be one of "
            f"{', '.join((*FORMS, 'clip'))}"
        )
    form, pictures = FORMS[kind], Path(folder) / PREPROCESSOR
    told = read_json(pictures) if pictures.is_file() else {}
    statistics = {"image_mean": form.mean, "image_std": form.std}
    chosen = {name: told.get(name) or usual for name, usual in statistics.items()}
    return {**form.defaults, **published, **chosen}


def parse_config(
    published: Mapping[str, Any], block: Mapping[str, Any] | None = None, **changes: Any
) -> VisionConfig:
    """The vision encoder that `read_config` told of.

    Args:
      block: fields of `BlockConfig` that do not follow from weights: dtype, remat, dropout, …
      changes: fields of `VisionConfig` that replace what is told, such as the size of images.

    Raises:
      BadInput: what is told is not built.
    """
    form = FORMS[published["model_type"]]
    options, of_block = form.options(published)
    layers, size = published["num_hidden_layers"], published["image_size"]
    if layers % TAPS:
        raise BadInput(f"image encoders of {layers} layers are not built: a multiple of {TAPS}")
    if not isinstance(size, int):
        raise BadInput(f"image_size {size!r} is not built: a number")
    config = BlockConfig(
        width=published["hidden_size"],
        heads=published["num_attention_heads"],
        mlp_width=published["intermediate_size"],
        activation=published["hidden_act"],
        norm_epsilon=published["layer_norm_eps"],
        **of_block,
        **dict(block or {}),
    )
    fields = {
        "image_height": size,
        "image_width": size,
        "tables": (size, size),
        "patch": published["patch_size"],
        "patch_embed": "linear",
        "mean": tuple(published["image_mean"]),
        "std": tuple(published["image_std"]),
        "num_prefixes": 0,
        "temperature": False,
        "exclude_self": False,
    }
    return VisionConfig(config, layers, **(fields | options | changes))


def read_params(folder: str | Path, published: Mapping[str, Any]) -> dict[str, Any]:
    """The nested float32 parameters of `VisionEncoder` in a published folder.

    A model that pools the mean of its patches (BEiT, fine-tuned) has its norm behind the mean; here
    it is the norm of every token.

    Raises:
      BadInput: a tensor is missing, has another shape than config.json says, or is left over.
    """
    form, weights = FORMS[published["model_type"]], WeightsFolder(folder)
    table = form.table
    known = weights.names()
    if "pooler.layernorm.weight" in {name.removeprefix("beit.") for name in known}:
        table = table.renamed({"layernorm": "pooler.layernorm"})
    return names.read(weights, table, abstract_params(parse_config(published)))


def abstract_params(config: VisionConfig) -> Any:
    """Shapes of the encoder's parameters, unboxed."""
    images = jnp.zeros((1, config.image_height, config.image_width, 3), jnp.uint8)

    def init(key: jax.Array) -> Any:
        # Unboxed while it is traced: under a mesh, boxes constrain what they hold.
        return nn.meta.unbox(VisionEncoder(config).init(key, images)["params"])

    return jax.eval_shape(init, jax.random.key(0))
