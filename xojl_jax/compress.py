"""Makes a trained model smaller: `python -m xojl_jax.compress --workdir=MODEL --out=SMALLER`.

SMALLER is an exported model like any other. With --recover the compressed model is trained for so
many steps before it is written, by the ordinary training loop. Distillation into a model of another
shape is a training of its own: `xojl_jax.train --config.teacher=MODEL`.
"""

import argparse
import ast
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from xojl_jax import command, compilation_cache, evaluate, restore, tasks, teacher, train
from xojl_jax.compression.methods import METHODS, Method
from xojl_jax.engine import checkpoint, int8
from xojl_jax.errors import BadUsage
from xojl_jax.restore import LoadedModel
from xojl_jax.serving import folder, write
from xojl_jax.tasks.base import Task

EXAMPLES = f"""
methods:
{chr(10).join(f"  {name:10}  {method.about}" for name, method in METHODS.items())}

examples:
  python -m xojl_jax.compress --workdir=models/demo --out=models/demo-int8 --calibrate
  python -m xojl_jax.compress --workdir=models/demo --out=models/half --method=structured \\
    --keep=0.5 --recover=200 --distill
"""
# Of a recovery beside what its method needs. It starts from what training left, with a rate that
# would be too high for that.
RECOVERY = {"init_from": "", "eval_every": 0, "eval_pictures": 0, "keep": 1, "best_metric": ""}


def main(argv: list[str]) -> int:
    """Reads the flags, then compresses. Returns 75 where recovery was stopped: run it again."""
    flags = parse(argv)
    method, out = METHODS[flags.method], Path(flags.out).expanduser().absolute()
    folder.check_free(out)
    compilation_cache.enable(flags.compilation_cache)
    model = restore.load(flags.workdir)
    parent = jax.tree.map(np.asarray, model.params)
    config = ConfigDict(model.task.config.to_dict())
    config.update_from_flattened_dict(method.fields(model.task, flags.keep))
    task = tasks.make(config, model.task.metadata())
    params = method.start(parent, flags.keep, model.task, task)
    if flags.recover:
        path = out.with_name(f"{out.name}-recovery")
        code = recover(task, config, params, path, method, flags)
        if code:
            return code
        params, _ = checkpoint.load_params(path)
    params = method.finish(params, task)
    facts = task.metadata()
    if flags.calibrate is not None:
        facts["calibration"] = calibration(task, params, model, flags)
    version = export(out, tasks.make(config, facts), facts, params, model, flags)
    print(f"{out}: {version}, {write.size_of(out)}; the card is {out / folder.CARD}")
    return 0


def recover(task: Task, config: ConfigDict, params: Any, path: Path, method: Method, flags) -> int:
    """Trains what is left of a model, and returns the exit code of the training."""
    config = ConfigDict(config.to_dict())
    config.update_from_flattened_dict({**RECOVERY, **method.recovery})
    config.total_steps = config.checkpoint_every = flags.recover
    config.optim.warmup_steps = flags.recover // 10
    for group in config.optim.groups.values():
        group.lr *= flags.rate
    config.teacher = str(Path(flags.workdir).absolute()) if flags.distill else ""
    config.update_from_flattened_dict(dict(flags.set))
    config.lock()
    task = tasks.make(config, task.metadata())
    teacher.give(task, config)
    return train.train(task, config, path, params=params)


def calibration(task: Task, params: Any, model: LoadedModel, flags) -> dict[str, Any]:
    """What makes the smaller model's probabilities true: its parent's is of other parameters."""
    settings = evaluate.parse([f"--workdir={flags.workdir}", "--split=val", "--calibrate"])
    config = ConfigDict(task.config.to_dict())
    config.data.path = flags.calibrate or config.data.path
    task = tasks.make(config, task.metadata())
    params = jax.device_put(int8.dequantize(params))
    smaller = LoadedModel(task, task.inference(settings), params, model.metadata)
    return evaluate.fit_calibration(smaller, settings)


def export(
    out: Path, task: Task, facts: dict[str, Any], params: Any, model: LoadedModel, flags
) -> str:
    """Writes the compressed model, and returns its version."""
    parent = model.metadata.get("version") or f"{model.task.run_name()}"
    what = flags.method if flags.method == "int8" else f"{flags.method}, {flags.keep:g} kept"
    if flags.recover:
        what += f", {flags.recover} steps of recovery" + (
            " by distillation" if flags.distill else ""
        )
    step = flags.recover or model.metadata.get("step") or Path(model.metadata["checkpoint"]).name
    metadata = {
        "task": facts,
        "config": task.config.to_dict(),
        # No report of the parent's is one of this model.
        "checkpoint": str(out.with_name(f"{out.name}-recovery") / "checkpoints" / str(step)),
        "weights": model.metadata["weights"],
    }
    name = flags.name or f"{model.metadata.get('name', model.task.run_name())}-{flags.method}"
    return write.write(
        out,
        task,
        task.inference(),
        params,
        metadata,
        name=name,
        compression={"parent": parent, "method": flags.method, "what": what},
        report=lambda line: print(line, file=sys.stderr),
    )


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m xojl_jax.compress",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--workdir", required=True, help="a trained run, one checkpoint, or an exported model")
    add("--out", required=True, help="the folder to make; it must not exist yet")
    add("--method", default="int8", choices=METHODS, help="default int8; see below")
    add("--keep", type=float, default=0.5, help="share that stays, not of int8 (default 0.5)")
    add("--recover", type=int, default=0, metavar="STEPS", help="train so many steps (default 0)")
    add(
        "--rate",
        type=float,
        default=0.3,
        help="learning rates of --recover, a multiple of those "
        "that the model was trained with (default 0.3)",
    )
    add("--distill", action="store_true", help="--recover learns from the exported model, too")
    add(
        "--set",
        type=_assignment,
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="a config field of --recover, such as data.path=SHARDS; may be given again",
    )
    add(
        "--calibrate",
        nargs="?",
        const="",
        metavar="SHARDS",
        help="fit the confidences to the validation split of SHARDS (default: of the model's own "
        "data); without it the smaller model's answers have none",
    )
    add("--name", default="", help="how the model is called (default: parent's name and method)")
    add("--compilation-cache", default="", metavar="DIR", help=compilation_cache.HELP)
    flags = parser.parse_args(argv)
    if not 0 < flags.keep <= 1:
        raise BadUsage(f"--keep is {flags.keep}: choose a share above 0, up to 1")
    if flags.recover < 0 or flags.rate <= 0:
        raise BadUsage("--recover must be 0 or more, --rate more than 0")
    if flags.distill and not (flags.recover and folder.is_exported(flags.workdir)):
        raise BadUsage("--distill goes with --recover, and --workdir must be an exported model")
    if (flags.set or flags.distill) and not flags.recover:
        raise BadUsage("--set is of the training that --recover asks for")
    return flags


def _assignment(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{text!r} is no FIELD=VALUE")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


if __name__ == "__main__":
    command.run(main)
