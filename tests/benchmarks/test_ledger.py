"""The ledger: equal terms, one training for each run, a table that says what is missing."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import ledger, ledger_table
from benchmarks.ledger_claims import ABLATIONS, BASELINE
from configs import layout
from tests.test_requirements import IDS
from xojl_jax import config_fields
from xojl_jax.engine import fields
from xojl_jax.errors import BadUsage
from xojl_jax.tasks.layout.fields import FIELDS


def test_every_ablation_is_of_a_requirement_and_differs_from_the_baseline():
    """Protects a ledger of hours: a misspelled field would fail in the middle of it."""
    default = config_fields.flatten(layout.make("tiny"))
    for name, ablation in ABLATIONS.items():
        assert ablation.row in IDS, name
        changed = {field: default[field] for field in ablation.changes}
        assert changed != ablation.changes, name
        config = layout.make("tiny")
        with config.unlocked():
            config.update_from_flattened_dict(ablation.changes)
        config_fields.check(config, {**fields.FIELDS, **FIELDS})


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


def answered(hits: int) -> dict:
    """What ledger_answers writes of ten records, so many of whose elements were found."""
    counts = np.zeros((10, 3, 22), int)
    counts[:, 0, 0], counts[:, 2, 0] = 1, 3
    counts[:hits, 0, 0] += 1
    return {
        "machine": "a machine",
        "cost": {"seconds": 2.0, "memory": 2**20, "parameters": 1e6, "flops": 1e9},
        "held_out": {"shards": {"records": list(range(10)), "aligned": counts.tolist()}},
    }


def test_the_table_tells_what_a_part_brings_and_what_is_not_measured(tmp_path):
    """Protects the sign: a part that is on by default is measured by taking it away."""
    settings = {"data": "shards", "held_out": ["shards"], "limit": 0, "fields": {"total_steps": 9}}
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    for name, hits in ((BASELINE, 10), ("no_aux", 0), ("structure", 10)):
        folder = tmp_path / name / "seed-0"
        folder.mkdir(parents=True)
        (folder / "answers.json").write_text(json.dumps(answered(hits)))
    page = tmp_path / "page.md"
    page.write_text(f"before\n{ledger_table.BEGIN}\nearlier\n{ledger_table.END}\nafter\n")
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
