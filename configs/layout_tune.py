r"""Training on from the model in the box, with sections that somebody has read.

Command:   python -m xojl_jax.train --config=configs/layout_tune.py --config.data.path=SHARDS
           SHARDS: what data_prep.build makes of data_prep.annotate's records, with
           --fit 384x512 --most nodes=128 --most detail_tokens=255 --most semantic_tokens=255.
Hardware:  two CPU cores.
Time:      12 minutes for 230 steps, of which 2 are compiling.
Metric:    accuracy/detail; docs/shipped_model.md has the figures on held-out makers.
"""

from configs import shipped


def get_config(preset: str = ""):
    config = shipped.get_config(preset)
    with config.unlocked():
        config.init_from = "xojl_jax/shipped_model"
        # About 3.5 times each of a thousand sections; more steps learn them by heart.
        config.total_steps, config.batch_size = 230, 16
        optim = config.optim
        optim.warmup_steps, optim.ema_decay = 20, 0.99
        optim.groups.vision.lr = 1e-4
        optim.groups.html.lr = optim.groups.rest.lr = 3e-4
        # Sections differ much in size, and a CPU has no time to waste on padding.
        config.data.buckets = 3
        config.data.num_threads, config.data.prefetch = 2, 2
        config.eval_every = config.checkpoint_every = 115
        config.log_every = 10
    return config
