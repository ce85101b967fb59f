"""Where the time went: every second has one part, restarts included."""

import pytest

from xojl_jax.engine import goodput
from xojl_jax.engine.goodput import Goodput


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves when it is told to: `clock(3)` lets three seconds pass."""
    now = [100.0]
    monkeypatch.setattr(goodput.time, "perf_counter", lambda: now[0])

    def pass_time(seconds: float) -> None:
        now[0] += seconds

    return pass_time


def test_every_second_belongs_to_one_part(clock):
    """Protects the sum: what runs inside a part is not counted for the part around it."""
    spent = Goodput()
    clock(2)
    with spent.spent("compile"):
        clock(5)
    spent.training()
    clock(10)
    with spent.spent("evaluate"):
        clock(3)
        with spent.spent("save"):
            clock(1)
    clock(4)
    found = spent.as_dict()
    wanted = {"start": 2, "compile": 5, "step": 14, "evaluate": 3, "save": 1, "input": 0, "lost": 0}
    assert found["seconds"] == wanted
    assert found["share"] == pytest.approx(14 / 25)


def test_steps_that_no_checkpoint_kept_are_lost(clock):
    """Protects the truth after a kill: ten steps taken, six kept, four are taken again."""
    first = Goodput()
    first.training()
    clock(20)
    first.stepped(10)
    second = Goodput(first.as_dict())
    second.resume_at(6)
    found = second.as_dict()
    assert found["seconds"]["lost"] == pytest.approx(8)
    assert found["seconds"]["step"] == pytest.approx(12)
    assert found["lives"] == 2 and found["steps"] == 6


def test_a_part_ends_with_its_context_also_when_it_fails(clock):
    spent = Goodput()
    spent.training()
    with pytest.raises(ValueError, match="no"), spent.spent("save"):
        clock(1)
        raise ValueError("no")
    clock(2)
    assert spent.as_dict()["seconds"]["step"] == 2
