"""Freezing what has converged: the rule against plain numbers, and within the training step."""

import jax
import jax.numpy as jnp
import numpy as np

from tests.engine.toy_task import names_and_leaves, set_up, toy_config
from xojl_jax.engine import checkpoint
from xojl_jax.engine.plateau import Plateau, Stack
from xojl_jax.engine.saver import Saver

RULE = Plateau(
    every=2,
    begin=1,
    stacks={"stack": Stack(3, 0.1)},
    stack_of={"stack": "stack", "head": ""},
    axes={"stack": 1, "head": 0},
)


def frozen_after(norms):
    """How many layers are frozen after each step, given the gradients' norms [steps, 3]."""
    watch, state, found = jax.jit(RULE.watch), RULE.start(), []
    for step, row in enumerate(norms):
        # Two entries a layer, whose squares make up the norm's.
        stack = jnp.asarray(row, jnp.float32)[:, None] * jnp.array([0.6, 0.8])
        state = watch(state, {"stack": stack, "head": jnp.ones(4)}, jnp.int32(step))
        found.append(int(state["stack"].frozen))
    return found


def test_the_first_layers_are_frozen_once_they_change_no_more():
    """Protects X061: intervals of two steps after the warm-up; a layer waits for those before it,
    and what is frozen stays so."""
    warmup = [[9, 9, 9]]
    first = [[4, 4, 4], [4, 4, 4]]
    second = [[4, 2, 4], [4, 3, 4]]  # the last one is still, too, but its neighbor is not
    third = [[4, 2, 1], [4, 3, 1]]
    fourth = [[1, 5, 5], [1, 5, 5]]
    assert frozen_after(warmup + first + second + third + fourth) == [0] * 4 + [1] * 2 + [2] * 3


def test_a_frozen_stack_moves_no_more(tmp_path):
    """Protects the step: all layers count as still here, so both are frozen after two intervals,
    bit for bit, and nothing else is. And resuming: what was counted is saved."""
    fields = {"optim__groups__rest__freeze_plateau": 0.99, "optim__plateau_steps": 2}
    config = toy_config(**fields)
    toy = set_up(config)
    before, history = toy.run(6)
    assert [metrics["frozen/blocks/2"] for metrics in history] == [0] * 5 + [2]
    kept = names_and_leaves(before.params)
    saver = Saver(
        tmp_path, keep=1, metadata=checkpoint.make_metadata(toy.task, config, toy.setup, {})
    )
    saver.save(before, 6)
    saver.close()
    restored = checkpoint.restore_newest(tmp_path, toy.setup.abstract, on_corrupt="stop").state
    jax.tree.map(
        np.testing.assert_array_equal,
        *map(names_and_leaves, (restored.opt_state, before.opt_state)),
    )
    after, _ = toy.step_fn(before, toy.batch(6))
    same = {
        name for name, leaf in names_and_leaves(after.params).items() if (leaf == kept[name]).all()
    }
    assert same == {name for name in kept if "blocks" in name}
