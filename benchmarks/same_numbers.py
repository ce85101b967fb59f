"""Do two checkouts compute the same numbers? Losses of training steps, parameters, predictions.

  python -m benchmarks.same_numbers record ../old old.json    # a checkout of another commit
  python -m benchmarks.same_numbers record . new.json
  python -m benchmarks.same_numbers compare old.json new.json

`record` uses the commands alone, so that it works for any commit: it trains `tiny` for some steps
from scratch, then predicts test records, in the checkout that is named. `compare` demands equality
bit for bit and exits with 1 where it finds none. Both checkouts must run on one machine, with one
version of JAX.
"""

import argparse
import hashlib
import json
import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

STEPS, PREDICTIONS = 20, 32
# Runs inside the checkout: predicts every sample in one process, so that JAX starts only once.
PREDICT = """
import contextlib, io, json, sys
from absl import flags
from xojl_jax import predict
flags.FLAGS.mark_as_parsed()
found = []
for sample in range({count}):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        predict.main(["--workdir={run}", f"--sample={{sample}}", "--split=test", "--mode=dual"])
    scores = [line for line in err.getvalue().splitlines() if "log probability" in line]
    found.append([out.getvalue(), scores])
print(json.dumps(found))
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    record_flags = commands.add_parser("record")
    record_flags.add_argument("checkout", type=Path)
    record_flags.add_argument("out", type=Path)
    compare_flags = commands.add_parser("compare")
    compare_flags.add_argument("before", type=Path)
    compare_flags.add_argument("after", type=Path)
    flags = parser.parse_args()
    if flags.command == "record":
        flags.out.write_text(json.dumps(record(flags.checkout), indent=1))
    else:
        before, after = (json.loads(path.read_text()) for path in (flags.before, flags.after))
        sys.exit(0 if compare(before, after) else 1)


def record(checkout: Path) -> dict:
    """Losses by step as hexadecimal floats, a digest of the parameters, and the predictions."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        _run(
            checkout,
            "-m",
            "xojl_jax.train",
            "--config=configs/stage4.py:tiny",
            f"--workdir={run}",
            f"--config.total_steps={STEPS}",
            f"--config.checkpoint_every={STEPS}",
            "--config.log_every=1",
            "--config.eval_every=0",
            "--config.eval_pictures=0",
        )
        predictions = _run(checkout, "-c", PREDICT.format(count=PREDICTIONS, run=run))
        return {
            "losses": losses(run / "tensorboard"),
            "arrays": array_digest(run / "checkpoints" / str(STEPS)),
            "predictions": json.loads(predictions.splitlines()[-1]),
        }


def _run(checkout: Path, *arguments: str) -> str:
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(checkout.resolve())}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=checkout,
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    ).stdout


def losses(folder: Path) -> dict[str, str]:
    """step/name -> value, as `float.hex`, of every loss in a run's TensorBoard files."""
    from tensorboardX.proto import event_pb2

    found = {}
    for path in sorted(folder.rglob("*tfevents*")):
        data = path.read_bytes()
        position = 0
        # A record: its length (8 bytes), a checksum (4), the event, a checksum (4).
        while position + 12 <= len(data):
            (length,) = struct.unpack_from("<Q", data, position)
            event = event_pb2.Event.FromString(data[position + 12 : position + 12 + length])
            position += 16 + length
            for value in event.summary.value:
                if "loss" in value.tag and value.WhichOneof("value") == "simple_value":
                    found[f"{event.step}/{value.tag}"] = float(value.simple_value).hex()
    return found


def array_digest(checkpoint: Path) -> str:
    """SHA-256 over the names and the bytes of every parameter of a checkpoint."""
    import orbax.checkpoint as ocp

    arrays = next(path.parent for path in checkpoint.rglob("_METADATA"))
    tree = ocp.PyTreeCheckpointer().restore(arrays)
    digest = hashlib.sha256()
    for name, array in sorted(_flatten(tree.get("params", tree))):
        digest.update(name.encode() + array.tobytes())
    return digest.hexdigest()


def _flatten(tree, prefix: str = ""):
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{name}/")
        elif hasattr(value, "tobytes"):
            yield f"{prefix}{name}", value


def compare(before: dict, after: dict) -> bool:
    """Prints what is equal and what is not."""
    equal = True
    for part in ("losses", "arrays", "predictions"):
        same = before[part] == after[part]
        equal &= same
        print(f"{part}: {'equal' if same else 'DIFFERENT'}")
        if not same and part == "losses":
            for name in sorted(set(before[part]) | set(after[part])):
                pair = before[part].get(name), after[part].get(name)
                if pair[0] != pair[1]:
                    print(f"  {name}: {pair[0]} before, {pair[1]} after")
                    break
        if not same and part == "predictions":
            count = sum(a != b for a, b in zip(before[part], after[part], strict=True))
            print(f"  {count} of {len(before[part])} predictions differ")
    return equal


if __name__ == "__main__":
    main()
