"""The ledger: equal terms, one training for each run, a table that says what is missing."""

import importlib
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import (
    ledger,
    ledger_answers,
    ledger_documents,
    ledger_layout,
    ledger_table,
)
from benchmarks.ledger_claims import ABLATIONS, BASELINE
from benchmarks.ledger_families import FAMILIES
from tests.tasks.conftest import small_config, write_untrained_run
from tests.test_requirements import IDS
from xojl_jax import config_fields, tasks
from xojl_jax.documents.answers import Question, TextAnswer
from xojl_jax.engine import fields
from xojl_jax.errors import BadUsage
from xojl_jax.tasks.layout.task import SAMPLE_DATA
from xojl_jax.xojl.tree import Node


@pytest.mark.parametrize("family", FAMILIES)
def test_every_ablation_is_of_a_requirement_and_differs_from_the_baseline(family):
    """Protects a ledger of hours: a misspelled field would fail in the middle of it."""
    path, preset = FAMILIES[family].config.split(":")
    config_file = importlib.import_module(path.removesuffix(".py").replace("/", "."))
    for name, ablation in FAMILIES[family].ablations.items():
        assert ablation.row in IDS, name
        config = config_file.get_config(preset)
        default = config_fields.flatten(config)
        changes = ledger.changes(ablation, {"pretrained": "run"})
        assert {field: default[field] for field in changes} != changes, name
        with config.unlocked():
            config.update_from_flattened_dict(changes)
        config_fields.check(config, {**fields.FIELDS, **tasks.find(config.task).fields})


def test_all_get_the_first_seed_before_any_gets_the_next():
    """Protects a ledger that is stopped early: every row has something to compare."""
    jobs = list(ledger.jobs_of(("no_aux", "bag"), (0, 1)))
    assert jobs[:3] == [(BASELINE, 0), ("no_aux", 0), ("bag", 0)]
    assert jobs[3] == (BASELINE, 1)


def test_a_run_is_trained_once_and_not_under_other_terms(tmp_path, monkeypatch):
    """Protects resuming, and that no two terms end in one table."""
    commands = []

    def run(argv, **unused):
        commands.append(argv)
        if "benchmarks.ledger_answers" in argv:
            out = next(word for word in argv if word.startswith("--out="))
            Path(out.removeprefix("--out=")).write_text(json.dumps(answered(0)))
        return type("Done", (), {"returncode": 0})

    monkeypatch.setattr(ledger.subprocess, "run", run)
    argv = [f"--out={tmp_path / 'out'}", "--data=shards", "--only=no_aux", "--seeds=0"]
    argv.append(f"--page={tmp_path / 'page.md'}")
    ledger.main(argv)
    trained = [words for words in commands if "xojl_jax.train" in words]
    assert (
        len(trained) == 2
        and "--config.heads=node,category,element,contrastive,spatial" in (trained[1])
    )
    assert set(trained[1]) - set(trained[0]) == {
        "--config.heads=node,category,element,contrastive,spatial",
        f"--workdir={tmp_path / 'out' / 'no_aux' / 'seed-0' / 'run'}",
    }
    ledger.main(argv)
    assert len(commands) == 4
    with pytest.raises(BadUsage, match="other settings"):
        ledger.main([*argv, "--steps=7"])
    with pytest.raises(BadUsage, match="other settings"):
        ledger.main([*argv[:2], argv[-1], "--family=answers", "--seeds=0"])


def test_pre_training_is_ablated_where_a_run_is_given(tmp_path):
    """Protects the arms that begin with another run: none begins from scratch unnoticed, and a run
    that is given later does not make the folder one of other settings."""
    family = FAMILIES["answers"]
    assert "pretrained" not in ledger.choose(family, (), "")
    assert set(ledger.choose(family, (), "run")) == set(family.ablations)
    with pytest.raises(BadUsage, match="--pretrained=RUN"):
        ledger.choose(family, ("no_boxes", "adapters"), "")
    with pytest.raises(BadUsage, match="no bag: choose of no_prompt, "):
        ledger.choose(family, ("bag",), "")
    argv = [f"--out={tmp_path}", "--family=answers", "--data=shards"]
    for more in ([], ["--pretrained=run"]):
        settings = ledger.shared_settings(ledger.parse(argv + more))
        ledger.keep_settings(tmp_path, settings)
    with pytest.raises(BadUsage, match="other settings"):
        ledger.keep_settings(tmp_path, settings | {"pretrained": "another"})
    words = ledger.train_command(ledger.Job("adapters", 1), tmp_path, settings)
    assert "--config=configs/document_tune.py:tiny" in words
    assert {f"--config.init_from={Path('run').resolve()}", "--config.lora.rank=8"} < set(words)
    words = ledger.train_command(ledger.Job(BASELINE, 1), tmp_path, settings)
    assert not any("init_from" in word for word in words)


def answered(hits: int) -> dict:
    """What ledger_answers writes of ten sites, so many of whose elements were found."""
    counts = np.zeros((10, 3, 22), int)
    counts[:, 0, 0], counts[:, 2, 0] = 1, 3
    counts[:hits, 0, 0] += 1
    return {
        "machine": "a machine",
        "cost": {"seconds": 2.0, "memory": 2**20, "parameters": 1e6, "flops": 1e9},
        "held_out": {
            "shards": {
                "records": [f"{i}.example" for i in range(10)],
                "sections": [1] * 10,
                "aligned": counts.tolist(),
            }
        },
    }


def keep(out: Path, name: str, answers: dict) -> None:
    folder = out / name / "seed-0"
    folder.mkdir(parents=True)
    (folder / "answers.json").write_text(json.dumps(answers))


