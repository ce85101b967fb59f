"""What people read of a run: the line of a step, and the report at the end."""

from typing import Any

import jax

from xojl_jax.engine.eval_history import EvalHistory
from xojl_jax.engine.workdir import Workdir


def step_line(step: int, total: int, values: dict[str, float]) -> str:
    """One line: step, loss and its parts, rates, norms, speeds, time left."""
    parts = "  ".join(
        f"{name.removeprefix('loss/')} {values[name]:.4g}"
        for name in sorted(values)
        if name.startswith("loss/")
    )
    fields = [
        f"step {step}/{total}",
        f"loss {values['loss']:.4g}" + (f" ({parts})" if parts else ""),
        f"lr {max(v for name, v in values.items() if name.startswith('lr/')):.3g}",
        f"grad {values['grad_norm']:.3g}",
        f"{values['samples_per_s']:.3g} samples/s",
    ]
    if "tokens_per_s" in values:
        fields.append(f"{values['tokens_per_s']:.4g} tokens/s")
    if "mfu" in values:
        fields.append(f"MFU {values['mfu']:.1%} (real work {values['mfu_real']:.1%})")
    if shares := [name for name in values if name.startswith("real/")]:
        found = (f"{name.removeprefix('real/')} {values[name]:.0%}" for name in shares)
        fields.append(f"real: {' '.join(found)}")
    fields.append(f"loader {values['loader_wait']:.0%}")
    if values["skipped"]:
        fields.append(f"SKIPPED {values['skipped']:.0f}")
    fields.append(f"ETA {_duration((total - step) * values['seconds_per_step'])}")
    return "  ".join(fields)


def run_report(
    summary: dict[str, Any],
    workdir: Workdir,
    total_steps: int,
    description: str,
    best: EvalHistory | None,
) -> str:
    """A few lines that sum up the whole run."""
    goodput = summary["goodput"]
    seconds = {name: value for name, value in goodput["seconds"].items() if value >= 0.5}
    total = sum(goodput["seconds"].values())
    parts = ", ".join(f"{name} {_duration(value)}" for name, value in seconds.items())
    devices = f"{jax.device_count()} {jax.devices()[0].device_kind}"
    count = goodput["lives"] - 1
    restarts = f", {count} restart{'s' * (count > 1)}" if count else ""
    lines = [
        f"{summary['outcome']} at step {summary['step']} of {total_steps}: "
        f"{description} on {devices}, jax {jax.__version__}{restarts}",
        f"  time      {_duration(total)}, {goodput['share']:.0%} of it training ({parts})",
    ]
    for kind in ("train", "eval"):
        if kind in summary:
            shown = "  ".join(
                f"{name} {summary[kind][name]:.4g}"
                for name in sorted(summary[kind])
                if name == "loss" or name.startswith("accuracy/")
            )
            lines.append(f"  {kind:9} {shown}  (step {summary[f'{kind}_step']})")
    if best is not None and best.step is not None:
        lines.append(f"  best      {best}: {workdir.best}")
    return "\n".join(lines)


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}"
