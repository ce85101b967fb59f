"""Stage 2: the HTML encoder learns to classify the element of every node.

Command:   python -m xojl_jax.train --config=configs/stage2.py
           python -m xojl_jax.train --config=configs/stage2.py:tiny   (two CPU cores, minutes)
Hardware:  base: TPU v5e 4x4 or one H200; small: one GPU of 24 GB; tiny: two CPU cores.
Time:      tiny: 2 minutes of training; small, base: not yet measured.
Metric:    F1 and accuracy of the element of a node (f1/node, accuracy/node): tiny, 200 steps on the
           sample data, validation split: 0.57 and 0.84; small, base: not yet measured.
"""

from configs import layout


def get_config(preset: str = "base"):
    config = layout.make(preset)
    config.stage = 2
    config.data.drop_html = 0.0
    if preset != "tiny":
        config.total_steps = 40_000
    return config
