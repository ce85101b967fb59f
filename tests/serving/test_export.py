"""Exported models: whole, self-contained, and of the same answers as the run."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from jax import export
from safetensors.numpy import load_file

from xojl_jax import restore
from xojl_jax.data.transforms import stack
from xojl_jax.engine import checkpoint
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.serving import folder as folders
from xojl_jax.serving import model as exported_model
from xojl_jax.serving import programs

ROOT = Path(__file__).parents[2]


def test_programs_answer_as_the_run_does_token_for_token(own, model):
    """Protects the round trip: every array that `predict` gives, equal to the last token."""
    dataset = own.inference.dataset("val")
    batch = stack([dataset[i] for i in range(2)])
    batch = {name: np.asarray(array) for name, array in batch.items()}
    options = {"mode": "detail", "method": "greedy", "beam": 4, "temperature": 1.0}
    wanted = restore.predictor(own, options | {"confidence": True})(batch)
    found = own.inference.from_named(model.program("detail")(own.params, batch))
    for array in ("tokens", "length", "category"):
        assert np.array_equal(getattr(wanted, array), getattr(found, array)), array
    np.testing.assert_allclose(wanted.score, found.score, rtol=1e-5)
    np.testing.assert_allclose(wanted.gains, found.gains, rtol=1e-4, atol=1e-6)


def test_the_program_of_nodes_answers_as_the_run_does(own, model):
    """Protects the fast answer of a service: the labels of the nodes, and what becomes of them."""
    dataset = own.inference.dataset("val")
    batch = {name: np.asarray(array)[None] for name, array in dataset[0].items()}
    options = {"mode": "detail", "method": "nodes", "confidence": True}
    assert own.inference.program_for(options, own.inference.programs()) == "nodes"
    wanted = restore.predictor(own, options)(batch)
    found = own.inference.from_named(model.program("nodes")(own.params, batch))
    np.testing.assert_allclose(wanted.labels, found.labels, rtol=1e-4, atol=1e-5)
    records = [dataset.record(0)]
    ours, theirs = (own.inference.decode(x, records, options)[0] for x in (wanted, found))
    assert ours.views["detail"].layout == theirs.views["detail"].layout
    assert ours.views["detail"].probabilities is not None


def test_a_smaller_size_answers_as_the_full_one_token_for_token(own, model):
    """Protects buckets: sections that fit a smaller size have the same answers in it."""
    full, options = model.program("detail"), own.inference.programs()["detail"]
    bucket = own.task.answer_buckets(2)[0]
    small = jax.jit(lambda p, b: own.inference.to_named(own.inference.predict(p, b, **options)))
    sizes = programs.Buckets(full, [(bucket, lambda: small)], own.task)
    dataset = own.inference.dataset("val")
    samples = (stack([dataset[i]]) for i in range(len(dataset)))
    fitting = [s for s in samples if own.task.fits({n: s[n] for n in full.inputs}, bucket)]
    batch = {name: np.concatenate([s[name] for s in fitting[:2]]) for name in full.inputs}
    cut = own.task.cut(batch, bucket)
    assert cut["html_mask"].shape[1] < batch["html_mask"].shape[1]
    wanted, found = full(own.params, batch), sizes(own.params, batch)
    for array in ("tokens", "length", "category"):
        assert np.array_equal(found[array], wanted[array]), array
    np.testing.assert_allclose(found["score"], wanted["score"], rtol=1e-5)


def test_a_program_answers_what_it_can(own):
    """Protects `predict` from a model of an earlier version: what its program lacks is traced."""
    options = {"mode": "detail", "method": "greedy", "confidence": True}
    programs = own.inference.programs()
    old = {name: {"mode": name, "method": "greedy"} for name in programs}
    find = own.inference.program_for
    assert find(options, programs) == "detail" and find(options, old) is None
    assert find(options | {"confidence": False}, programs) == "detail"
    assert find(options | {"confidence": False}, old) == "detail"
    assert find(options | {"method": "beam"}, programs) is None
    assert find(options, {}) is None


def test_the_folder_is_whole_and_says_what_it_is(own, folder):
    """Protects other readers: the parameters twice, programs that plain JAX reads, the card."""
    flat = load_file(folder / folders.PARAMS)
    wanted = checkpoint.describe_arrays(own.params)
    assert {name: [list(a.shape), a.dtype.name] for name, a in flat.items()} == wanted
    assert (folder / folders.ORBAX).is_dir()
    told = folders.read_model(folder)
    assert told["version"].startswith("small-7-") and told["arrays"] == wanted
    blob = (folder / "programs/detail.jaxexport").read_bytes()
    assert b"xojl_jax/nn/" in blob and str(ROOT).encode() not in blob  # nobody's folders
    program = export.deserialize(bytearray(blob))
    assert program.platforms == programs.PLATFORMS
    # Labels are not among what it reads.
    assert "image" in told["inputs"] and "detail_tokens" not in told["inputs"]
    vocabulary = json.loads((folder / "task/vocabulary.json").read_text())
    assert vocabulary["codebook"]["properties"]
    card = (folder / folders.CARD).read_text()
    assert told["version"] in card and "Nothing yet" in card and "Apache-2.0" in card
    assert "Apache License" in (folder / folders.LICENSE).read_text()


def test_the_card_shows_what_was_measured(own, folder):
    """Protects from boasting: the scores of this checkpoint with their intervals, of no other."""
    from xojl_jax.serving import model_card

    workdir = Path(own.metadata["checkpoint"]).parents[1]
    score = {"value": 0.5, "low": 0.25, "high": 0.75}
    report = {
        "checkpoint": own.metadata["checkpoint"],
        "data": "/some/where/shards",
        "split": "test",
        "method": "greedy",
        "views": {
            "detail": {
                "records": 12,
                "scores": {"element_micro_f1": score},
                "confidence": {"expected_calibration_error": 0.03125},
            }
        },
        "baseline": {"records": 12, "scores": {}},
    }
    path = workdir / "evaluation-test.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(report))
    told = folders.read_model(folder)
    card = model_card.card(told, own.inference, workdir)
    assert "0.500 [0.250, 0.750]" in card and "`shards`, 12 records" in card
    assert "| calibration error of confidences (lower is better) | 0.031 | – |" in card
    path.write_text(json.dumps(report | {"baseline": None}))  # shards without a training split
    assert "| 0.031 |\n" in model_card.card(told, own.inference, workdir)
    path.write_text(json.dumps(report | {"checkpoint": "elsewhere/checkpoints/8"}))
    assert "0.500" not in model_card.card(told, own.inference, workdir)
    path.unlink()


def test_damage_and_newer_formats_are_named(folder, tmp_path):
    """Protects answers: a flipped byte, a missing file, a newer format, each in one line."""
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    for name in ("params.safetensors", "programs/dual.jaxexport", "task/vocabulary.json"):
        content = bytearray((copy / name).read_bytes())
        content[len(content) // 2] ^= 1
        (copy / name).write_bytes(content)
        with pytest.raises(BadInput, match=rf"{Path(name).name} is changed"):
            exported_model.read(copy)
        (copy / name).unlink()
        with pytest.raises(BadInput, match=rf"{Path(name).name} is missing"):
            exported_model.read(copy)
        shutil.copy(folder / name, copy / name)
    (copy / ".DS_Store").write_text("nobody's harm")
    assert exported_model.read(copy).model["name"] == "small"
    told = json.loads((copy / "model.json").read_text())
    (copy / "model.json").write_text(json.dumps(told | {"format": 3}))
    with pytest.raises(BadInput, match="has format 3, this version reads up to 2"):
        exported_model.read(copy)
    (copy / "model.json").write_text("{")
    with pytest.raises(BadInput, match=r"model\.json cannot be read"):
        exported_model.read(copy)
    with pytest.raises(BadInput, match=r"xojl_jax\.export"):
        exported_model.read(tmp_path)


def test_an_export_that_fails_leaves_nothing(tmp_path):
    """Protects readers from half a model, and people from losing one that is there."""
    out = tmp_path / "model"
    with pytest.raises(RuntimeError), folders.writing(out) as partial:
        (partial / "params.safetensors").write_bytes(b"half")
        raise RuntimeError
    assert not any(tmp_path.iterdir())
    out.mkdir()
    (out / "mine").write_text("kept")
    with pytest.raises(BadUsage, match="exists"), folders.writing(out):
        pass
    assert (out / "mine").read_text() == "kept"


def test_a_program_of_no_sense_is_named():
    """Protects people whose JAX is another: the reader's own errors say nothing."""
    with pytest.raises(BadInput, match="cannot be read by jax"):
        programs.Program(b"no program", {}, {})


def test_other_platforms_are_refused(model, folder, monkeypatch):
    """Protects from an error deep inside XLA."""
    monkeypatch.setattr(jax, "default_backend", lambda: "metal")
    blob = (folder / "programs/detail.jaxexport").read_bytes()
    with pytest.raises(BadInput, match="JAX_PLATFORMS=cpu"):
        programs.Program(blob, {}, {})


def test_importing_the_package_imports_no_jax():
    """Protects scripts that only want the version or the language: JAX takes seconds."""
    code = "import sys, xojl_jax; assert not {'jax', 'numpy', 'flax'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_training_may_start_from_a_model(own, folder):
    """Protects `config.init_from=MODEL`: the parameters are those that it answers with, under the
    names that a run has."""
    params, metadata = restore.load_params(folder)
    assert metadata["checkpoint"] == str(folder)
    assert metadata["config"]["task"] == own.metadata["config"]["task"]
    jax.tree.map(np.testing.assert_array_equal, params, jax.device_get(own.params))
