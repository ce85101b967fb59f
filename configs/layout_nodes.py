r"""The HTML encoder learns what people have read, before the whole model in the box does.

Without a screenshot and a decoder a step takes a thirtieth of the time, so that sections are seen
twenty times instead of three. What it learns answers by itself (--method=nodes), and is what
configs/layout_tune.py goes on from:
--config.init_from=xojl_jax/shipped_model,runs/nodes.

Command:   python -m xojl_jax.train --config=configs/layout_nodes.py --config.data.path=SHARDS
           python -m xojl_jax.evaluate --workdir=WORKDIR --method=nodes --mode=detail
           SHARDS: what data_prep.build makes of data_prep.annotate's records, with
           --fit 384x512 --most nodes=128 --most detail_tokens=255 --most semantic_tokens=255.
Hardware:  two CPU cores.
Time:      4 minutes for 600 steps.
Metric:    f1/node; docs/other_makers.md has figures on makers that no training has seen.
"""

from configs import layout_tune


def get_config(preset: str = ""):
    config = layout_tune.get_config(preset)
    with config.unlocked():
        config.stage = 2
        config.total_steps, config.batch_size = 600, 32
        config.optim.warmup_steps = 40
        config.optim.groups.html.lr = config.optim.groups.rest.lr = 1e-3
        # There is no picture to go by where the HTML is dropped.
        config.data.drop_html, config.data.drop_boxes = 0.0, 0.1
        config.best_metric = "f1/node"
        config.eval_every = config.checkpoint_every = 300
    return config
