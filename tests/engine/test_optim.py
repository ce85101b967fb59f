"""Freezing a stack layer by layer."""

import jax.numpy as jnp
import numpy as np
import optax

from configs import base
from xojl_jax.engine.optim import Optimizer


def test_the_first_layers_of_a_stack_stop():
    """Protects X061: of four groups of two layers the first three layers stop at the given step,
    the others and what is in no stack go on; before that step, all move."""
    config = base.defaults().optim
    config.groups.vision = base.group(lr=1.0, freeze_at=5, freeze_layers=3)
    config.warmup_steps, config.weight_decay = 0, 0.0
    params = {"stack": jnp.ones((4, 2, 3)), "patches": jnp.ones((3,))}
    optimizer = Optimizer(
        config=config,
        total_steps=10,
        groups=dict.fromkeys(params, "vision"),
        decayed=dict.fromkeys(params, False),
        stacked={"stack": 2, "patches": 0},
        moments=optax.identity(),
    )
    grads = {name: jnp.ones_like(x) for name, x in params.items()}
    early, _ = optimizer.update(grads, optimizer.init(params), params, jnp.int32(4))
    late, _ = optimizer.update(grads, optimizer.init(params), params, jnp.int32(5))
    moved = np.asarray(late["stack"] != params["stack"]).all(-1)
    assert moved.reshape(-1).tolist() == [False] * 3 + [True] * 5
    assert bool((early["stack"] != 1).all()) and bool((late["patches"] != 1).all())


def test_zeros_of_kernels_can_be_kept():
    """Protects magnitude pruning: what is zero stays zero through recovery, of kernels alone."""
    config = base.defaults().optim
    config.groups.rest = base.group(lr=1.0)
    config.warmup_steps, config.weight_decay, config.keep_zeros = 0, 0.0, True
    params = {"kernel": jnp.array([0.0, 1.0]), "bias": jnp.array([0.0, 1.0])}
    optimizer = Optimizer(
        config=config,
        total_steps=10,
        groups=dict.fromkeys(params, "rest"),
        decayed=dict.fromkeys(params, False),
        stacked=dict.fromkeys(params, 0),
        kernels={"kernel": True, "bias": False},
        moments=optax.identity(),
    )
    grads = {name: jnp.ones_like(x) for name, x in params.items()}
    moved, _ = optimizer.update(grads, optimizer.init(params), params, jnp.int32(0))
    assert moved["kernel"][0] == 0 and moved["kernel"][1] < 1 and bool((moved["bias"] < 1).all())
