"""What the document task's config fields may hold (configs/document.py). A test compares the
two."""

from xojl_jax.config_fields import ANY, Number, OneOf, Rule, SomeOf
from xojl_jax.nn.activations import ACTIVATIONS_BY_NAME
from xojl_jax.nn.config import DTYPES, RELATIVE_POSITIONS
from xojl_jax.nn.patch_embeds import PATCH_EMBEDS
from xojl_jax.nn.positions import GRID_POSITIONS
from xojl_jax.nn.scan import REMAT
from xojl_jax.tasks.document import image_tokenizer
from xojl_jax.tasks.document.objectives import OBJECTIVES, TARGETS, TOKENIZER
from xojl_jax.tasks.document.text import TEXT_ENCODERS

_COUNT = Number(1)
_FROM_ZERO = Number(0)
_SHARE = Number(0, most=1)

# Of everything that reads pages (configs/document_page.py).
PAGE_FIELDS: dict[str, Rule] = {
    "data.tokenizer": ANY,  # a file, read by `WordPieces.load`
    "image.height": Number(8, most=1 << 14),
    "image.width": Number(8, most=1 << 14),
    "model.patch": Number(2, most=1 << 10),
    "model.patch_embed": OneOf(PATCH_EMBEDS),
    "model.width": _COUNT,
    "model.heads": _COUNT,
    "model.mlp_ratio": _COUNT,
    "model.vision_layers": _COUNT,
    "model.pretrained_vision": ANY,  # a folder, read by pretrained/vision.py
    "model.positions": OneOf(GRID_POSITIONS),
    "model.relative_positions": OneOf(RELATIVE_POSITIONS),
    "model.activation": OneOf(ACTIVATIONS_BY_NAME),
    "model.key_bias": ANY,
    "model.norm_epsilon": Number(0, below=1),
    "model.layer_scale": _FROM_ZERO,
    "model.drop_path": Number(0, below=1),
    "model.init_std": _FROM_ZERO,
    "model.depth_init": ANY,
    "model.text": OneOf(TEXT_ENCODERS),
    "model.max_tokens": Number(1, most=1 << 14),
    "model.multiway_layers": _FROM_ZERO,
    "model.joint_layers": _FROM_ZERO,
    "model.box_features": _COUNT,
    "model.box_channels": _FROM_ZERO,
    "model.dropout": Number(0, below=1),
    "model.dtype": OneOf(DTYPES),
    "model.remat": OneOf(REMAT),
    "model.attention_block": _COUNT,
    "language.width": _COUNT,
    "language.layers": _COUNT,
    "language.heads": _COUNT,
    "language.kv_heads": _COUNT,
    "language.hidden": _COUNT,
}
FIELDS: dict[str, Rule] = {
    **PAGE_FIELDS,
    "objectives": SomeOf((*OBJECTIVES, TOKENIZER), fewest=1),
    "target": OneOf(TARGETS),
    "clip": ANY,  # a folder, read by pretrained/vision.py
    "mask.words": _SHARE,
    "mask.span": Number(0),
    "mask.patches": _SHARE,
    "model.cls_layers": _COUNT,
    "tokenizer.width": _COUNT,
    "tokenizer.heads": _COUNT,
    "tokenizer.layers": _COUNT,
    "tokenizer.decoder_layers": _COUNT,
    "tokenizer.target": OneOf(image_tokenizer.TARGETS),
    "tokenizer.codes": Number(2, most=1 << 20),
    "tokenizer.code_width": _COUNT,
    "loss.*": _FROM_ZERO,
}
