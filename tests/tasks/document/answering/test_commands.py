"""Questions about pages go through the commands as every task does."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.tasks.document.answering.conftest import small_config
from xojl_jax import evaluate, export, predict
from xojl_jax import train as training
from xojl_jax.serving import loaded
from xojl_jax.tasks.document.answering.metrics import SHOWN
from xojl_jax.tasks.document.answering.task import DocumentAnswersTask


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 2])
def test_it_trains_evaluates_predicts_and_exports(rank, tmp_path, capsys):
    """Protects the second half of the family as a whole, with adapters and without: no command
    knows it, and each works."""
    config = small_config(
        batch_size=8,
        total_steps=6,
        checkpoint_every=3,
        eval_batches=1,
        log_every=2,
        **{"optim.warmup_steps": 2, "lora.rank": rank, "prompt.shots": 1},
    )
    run, model = tmp_path / "run", tmp_path / "model"
    assert training.train(DocumentAnswersTask(config), config, run) == 0
    assert json.loads((run / "summary.json").read_text())["step"] == 6
    evaluate.main([f"--workdir={run}", "--split=test", "--limit=40", "--compilation-cache=off"])
    report = json.loads((run / "evaluation-test.json").read_text())
    scores, guessed = report["views"]["model"]["scores"], report["baseline"]["scores"]
    assert "accuracy" in scores and scores.keys() == guessed.keys()
    assert set(SHOWN) - set(scores) == set()
    few = ["--suite", "--limit=4", "--shots=1", f"--out={tmp_path}/few.json"]
    evaluate.main([f"--workdir={run}", "--split=test", *few, "--compilation-cache=off"])
    told = json.loads((tmp_path / "few.json").read_text())
    assert told["shots"] == told["shots_in_training"] == 1
    assert any(name.startswith("prompt: ") for name in told["splits"])

    page, words = tmp_path / "page.png", tmp_path / "words.json"
    Image.fromarray(np.full((80, 60, 3), 255, np.uint8)).save(page)
    words.write_text(json.dumps({"words": ["Total:", "12.50"], "boxes": [[1, 1, 9, 5]] * 2}))
    asked = [f"--page={page}", f"--ocr={words}", "--prompt=What is the total?"]
    (tmp_path / "examples.jsonl").write_text('{"prompt": "Which month?", "answer": "May"}')
    examples = f"--examples={tmp_path}/examples.jsonl"
    predict.main([f"--workdir={run}", *asked, examples, "--compilation-cache=off"])
    capsys.readouterr()
    predict.main([f"--workdir={run}", *asked, "--compilation-cache=off"])
    told = json.loads(capsys.readouterr().out)

    export.main([f"--workdir={run}", f"--out={model}"])
    exported = loaded.load(model, cache="off")
    (answer,) = exported.describe([{"page": page, "ocr": words, "prompt": "What is the total?"}])
    assert answer["answer"] == told
    shown = exported(np.asarray(Image.open(page)), prompt="What is the total?")
    assert isinstance(shown, dict)
