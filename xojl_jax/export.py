"""Exports a trained run: `python -m xojl_jax.export --workdir=RUN --out=MODEL`.

MODEL is one folder that holds all that answering needs: parameters (safetensors and Orbax), the
programs for CPU, GPU and TPU, the vocabulary, a model card of what was measured, and hashes of all
of it. predict, evaluate, serve and `xojl_jax.load` take it. With --savedmodel an exported model is
written once more, for TensorFlow Serving.
"""

import argparse
import sys
from pathlib import Path

from xojl_jax import command, restore
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.serving import folder, saved_model, write
from xojl_jax.serving import model as exported_model
from xojl_jax.tasks.base import Task

# Each is a program to trace, to keep and to compile, in three modes.
MOST_BUCKETS = 6
EXAMPLES = """
examples:
  python -m xojl_jax.export --workdir=runs/demo --out=models/demo
  python -m xojl_jax.export --workdir=runs/demo/best --out=models/best --name=sections
  python -m xojl_jax.export --workdir=models/demo --out=models/demo-tf --savedmodel
"""


def main(argv: list[str]) -> None:
    """Reads the flags, then exports."""
    flags = parse(argv)
    out = Path(flags.out).expanduser().absolute()
    if flags.savedmodel:
        write_saved_model(out, flags)
        return
    if folder.is_exported(flags.workdir):
        raise BadUsage(f"--workdir: {flags.workdir} is an exported model already: name its run")
    model = restore.load(flags.workdir)
    name = flags.name or model.task.run_name()
    version = write.write(
        out,
        model.task,
        model.inference,
        model.params,
        model.metadata,
        name=name,
        buckets=flags.buckets or own_buckets(model.task),
        license_file=Path(flags.license) if flags.license else None,
        report=lambda line: print(line, file=sys.stderr),
    )
    print(
        f"{out}: {version}, {write.count_of(model.params):,} parameters, {write.size_of(out)}; "
        f"the card is {out / folder.CARD}"
    )


def write_saved_model(out: Path, flags: argparse.Namespace) -> None:
    if not folder.is_exported(flags.workdir):
        raise BadUsage(
            f"--savedmodel: {flags.workdir} is no exported model: export the run without it, then "
            "name what that made"
        )
    folder.check_free(out)
    exported = exported_model.read(flags.workdir)
    saved_model.write(out, exported)
    print(f"{out}: SavedModel 1 of {exported.model['version']}, {write.size_of(out)}")


def own_buckets(task: Task) -> int:
    """How many buckets the run was trained in; 1 where its records are gone, which they are chosen
    from."""
    try:
        return len(task.buckets())
    except BadInput as error:
        print(f"one size of each program, as --buckets=1: {error}", file=sys.stderr)
        return 1


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m xojl_jax.export",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--workdir", required=True, help="a trained run, or one checkpoint")
    add(
        "--savedmodel",
        action="store_true",
        help="write a SavedModel of the exported model that --workdir names, by orbax-export "
        "(pip install 'xojl_jax[savedmodel]'); the flags below are not for it",
    )
    add("--out", required=True, help="the folder to make; it must not exist yet")
    add("--name", default="", help="how the model is called (default: such as stage4-base)")
    add("--license", help="a file with the license of the parameters (default: ours)")
    add(
        "--buckets",
        type=int,
        default=0,
        metavar="N",
        help="sizes that each program comes in, so that small sections are answered sooner, chosen "
        "from the training records (default: as many as the run has buckets)",
    )
    flags = parser.parse_args(argv)
    if flags.savedmodel and (flags.name or flags.license or flags.buckets):
        raise BadUsage("--savedmodel writes a model as it is: leave the other flags away")
    if not 0 <= flags.buckets <= MOST_BUCKETS:
        raise BadUsage(f"--buckets is {flags.buckets}: choose 1 to {MOST_BUCKETS}")
    if flags.name and not flags.name.replace("-", "").replace("_", "").replace(".", "").isalnum():
        raise BadUsage(f"--name is {flags.name!r}: use letters, digits, dots, - and _")
    return flags


if __name__ == "__main__":
    command.run(main)
