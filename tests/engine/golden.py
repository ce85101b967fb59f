"""`python -m tests.engine.golden`: writes the golden checkpoint of a release that is to be tagged.

A toy run of three steps is saved by today's code into tests/data/golden/checkpoint-VERSION, with
the sum of every array beside it. `test_golden.py` reads those of all releases from then on; none is
ever written again. It refuses to overwrite one.
"""

import json
import math
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path

import jax
import numpy as np
from absl import flags

from tests.engine.toy_task import ToyTask, names_and_leaves, toy_config
from xojl_jax import train as training
from xojl_jax.engine import checkpoint, sharding, state

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests/data/golden"


def golden_config():
    return toy_config(total_steps=3, optim__ema_decay=0.9, checkpoint_every=0, eval_batches=0)


def summary(tree) -> dict[str, list]:
    """Name -> [shape, dtype, sum] of every array; the sum is exact, so it can be compared as is."""
    return {
        name: [list(leaf.shape), leaf.dtype.name, math.fsum(leaf.astype(np.float64).ravel())]
        for name, leaf in names_and_leaves(tree).items()
    }


def golden_setup() -> state.TrainSetup:
    """What a checkpoint of the golden run restores into, on the first device."""
    config = golden_config()
    return state.make_train_setup(
        ToyTask(config), config, sharding.make_mesh(config.mesh, jax.devices()[:1])
    )


def main() -> None:
    flags.FLAGS([sys.argv[0]])
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    golden = FOLDER / f"checkpoint-{version}"
    if golden.exists():
        sys.exit(f"error: {golden} is there already: a golden checkpoint is written once")
    with tempfile.TemporaryDirectory() as folder:
        config = golden_config()
        training.train(ToyTask(config), config, folder)
        shutil.copytree(Path(folder, "checkpoints", "3"), golden)
        restored = checkpoint.restore_newest(
            Path(folder, "checkpoints"), golden_setup().abstract, on_corrupt="stop"
        )
    lines = (f" {json.dumps(n)}: {json.dumps(s)}" for n, s in summary(restored.state).items())
    golden.with_name(golden.name + ".json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
