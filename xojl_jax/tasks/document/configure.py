"""From a config to the sizes and parts of the model. Each field by itself was checked before, by
`fields.py`; what does not go together is refused here."""

import dataclasses
from pathlib import Path
from typing import Any

from xojl_jax.config_fields import split_names
from xojl_jax.documents.word_pieces import NAME, WordPieces
from xojl_jax.errors import BadUsage
from xojl_jax.nn.config import (
    BlockConfig,
    DecoderConfig,
    MultiwayConfig,
    TrunkConfig,
    VisionConfig,
)
from xojl_jax.nn.patches import patch_grid
from xojl_jax.nn.text.config import LanguageConfig
from xojl_jax.pretrained import vision as vision_form
from xojl_jax.tasks.document.model_config import ImageTokenizerConfig, ModelConfig
from xojl_jax.tasks.document.objectives import OBJECTIVES, TOKENIZER


def model_config(
    config,
    vocabulary_size: int,
    statistics: dict[str, list[float]],
    published: dict[str, Any] | None = None,
    clip: dict[str, Any] | None = None,
) -> ModelConfig:
    """What the model is built from.

    Args:
      statistics: "mean" and "std" of each color channel, in [0, 1].
      published: what the folder of `config.model.pretrained_vision` tells of its encoder.
      clip: what that of `config.clip` tells.

    Raises:
      BadUsage: for parts that do not go together.
    """
    m, t = config.model, config.tokenizer
    objectives = split_names(config.objectives)
    for name in objectives:
        if name not in config.loss:
            raise BadUsage(f"config.loss has no weight for {name!r}, which config.objectives names")
        shared = OBJECTIVES[name].shares if name in OBJECTIVES else ""
        if shared and shared not in objectives:
            raise BadUsage(
                f"the objective {name!r} shares the head of {shared!r}: name both in "
                "config.objectives"
            )
    if "mim" in objectives and m.patch_embed != "linear":
        raise BadUsage(
            f"config.model.patch_embed {m.patch_embed!r} lets patches see into hidden neighbors, "
            "which the objective 'mim' asks for: choose 'linear'"
        )
    page = page_fields(config, vocabulary_size, statistics, published)
    tokenizer = ImageTokenizerConfig(
        BlockConfig(
            width=t.width,
            heads=t.heads,
            dtype=m.dtype,
            remat=m.remat,
            attention_block=m.attention_block,
        ),
        layers=t.layers,
        decoder_layers=t.decoder_layers,
        codes=t.codes,
        code_width=t.code_width,
        target=t.target,
        features=clip["hidden_size"] if clip and t.target == "features" else 0,
    )
    return ModelConfig(
        **page,
        tokenizer=tokenizer,
        objectives=objectives,
        target=config.target,
        cls_layers=m.cls_layers,
        teacher=None if clip is None else _teacher(clip, page["trunk"].vision),
    )


def page_fields(
    config,
    vocabulary_size: int,
    statistics: dict[str, list[float]],
    published: dict[str, Any] | None = None,
    layers: int = 1,
    max_length: int = 1,
) -> dict[str, Any]:
    """The fields of `PageConfig`.

    Args:
      statistics, published: as of `model_config`.
      layers, max_length: of the decoder, which has no parameters unless it is called.
    """
    m = config.model
    block = BlockConfig(
        width=m.width,
        heads=m.heads,
        mlp_ratio=m.mlp_ratio,
        dropout=m.dropout,
        dtype=m.dtype,
        remat=m.remat,
        attention_block=m.attention_block,
    )
    vision = _own_vision(config, block, statistics)
    if published is not None:
        vision = _published_vision(config, block, published)
    multiway = MultiwayConfig(
        block, m.multiway_layers, m.joint_layers, m.box_features, m.box_channels
    )
    return {
        "trunk": TrunkConfig(vision, DecoderConfig(block, layers, max_length), multiway),
        "text": m.text,
        "language": _language(config, vocabulary_size),
        "max_tokens": m.max_tokens,
        "vocabulary_size": vocabulary_size,
    }


def needs_teacher(config) -> bool:
    """Whether a run is told a teacher's features."""
    objectives = split_names(config.objectives)
    pairs = (("mim", config.target), (TOKENIZER, config.tokenizer.target))
    return any(name in objectives and target == "features" for name, target in pairs)


def _own_vision(config, block: BlockConfig, statistics: dict[str, list[float]]) -> VisionConfig:
    """The vision encoder as the config's fields have it."""
    m = config.model
    return VisionConfig(
        block=dataclasses.replace(
            block,
            activation=m.activation,
            key_bias=m.key_bias,
            norm_epsilon=m.norm_epsilon,
            layer_scale=m.layer_scale,
            drop_path=m.drop_path,
            init_std=m.init_std,
            depth_init=m.depth_init,
        ),
        layers=m.vision_layers,
        image_height=config.image.height,
        image_width=config.image.width,
        patch=m.patch,
        patch_embed=m.patch_embed,
        mean=_three(statistics["mean"]),
        std=_three(statistics["std"]),
        num_prefixes=0,
        temperature=False,
        exclude_self=False,
        mask_token=True,
        positions=m.positions,
        relative_positions=m.relative_positions,
    )


def _published_vision(config, block: BlockConfig, published: dict[str, Any]) -> VisionConfig:
    """The vision encoder of a published folder, for pages of the config's size."""
    m = config.model
    vision = vision_form.parse_config(
        published,
        {
            "dropout": block.dropout,
            "dtype": block.dtype,
            "remat": block.remat,
            "attention_block": block.attention_block,
            "drop_path": m.drop_path,
        },
        image_height=config.image.height,
        image_width=config.image.width,
        mask_token=True,
    )
    sizes = {
        "width": vision.block.width,
        "vision_layers": vision.layers,
        "patch": vision.patch,
    }
    for name, told in sizes.items():
        if m[name] != told:
            raise BadUsage(
                f"config.model.{name} is {m[name]}, and {told} in the folder of "
                f"config.model.pretrained_vision: set --config.model.{name}={told}"
            )
    return vision


def _language(config, vocabulary_size: int) -> LanguageConfig:
    m = config.model
    return LanguageConfig.of_sizes(
        config.language,
        vocabulary_size,
        bidirectional=True,
        dropout=m.dropout,
        dtype=m.dtype,
        remat=m.remat,
        attention_block=m.attention_block,
    )


def _teacher(clip: dict[str, Any], vision: VisionConfig) -> VisionConfig:
    """The tower of a CLIP model, for pages whose grid of patches is that of `vision`."""
    rows, columns = patch_grid(vision.image_height, vision.image_width, vision.patch)
    block = {"dtype": vision.block.dtype, "attention_block": vision.block.attention_block}
    sizes = {"image_height": rows * clip["patch_size"], "image_width": columns * clip["patch_size"]}
    return vision_form.parse_config(clip, block, **sizes)


def _three(values: list[float]) -> tuple[float, float, float]:
    """One for each channel."""
    red, green, blue = values
    return red, green, blue


def read_pieces(config, folder: Path, metadata: dict | None) -> WordPieces:
    """The tokenizer of words: a checkpoint's, else `config.data.tokenizer`, else that of the
    shards."""
    if metadata:
        return WordPieces.from_json(metadata["tokenizer"], "the checkpoint's tokenizer")
    return WordPieces.load(config.data.tokenizer or folder / NAME)
