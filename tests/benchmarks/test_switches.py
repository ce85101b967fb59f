"""The benchmark of switches on a tiny shape: every model is one, and differs from the others."""

import argparse
import functools

import numpy as np
import pytest

from benchmarks import switches
from tests.tasks.conftest import small_config
from xojl_jax.config_fields import flatten
from xojl_jax.errors import BadUsage
from xojl_jax.tasks.layout.task import LayoutTask

# As `small_config` shrinks `tiny`.
SMALL = flatten(small_config())
FIELDS = [
    f"{name}={SMALL[name]}"
    for name in ("image.height", "image.width", "model.width", "model.max_target")
]


def parsed(which: str, preset: str = "tiny") -> argparse.Namespace:
    return argparse.Namespace(set=which, preset=preset, batch=2, fields=[], only=[])


@pytest.mark.parametrize("preset", ["tiny", "base"])
@pytest.mark.parametrize("which", switches.SETS)
def test_every_model_is_one_that_the_task_takes(which, preset):
    """Protects a run of an hour: each config is refused by nothing, and no two are the same."""
    configs = switches.configs_of(parsed(which, preset))
    models = [LayoutTask(config).model_config for config in configs.values()]
    assert len({*map(str, models)}) == len(models) > 1


def test_all_savings_have_fewer_parameters_and_less_work():
    """Protects the table of X103: the sizes are those of each model."""
    configs = switches.configs_of(parsed("savings"))
    none, every = (switches.sizes(configs[name]) for name in ("none of them", "all of them"))
    assert all(less < more for less, more in zip(every, none, strict=True))
    millions, floats, small, _ = none
    assert floats == pytest.approx(4 * millions)
    assert millions < small < floats / 2


def test_sizes_need_no_compilation(capsys):
    """Protects `--sizes` and `--only`: the models that are named, and dashes for what was not run;
    a name that does not exist is refused with the choices."""
    switches.main(["--set=savings", "--sizes", "--only", "all of them", "none of them"])
    rows = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines()[3:]]
    assert [row[0] for row in rows] == ["all of them", "none of them"]
    assert all(row[5:] == ["–"] * 4 and float(row[1]) > 0 for row in rows)
    with pytest.raises(BadUsage, match="no half of them: choose of none of them, one decoder"):
        switches.main(["--set=savings", "--sizes", "--only", "half of them"])


def test_models_take_turns(monkeypatch):
    """Protects the comparison: whatever else the machine does meets all alike; the first round, in
    which programs warm up, does not count; a token is what decoding takes beyond encoding."""
    now, order = [0.0], []
    monkeypatch.setattr(switches.time, "process_time", lambda: now[0])

    def model(name: str, *seconds: float) -> switches.Running:
        def run(second: float) -> None:
            order.append(name)
            now[0] += second * (100 if len(order) <= 6 else 1)

        runs = (functools.partial(run, second) for second in seconds)
        return switches.Running(*runs, records=2, tokens=10, memory=0)

    models = {"one": model("one", 3, 0.5, 1.5), "other": model("other", 1, 0.5, 1)}
    found = switches.take_turns(models, rounds=2)
    assert order[:9] == ["one"] * 3 + ["other"] * 3 + ["one"] * 3
    np.testing.assert_allclose(found["one"], [3, 250, 100])
    np.testing.assert_allclose(found["other"], [1, 250, 50])


@pytest.mark.slow
def test_a_table_is_printed(capsys):
    """Protects the script: it trains, encodes and decodes both, and prints what that took."""
    argv = ["--set=pyramid", "--batch=2", "--records=1", "--rounds=1", "--fields", *FIELDS]
    switches.main(argv)
    lines = capsys.readouterr().out.splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]
    told = {name: cells for name, *cells in rows}
    assert set(told) == {"model", "---", "pyramid", "without"}
    for name in ("pyramid", "without"):
        assert all(float(cell.replace(",", "")) > 0 for cell in told[name][:7])
        assert len(told[name]) == len(switches.HEADER) - 1
