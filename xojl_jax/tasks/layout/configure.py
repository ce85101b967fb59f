"""From a config to the sizes and parts of the model; unknown names are refused here."""

from xojl_jax.errors import BadUsage
from xojl_jax.nn.config import BlockConfig, DecoderConfig, TrunkConfig, VisionConfig
from xojl_jax.nn.feed_forward import FEED_FORWARDS
from xojl_jax.nn.patches import PATCH_EMBEDS
from xojl_jax.tasks.layout.embeddings import EMBEDDINGS
from xojl_jax.tasks.layout.fusion import FUSIONS
from xojl_jax.tasks.layout.heads import HEADS
from xojl_jax.tasks.layout.model_config import HtmlConfig, ModelConfig
from xojl_jax.tasks.layout.node_positions import POSITIONS
from xojl_jax.tasks.layout.parts import chosen
from xojl_jax.tasks.layout.stages import STAGES, Stage
from xojl_jax.tasks.layout.tree_features import ID_RANGES
from xojl_jax.tasks.layout.visual_memory import STRIDES
from xojl_jax.xojl.record import CATEGORIES

# What a decoder reads of the heads, and what a prediction has beside the sequence.
NEEDED_HEADS = ("node", "category")


def model_config(
    config,
    vocabulary_size: int,
    statistics: dict[str, list[float]],
    canvas: tuple[int, int] | None = None,
) -> ModelConfig:
    """What the model is built from.

    Args:
      canvas: (height, width) in pixels that screenshots are fitted into, where it is not the one
        that the config's parameters are made for.
      statistics: "mean" and "std" of each color channel, in [0, 1].

    Raises:
      BadUsage: for a part that does not exist, or that the stage needs and the config leaves out.
    """
    m, stage = config.model, stage_of(config)
    block = BlockConfig(
        width=m.width,
        heads=m.heads,
        mlp_ratio=m.mlp_ratio,
        dropout=m.dropout,
        dtype=m.dtype,
        remat=m.remat,
        attention_block=m.attention_block,
        feed_forward=_one(FEED_FORWARDS, m.feed_forward, "config.model.feed_forward"),
    )
    vision = VisionConfig(
        block=block,
        layers=m.vision_layers,
        image_height=config.image.height,
        image_width=config.image.width,
        patch=m.patch,
        patch_embed=_one(PATCH_EMBEDS, m.patch_embed, "config.model.patch_embed"),
        shifts=m.shifts,
        mean=tuple(statistics["mean"]),
        std=tuple(statistics["std"]),
        canvas=canvas or (config.image.height, config.image.width),
    )
    html = HtmlConfig(
        block=block,
        layers=m.html_layers,
        max_nodes=m.max_nodes,
        max_classes=m.max_classes,
        ids=ID_RANGES,
        embeddings=_embeddings(m.embeddings),
        positions=chosen(POSITIONS, m.positions, "config.model.positions"),
    )
    return ModelConfig(
        trunk=TrunkConfig(vision, DecoderConfig(block, m.decoder_layers, m.max_target)),
        html=html,
        stage=stage,
        fusion=_one(FUSIONS, m.fusion, "config.model.fusion"),
        fusion_layers=m.fusion_layers,
        heads=heads_of(config, stage),
        memory_stride=_one(STRIDES, m.memory_stride, "config.model.memory_stride"),
        vocabulary_size=vocabulary_size,
        num_categories=len(CATEGORIES),
        masked_map=config.data.buckets > 1 or bool(config.data.bucket_shapes),
    )


def stage_of(config) -> Stage:
    if config.stage not in STAGES:
        *others, last = map(str, STAGES)
        raise BadUsage(f"config.stage is {config.stage}: choose {', '.join(others)} or {last}")
    return STAGES[config.stage]


def heads_of(config, stage: Stage) -> tuple[str, ...]:
    """Those of `config.heads` whose inputs the stage computes."""
    named = chosen(HEADS, config.heads, "config.heads")
    for name in named:
        if name not in config.loss:
            raise BadUsage(f"config.loss has no weight for {name!r}, which config.heads names")
    missing = [name for name in NEEDED_HEADS if name not in named]
    if stage.fused and missing:
        raise BadUsage(
            f"config.heads leaves out {', '.join(missing)}: stages 3 and 4 need "
            f"{' and '.join(NEEDED_HEADS)}"
        )
    return tuple(name for name in named if HEADS[name].inputs <= stage.features)


def _embeddings(names: str) -> tuple[str, ...]:
    found = chosen(EMBEDDINGS, names, "config.model.embeddings")
    if not found:
        raise BadUsage(
            f"config.model.embeddings names nothing; choose from {', '.join(EMBEDDINGS)}"
        )
    return found


def _one(parts, name, field: str):
    if name not in parts:
        choices = ", ".join(map(str, parts))
        raise BadUsage(f"{field} is {name!r}: choose from {choices}")
    return name
