"""From a config to the sizes and parts of the model. Each field by itself was checked before, by
`fields.py`; what does not go together is refused here."""

from xojl_jax.config_fields import split_names
from xojl_jax.errors import BadUsage
from xojl_jax.nn.config import BlockConfig, DecoderConfig, TrunkConfig, VisionConfig
from xojl_jax.tasks.layout.fusion import FUSIONS
from xojl_jax.tasks.layout.heads import HEADS
from xojl_jax.tasks.layout.model_config import HtmlConfig, ModelConfig
from xojl_jax.tasks.layout.stages import STAGES, Stage
from xojl_jax.tasks.layout.tree_features import ID_RANGES, NO_STYLES, StyleIds
from xojl_jax.xojl.class_tokenizer import ClassTokenizer
from xojl_jax.xojl.record import CATEGORIES
from xojl_jax.xojl.tree import ELEMENTS

# What a decoder reads of the heads, and what a prediction has beside the sequence.
NEEDED_HEADS = ("node", "category")


def _fixed_bias(types: int) -> tuple[tuple[float, ...], ...]:
    """Added to the scores between patches (the last type) and prefixes (all but CLS, the first)."""
    is_prefix = [0 < kind < types - 1 for kind in range(types)]

    def meets(i: int, j: int) -> bool:
        return (is_prefix[i] and j == types - 1) or (i == types - 1 and is_prefix[j])

    return tuple(
        tuple(FIXED_BIAS if meets(i, j) else 0.0 for j in range(types)) for i in range(types)
    )


# A score of 1 more is a weight e times as large.
FIXED_BIAS = 1.0
CLASS_BIASES = {
    "none": None,
    "learned": "learned",
    "fixed": _fixed_bias(VisionConfig.num_prefixes + 2),
}


def model_config(
    config,
    vocabulary_size: int,
    statistics: dict[str, list[float]],
    canvas: tuple[int, int] | None = None,
    pieces: int = 0,
    styles: StyleIds = NO_STYLES,
) -> ModelConfig:
    """What the model is built from.

    Args:
      canvas: (height, width) in pixels that screenshots are fitted into, where it is not the one
        that the config's parameters are made for.
      pieces: ids of the class tokenizer; 0 without one.
      styles: of the codebook, as `style_ids` gives them.
      statistics: "mean" and "std" of each color channel, in [0, 1].

    Raises:
      BadUsage: for sizes that do not go together, or a part that the stage needs and the config
        leaves out.
    """
    m, stage = config.model, STAGES[config.stage]
    block = BlockConfig(
        width=m.width,
        heads=m.heads,
        mlp_ratio=m.mlp_ratio,
        dropout=m.dropout,
        dtype=m.dtype,
        remat=m.remat,
        attention_block=m.attention_block,
        feed_forward=m.feed_forward,
        head_width=m.head_width,
        mlp_width=m.mlp_width,
    )
    vision = VisionConfig(
        block=block,
        layers=m.vision_layers,
        image_height=config.image.height,
        image_width=config.image.width,
        patch=m.patch,
        patch_embed=m.patch_embed,
        shifts=m.shifts,
        fine_regions=m.fine_regions,
        mean=tuple(statistics["mean"]),
        std=tuple(statistics["std"]),
        temperature=m.lsa_temperature,
        exclude_self=m.lsa_exclude_self,
        window=m.lsa_window or None,
        class_bias=CLASS_BIASES[m.class_bias],
        canvas=canvas or (config.image.height, config.image.width),
    )
    html = HtmlConfig(
        block=block,
        layers=m.html_layers,
        max_nodes=m.max_nodes,
        max_classes=m.max_classes,
        ids=ID_RANGES,
        embeddings=split_names(m.embeddings),
        positions=split_names(m.positions),
        class_composition=m.class_composition,
        tree_bias=m.tree_bias,
        pieces=pieces,
        num_prefixes=len(ELEMENTS) if m.html_prefixes else 0,
        styles=styles,
    )
    decoder = _decoder_config(m, block)
    if m.patch_drop and m.lsa_window:
        raise BadUsage("config.model.patch_drop leaves gaps, which no lsa_window is defined for")
    fusion = FUSIONS[m.fusion]
    for switch, on, able in (
        ("fusion_pairs", m.fusion_pairs != "all", fusion.pairs == "allowed"),
        ("fusion_weights", m.fusion_weights, fusion.weights),
    ):
        if on and not able:
            raise BadUsage(f"config.model.{switch} is of the fusion 'late', not of {m.fusion!r}")
    return ModelConfig(
        trunk=TrunkConfig(vision, decoder),
        html=html,
        stage=stage,
        fusion=m.fusion,
        fusion_layers=m.fusion_layers,
        heads=heads_of(config, stage),
        visual_memory=m.visual_memory,
        memory_stride=m.memory_stride,
        vocabulary_size=vocabulary_size,
        num_categories=len(CATEGORIES),
        decoder=m.decoder,
        patch_drop=m.patch_drop,
        fusion_pairs=m.fusion_pairs,
        fusion_weights=m.fusion_weights,
        masked_map=config.data.buckets > 1 or bool(config.data.bucket_shapes),
    )


