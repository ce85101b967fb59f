"""Forward FLOPs of one sample, by part, from formulas. A multiply-add is two.

As for layouts, only what grows with width times width, or length times length, is counted.
"""

from xojl_jax.nn.config import BlockConfig, VisionConfig
from xojl_jax.nn.multiway import multiway_flops
from xojl_jax.nn.patch_embeds import patch_embed_class
from xojl_jax.nn.patches import patch_grid
from xojl_jax.tasks.document.model_config import ModelConfig
from xojl_jax.tasks.document.objectives import TOKENIZER, inputs_of, objectives_of
from xojl_jax.tasks.document.text import TEXT_ENCODERS


def forward_flops(c: ModelConfig) -> dict[str, float]:
    """Of everything that the objectives run."""
    heads, needed = objectives_of(c), inputs_of(c)
    parts = vision_flops(c.trunk.vision) if heads else {}
    if {"words", "text"} & needed and c.trunk.multiway is not None:
        parts |= TEXT_ENCODERS[c.text].flops(c)
        parts |= multiway_flops(c.trunk.multiway, c.max_tokens, c.num_patches)
    if "codes" in needed or TOKENIZER in c.objectives:
        parts |= tokenizer_flops(c)
    if "teacher" in needed and c.teacher is not None:
        parts["teacher"] = sum(vision_flops(c.teacher).values())
    return parts | {f"{name} head": entry.flops(c) for name, entry in heads.items()}


def vision_flops(c: VisionConfig) -> dict[str, float]:
    rows, columns = patch_grid(c.image_height, c.image_width, c.patch)
    patches, width = rows * columns, c.block.width
    tokens = 1 + c.num_prefixes + patches
    channels = patch_embed_class(c.patch_embed).channels(c)
    return {
        "patch embedding": 2.0 * patches * channels * c.patch**2 * width,
        **_layers("vision", c.block, c.layers, tokens),
    }


def tokenizer_flops(c: ModelConfig) -> dict[str, float]:
    """With the decoder only where the tokenizer is trained."""
    t, patches, pixels = c.tokenizer, c.num_patches, 3 * c.trunk.vision.patch**2
    trained = TOKENIZER in c.objectives
    layers = t.layers + (t.decoder_layers if trained else 0)
    told = (t.features or pixels) if trained else 0
    ends = 2.0 * patches * (pixels + told) * t.block.width
    codes = 2.0 * patches * t.code_width * (t.codes + t.block.width)
    return {"tokenizer ends": ends + codes, **_layers("tokenizer", t.block, layers, patches)}


def _layers(name: str, block: BlockConfig, layers: int, tokens: int) -> dict[str, float]:
    return {
        f"{name} linear": layers * tokens * (8.0 * block.width + 4.0 * block.hidden) * block.width,
        f"{name} attention": 4.0 * layers * tokens**2 * block.width,
    }
