"""The model in the box: small enough to ship, trained on made and on captured sections.

Command:   docs/shipped_model.md has all of them, from captured pages to the package's data.
           python -m xojl_jax.train --config=configs/shipped.py --config.data.path=SHARDS
Hardware:  one GPU; an H100 did 6 steps a second.
Time:      four minutes of an H100, and three of compiling.
Metric:    docs/shipped_model.md: held-out captured sections, and made ones.
"""

from configs import layout


def get_config(preset: str = ""):
    del preset  # there is one size
    config = layout.make("tiny")
    with config.unlocked():
        config.preset = "shipped"
        config.stage = 4
        shape(config)
        train(config)
    return config


def shape(config) -> None:
    """About 5 M parameters: as float16 they fit into a package, and answer on two cores."""
    model = config.model
    # 768 patches: what is 40 px wide on a page of 1280 px.
    model.patch = 16
    # Heads of 64, which kernels of GPUs take; feed-forward layers narrow, to keep it small.
    model.width, model.heads, model.mlp_ratio = 192, 3, 2
    model.vision_layers, model.html_layers, model.decoder_layers = 4, 3, 2


def train(config) -> None:
    """A few thousand records, seen many times: what keeps a model from learning them by heart."""
    config.total_steps, config.batch_size = 1500, 64
    config.data.num_threads, config.data.prefetch = 16, 4
    config.data.balance = 0.5
    config.data.drop_html = config.data.drop_image = 0.1
    config.data.drop_boxes = 0.5
    # Against a maker's habits.
    config.data.drop_classes, config.data.drop_tags = 0.5, 0.3
    config.model.dropout = 0.1
    optim = config.optim
    optim.groups.vision.lr = 5e-4
    optim.groups.html.lr = optim.groups.rest.lr = 1e-3
    optim.warmup_steps = 200
    optim.weight_decay = 0.1
    optim.ema_decay = 0.995
    optim.label_smoothing = 0.1
    # Sections of a site that training does not see decide which checkpoint is kept.
    config.best_metric = "accuracy/detail"
    config.eval_every, config.eval_batches, config.eval_pictures = 250, 4, 0
    config.checkpoint_every, config.keep, config.log_every = 500, 2, 20
