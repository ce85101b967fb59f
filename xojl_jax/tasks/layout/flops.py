"""Forward FLOPs of one sample, by part, from formulas. A multiply-add is two.

XLA's own analysis counts the body of a scan once, so it is no use for scanned layers. Only what
grows with width times width, or length times length, is counted; norms and activations are not.
Attention counts every pair of tokens, masked ones included, as the published tables do.

Parts that a config names have their formulas beside them; here are the trunk's and the sum.
"""

import functools

import numpy as np

from xojl_jax.nn.config import DecoderConfig, VisionConfig
from xojl_jax.nn.patch_embeds import patch_embed_class
from xojl_jax.nn.patches import patch_grid
from xojl_jax.tasks.base import RealWork, Sample
from xojl_jax.tasks.layout.block_flops import block_flops
from xojl_jax.tasks.layout.fusion import FUSIONS
from xojl_jax.tasks.layout.heads import HEADS
from xojl_jax.tasks.layout.html_encoder import html_flops
from xojl_jax.tasks.layout.model_config import ModelConfig
from xojl_jax.tasks.layout.visual_memory import memory_flops
from xojl_jax.xojl.vocabulary import PAD


def forward_flops(c: ModelConfig) -> dict[str, float]:
    """Of everything that the config's stage runs."""
    parts = vision_flops(c.trunk.vision) if c.stage.vision else {}
    parts |= html_flops(c.html) if c.stage.html else {}
    if c.stage.fused:
        parts |= FUSIONS[c.fusion].flops(c) | memory_flops(c)
    parts |= decoder_flops(c) if c.stage.decoder else {}
    heads = {f"{name} head": HEADS[name].flops(c) for name in c.heads}
    return parts | {name: flops for name, flops in heads.items() if flops}


def real_work(c: ModelConfig, batch: Sample) -> RealWork:
    """How much of a batch's rows is no padding; target lengths are means of both views.

    A screenshot counts as whole rows of patches, as many as have a real patch.
    """
    patches = batch["patch_mask"] & batch["image_mask"][:, None]
    rows = patches.reshape(len(patches), -1, c.grid[1]).any(-1).sum(-1)
    nodes = batch["html_mask"].sum(-1)
    classes = batch["html_class_mask"].sum((1, 2))
    tokens = sum((batch[f"{view}_tokens"] != PAD).sum(-1) for view in ("semantic", "detail"))
    shares = {
        "patches": patches.mean(),
        "nodes": batch["html_mask"].mean(),
        "classes": batch["html_class_mask"].mean(),
        "tokens": tokens.sum() / (2 * batch["detail_tokens"].size),
    }
    each = np.stack([rows, nodes, -(-classes // np.maximum(nodes, 1)), -(-tokens // 2)], -1)
    flops = sum(_total_flops(c, tuple(sizes)) for sizes in np.maximum(each, 1).tolist())
    return RealWork({name: float(share) for name, share in shares.items()}, flops)


@functools.lru_cache(maxsize=1 << 16)
def _total_flops(c: ModelConfig, sizes: tuple[int, ...]) -> float:
    return sum(forward_flops(c.cut(*sizes)).values())


def vision_flops(c: VisionConfig) -> dict[str, float]:
    rows, columns = patch_grid(c.image_height, c.image_width, c.patch)
    patches, width = rows * columns, c.block.width
    tokens = 1 + c.num_prefixes + patches  # CLS and the class prefixes
    channels = patch_embed_class(c.patch_embed).channels(c)
    return {
        "patch embedding": 2.0 * patches * channels * c.patch**2 * width,
        "vision linear": c.layers * tokens * block_flops(c.block),
        "vision attention": 4.0 * c.layers * tokens**2 * c.block.inner,
    }


def _keys_read(c: DecoderConfig) -> int:
    """Keys that a position of the decoder computes a score with, masked ones included."""
    if c.key_block == 1:
        return c.max_length
    return min((c.window or 0) + (c.top_k or 0), c.max_length)


def _means_read(c: DecoderConfig) -> int:
    """Mean keys of blocks by which a position chooses, where it does."""
    return 0 if c.key_block == 1 else c.max_length // c.key_block


def decoder_flops(c: ModelConfig) -> dict[str, float]:
    """Both views: two sequences of `max_length` tokens, one memory."""
    decoder, width, nodes = c.trunk.decoder, c.block.width, c.html.max_nodes
    inner = c.block.inner
    memory, length = c.num_tokens, 2 * decoder.max_length
    outputs = c.vocabulary_size + nodes
    stacks = 1 if c.decoder == "shared" else 2
    bias = 2 * decoder.relations * decoder.block.heads
    return {
        # Beside a block: the query and the output of the cross-attention.
        "decoder linear": decoder.layers
        * length
        * (block_flops(decoder.block) + 4.0 * width * inner),
        "decoder memory": stacks * decoder.layers * 4.0 * width * inner * memory,
        "decoder self-attention": 2.0
        * decoder.layers
        * decoder.max_length
        * (_keys_read(decoder) * (4 * inner + bias) + 2 * inner * _means_read(decoder)),
        "decoder cross-attention": 4.0 * decoder.layers * length * memory * inner,
        # Scores, and the expected next node that the prior gives to each position.
        "logits": 2.0 * length * width * (outputs + nodes),
    }
