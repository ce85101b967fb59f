"""The flags of tasks beside those of the commands."""

import pytest

from xojl_jax import evaluate, predict, restore, tasks

ANSWERING = [name for name in tasks.TASKS if tasks.find(name).inference_type]


@pytest.mark.parametrize("command", [predict, evaluate], ids=["predict", "evaluate"])
@pytest.mark.parametrize("name", ANSWERING)
def test_flags_of_a_task_and_of_a_command_differ(name, command, monkeypatch, capsys):
    """Protects every task's predict and evaluate: one name twice is a traceback at their start."""
    kind = tasks.find(name).inference_type
    monkeypatch.setattr(restore, "_inference_type", lambda argv: (kind, None))
    with pytest.raises(SystemExit) as ended:
        command.parse(["--help"])
    assert not ended.value.code
    assert f"python -m {command.__name__}" in capsys.readouterr().out
