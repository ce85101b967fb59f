"""Eight simulated devices: where arrays really lie, and that it changes no number."""

import logging

import jax
import numpy as np
import pytest
from jax.sharding import AxisType, PartitionSpec

from tests.engine.toy_task import ToyTask, names_and_leaves, set_up, toy_config
from xojl_jax.engine import sharding, step
from xojl_jax.errors import BadUsage

MESH = {"mesh__data": 2, "mesh__fsdp": 2, "mesh__tensor": 2}


@pytest.fixture(scope="module")
def both():
    """The same run, with micro-batches and a running average, on one device and on 2 x 2 x 2."""
    changes = {"optim__accumulate": 2, "optim__ema_decay": 0.9}
    single = set_up(toy_config(**changes))
    sharded = set_up(toy_config(**changes, **MESH), devices=jax.devices())
    return single, sharded, single.run(4), sharded.run(4)


def test_parameters_are_really_split(both):
    """Protects the table: kernels, moments and the average lie in pieces on the devices."""
    _, _, _, (state, _) = both
    up = state.params["blocks"]["up"]
    assert up.shape == (2, 8, 12)
    for array in (up, state.opt_state.mu["blocks"]["up"], state.ema["blocks"]["up"]):
        assert array.sharding.spec == PartitionSpec(None, "fsdp", "tensor")
        assert {shard.data.shape for shard in array.addressable_shards} == {(2, 4, 6)}
    assert state.params["blocks"]["bias"].sharding.spec == PartitionSpec(None, "tensor")
    assert state.step.sharding.is_fully_replicated


def test_an_axis_that_does_not_divide_stays_whole(both, caplog):
    """Protects odd sizes: 5 rows over 2 devices are replicated, and the log says so."""
    _, sharded, _, (state, _) = both
    assert state.params["odd"].sharding.spec == PartitionSpec(None, "fsdp")
    with caplog.at_level(logging.WARNING):
        with sharding.use_mesh(sharded.setup.mesh):
            boxed = jax.eval_shape(sharded.task.init, jax.random.key(0))
        sharding.param_shardings(boxed, sharded.setup.mesh)
    assert "odd: heads of 5 does not split 2 ways" in caplog.text


def test_eight_devices_compute_what_one_does(both):
    """Protects every number: initial values, dropout, losses and updates do not see the mesh."""
    _, _, (one, one_history), (eight, eight_history) = both
    for ours, theirs in zip(eight_history, one_history, strict=True):
        for name in theirs:
            np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-5, atol=1e-5)
    for tree in ("params", "ema"):
        expected = names_and_leaves(getattr(one, tree))
        for name, leaf in names_and_leaves(getattr(eight, tree)).items():
            np.testing.assert_allclose(leaf, expected[name], rtol=1e-5, atol=1e-5, err_msg=name)


def test_rows_are_split_over_data_and_fsdp(both):
    """Protects the batch: each of the four device groups holds a quarter of the rows."""
    _, sharded, _, _ = both
    image = sharded.batch(0)["image"]
    assert {shard.data.shape for shard in image.addressable_shards} == {(4, 16)}


def test_constraints_of_activations_take_hold(both):
    """Protects `use_mesh`: outside a set mesh Linen drops every constraint without a word."""
    _, sharded, _, _ = both
    arguments = (sharded.setup.abstract, step.abstract_batch(sharded.task, sharded.setup.mesh))

    def constraints() -> int:
        function = step.make_train_step(sharded.task, sharded.config, sharded.setup)
        return str(function.trace(*arguments).jaxpr).count("sharding_constraint")

    with sharding.use_mesh(sharded.setup.mesh):
        inside = constraints()
    assert inside > constraints()


def test_the_mesh_of_a_config():
    """Protects mesh.data = -1 and Auto axes; sizes that do not fit are refused with advice."""
    mesh = sharding.make_mesh(toy_config(mesh__tensor=2).mesh)
    assert dict(mesh.shape) == {"data": 4, "fsdp": 1, "tensor": 2}
    assert set(mesh.axis_types) == {AxisType.Auto}
    with pytest.raises(BadUsage, match="whose product is 8"):
        sharding.make_mesh(toy_config(mesh__tensor=3).mesh)
    with pytest.raises(BadUsage, match="choose a multiple of 24"):
        sharding.check_batch_size(16, 3, sharding.make_mesh(toy_config().mesh))


def test_an_unknown_logical_axis_is_named(monkeypatch):
    """Protects the one table: a misspelt axis would otherwise be replicated in silence."""
    monkeypatch.setattr(
        sharding, "RULES", tuple(rule for rule in sharding.RULES if rule[0] != "mlp")
    )
    mesh = sharding.make_mesh(toy_config().mesh)
    with sharding.use_mesh(mesh):
        boxed = jax.eval_shape(ToyTask(toy_config()).init, jax.random.key(0))
    with pytest.raises(ValueError, match="'mlp' is not in"):
        sharding.param_shardings(boxed, mesh)
