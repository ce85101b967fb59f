"""A tiny task that learns for real: which of four corners of an image is bright.

It is small enough for subprocess tests, and has every trait the engine must handle: a scanned
stack, a kernel that does not divide, groups, dropout, tokens, augmentation.

B batch, P pixels, D width, H hidden, C classes.
"""

import dataclasses
import json
import os
import time
from pathlib import Path
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict
from PIL import Image

from configs import base
from xojl_jax.data import loader
from xojl_jax.engine import sharding, state, step
from xojl_jax.errors import BadUsage
from xojl_jax.evaluation.bootstrap import ScoreTable
from xojl_jax.tasks.base import Inference, Task

PIXELS, WIDTH, HIDDEN, CLASSES, LAYERS = 16, 8, 12, 4, 2


def toy_config(**changes):
    """The engine's defaults, cut down. `changes` are fields: `optim__clip_norm=1.0`."""
    config = base.defaults()
    config.task = "toy"
    config.preset = "tiny"
    config.batch_size = 16
    config.total_steps = 12
    config.log_every = 4
    config.checkpoint_every = 4
    config.eval_every = 0
    config.eval_batches = 1
    config.model = ConfigDict({"dropout": 0.1})
    config.optim.warmup_steps = 2
    config.optim.ema_decay = 0.0
    config.optim.groups = ConfigDict({"vision": base.group(lr=3e-2), "rest": base.group(lr=3e-2)})
    config.data.num_threads = 0
    config.data.prefetch = 2
    config.lock()
    for name, value in changes.items():
        *parents, leaf = name.split("__")
        node = config
        for parent in parents:
            node = node[parent]
        node[leaf] = value
    return config


def _kernel(*axes):
    return nn.with_logical_partitioning(nn.initializers.normal(0.3), axes)


class Block(nn.Module):
    dropout: float

    @nn.compact
    def __call__(self, x, train: bool):
        width = x.shape[-1]
        up = self.param("up", _kernel("embed", "mlp"), (width, HIDDEN), jnp.float32)
        down = self.param("down", _kernel("mlp", "embed"), (HIDDEN, width), jnp.float32)
        zeros = nn.with_logical_partitioning(nn.initializers.zeros, ("mlp",))
        bias = self.param("bias", zeros, (HIDDEN,), jnp.float32)
        hidden = jnp.tanh(x @ up + bias)
        hidden = nn.with_logical_constraint(hidden, ("batch", "mlp"))
        hidden = nn.Dropout(self.dropout, deterministic=not train)(hidden)
        return x + hidden @ down, None


class ToyModel(nn.Module):
    dropout: float

    @nn.compact
    def __call__(self, image, train: bool):
        """uint8[B, P] -> float32[B, C]"""
        x = image.astype(jnp.float32) / 255 - 0.5
        embed = self.param("vision", _kernel("patch", "embed"), (PIXELS, WIDTH), jnp.float32)
        x = nn.with_logical_constraint(x @ embed, ("batch", "embed"))
        stack = nn.scan(
            Block,
            variable_axes={"params": 0},
            split_rngs={"params": True, "dropout": True},
            in_axes=nn.broadcast,
            length=LAYERS,
            metadata_params={nn.PARTITION_NAME: "layers"},
        )
        x, _ = stack(self.dropout, name="blocks")(x, train)
        # 5 rows over tensor = 2 do not divide.
        odd = self.param("odd", _kernel("heads", "embed"), (5, WIDTH), jnp.float32)
        x = x + jnp.mean(odd, axis=0)
        head = self.param("head", _kernel("embed", "classes"), (WIDTH, CLASSES), jnp.float32)
        return x @ head


