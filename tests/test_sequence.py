"""Several runs in a row: their configs and folders, what is left out, and what is said between."""

import json

import pytest

from configs import all_stages, layout
from xojl_jax import sequence
from xojl_jax.errors import BadUsage


def of(text):
    config = layout.make("tiny")
    with config.unlocked():
        config.sequence = text
    return config


def test_the_four_stages_start_from_one_another(tmp_path):
    """Protects `configs/all_stages.py`: what each stage's own file says holds, and the third starts
    from the first and the second."""
    runs = sequence.plan(all_stages.get_config("tiny"), tmp_path)
    assert [run.path.name for run in runs] == [f"{n}-stage{n}-tiny" for n in (1, 2, 3, 4)]
    first, second, third, fourth = (run.config for run in runs)
    assert [run.config.stage for run in runs] == [1, 2, 3, 4]
    assert first.init_from == second.init_from == first.sequence == ""
    assert third.init_from == f"{runs[0].path},{runs[1].path}"
    assert fourth.init_from == str(runs[2].path)
    assert (second.data.drop_html, second.data.drop_image) == (0.0, 0.1)
    large = sequence.plan(all_stages.get_config("base"), tmp_path)
    assert [run.config.total_steps for run in large] == [60_000, 40_000, 60_000, 100_000]


def test_pictures_grow_from_run_to_run(tmp_path):
    """Protects X060 by one command: values have the types of their fields."""
    text = "image.height=192 image.width=256 data.rotate=0; image.sharpen=False"
    small, large = sequence.plan(of(text), tmp_path)
    assert (small.config.image.height, small.config.image.width) == (192, 256)
    assert (large.config.image.height, large.config.image.width) == (384, 512)
    assert small.config.data.rotate == 0.0 and large.config.image.sharpen is False
    assert large.config.init_from == str(small.path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "stage=1; image.heights=3",
            "no field is set by 'image.heights=3'.*did you mean 'image.height'",
        ),
        ("stage=one", "'stage=one' is no int"),
        ("stage=4; init_from=2", "init_from=2 names no run before this one"),
        ("stage=7", r"config.stage is 7"),
    ],
)
def test_a_wrong_setting_is_refused_before_the_first_run(tmp_path, text, message):
    """Protects from a sequence that fails in its last run."""
    with pytest.raises(BadUsage, match=message):
        sequence.plan(of(text), tmp_path)


def test_what_has_ended_is_left_out_and_what_was_interrupted_goes_on(tmp_path, capsys):
    """Protects the same command, given again; and the line that says what a run gained."""
    config = of("stage=2 total_steps=3; stage=3 total_steps=3; stage=4 total_steps=3")
    trained = []

    def train(config, path, last):
        trained.append((config.stage, last))
        interrupted = trained.count((config.stage, last)) == 1 and config.stage == 3
        with sequence.workdir.claim(path, config) as directory:
            step = 2 if interrupted else 3
            directory.write_summary({"outcome": "x" if interrupted else "finished", "step": step})
            told = {"step": 1, "f1/node": 0.1 * config.stage, f"only/{config.stage}": 1, "loss": 1}
            if config.stage != 3:  # not what lies between, but the last run that has it
                told["f1/patch"] = 0.1 * config.stage
            directory.evaluations_file.write_text(json.dumps([told]))
        return 75 if interrupted else 0

    assert sequence.run(config, tmp_path, train) == 75
    assert sequence.run(config, tmp_path, train) == 0
    assert trained == [(2, False), (3, False), (3, False), (4, True)]
    lines = [line for line in capsys.readouterr().err.splitlines() if "->" in line]
    assert [line.rsplit(": ", 1)[1] for line in lines] == [
        "f1/node 0.2 -> 0.3",
        "f1/node 0.3 -> 0.4, f1/patch 0.2 -> 0.4",
    ]