def _decoder_config(m, block: BlockConfig) -> DecoderConfig:
    """Of `config.model`.

    Raises:
      BadUsage: switches that do not go together.
    """
    decoder = DecoderConfig(
        block,
        m.decoder_layers,
        m.max_target,
        m.decoder_window or None,
        m.decoder_top_k or None,
        m.exit_at or None,
        m.decoder_tree_bias,
        m.decoder_key_block,
    )
    if decoder.exit_at and m.decoder != "shared":
        raise BadUsage("config.model.exit_at is of the shared decoder (config.model.decoder)")
    if decoder.top_k and not decoder.window:
        raise BadUsage("config.model.decoder_top_k selects keys beyond config.model.decoder_window")
    if decoder.top_k and decoder.tree_bias:
        raise BadUsage("config.model.decoder_top_k takes no decoder_tree_bias")
    size = m.decoder_key_block
    if size > 1 and (not m.decoder_top_k or m.decoder_top_k % size or m.decoder_window < size - 1):
        raise BadUsage(
            f"config.model.decoder_key_block is {size}: choose a config.model.decoder_top_k "
            f"({m.decoder_top_k}) that is a multiple of it, and a config.model.decoder_window "
            f"({m.decoder_window}) of {size - 1} or more"
        )
    return decoder


def read_tokenizer(config, metadata: dict | None) -> ClassTokenizer | None:
    """The class tokenizer that a checkpoint kept, else that of `config.data.class_tokenizer`; None
    where no embedding reads pieces.

    Raises:
      BadUsage: an embedding reads pieces, and no file is named, or one that is no tokenizer.
    """
    if "bpe" not in split_names(config.model.embeddings):
        return None
    if metadata:
        return ClassTokenizer.from_json(metadata["class_tokenizer"], "the checkpoint's tokenizer")
    if not config.data.class_tokenizer:
        raise BadUsage(
            "config.model.embeddings names 'bpe', and config.data.class_tokenizer no file: make "
            "one with `python -m data_prep.validate DATA --write-tokenizer FILE`"
        )
    return ClassTokenizer.load(config.data.class_tokenizer)


def heads_of(config, stage: Stage) -> tuple[str, ...]:
    """Those of `config.heads` whose inputs the stage computes."""
    named = split_names(config.heads)
    for name in named:
        if name not in config.loss:
            raise BadUsage(f"config.loss has no weight for {name!r}, which config.heads names")
    if "html_prefix" in named and not config.model.html_prefixes:
        raise BadUsage("config.heads names 'html_prefix', which needs config.model.html_prefixes")
    missing = [name for name in NEEDED_HEADS if name not in named]
    if stage.fused and missing:
        raise BadUsage(
            f"config.heads leaves out {', '.join(missing)}: stages 3 and 4 need "
            f"{' and '.join(NEEDED_HEADS)}"
        )
    return tuple(name for name in named if HEADS[name].inputs <= stage.features)
