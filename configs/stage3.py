"""Stage 3: both encoders are tuned together, with auxiliary and contrastive losses.

Command:   python -m xojl_jax.train --config=configs/stage3.py \
               --config.init_from=runs/stage1-base,runs/stage2-base
           python -m xojl_jax.train --config=configs/stage3.py:tiny \
               --config.init_from=runs/stage1-tiny,runs/stage2-tiny   (two CPU cores, minutes)
           Without --config.init_from it starts from scratch, and says so.
Hardware:  base: TPU v5e 4x4 or one H200; small: one GPU of 24 GB; tiny: two CPU cores.
Time:      not yet measured.
Metric:    F1 of the element of a node (f1/node), recall@1 of regions and nodes both ways
           (recall/node_to_region, recall/region_to_node): docs/training.md has those of a model
           smaller than tiny; tiny, small, base: not yet measured.
"""

from configs import layout


def get_config(preset: str = "base"):
    config = layout.make(preset)
    config.stage = 3
    if preset != "tiny":
        config.total_steps = 60_000
    return config
