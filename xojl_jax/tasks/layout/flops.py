"""Forward FLOPs of one sample, by part, from formulas. A multiply-add is two.

XLA's own analysis counts the body of a scan once, so it is no use for scanned layers. Only what
grows with width times width, or length times length, is counted; norms and activations are not.
Attention counts every pair of tokens, masked ones included, as the published tables do.
"""

from xojl_jax.nn.patches import SHIFTS
from xojl_jax.tasks.layout.html_encoder import RELATIONS, class_width
from xojl_jax.tasks.layout.model import PYRAMID_WIDTH, ModelConfig

SPECIAL_TOKENS = 1 + 22  # CLS and the class prefixes


def vision_flops(c: ModelConfig) -> dict[str, float]:
    patches = c.grid[0] * c.grid[1]
    tokens = patches + SPECIAL_TOKENS
    copies = 1 + len(SHIFTS[c.shifts])
    return {
        "patch embedding": 2.0 * patches * copies * 3 * c.patch**2 * c.width,
        "vision linear": c.vision_layers * tokens * _block(c),
        "vision attention": 4.0 * c.vision_layers * tokens**2 * c.width,
    }


def html_flops(c: ModelConfig, max_classes: int) -> dict[str, float]:
    inner = class_width(c.width)
    composed = 2 * (3 * inner + 3) * 2 * inner + 2 * 2 * inner * inner + 2 * inner * inner
    bias = 2.0 * len(RELATIONS) * c.heads * c.max_nodes**2
    return {
        "class composition": c.max_nodes * (max_classes * composed + 2.0 * 3 * inner * c.width),
        "html linear": c.html_layers * c.max_nodes * _block(c),
        "html attention": c.html_layers * (4.0 * c.max_nodes**2 * c.width + bias),
    }


def fusion_flops(c: ModelConfig) -> dict[str, float]:
    patches = c.grid[0] * c.grid[1]
    tokens = c.max_nodes + patches
    width = min(PYRAMID_WIDTH, c.width)
    cells = memory_cells(c)
    levels = 2.0 * c.width * width * patches + 2.0 * cells * (9 * width**2 + width * c.width)
    return {
        "fusion linear": c.fusion_layers * tokens * _block(c),
        "fusion attention": 2 * 4.0 * c.fusion_layers * c.max_nodes * patches * c.width,
        "pyramid": levels,
    }


def decoder_flops(c: ModelConfig) -> dict[str, float]:
    """Both views: two sequences of `max_target` tokens, one memory."""
    memory = c.max_nodes + memory_cells(c)
    length, square = 2 * c.max_target, c.width**2
    outputs = c.vocabulary_size + c.max_nodes
    return {
        # Beside a block: the query and the output of the cross-attention.
        "decoder linear": c.decoder_layers * length * (_block(c) + 4.0 * square),
        "decoder memory": c.decoder_layers * 4.0 * square * memory,
        "decoder self-attention": 2 * 4.0 * c.decoder_layers * c.max_target**2 * c.width,
        "decoder cross-attention": 4.0 * c.decoder_layers * length * memory * c.width,
        # Scores, and the expected next node that the prior hands to each position.
        "logits": 2.0 * length * c.width * (outputs + c.max_nodes),
    }


def memory_cells(c: ModelConfig) -> int:
    """Cells of the visual grid that the decoder attends to."""
    rows, columns = (-(-side // c.memory_stride) for side in c.grid)
    return rows * columns


def _block(c: ModelConfig) -> float:
    """One token in one layer: four projections of the width, and the feed-forward."""
    return (8.0 + 4.0 * c.mlp_ratio) * c.width**2
