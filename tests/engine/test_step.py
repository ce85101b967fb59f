"""The training step: what it computes, what it skips, and what it must not do."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.engine.toy_task import ToyTask, names_and_leaves, set_up, toy_config
from xojl_jax.engine import checkpoint, loop, optim, sharding, step
from xojl_jax.engine.saver import Saver
from xojl_jax.engine.state import make_train_setup
from xojl_jax.errors import BadInput, BadUsage


@pytest.fixture(scope="module")
def plain():
    """A run of twelve steps on one device: (toy, state, history)."""
    toy = set_up(toy_config(model__dropout=0.0, optim__ema_decay=0.9))
    return toy, *toy.run(12)


def test_it_learns(plain):
    """Protects the sign of everything: the loss falls well below chance."""
    _, _, history = plain
    assert history[0]["loss"] > 1.0
    assert history[-1]["loss"] < 0.5 * history[0]["loss"]
    assert history[-1]["tokens"] == 16


def test_micro_batches_give_the_gradient_of_the_whole(plain):
    """Protects accumulation: four micro-batches, averaged by weight, equal one batch."""
    toy = set_up(toy_config(model__dropout=0.0, optim__accumulate=4))
    state, history = toy.run(3)
    _, _, whole = plain
    for ours, theirs in zip(history, whole, strict=False):
        for name in ("loss", "grad_norm", "tokens", "accuracy"):
            np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-5, err_msg=name)
    assert int(state.step) == 3


def test_runs_of_two_seeds_share_their_programs():
    """Protects minutes: a seed that is compiled into the step makes every seed compile anew."""
    made = [set_up(toy_config(seed=seed)) for seed in (0, 7)]

    def texts(toy):
        batch = step.abstract_batch(toy.task, toy.setup.mesh)
        train = step.make_train_step(toy.task, toy.config, toy.setup)
        evaluate = step.make_eval_step(toy.task, toy.config)
        yield train.lower(toy.setup.abstract, batch).as_text()
        yield evaluate.lower(toy.setup.abstract.params, batch).as_text()

    one, other = made
    assert list(texts(one)) == list(texts(other))
    # Different numbers all the same: parameters first, then dropout from the same parameters.
    starts = [names_and_leaves(toy.start.params) for toy in made]
    assert not all(np.array_equal(starts[0][name], starts[1][name]) for name in starts[0])
    reseeded = jax.tree.map(jnp.copy, one.start.replace(seed=other.start.seed))
    batch = one.batch(0)
    losses = [float(one.step_fn(start, batch)[1]["loss"]) for start in (one.start, reseeded)]
    assert losses[0] != losses[1]


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
def test_a_poisoned_step_changes_nothing_but_the_counters(poison):
    """Protects the state from NaN and Inf: parameters, moments and average stay bit for bit."""
    toy = set_up(toy_config(optim__ema_decay=0.9), poison=(poison, 2))
    before, skipped_so_far, row = toy.start, 0, 0
    seen = set()
    for number in range(4):
        kept = names_and_leaves((before.params, before.opt_state, before.ema))
        after, metrics = toy.step_fn(before, toy.batch(number))
        skipped = bool(metrics["skipped"])
        seen.add(skipped)
        assert skipped == (not np.isfinite(metrics["loss"]))
        skipped_so_far, row = skipped_so_far + skipped, (row + 1) * skipped
        assert (int(after.skipped), int(after.skipped_in_a_row)) == (skipped_so_far, row)
        assert int(after.step) == number + 1
        now = names_and_leaves((after.params, after.opt_state, after.ema))
        assert all(np.isfinite(leaf).all() for leaf in now.values())
        same = [np.array_equal(now[name], kept[name]) for name in kept]
        assert all(same) if skipped else not any(same)
        before = after
    assert seen == {True, False}, "the poison must meet some steps and miss others"


def test_the_loop_moves_no_data_and_compiles_nothing(plain):
    """Protects speed: after the first step, no transfer that nobody asked for, no compilation."""
    toy, state, _ = plain
    state = jax.tree.map(jnp.copy, state)
    batches = [toy.batch(number) for number in range(4)]
    state, _ = loop._one_step(toy.step_fn, state, batches[0])
    events = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda name, *_, **__: events.append(name) if "compile" in name else None
    )
    for batch in batches[1:]:
        state, metrics = loop._one_step(toy.step_fn, state, batch)
    jax.block_until_ready(metrics)
    assert not events
    with pytest.raises(Exception, match=r"[Dd]isallowed"):
        loop._one_step(toy.step_fn, state, jax.tree.map(np.asarray, batches[0]))
    with pytest.raises(TypeError, match=r"shape|type"):
        short = {name: rows[:8] for name, rows in batches[0].items()}
        loop._one_step(toy.step_fn, state, short)


def test_the_running_average_trails(plain):
    """Protects EMA: it starts at the parameters and follows them; turned off it costs nothing."""
    _, state, _ = plain
    average, now = state.eval_params["head"], state.params["head"]
    assert 0 < np.abs(np.asarray(average) - np.asarray(now)).mean() < 0.1
    config = toy_config()
    without = make_train_setup(ToyTask(config), config, sharding.make_mesh(config.mesh)).abstract
    assert without.ema is None
    assert without.eval_params is without.params


def test_rates_by_group(plain):
    """Protects the schedule: warm-up, peaks by group, freezing, an end near zero."""
    config = toy_config(
        optim__groups__vision__lr=1e-4,
        optim__groups__rest__lr=5e-4,
        optim__groups__vision__freeze_at=8,
    )
    rates = set_up_rates(config)
    assert rates(0)["vision"] == pytest.approx(0.5e-4)
    assert rates(1)["rest"] == pytest.approx(5e-4)
    assert 0 < rates(11)["rest"] < 0.2 * 5e-4
    assert rates(7)["vision"] > 0
    assert rates(8)["vision"] == 0
    assert rates(8)["rest"] > 0
    assert set(rates(0)) == {"vision", "rest"}


def test_an_unknown_group_is_refused():
    """Protects from a parameter without a learning rate: it is named, with the groups there are."""
    config = toy_config()
    with config.unlocked():
        del config.optim.groups["vision"]
    named = r"has no 'vision', the group of the parameter vision: add it; there are rest"
    with pytest.raises(BadUsage, match=named):
        set_up(config)


class Taught(ToyTask):
    """Pulls its answers towards those of a teacher, which is a frozen model of the same kind, and
    tells which step it is."""

    follows_step = True

    def init_frozen(self, rng):
        return {"teacher": self.init(rng)}

    def loss(self, params, batch, rng, *, train, frozen, step):
        loss, metrics = super().loss(params, batch, rng, train=train)
        metrics["at"] = step.astype(jnp.float32)
        teacher = self.model().apply({"params": frozen["teacher"]}, batch["image"], train=False)
        logits = self.model().apply({"params": params}, batch["image"], train=False)
        distance = jnp.mean((jax.nn.softmax(logits) - jax.nn.softmax(teacher)) ** 2)
        return loss + distance, metrics | {"loss/teacher": distance}


def test_frozen_parameters_are_used_and_kept(tmp_path):
    """Protects teachers: they act in the loss, are neither optimized nor averaged, are sharded like
    parameters, and are saved and restored. And that a loss is told the step where it asks."""
    config = toy_config(optim__ema_decay=0.9, mesh__fsdp=2)
    toy = set_up(config, devices=jax.devices()[:2], task_type=Taught)
    before = names_and_leaves(toy.start.frozen)
    state, history = toy.run(2)
    assert history[1]["loss/teacher"] > 0
    assert [metrics["at"] for metrics in history] == [0, 1]
    jax.tree.map(np.testing.assert_array_equal, names_and_leaves(state.frozen), before)
    assert state.frozen["teacher"]["head"].sharding == state.params["head"].sharding
    moments = len(jax.tree.leaves(state.opt_state.mu))
    assert moments == len(jax.tree.leaves(state.ema)) == len(jax.tree.leaves(state.params))

    metadata = checkpoint.make_metadata(toy.task, config, toy.setup, {})
    saver = Saver(tmp_path, keep=1, metadata=metadata)
    saver.save(state, 2)
    saver.close()
    restored = checkpoint.restore_newest(tmp_path, toy.setup.abstract, on_corrupt="stop")
    jax.tree.map(np.testing.assert_array_equal, names_and_leaves(restored.state.frozen), before)
    assert restored.state.frozen["teacher"]["head"].sharding == state.params["head"].sharding
    params, _ = checkpoint.load_params(tmp_path)
    assert set(params) == set(state.params)
    plain = set_up(config, devices=jax.devices()[:2])
    with pytest.raises(BadInput, match=r"teacher/.* is not in the model"):
        checkpoint.restore_newest(tmp_path, plain.setup.abstract, on_corrupt="stop")


def set_up_rates(config):
    optimizer = optim.Optimizer(config.optim, config.total_steps, None, None, None)
    return lambda step: jax.device_get(optimizer.rates(step))


def test_decay_spares_biases_and_vectors(plain):
    """Protects weight decay: a bias of a scanned stack looks like a matrix, and is none."""
    toy, _, _ = plain
    decayed = {
        sharding.path_name(path): leaf
        for path, leaf in jax.tree_util.tree_leaves_with_path(toy.setup.optimizer.decayed)
    }
    assert decayed["blocks/up"]
    assert decayed["vision"]
    assert not decayed["blocks/bias"]


def test_clipping_bounds_the_norm():
    """Protects clipping: scaled down to the limit, small ones and limit 0 left alone."""
    grads = {"a": jnp.asarray([3.0, 4.0])}
    norm = jnp.asarray(5.0)
    np.testing.assert_allclose(optim.clip(grads, norm, 1.0)["a"], [0.6, 0.8], rtol=1e-6)
    np.testing.assert_array_equal(optim.clip(grads, norm, 10.0)["a"], [3.0, 4.0])
    np.testing.assert_array_equal(optim.clip(grads, norm, 0.0)["a"], [3.0, 4.0])
