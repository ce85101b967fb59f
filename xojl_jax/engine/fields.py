"""What the engine's config fields may hold (configs/base.py). A test compares the two."""

from xojl_jax.config_fields import ANY, Number, OneOf, Rule
from xojl_jax.engine.step import QUANTIZE

# What resuming does with a damaged checkpoint.
ON_CORRUPT = {
    "stop": "ends, and says what is damaged",
    "fallback": "takes the newest sound checkpoint before it",
}

_COUNT = Number(1)
_FROM_ZERO = Number(0)

FIELDS: dict[str, Rule] = {
    "task": ANY,  # looked up in xojl_jax/tasks/__init__.py
    "preset": ANY,
    "seed": Number(0, most=2**32 - 1),  # numpy takes no negative ones, keys of JAX 32 bits
    "total_steps": _COUNT,
    "batch_size": _COUNT,
    "checkpoint_every": _COUNT,
    "keep": _COUNT,
    "eval_every": _FROM_ZERO,
    "eval_batches": _FROM_ZERO,
    "eval_pictures": _FROM_ZERO,
    "histograms": ANY,
    "best_metric": ANY,  # a metric of the task: see `evaluation.check_metric`
    "patience": _FROM_ZERO,
    "min_delta": _FROM_ZERO,
    "log_every": _COUNT,
    "sequence": ANY,  # read by `sequence.plan`
    "init_from": ANY,
    "teacher": ANY,  # a folder, read by the command
    "quantize": OneOf(QUANTIZE),
    "on_nonfinite_limit": _COUNT,
    "on_corrupt": OneOf(ON_CORRUPT),
    "data.path": ANY,
    "data.num_threads": _FROM_ZERO,
    "data.prefetch": _FROM_ZERO,
    "optim.groups.*.lr": _FROM_ZERO,
    "optim.groups.*.freeze_at": _FROM_ZERO,
    "optim.groups.*.freeze_layers": _FROM_ZERO,
    "optim.groups.*.freeze_plateau": Number(0, below=1),
    "optim.plateau_steps": _COUNT,
    "optim.warmup_steps": _FROM_ZERO,
    "optim.weight_decay": _FROM_ZERO,
    "optim.b1": Number(0, below=1),
    "optim.b2": Number(0, below=1),
    "optim.clip_norm": _FROM_ZERO,
    "optim.keep_zeros": ANY,
    "optim.accumulate": _COUNT,
    "optim.ema_decay": Number(0, below=1),
    "mesh.data": Number(1, also=-1),
    "mesh.fsdp": _COUNT,
    "mesh.tensor": _COUNT,
}
