"""What the layout task's config fields may hold (configs/layout.py). A test compares the two."""

from xojl_jax.config_fields import ANY, Number, OneOf, Rule, SomeOf
from xojl_jax.nn.config import DTYPES
from xojl_jax.nn.feed_forward import FEED_FORWARDS
from xojl_jax.nn.patch_embeds import PATCH_EMBEDS
from xojl_jax.nn.patches import SHIFTS
from xojl_jax.nn.scan import REMAT
from xojl_jax.tasks.buckets import MOST
from xojl_jax.tasks.layout.class_composer import COMPOSITIONS
from xojl_jax.tasks.layout.decoder_stacks import DECODERS
from xojl_jax.tasks.layout.embeddings import EMBEDDINGS
from xojl_jax.tasks.layout.fusion import FUSIONS
from xojl_jax.tasks.layout.heads import HEADS
from xojl_jax.tasks.layout.node_positions import POSITIONS
from xojl_jax.tasks.layout.stages import STAGES
from xojl_jax.tasks.layout.visual_memory import PICTURE_LEVELS, STRIDES

_COUNT = Number(1)
_FROM_ZERO = Number(0)
_SHARE = Number(0, most=1)
_RATE = Number(0, below=1)
# Samples hold token ids, pointers at nodes among them, and lengths in 16 bits.
_MOST_IDS = 1 << 14

FIELDS: dict[str, Rule] = {
    "stage": OneOf(STAGES),
    "data.buckets": Number(1, most=MOST),
    "data.bucket_shapes": ANY,  # read by `buckets.parse_shapes`
    "data.codebook": ANY,  # a file, read by `Codebook.load`
    "data.class_tokenizer": ANY,  # a file, read by `ClassTokenizer.load`
    "data.balance": _SHARE,
    "data.rotate": Number(0, most=45),
    "data.rotate_share": _SHARE,
    "data.drop_html": _SHARE,
    "data.drop_image": _SHARE,
    "data.drop_boxes": _SHARE,
    "data.drop_classes": _SHARE,
    "data.drop_tags": _SHARE,
    "data.hints": _SHARE,
    "data.least_confidence": _SHARE,
    "image.height": Number(8, most=1 << 14),
    "image.width": Number(8, most=1 << 14),
    "image.sharpen": ANY,
    "model.patch": Number(2, most=1 << 10),
    "model.width": _COUNT,
    "model.heads": _COUNT,
    "model.vision_layers": _COUNT,
    "model.html_layers": _COUNT,
    "model.embeddings": SomeOf(EMBEDDINGS, fewest=1),
    "model.positions": SomeOf(POSITIONS),
    "model.html_prefixes": ANY,
    "model.class_composition": OneOf(COMPOSITIONS),
    "model.tree_bias": ANY,
    "model.fusion": OneOf(FUSIONS),
    "model.fusion_layers": _COUNT,
    "model.fusion_pairs": OneOf(("all", "boxes")),
    "model.fusion_weights": ANY,
    "model.decoder": OneOf(DECODERS),
    "model.decoder_layers": _COUNT,
    "model.decoder_window": _FROM_ZERO,
    "model.decoder_top_k": _FROM_ZERO,
    "model.decoder_key_block": _COUNT,
    "model.decoder_tree_bias": ANY,
    "model.exit_at": _SHARE,
    "model.mlp_ratio": _COUNT,
    "model.head_width": _FROM_ZERO,
    "model.mlp_width": _FROM_ZERO,
    "model.max_nodes": Number(1, most=_MOST_IDS),
    "model.max_classes": Number(1, most=_MOST_IDS),
    "model.max_target": Number(16, most=_MOST_IDS),
    "model.visual_memory": OneOf(PICTURE_LEVELS),
    "model.memory_stride": OneOf(STRIDES),
    "model.dropout": _RATE,
    "model.dtype": OneOf(DTYPES),
    "model.remat": OneOf(REMAT),
    "model.patch_embed": OneOf(PATCH_EMBEDS),
    "model.feed_forward": OneOf(FEED_FORWARDS),
    "model.fine_regions": _COUNT,
    "model.shifts": OneOf(SHIFTS),
    "model.lsa_temperature": ANY,
    "model.lsa_exclude_self": ANY,
    "model.lsa_window": _FROM_ZERO,
    "model.class_bias": OneOf(("none", "learned", "fixed")),
    "model.attention_warmup": _FROM_ZERO,
    "model.patch_drop": _RATE,
    "model.attention_block": _COUNT,
    "optim.label_smoothing": _RATE,
    "heads": SomeOf(HEADS),
    "loss.*": Number(0),
}
