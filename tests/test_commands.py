"""The commands as people call them: what they print, what they write, how they end."""

import contextlib
import functools
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from tests.tasks.conftest import small_config, write_untrained_run
from xojl_jax import evaluate, export, predict, tasks, train
from xojl_jax.engine import checkpoint_files, loop, sharding, state
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.tasks.layout import suite
from xojl_jax.tasks.layout.inference import LayoutInference
from xojl_jax.xojl.tree import ELEMENTS, parse_layout

ROOT = Path(__file__).parent.parent
TREE = '{"section@d_flex": {"h1@fs_3r": {"text": "xv1"}, "p": {"text": "xv2"}}}'


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The working directory of a small run."""
    workdir = tmp_path_factory.mktemp("run")
    write_untrained_run(small_config(), workdir)
    return workdir


LONGER = pytest.mark.slow


@pytest.fixture(
    scope="module", params=[pytest.param(1, marks=LONGER), 2, pytest.param(3, marks=LONGER)]
)
def encoder_run(request, tmp_path_factory):
    """The working directory of a run of a stage without a decoder, stopped before its first step,
    every parameter zero: nothing is compiled."""
    config = small_config(stage=request.param, eval_batches=0)
    workdir = tmp_path_factory.mktemp(f"stage{request.param}")
    make_mesh = functools.partial(sharding.make_mesh, devices=jax.devices()[:1])

    def zeros(task, config, setup):
        return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), setup.abstract)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sharding, "make_mesh", make_mesh)
        patch.setattr(state, "from_scratch", zeros)
        patch.setattr(train, "compile_steps", lambda *_: contextlib.nullcontext())
        patch.setattr(loop, "_stop_is_due", lambda *_: True)
        assert train.train(tasks.make(config), config, workdir) == train.PREEMPTED
    return workdir


def call(module: str, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200)


def test_evaluate_reports_both_views_beside_the_baseline(run, tmp_path, capsys):
    """Protects the report: every metric with an interval, valid answers even of noise."""
    out = tmp_path / "report.json"
    argv = [f"--workdir={run}", "--limit=4", "--batch-size=1", "--attention-overlap"]
    evaluate.main([*argv, f"--out={out}", "--pictures=2"])
    told = capsys.readouterr().out
    assert "tags only" in told and f"2 pictures in {tmp_path / 'report'}" in told
    pictures = list((tmp_path / "report").glob("*.png"))
    assert len(pictures) == 2
    for path in pictures:
        with Image.open(path) as picture:
            assert picture.width >= 800 or picture.height >= 800
    report = json.loads(out.read_text())
    assert report["baseline"]["records"] == 4
    for view in ("semantic", "detail"):
        scores = report["views"][view]["scores"]
        assert scores["valid"]["value"] == scores["completed"]["value"] == 1.0
        f1 = scores["element_micro_f1"]
        assert 0 <= f1["low"] <= f1["value"] <= f1["high"] <= 1
        overlap = scores["attention_iou_class"]
        assert 0 <= overlap["low"] <= overlap["value"] <= overlap["high"] <= 1


def test_a_suite_scores_groups_and_changed_inputs_side_by_side(run, tmp_path, capsys):
    """Protects `--suite`: every split is scored, over the records that it is possible for."""
    out = tmp_path / "suite.json"
    argv = [f"--workdir={run}", "--suite", "--limit=1", "--batch-size=1", f"--out={out}"]
    data = ROOT / "xojl_jax" / "sample_data"
    evaluate.main([*argv, f"--also={data}"])
    assert "without HTML" in (told := capsys.readouterr().out) and "sample_data" in told
    splits = json.loads(out.read_text())["splits"]
    assert splits["sample_data"] == splits["all records"]
    assert splits["site: made"]["detail"]["records"] == 1
    assert {"framework: made", *suite.CHANGES} < set(splits)
    assert all(view["records"] for split in splits.values() for view in split.values())


def test_predict_prints_json_alone_and_draws(run, capsys):
    """Protects scripts: standard output parses as XOJL, everything else is on standard error."""
    predict.main([f"--workdir={run}", "--sample=1", "--split=val"])
    printed = capsys.readouterr()
    layout = parse_layout(printed.out)
    assert layout and layout[0].element in ELEMENTS
    assert "used: screenshot and HTML" in printed.err
    with Image.open(run / "predictions" / "val-1.png") as picture:
        assert picture.format == "PNG"


@pytest.mark.parametrize("mode", ["detail", "semantic", "dual"])
def test_predict_takes_a_tree_alone(run, tmp_path, capsys, mode):
    """Protects input without a screenshot, in every mode; it says which modality it used."""
    tree = tmp_path / "tree.json"
    tree.write_text(TREE)
    predict.main([f"--workdir={run}", f"--html={tree}", f"--mode={mode}"])
    printed = capsys.readouterr()
    answer = json.loads(printed.out)
    views = answer.values() if mode == "dual" else [answer]
    assert all(parse_layout(json.dumps(view)) for view in views)
    assert "used: HTML;" in printed.err


@pytest.mark.parametrize(
    ("evaluated", "predicted"),
    [("best", "checkpoints/2"), pytest.param("checkpoints/2", "best", marks=LONGER)],
)
def test_a_checkpoint_that_was_used_is_still_sound(run, capsys, evaluated, predicted):
    """Protects checkpoints named as such, the best one above all: what is made with one goes to its
    working directory, and never inside, where a further file counts as damage."""
    evaluate.main([f"--workdir={run / evaluated}", "--limit=2", "--batch-size=1"])
    predict.main([f"--workdir={run / predicted}", "--sample=2", "--split=val"])
    for name in (evaluated, predicted):
        checkpoint_files.verify(checkpoint_files.find(run / name))
    assert (run / "evaluation-val.json").is_file()
    assert (run / "predictions" / "val-2.png").is_file()


def test_predict_takes_a_screenshot_alone(run, tmp_path, capsys):
    """Protects input without HTML: nothing to copy, so tags and classes are spelled out."""
    shot = tmp_path / "shot.png"
    Image.fromarray(np.full((80, 120, 3), 200, np.uint8)).save(shot)
    predict.main([f"--workdir={run}", f"--screenshot={shot}", "--method=beam", "--beam=2"])
    printed = capsys.readouterr()
    assert parse_layout(printed.out)
    assert "used: screenshot;" in printed.err


def test_bad_input_is_named(run, tmp_path):
    """Protects people who give predict the wrong thing: one line says what, where, what to do."""
    shot = tmp_path / "shot.png"
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(shot)
    files = {
        "broken.json": b'{"div": ',
        "number.json": b'{"div": 7}',
        "page.html": b"<html><body></body></html>",
        "bytes.json": b'{"div\xff": ""}',
        "cut.png": shot.read_bytes()[:60],
        "text.png": b"not a picture",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    cases = {
        "--html=broken.json": "broken.json",
        "--html=number.json": "expected",
        "--html=page.html": "data_prep.capture",
        "--html=bytes.json": "UTF-8",
        "--html=missing.json": "cannot be read",
        "--screenshot=cut.png": "cut.png is a truncated PNG",
        "--screenshot=text.png": "text.png is no image that we know",
        "--screenshot=missing.png": "cannot be read",
    }
    for argument, words in cases.items():
        flag, name = argument.split("=")
        with pytest.raises(BadInput) as fault:
            predict.main([f"--workdir={run}", f"{flag}={tmp_path / name}"])
        assert words in str(fault.value), argument
        assert "\n" not in str(fault.value)


def test_input_is_checked_before_the_model_is_loaded(run, tmp_path, monkeypatch, capsys):
    """Protects people's time: a wrong file is refused at once, not after the model is read; and a
    good one is said how it was taken, beside the answer."""
    path = tmp_path / "cut.json"
    path.write_text(TREE[:-9])
    with monkeypatch.context() as patch:
        patch.setattr("xojl_jax.restore.load", None)
        with pytest.raises(BadInput, match=r"cut\.json.*ends too early|ends too early.*cut\.json"):
            predict.main([f"--workdir={run}", f"--html={path}"])
    assert not capsys.readouterr().out


def test_bad_usage_is_named(run, tmp_path):
    """Protects people who mistype: the answer says what to give instead."""
    for arguments, words in {
        (f"--workdir={run}",): "nothing to predict",
        (f"--workdir={run}", "--sample=100000"): "has records 0 to",
        (f"--workdir={run}", "--sample=0", "--html=a.json"): "leave the other two away",
    }.items():
        with pytest.raises(BadUsage, match=words):
            predict.main(list(arguments))
    with pytest.raises((BadUsage, BadInput), match="nowhere"):
        evaluate.main([f"--workdir={tmp_path / 'nowhere'}"])
    with pytest.raises(BadInput, match=r"data_prep\.build"):
        evaluate.main([f"--workdir={run}", f"--data={tmp_path}"])


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    """The run, exported by the command, with one of its programs: each takes seconds to trace."""
    out = tmp_path_factory.mktemp("models") / "model"
    programs = LayoutInference.programs
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            LayoutInference, "programs", lambda self: {"detail": programs(self)["detail"]}
        )
        export.main([f"--workdir={run}", f"--out={out}", "--name=mine"])
    return out


def test_an_exported_model_stands_for_its_run(run, exported, tmp_path, capsys):
    """Protects predict and evaluate with a MODEL: the same answer, from the model's own program;
    what that does not compute comes from the code."""
    with pytest.raises(BadUsage, match="exists"):
        export.main([f"--workdir={run}", f"--out={exported}"])
    printed = []
    for folder in (run, exported):
        picture = tmp_path / "picture.png"
        arguments = ["--sample=1", "--split=val", f"--picture={picture}"]
        predict.main([f"--workdir={folder}", *arguments])
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    out = tmp_path / "report.json"
    limits = ("--limit=2", "--batch-size=2", "--mode=detail")
    evaluate.main([f"--workdir={exported}", *limits, f"--out={out}"])
    assert json.loads(out.read_text())["checkpoint"] == str(exported)


def test_predict_answers_a_folder_of_records(exported, tmp_path, capsys):
    """Protects long jobs: every record has one line, a bad one with its error; what was killed in a
    line goes on there, and another model's file is refused."""
    folder, out = tmp_path / "records", tmp_path / "answers" / "layouts.jsonl"
    folder.mkdir()
    Image.fromarray(np.full((80, 120, 3), 200, np.uint8)).save(folder / "shot.png")
    lines = [
        json.dumps({"id": f"r{i}", "screenshot": "shot.png", "html": {"p": ""}}) for i in range(4)
    ]
    lines[2] = lines[2].replace("shot.png", "missing.png")
    (folder / "records.jsonl").write_text("\n".join([*lines[:3], "{", lines[3]]) + "\n")
    flags = [f"--workdir={exported}", f"--records={folder}", f"--out={out}", "--batch-size=2"]
    assert predict.main(flags) == 1
    assert "5 records, 2 of them bad" in capsys.readouterr().err
    whole = out.read_bytes()
    told = [json.loads(line) for line in whole.splitlines()]
    assert [each["record"] for each in told] == [f"records.jsonl:{n}" for n in range(1, 6)]
    assert ["error" in each for each in told] == [False, False, True, True, False]
    assert "missing.png" in told[2]["error"]
    assert all(parse_layout(each["layout"]) for each in told if "layout" in each)
    out.write_bytes(whole[: len(whole) // 2])
    assert predict.main(flags) == 1
    assert out.read_bytes() == whole
    assert "were there already" in capsys.readouterr().err
    out.write_text(json.dumps({**told[0], "model": "another"}) + "\n")
    with pytest.raises(BadUsage, match="holds answers of another"):
        predict.main(flags)
    with pytest.raises(BadUsage, match="go together"):
        predict.main(flags[:2])


def test_a_damaged_checkpoint_is_named(run, tmp_path):
    """Protects predictions from half a model: one flipped byte is found before use."""
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    data = max((copy / "checkpoints").rglob("*"), key=lambda p: p.stat().st_size * p.is_file())
    content = bytearray(data.read_bytes())
    content[len(content) // 2] ^= 1
    data.write_bytes(content)
    with pytest.raises(BadInput, match=data.name):
        predict.main([f"--workdir={copy}", "--sample=0"])


def test_a_checkpoint_of_another_model_is_named(run, monkeypatch):
    """Protects from answers of a model whose code has changed since: the difference has a path."""
    make = tasks.make

    def changed(config, metadata=None):
        config.model.html_layers += 1
        return make(config, metadata)

    monkeypatch.setattr("xojl_jax.tasks.make", changed)
    with pytest.raises(BadInput, match=r"does not fit the model: .*html.* there, .* here"):
        predict.main([f"--workdir={run}", "--sample=0"])


@pytest.mark.parametrize("name", ["train", "evaluate", "predict", "plan", "export", "serve"])
def test_help_teaches(name):
    """Protects `--help`: it ends well and shows a command to try."""
    result = call(f"xojl_jax.{name}", "--help")
    assert result.returncode == 0
    assert f"python -m xojl_jax.{name} --" in result.stdout


def test_mistakes_end_with_one_line_and_exit_code_2():
    """Protects scripts and people from tracebacks: a real process, a misspelt field."""
    for module, *arguments in (
        ("xojl_jax.train", "--config=configs/stage4.py:tiny", "--config.modle.width=3"),
        ("xojl_jax.train", "--config=configs/stage4.py:tiny", "--config.optim.lr_vision=1e-3"),
        ("xojl_jax.plan", "--config=configs/stage4.py:huge"),
        ("xojl_jax.train", "--config=configs/stage9.py"),
        ("xojl_jax.evaluate", "--split=test"),
    ):
        result = call(module, *arguments)
        assert result.returncode == 2, result.stderr
        assert "Traceback" not in result.stderr
        assert "error: " in result.stderr.splitlines()[-1]


def test_a_run_without_a_decoder_is_told_so(encoder_run):
    """Protects people who evaluate stage 1, 2 or 3: one line says where its metrics are and what to
    do next."""
    wanted = r"no decoder.* summary\.json\. Train stage 4 from it \(--config\.init_from\)$"
    assert (encoder_run / "summary.json").is_file()
    for command, *flags in ((evaluate,), (predict, "--sample=0")):
        with pytest.raises(BadUsage, match=wanted) as fault:
            command.main([f"--workdir={encoder_run}", *flags])
        assert fault.value.exit_code == 2 and "\n" not in str(fault.value)


@pytest.mark.slow
@pytest.mark.parametrize("stage", [1, 2, 3])
def test_a_stage_without_a_decoder_is_planned(stage):
    """Protects `plan --compile`, as people call it."""
    small = ("model.width=32", "model.heads=2", "image.height=96", "image.width=128")
    flags = ("--compile", "--quick", *(f"--config.{field}" for field in small))
    done = call("xojl_jax.plan", f"--config=configs/stage{stage}.py:tiny", *flags)
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    assert "memory of a training step" in done.stdout and "no decoding step" in done.stdout


def test_plan_prints_the_published_sizes():
    """Protects the model summary of `base`, and that it needs no weights."""
    result = call("xojl_jax.plan", "--config=configs/stage4.py")
    assert result.returncode == 0, result.stderr
    assert "vision attention" in result.stdout
    assert "parameters (float32)" in result.stdout
    # A ViT-B: twelve layers of 7.1 M parameters, patches and positions; 4 S^2 D FLOPs a layer for
    # 3,600 patches and 23 tokens more.
    sizes = {"trunk/vision": (85, 95), "vision attention": (4 * 3623**2 * 768 * 12 / 1e9,) * 2}
    for row, (least, most) in sizes.items():
        found = float(re.search(rf"{row}\D+([\d,.]+)", result.stdout)[1].replace(",", ""))
        assert 0.99 * least <= found <= 1.01 * most, row
