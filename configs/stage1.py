"""Stage 1: the vision encoder learns to classify layouts.

Command:   python -m xojl_jax.train --config=configs/stage1.py
           python -m xojl_jax.train --config=configs/stage1.py:tiny   (two CPU cores, minutes)
Hardware:  base: TPU v5e 4x4 or one H200; small: one GPU of 24 GB; tiny: two CPU cores.
Time:      tiny: 6 minutes of training; small, base: not yet measured.
Metric:    F1 of the section category, of the used elements and of patches (f1/category, f1/element,
           f1/patch): tiny, 200 steps on the sample data, validation split: 0.13, 0.65 and 0.70;
           small, base: not yet measured (docs/training.md).
"""

from configs import layout


def get_config(preset: str = "base"):
    config = layout.make(preset)
    config.stage = 1
    config.data.drop_html = 0.0
    config.data.drop_image = 0.0
    if preset != "tiny":
        config.total_steps = 60_000
    return config
