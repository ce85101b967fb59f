"""Stage 4: the decoders learn to write the semantic and the detail layout of paired records.

Command:   python -m xojl_jax.train --config=configs/stage4.py --config.init_from=runs/stage3-base
           python -m xojl_jax.train --config=configs/stage4.py:tiny   (two CPU cores, minutes)
           Without --config.init_from it starts from scratch, and says so.
Hardware:  base: TPU v5e 16x16 or H200s; small: one GPU of 24 GB; tiny: two CPU cores.
Time:      tiny: 5 minutes; small, base: not yet measured.
Metric:    tiny, 200 steps on the sample data, test split, detail view: element F1 0.84, tree edit
           distance 0.24; small, base: not yet measured.
"""

from configs import layout


def get_config(preset: str = "base"):
    config = layout.make(preset)
    config.stage = 4
    return config