@dataclasses.dataclass
class Corners:
    """Images whose pixels are dark, but for the quarter that the label names."""

    count: int
    seed: int
    poison: tuple[float, int] = (1.0, 0)  # the weight of the loss, of so many records

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        rng = np.random.default_rng((self.seed, index))
        label = int(rng.integers(CLASSES))
        image = rng.integers(0, 80, PIXELS)
        image[label * 4 : label * 4 + 4] += 120
        return {
            "image": image.astype(np.uint8),
            "label": np.int32(label),
            "weight": np.float32(self.poison[0] if index < self.poison[1] else 1.0),
            "record": np.int32(index),
        }

    def augment(self, sample, rng):
        # Slows the subprocess tests down, so that a kill can meet a step.
        time.sleep(float(os.environ.get("TOY_SECONDS_PER_SAMPLE", "0")))
        noise = rng.integers(0, 40, PIXELS).astype(np.uint8)
        return sample | {"image": sample["image"] + noise}


class ToyInputs(NamedTuple):
    """One image of `P` pixels, and its corner where it is known."""

    name: str
    image: np.ndarray
    label: int | None = None


class ToyAnswer(NamedTuple):
    corner: str
    probability: float


class ToyInference(Inference):
    """Which corner is bright, as predict and evaluate ask for it."""

    about = "the toy task"
    label = "label"
    picture_needs = "an answer"
    shown_metrics = {"accuracy": "right corners"}  # noqa: RUF012
    baseline_name = "most frequent"

    def __init__(self, task):
        self.task = task

    @classmethod
    def add_arguments(cls, parser, command):
        if command == "predict":
            parser.add_argument("--pixels", help="a JSON file of 16 numbers")
        parser.add_argument("--upside-down", action="store_true", help="the last corner first")

    @classmethod
    def check_arguments(cls, flags, command):
        if command == "predict" and (flags.sample is None) == (flags.pixels is None):
            raise BadUsage("give one of --pixels and --sample")

    def options(self, flags):
        return {"upside_down": flags.upside_down}

    def dataset(self, split):
        return self.task.dataset(split)

    @classmethod
    def read_inputs(cls, flags):
        path = Path(flags.pixels)
        return ToyInputs(path.stem, np.array(json.loads(path.read_text()), np.uint8))

    def stored_inputs(self, dataset, index, name):
        sample = dataset[index]
        return ToyInputs(name, sample["image"], int(sample["label"]))

    def featurize(self, inputs):
        return {"image": inputs.image}

    def predict(self, params, batch, *, rng=None, upside_down=False):
        logits = self.task.model().apply({"params": params}, batch["image"], train=False)
        return jax.nn.softmax(logits[:, ::-1] if upside_down else logits)

    def decode(self, prediction, sources, options):
        names = self.task.metadata()["classes"]
        rows = prediction[: len(sources)]
        return [ToyAnswer(names[row.argmax()], float(row.max())) for row in rows]

    def to_json(self, answer):
        return json.dumps(answer._asdict())

    def summarize(self, inputs, answer):
        return [f"corner {answer.corner} of {inputs.name}"]

    def draw(self, inputs, answer):
        return Image.fromarray(inputs.image.reshape(4, 4))

    def programs(self):
        return {"upright": {"upside_down": False}}

    def references(self, dataset, limit):
        count = min(limit or len(dataset), len(dataset))
        return [self.stored_inputs(dataset, index, str(index)) for index in range(count)]

    def is_labeled(self, reference):
        return reference.label is not None

    def _report(self, corners, references):
        names = self.task.metadata()["classes"]
        table = ScoreTable(len(references))
        right = [names[r.label] == c for c, r in zip(corners, references, strict=True)]
        table.add_mean("accuracy", right)
        return {"records": len(references), "scores": table.scores}

    def score(self, answers, references):
        return {"corner": self._report([answer.corner for answer in answers], references)}

    def baseline(self, references, answers):
        return self._report(["a"] * len(references), references)

    def describe(self, dataset, flags):
        return {
            "data": "toy",
            "split": flags.split,
            "records_in_split": len(dataset),
            "records_too_large": 0,
            "method": "argmax",
        }


