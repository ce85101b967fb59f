"""Forward FLOPs of one sample, by part, from formulas. A multiply-add is two."""

from xojl_jax.nn.multiway import multiway_flops
from xojl_jax.tasks.document.answering.model_config import AnswerConfig
from xojl_jax.tasks.document.flops import vision_flops
from xojl_jax.tasks.document.text import TEXT_ENCODERS


def forward_flops(c: AnswerConfig, max_prompt: int) -> dict[str, float]:
    """Of teacher forcing; what grows with width times width, or length times length."""
    assert c.trunk.multiway is not None
    width, length, words = c.block.width, c.max_length, c.max_tokens
    memory = words + c.num_patches
    layers = c.trunk.decoder.layers
    parts = vision_flops(c.trunk.vision) | TEXT_ENCODERS[c.text].flops(c)
    parts |= multiway_flops(c.trunk.multiway, words, c.num_patches)
    if (p := c.prompt) is not None:
        linear = (8.0 * p.width + 4.0 * p.hidden) * p.width
        attention = 4.0 * max_prompt * p.width
        parts["prompt"] = p.layers * max_prompt * (linear + attention)
    own = (12.0 + 4.0 * c.block.mlp_ratio) * length * width**2
    of_memory = 4.0 * memory * width**2
    scores = 4.0 * length * (length + memory) * width
    parts["decoder"] = layers * (own + of_memory + scores)
    parts["words to copy"] = 4.0 * words * width**2
    parts["token scores"] = 2.0 * length * width * (c.tokens + words + width)
    return parts
