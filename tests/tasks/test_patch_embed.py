"""The patch embedding is a config field."""

import jax
from flax import linen as nn

from tests.tasks.conftest import small_config
from xojl_jax.nn.patch_embeds import PATCH_EMBEDS
from xojl_jax.tasks.layout.task import LayoutTask


def test_each_embedding_builds_and_is_counted():
    """Only the projection's kernel differs, and the count of FLOPs follows it."""
    shapes, flops = {}, {}
    for name in PATCH_EMBEDS:
        task = LayoutTask(small_config(**{"model.patch_embed": name}))
        params = nn.meta.unbox(jax.eval_shape(task.init, jax.random.key(0)))
        params["trunk"]["vision"]["patches"]["project"].pop("kernel")
        channels = PATCH_EMBEDS[name].channels(task.model_config.trunk.vision)
        flops[name] = task.flops()["patch embedding"] / channels
        shapes[name] = jax.tree.map(lambda leaf: leaf.shape, params)
    assert shapes["linear"] == shapes["shifted"] and flops["linear"] == flops["shifted"]