class ToyTask(Task):
    """`poisoned` makes two of the 64 training records have a NaN loss; `poison` tells what loss
    (inf, too) and how many."""

    inference_type = ToyInference

    def __init__(self, config, metadata=None, *, poisoned: bool = False, poison=None):
        super().__init__(config)
        self.poison = poison or (np.nan, 2 if poisoned else 0)

    def dataset(self, split):
        if split == "train":
            return Corners(64, seed=1, poison=self.poison)
        return Corners(16, seed=2)

    def model(self):
        return ToyModel(self.config.model.dropout)

    def init(self, rng):
        image = jnp.zeros((1, PIXELS), jnp.uint8)
        return self.model().init({"params": rng}, image, train=False)["params"]

    def loss(self, params, batch, rng, *, train):
        logits = self.model().apply(
            {"params": params}, batch["image"], train=train, rngs={"dropout": rng}
        )
        each = jnp.sum(jax.nn.log_softmax(logits) * jax.nn.one_hot(batch["label"], CLASSES), -1)
        weight = jnp.sum(batch["weight"])
        loss = -jnp.sum(each * batch["weight"]) / weight
        right = (jnp.argmax(logits, -1) == batch["label"]).astype(jnp.float32)
        return loss, {
            "loss/corner": loss,
            "accuracy": jnp.mean(right),
            "tokens": jnp.full((), each.shape[0], jnp.float32),
            "weight": weight,
        }

    def batch_spec(self, bucket=None):
        rows = self.config.batch_size
        return {
            "image": jax.ShapeDtypeStruct((rows, PIXELS), jnp.uint8),
            "label": jax.ShapeDtypeStruct((rows,), jnp.int32),
            "weight": jax.ShapeDtypeStruct((rows,), jnp.float32),
            # The model does not see it: it tells which records a step was trained on.
            "record": jax.ShapeDtypeStruct((rows,), jnp.int32),
        }

    def param_group(self, path):
        return "vision" if path.startswith("vision") else "rest"

    def flops(self, bucket=None):
        return {"all": 2.0 * PIXELS * WIDTH + LAYERS * 4.0 * WIDTH * HIDDEN}

    def inference(self, flags=None):
        return ToyInference(self)

    def metadata(self):
        return {"classes": ["a", "b", "c", "d"]}


@dataclasses.dataclass(frozen=True)
class ToyRun:
    """A toy run up to its first step."""

    config: object
    task: ToyTask
    setup: state.TrainSetup
    start: state.TrainState
    step_fn: jax.stages.Compiled

    def batch(self, number: int):
        """Global batch `number`, on the devices."""
        source = self.task.dataset("train")
        with loader.batches(
            source,
            seed=self.config.seed,
            batch_size=self.config.batch_size,
            start_step=number,
            num_threads=0,
        ) as rows:
            return sharding.put_batch(next(rows), self.setup.mesh)

    def run(self, steps: int):
        """Returns the state after `steps` steps from the start, and every step's metrics.

        The start itself is spent: the step donates it.
        """
        now, history = self.start, []
        for number in range(steps):
            now, metrics = self.step_fn(now, self.batch(number))
            history.append(jax.device_get(metrics))
        return now, history


def set_up(config, *, devices=None, task_type=ToyTask, **poison) -> ToyRun:
    """Plans, initializes and compiles a toy run on some devices (default: the first)."""
    task = task_type(config, **poison)
    mesh = sharding.make_mesh(config.mesh, devices or jax.devices()[:1])
    setup = state.make_train_setup(task, config, mesh)
    abstract = (setup.abstract, step.abstract_batch(task, mesh))
    step_fn = step.compile_ahead(step.make_train_step(task, config, setup), abstract, mesh)
    return ToyRun(config, task, setup, state.from_scratch(task, config, setup), step_fn)


def names_and_leaves(tree) -> dict[str, np.ndarray]:
    """A tree of arrays as a flat dict of numpy arrays."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {sharding.path_name(path): np.asarray(leaf) for path, leaf in leaves}
