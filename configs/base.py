"""The engine's own configuration fields, with their defaults.

A task adds its fields and presets in a file of its own (`layout.py`), and a stage file states only
what differs from that. Override a field with `--config.batch_size=8`. The result is locked: a
misspelled field is refused.
"""

from collections.abc import Callable, Mapping

from ml_collections import ConfigDict

from xojl_jax.errors import BadUsage


def choose_preset(
    config: ConfigDict, name: str, presets: Mapping[str, Callable[[ConfigDict], None]]
) -> ConfigDict:
    """Applies the preset `name` ("" means `base`) to a task's defaults, and locks them."""
    name = name or "base"
    if name not in presets:
        raise BadUsage(
            f"there is no preset {name!r}: choose one of {', '.join(sorted(presets))}, "
            "as in --config=configs/stage4.py:tiny"
        )
    config.preset = name
    presets[name](config)
    return config.lock()


def group(
    lr: float, freeze_at: int = 0, freeze_layers: int = 0, freeze_plateau: float = 0.0
) -> ConfigDict:
    """A group of parameters, for `config.optim.groups.NAME`."""
    config = ConfigDict()
    # Peak learning rate.
    config.lr = lr
    # Freezes the group from this step on; 0 never does.
    config.freeze_at = freeze_at
    # Freezes no more than the first so many layers of the group's stacks; 0: all of the group.
    config.freeze_layers = freeze_layers
    # Freezes the first layers of a stack once their gradients' norms change by no more than this
    # share, such as 0.02, between two intervals of `optim.plateau_steps`; 0 never does.
    config.freeze_plateau = freeze_plateau
    return config


def defaults() -> ConfigDict:
    config = ConfigDict()

    # The task that is trained: a name in xojl_jax/tasks/__init__.py. The task's file sets it.
    config.task = ""
    # The name of the preset. Set by `choose_preset`; part of the default working directory's name.
    config.preset = "base"

    # Seed of initialization, dropout and the order of samples.
    config.seed = 0
    # Optimizer steps of the whole run.
    config.total_steps = 100_000
    # Samples a step, over all devices and hosts together.
    config.batch_size = 256
    # Steps between two checkpoints. The last step is always saved.
    config.checkpoint_every = 1000
    # How many checkpoints are kept; an older one goes only after the newer one is durable.
    config.keep = 3
    # Steps between two evaluations on the validation split; 0 evaluates only at the end.
    config.eval_every = 1000
    # Batches of one evaluation.
    config.eval_batches = 16
    # Validation records whose predictions are drawn at each evaluation, for TensorBoard.
    config.eval_pictures = 4
    # Whether each evaluation writes a histogram of every parameter, too.
    config.histograms = False
    # What makes an evaluation the best: the lowest "loss" or "loss/NAME", or the highest of
    # anything else ("accuracy/detail"). Its checkpoint is kept: WORKDIR/best. "" keeps none.
    config.best_metric = "loss"
    # Evaluations in a row that are no better after which the run ends; 0 trains to the end.
    config.patience = 0
    # By how much an evaluation must be better to count for `patience`.
    config.min_delta = 0.0
    # Steps between two printed lines. Metrics stay on the device in between.
    config.log_every = 50
    # Runs in a row that this one is made of: the settings of each, "FIELD=VALUE FIELD=VALUE", with
    # semicolons between; each starts from the one before (sequence.py). "" is one run.
    config.sequence = ""
    # Working directories, checkpoints or exported models (xojl_jax/shipped_model, for one) to start
    # from, separated by commas. Parameters are copied where their path and shape match, and tables
    # of positions fitted to this run's sizes; the rest starts from scratch. "" starts all from it.
    config.init_from = ""
    # An exported model to learn from (docs/compression.md): there are losses against its answers
    # then. "" for none.
    config.teacher = ""
    # What training prepares for: "none", or kernels as "int8", which it then rounds in every step.
    config.quantize = "none"
    # Steps in a row with a non-finite loss or gradient after which the run is given up.
    config.on_nonfinite_limit = 20
    # What resuming does with a damaged checkpoint: "stop", or "fallback" to the newest sound one.
    config.on_corrupt = "stop"

    config.data = data = ConfigDict()
    # A folder of shards made by `python -m data_prep.build`; "" is the sample data we ship.
    data.path = ""
    # Threads that read and decode samples, in each process.
    data.num_threads = 16
    # Batches made ahead of time.
    data.prefetch = 4

    config.optim = optim = ConfigDict()
    # Groups of parameters: groups.NAME.lr and what freezes it, see `group`. The task's config file
    # adds them, and the task says which parameter is in which (`Task.param_group`).
    optim.groups = ConfigDict()
    # Steps of linear warm-up; after them the rate follows a cosine down to zero at `total_steps`.
    optim.warmup_steps = 2000
    # Steps of the intervals that `freeze_plateau` compares, the first after the warm-up.
    optim.plateau_steps = 1000
    # Decoupled weight decay; biases, norm scales and other vectors are exempt.
    optim.weight_decay = 0.05
    # Decay of AdamW's first moment.
    optim.b1 = 0.9
    # Decay of AdamW's second moment.
    optim.b2 = 0.98
    # Gradients are scaled down to this global norm; 0 leaves them alone.
    optim.clip_norm = 1.0
    # Keeps entries of kernels that are zero at zero: what magnitude pruning took stays away.
    optim.keep_zeros = False
    # Micro-batches a step is split into; their gradients are averaged.
    optim.accumulate = 1
    # Decay of the running average of parameters that evaluation uses; 0 keeps none.
    optim.ema_decay = 0.999

    config.mesh = mesh = ConfigDict()
    # Devices along the batch; -1 takes what the other two leave.
    mesh.data = -1
    # Devices that parameters and optimizer state are spread over (the batch is split here too).
    mesh.fsdp = 1
    # Devices that heads and feed-forward layers are spread over.
    mesh.tensor = 1
    return config
