"""From a config to the sizes and parts of the model. Each field by itself was checked before, by
`fields.py`; what does not go together is refused here."""

import dataclasses
from pathlib import Path

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
from xojl_jax.tasks.document.model_config import ImageTokenizerConfig, ModelConfig


def model_config(config, vocabulary_size: int, statistics: dict[str, list[float]]) -> ModelConfig:
    """What the model is built from.

    Args:
      statistics: "mean" and "std" of each color channel, in [0, 1].

    Raises:
      BadUsage: for parts that do not go together.
    """
    m, t = config.model, config.tokenizer
    objectives = split_names(config.objectives)
    for name in objectives:
        if name not in config.loss:
            raise BadUsage(f"config.loss has no weight for {name!r}, which config.objectives names")
    if "mim" in objectives and m.patch_embed != "linear":
        raise BadUsage(
            f"config.model.patch_embed {m.patch_embed!r} lets patches see into hidden neighbors, "
            "which the objective 'mim' asks for: choose 'linear'"
        )
    block = BlockConfig(
        width=m.width,
        heads=m.heads,
        mlp_ratio=m.mlp_ratio,
        dropout=m.dropout,
        dtype=m.dtype,
        remat=m.remat,
        attention_block=m.attention_block,
    )
    vision = VisionConfig(
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
    multiway = MultiwayConfig(
        block, m.multiway_layers, m.joint_layers, m.box_features, m.box_channels
    )
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
    )
    return ModelConfig(
        # Nothing is written yet: the decoder has no parameters unless it is called.
        trunk=TrunkConfig(vision, DecoderConfig(block, 1, 1), multiway),
        tokenizer=tokenizer,
        objectives=objectives,
        text=m.text,
        max_tokens=m.max_tokens,
        vocabulary_size=vocabulary_size,
    )


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
