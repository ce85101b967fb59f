"""All four stages in a row: each starts from the ones before it.

Command:   python -m xojl_jax.train --config=configs/all_stages.py
           python -m xojl_jax.train --config=configs/all_stages.py:tiny   (two CPU cores)
           Each stage is a run in a folder of its own below runs/stage4-PRESET-sequence:
           1-stage1-PRESET and so on, of which the last predicts. The same command goes on where it
           was interrupted. Most of the steps are best given to stage 2, whose steps are cheap:
           docs/training.md has a command line that does.
Hardware:  as each stage says.
Time:      tiny, by that command line: 7 minutes of training on one core; small, base: not yet
           measured.
Metric:    as each stage says. What a stage has in common with the one before is printed at its end.
"""

from configs import layout, stage1, stage2, stage3, stage4
from xojl_jax.config_fields import flatten

# What a stage starts from, runs of this sequence by their numbers.
INIT_FROM = {2: "", 3: "1,2"}


def get_config(preset: str = "base"):
    config = layout.make(preset)
    stages = enumerate((stage1, stage2, stage3, stage4), start=1)
    config.sequence = "; ".join(settings(number, stage, preset) for number, stage in stages)
    return config


def settings(number: int, stage, preset: str) -> str:
    """In what a stage's config differs from the defaults, as `config.sequence` has it."""
    defaults, own = flatten(layout.make(preset)), flatten(stage.get_config(preset))
    changed = {name: value for name, value in own.items() if value != defaults[name]}
    changed |= {"stage": number}
    if number in INIT_FROM:
        changed["init_from"] = INIT_FROM[number]
    return " ".join(f"{name}={value}" for name, value in changed.items())
