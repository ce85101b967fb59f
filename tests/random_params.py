"""Parameters that are noise: nothing to compile, and no zero that hides what lies behind it."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn


def random_params(init, seed: int = 0):
    """What `init(key)` would return, unboxed and filled with noise; scales are around one."""
    random = np.random.default_rng(seed)

    def noise(path, leaf):
        is_scale = path[-1].key == "scale"
        # About 1/sqrt(fan in), were all but the last axis contracted.
        spread = 0.1 if leaf.ndim < 2 else 1 / np.sqrt(np.prod(leaf.shape[-3:-1]))
        # Cast by numpy: JAX would compile that for each shape.
        value = is_scale + spread * random.normal(size=leaf.shape)
        return jnp.asarray(value.astype(leaf.dtype))

    abstract = nn.meta.unbox(jax.eval_shape(init, jax.random.key(0)))
    return jax.tree_util.tree_map_with_path(noise, abstract)