def test_the_table_tells_what_a_part_brings_and_what_is_not_measured(tmp_path):
    """Protects the sign: a part that is on by default is measured by taking it away."""
    settings = {"data": "shards", "held_out": ["shards"], "limit": 0, "fields": {"total_steps": 9}}
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    for name, hits in ((BASELINE, 10), ("no_aux", 0), ("structure", 10)):
        keep(tmp_path, name, answered(hits))
    page = tmp_path / "page.md"
    begin, end = ledger_table.marks(FAMILIES["layout"])
    page.write_text(f"before\n{begin}\nearlier\n{end}\nafter\n")
    ledger_table.write(tmp_path, page)
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "earlier" not in text
    rows = {
        ablation.part: line
        for ablation in ABLATIONS.values()
        for line in text.splitlines()
        if f"| {ablation.part} |" in line
    }
    # 20 of 50 against 10 of 50 found: 2 * 20 / (40 + 30) - 2 * 10 / (20 + 30).
    assert "+0.171 [" in rows[ABLATIONS["no_aux"].part] and "on; helps, with one seed" in text
    assert "+0.000 [" in rows[ABLATIONS["structure"].part]
    assert ledger_table.NOT_MEASURED in rows[ABLATIONS["bag"].part]
    assert "F1 shards 0.571 (10 sections of 10 sites)" in text


def test_answers_have_a_table_of_their_own(tmp_path):
    """Protects the other family's table on the page, and that intervals draw documents whole."""
    settings = {"family": "answers", "data": "shards", "held_out": ["shards"], "limit": 0}
    (tmp_path / "settings.json").write_text(json.dumps(settings | {"fields": {"total_steps": 9}}))
    rows = {BASELINE: [[3, 4], [1, 4]], "no_boxes": [[1, 4], [1, 4]], "adapters": [[4, 4], [2, 4]]}
    for name, right in rows.items():
        held = {"records": ["a.example", "b.example"], "right": right}
        keep(tmp_path, name, answered(0) | {"held_out": {"shards": held}})
    page = tmp_path / "page.md"
    other = "\n".join(ledger_table.marks(FAMILIES["layout"]))
    page.write_text(f"before\n{other}\n")
    ledger_table.write(tmp_path, page)
    text = page.read_text()
    assert text.startswith(f"before\n{other}\n")
    assert "accuracy shards 0.500 (8 questions, 2 documents or sites)" in text.replace("\n", " ")
    found = {line.split(" | ")[1]: line for line in text.splitlines() if line.startswith("| R")}
    # One document gains nothing, the other two of four answers: draws are 0, 0.25 or 0.5.
    assert "| +0.250 [+0.000, +0.500] | 1 |" in found["boxes of words"]
    assert (
        "| +0.250 [+0.250, +0.250] | 1 |" in found[FAMILIES["answers"].ablations["adapters"].part]
    )
    assert ledger_table.NOT_MEASURED in found["words"]
    ledger_table.write(tmp_path, page)
    assert page.read_text() == text


def test_elements_are_counted_by_site():
    """Protects the intervals: sections of one site are alike, and are drawn together."""
    column = Node("column", None)
    grid = Node("grid", None, children=(column, column))
    sites = ("a.example", "b.example", "a.example")
    records = [
        SimpleNamespace(layout=(grid,), source={"site": site}, alignment=lambda: (0, 1, 2))
        for site in sites
    ]
    told = [(grid,), (grid,), None]
    answers = [
        SimpleNamespace(
            views={"detail": SimpleNamespace(layout=one, nodes=(0, 1, 2) if one else ())}
        )
        for one in told
    ]
    dataset = SimpleNamespace(record=records.__getitem__)
    found = ledger_layout.counts(None, dataset, range(3), answers)
    assert (found["records"], found["sections"]) == (["a.example", "b.example"], [2, 1])
    hits = np.array(found["aligned"]).sum(-1)
    assert hits.tolist() == [[3, 0, 3], [3, 0, 0]]
    assert ledger_layout.size(found) == "3 sections of 2 sites"


def test_right_answers_are_counted_by_document():
    """Protects the figures of answers: what has no reference does not count, and an answer is right
    as `is_right` has it."""
    page = SimpleNamespace(words=("Total", "12.50"), boxes=np.zeros((2, 4)))
    asked = [("a", TextAnswer((1,))), ("b", TextAnswer((0,))), ("a", None), ("a", TextAnswer((0,)))]

    def source(number):
        site, answer = asked[number]
        record = SimpleNamespace(**vars(page), split_group=lambda: site)
        return record, Question("question", "What?", answer)

    told = [SimpleNamespace(answer=TextAnswer(words)) for words in (("12.50",), (1,), (1,), (1,))]
    dataset = SimpleNamespace(source=source)
    found = ledger_documents.counts(None, dataset, range(4), told)
    assert found == {"records": ["a", "b"], "right": [[1, 2], [0, 1]]}
    assert ledger_documents.accuracy(np.array([[1, 2], [0, 0]])).tolist() == [0.5, 0.0]


def test_a_run_without_a_decoder_is_answered(tmp_path, monkeypatch):
    """Protects the ledger of nodes: its runs have no decoder, and still a cost and answers."""
    write_untrained_run(small_config(stage=2, heads="node,category"), tmp_path / "run")
    flags = [f"--workdir={tmp_path / 'run'}", f"--out={tmp_path / 'told.json'}", "--limit=4"]
    flags += [f"--held-out={SAMPLE_DATA}", "--family=nodes"]
    monkeypatch.setattr(sys, "argv", ["ledger_answers", *flags])
    ledger_answers.main()
    told = json.loads((tmp_path / "told.json").read_text())
    assert told["cost"]["seconds"] > 0
    assert told["held_out"]
