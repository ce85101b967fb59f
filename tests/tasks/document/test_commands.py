"""The document task goes through the commands as every task does."""

import json

import pytest

from tests.tasks.document.conftest import small_config
from xojl_jax import evaluate, predict
from xojl_jax import train as training
from xojl_jax.tasks.document.inference import DocumentInference
from xojl_jax.tasks.document.task import DocumentTask


@pytest.mark.slow
def test_it_trains_evaluates_and_predicts(tmp_path, capsys):
    """Protects the family as a whole: no command knows it, and each works."""
    config = small_config(
        batch_size=8,
        total_steps=6,
        checkpoint_every=3,
        eval_batches=1,
        log_every=2,
        **{"optim.warmup_steps": 2},
    )
    run = tmp_path / "run"
    assert training.train(DocumentTask(config), config, run) == 0
    summary = json.loads((run / "summary.json").read_text())
    assert summary["step"] == 6
    evaluate.main([f"--workdir={run}", "--split=test", "--compilation-cache=off"])
    report = json.loads((run / "evaluation-test.json").read_text())
    scores, guessed = report["views"]["model"]["scores"], report["baseline"]["scores"]
    assert guessed.keys() < scores.keys() == set(DocumentInference.shown_metrics)
    capsys.readouterr()
    predict.main([f"--workdir={run}", "--sample=0", "--compilation-cache=off"])
    assert json.loads(capsys.readouterr().out)["words"]
    assert list((run / "predictions").glob("*.png"))
