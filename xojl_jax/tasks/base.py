"""The contract between the engine, the commands and a task.

The engine trains anything that implements `Task`; the commands predict and evaluate with anything
that implements `Inference`. Neither knows of screenshots or layouts.

Letters: B global batch.
"""

import abc
import argparse
import dataclasses
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol

import flax.linen as nn
import jax
import numpy as np
from PIL import Image

from xojl_jax import config_fields
from xojl_jax.errors import BadInput, BadUsage

Sample = dict[str, np.ndarray]
Params = Mapping[str, Any]
Batch = Mapping[str, jax.Array]


@dataclasses.dataclass(frozen=True)
class Bucket:
    """The shapes of a batch: the size of each dimension that varies from record to record.

    Attributes:
      sizes: (name, size), such as ("nodes", 64), in the task's own order.
    """

    sizes: tuple[tuple[str, int], ...] = ()

    def __str__(self) -> str:
        return " x ".join(f"{size} {name}" for name, size in self.sizes) or "full size"

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(size for _, size in self.sizes)


FULL = Bucket()


@dataclasses.dataclass(frozen=True)
class RealWork:
    """How much of a batch is no padding.

    Attributes:
      shares: name -> real items over all items, such as {"patches": 0.8}.
      flops: forward FLOPs of the real items, of all rows together.
    """

    shares: Mapping[str, float]
    flops: float


class Dataset(Protocol):
    """Random access to featurized samples: `dataset[i]` is a flat dict of numpy arrays.

    Every sample has the same keys, shapes and dtypes. `dataset[i]` may be called from several
    threads at once, and always gives the same sample for the same `i`. A task with several buckets
    gives its data sets what `xojl_jax.data.transforms.DataSource` names for them.
    """

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sample: ...

    def augment(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """The sample as training sees it: random drops and the like, drawn from `rng` alone."""
        ...


class Preview(Protocol):
    """Fixed records whose predictions can be drawn.

    Attributes:
      batch: numpy arrays of a global batch.
    """

    batch: Sample

    def draw(self, prediction: Any) -> dict[str, np.ndarray]:
        """Pictures, uint8[H, W, 3] by name, of what was predicted for `batch`."""
        ...


@dataclasses.dataclass(frozen=True)
class Limits:
    """What is read of inputs that come from anybody.

    Attributes:
      pixels: of a picture.
      nodes: of a tree.
    """

    pixels: int = 40_000_000
    nodes: int = 4096


class PseudoLabel(NamedTuple):
    """A stored record with an answer in place of its label.

    Attributes:
      record, picture: as a shard stores them: JSON text, and an encoded picture or b"".
      confidence: how sure each part of the answer is, in [0, 1].
      right: whether each is, where the record had a label; else None.
    """

    record: str
    picture: bytes
    confidence: tuple[float, ...]
    right: tuple[bool, ...] | None = None


class Inference(abc.ABC):
    """How a trained task answers: what predict, evaluate and plan need of it.

    Three kinds of values are the task's own, and only passed on by the commands. *Inputs* are what
    an answer is made from; `inputs.name` names the files that are written. A *reference* is a
    stored record, label included. An *answer* is what is said of one input.

    Attributes:
      about: one line for `--help`: which runs of the task can answer.
      label: the name of the field that holds a record's label, for messages.
      picture_needs: what `draw` needs, for a message where it draws nothing.
      shown_metrics: the scores of the printed table, in order, each with what it says.
      baseline_name: the baseline's column in that table.
      interval_unit: what its intervals are over.
      input_names: what inputs are made from, in the order of a call: (screenshot, html), say.
      binary_names: those of `input_names` that are contents of files, base64 in JSON.
      text_names: those of `input_names` that are plain text in a form.
      answer_name: what an answer is called: "layout", say.
      request_examples: name -> the JSON of a request to the service, for its description.
      page: the page that the service shows at `/`; None: it has none.
      label_flags: flags under which answers are labels, with confidences; (): they cannot be.
    """

    about: ClassVar[str]
    label: ClassVar[str]
    picture_needs: ClassVar[str]
    shown_metrics: ClassVar[Mapping[str, str]]
    baseline_name: ClassVar[str] = "baseline"
    interval_unit: ClassVar[str] = "records"
    input_names: ClassVar[tuple[str, ...]] = ()
    binary_names: ClassVar[tuple[str, ...]] = ()
    text_names: ClassVar[tuple[str, ...]] = ()
    answer_name: ClassVar[str] = "answer"
    request_examples: ClassVar[Mapping[str, Any]] = {}
    page: ClassVar[Path | None] = None
    label_flags: ClassVar[tuple[str, ...]] = ()

    # --- flags -------------------------------------------------------------------------------

    @classmethod
    @abc.abstractmethod
    def add_arguments(cls, parser: argparse._ActionsContainer, command: str) -> None:
        """Adds the task's own flags to those of a command, "predict" or "evaluate"."""

    @classmethod
    @abc.abstractmethod
    def check_arguments(cls, flags: argparse.Namespace, command: str) -> None:
        """Raises BadUsage where parsed flags contradict each other."""

    @classmethod
    def examples(cls, command: str) -> str:
        """What `--help` shows at its end: command lines to try."""
        return ""

    @abc.abstractmethod
    def options(self, flags: argparse.Namespace) -> dict[str, Any]:
        """The static arguments of `predict` that the flags choose."""

    # --- inputs ------------------------------------------------------------------------------

    @abc.abstractmethod
    def dataset(self, split: str) -> Dataset:
        """The samples of a split, as this inference reads them."""

    @classmethod
    @abc.abstractmethod
    def read_inputs(cls, flags: argparse.Namespace) -> Any:
        """Inputs from the files that the flags name. Called before anything of a model is loaded,
        which takes long: a wrong file is refused at once."""

    @classmethod
    def page_to_capture(cls, flags: argparse.Namespace) -> str | None:
        """The page, named by flags, whose parts are answered one by one; None: there is none."""
        return None

    @classmethod
    def capture(cls, page: str | os.PathLike, folder: Path) -> Path:
        """Makes records of the parts of a page; returns their folder, for `read_records`.

        Args:
          page: an address, a file, or its text.
          folder: an empty one to work in.

        Raises:
          BadInput: it has none, or they cannot be made here.
        """
        raise BadUsage(f"{cls.about}: its inputs are no parts of pages")

    def fit_inputs(self, inputs: Any) -> Any:
        """The inputs as far as the model takes them, with what it needs of them more than once."""
        return inputs

    @abc.abstractmethod
    def stored_inputs(self, dataset: Dataset, index: int, name: str) -> Any:
        """Inputs from a sample of a data set."""

    @abc.abstractmethod
    def featurize(self, inputs: Any) -> Sample:
        """The arrays of inputs, without a batch axis; keys and dtypes as in `Task.batch_spec`."""

    # --- answers -----------------------------------------------------------------------------

    @abc.abstractmethod
    def predict(
        self, params: Params, batch: Batch, *, rng: jax.Array | None = None, **options: Any
    ) -> Any:
        """A tree of arrays for a batch. Jittable, with `options` static.

        Args:
          rng: key, for options that draw random numbers.
        """

    @abc.abstractmethod
    def decode(
        self, prediction: Any, sources: Sequence[Any], options: Mapping[str, Any]
    ) -> list[Any]:
        """The answers of a batch.

        Args:
          prediction: what `predict` gave, on the host.
          sources: inputs or references of the first rows. Rows beyond them are padding, and left
            out.
          options: those that `predict` was given.
        """

    @abc.abstractmethod
    def to_json(self, answer: Any) -> str:
        """The answer as JSON text."""

    @abc.abstractmethod
    def summarize(self, inputs: Any, answer: Any) -> list[str]:
        """Lines for standard error: what the answer was made from, and how it turned out."""

    def draw(self, inputs: Any, answer: Any) -> Image.Image | None:
        """A picture of the answer; None where the inputs or the answer do not suffice for one."""
        return None

    def draw_reference(self, inputs: Any, reference: Any) -> Image.Image | None:
        """The same of what the answer should be."""
        return None

    def vectors(self, params: Params, batch: Batch) -> dict[str, jax.Array]:
        """What the model makes of whole inputs, float32[B, …] by name: what `evaluate --probe` fits
        a linear classifier to. Jittable.

        Raises:
          BadUsage: the task has no such vectors.
        """
        raise BadUsage(f"{self.about}: it has no vectors to probe")

    # --- service -----------------------------------------------------------------------------

    @classmethod
    def read_json(cls, text: bytes, where: str) -> Any:
        """The value of JSON text that nobody vouches for. Raises BadInput."""
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise BadInput(f"{where}: not JSON ({error})") from None

    @classmethod
    def make_inputs(cls, values: Mapping[str, Any], name: str, limits: Limits) -> Any:
        """Inputs from values in memory, by `input_names`; bytes are the contents of a file.

        Raises:
          BadInput: a value is not what it should be, or beyond a limit.
        """
        raise BadUsage(f"{cls.about}: it takes files, no values")

    def to_values(self, inputs: Any, answer: Any) -> dict[str, Any]:
        """The answer ready for JSON, with what is known of it; `answer_name` is the answer."""
        return {self.answer_name: json.loads(self.to_json(answer))}

    def confidence(self, answer: Any) -> float | None:
        """How sure an answer is, in [0, 1]; None where there is no calibration that says it."""
        return None

    def agreement(self, answer: Any, other: Any) -> float:
        """How far two answers to one input agree, in [0, 1]; 1 only where they are the same."""
        return float(self.to_json(answer) == self.to_json(other))

    def input_features(self, inputs: Any) -> dict[str, float | list[str]]:
        """Numbers and lists of words that tell whether inputs are like those of the training."""
        return {}

    def fit_baseline(self, dataset: Dataset, numbers: Sequence[int]) -> dict[str, Any] | None:
        """What `guess` needs to know of these records of the training split, ready for JSON; None
        where the task has no baseline. Raises BadInput where the records do not suffice."""
        return None

    def guess(self, baseline: Mapping[str, Any], inputs: Any, options: Mapping[str, Any]) -> Any:
        """The baseline's answer, in milliseconds; None where it has none to these inputs.

        Args:
          options: of `predict`.
        """
        return None

    def write_record(self, inputs: Any, answer: Any, folder: Path, name: str) -> int:
        """Adds inputs and answer, contents and all, to a folder that `read_records` reads, and
        returns how many bytes that took; 0 where a record cannot hold them."""
        return 0

    @classmethod
    def count_records(cls, folder: Path) -> int:
        """How many `read_records` gives."""
        raise BadUsage(f"{cls.about}: it reads no records")

    @classmethod
    def read_records(cls, folder: Path) -> Iterator[tuple[str, Callable[[], Any]]]:
        """(name, a function that gives its inputs or raises BadInput) of every record, in order."""
        raise BadUsage(f"{cls.about}: it reads no records")

    # --- export ------------------------------------------------------------------------------

    def programs(self) -> dict[str, dict[str, Any]]:
        """What an exported model computes: name -> options of `predict`, the usual one first."""
        return {"default": {}}

    def program_for(
        self, options: Mapping[str, Any], programs: Mapping[str, Mapping[str, Any]]
    ) -> str | None:
        """The name of the program that computes what `predict` does with these options, or None.

        Args:
          programs: those of an exported model, as `programs` gave them when it was written.
        """
        return next((name for name, own in programs.items() if own == options), None)

    def to_named(self, prediction: Any) -> dict[str, jax.Array]:
        """The result of `predict` as named arrays, which an exported program gives: other readers
        know none of our types."""
        return {"prediction": prediction}

    def from_named(self, arrays: Mapping[str, Any]) -> Any:
        """The inverse of `to_named`."""
        return arrays["prediction"]

    # --- scores ------------------------------------------------------------------------------

    @abc.abstractmethod
    def references(self, dataset: Dataset, limit: int | None) -> list[Any]:
        """The stored records of the first samples, in order; all of them for None."""

    def groups(self, references: Sequence[Any]) -> list[dict[str, str]]:
        """Of each reference the groups that it is in, by kind: {"site": "a.org"}, say. `evaluate
        --suite` scores each by itself. A kind that does not hold for a record is left away."""
        return [{} for _ in references]

    def units(self, references: Sequence[Any]) -> list[str] | None:
        """Of each reference what intervals draw whole, since its records are alike, such as a
        document of many pages. None: each record by itself."""
        return None

    def changes(self) -> Mapping[str, Callable[[Any], Any]]:
        """Name -> a function from inputs to harder ones, or to None where they have not what is
        changed, for `evaluate --suite`."""
        return {}

    @abc.abstractmethod
    def is_labeled(self, reference: Any) -> bool:
        """Whether the reference has a label, so that an answer can be scored."""

    @abc.abstractmethod
    def score(self, answers: Sequence[Any], references: Sequence[Any]) -> dict[str, dict]:
        """Reports by view of the answers, each ready for JSON: "records", their number, "scores",
        name -> {"value", "low", "high"}, and whatever else the task tells."""

    @abc.abstractmethod
    def baseline(self, references: Sequence[Any], answers: Sequence[Any]) -> dict:
        """The same report for a guess that needs no model, fitted to the training split.

        Args:
          answers: of the model, where what is to be guessed is known from it alone.
        """

    def columns(self, report: Mapping[str, Any]) -> tuple[dict[str, dict], int]:
        """What stands side by side in a table of `evaluate`'s report: the views by name, and the
        baseline where there is one; and the number of records."""
        found = dict(report["views"])
        if report["baseline"] is not None:
            found[self.baseline_name] = report["baseline"]
        return found, next(iter(found.values()))["records"]

    def to_calibrate(self, flags: argparse.Namespace) -> list[argparse.Namespace]:
        """The flags of `evaluate --calibrate` for each kind of answer that has probabilities of its
        own, which `calibrate` then makes true under names of their own."""
        return [flags]

    def calibrate(self, answers: Sequence[Any], references: Sequence[Any]) -> dict | None:
        """A few numbers, ready for JSON, that make the answers' probabilities true, fitted to
        answers of an inference that has none; the task finds them in its metadata as "calibration".
        None where the task has no probabilities."""
        return None

    def calibration_errors(
        self, answers: Sequence[Any], references: Sequence[Any]
    ) -> dict[str, dict]:
        """By view what `calibrate` promises of data unlike that it is fitted to: "sites", their
        number, and the "expected_calibration_error" over sites that a fit left out, or None."""
        return {}

    def confidences(
        self, answers: Sequence[Any], references: Sequence[Any]
    ) -> tuple[np.ndarray, np.ndarray]:
        """How sure each part of the answers is, and whether it is right: float64[n], bool[n]. Of a
        task with `label_flags`."""
        raise BadUsage(f"{self.about}: its answers have no confidences")

    def pseudo_label(
        self, dataset: Dataset, index: int, values: Mapping[str, Any]
    ) -> PseudoLabel | None:
        """A stored record with an answer as its label, None where it is none. Of a task with
        `label_flags`.

        Args:
          values: the answer, as `to_values` gave it.
        """
        raise BadUsage(f"{self.about}: its answers are no labels")

    @abc.abstractmethod
    def describe(self, dataset: Dataset, flags: argparse.Namespace) -> dict[str, Any]:
        """What is evaluated, for the report: "data", "split", "records_in_split",
        "records_too_large" for the model, "method", perhaps "remarks", lines that are printed below
        the table, and whatever else the task tells."""


class Task(abc.ABC):
    """One trainable task. Methods are pure: everything they depend on is in `self.config`.

    Attributes:
      inference_type: the class of what `inference` gives, for its flags; None if the task gives
        none.
      fields: what the task's own config fields may hold, by their dotted names.
      follows_step: whether `loss` takes one more argument by name, `step`, int32[] steps taken, in
        training.

    Raises:
      BadUsage: a field holds what it may not.
    """

    inference_type: ClassVar[type[Inference] | None] = None
    fields: ClassVar[Mapping[str, config_fields.Rule]] = {}
    follows_step: bool = False

    def __init__(self, config):
        config_fields.check(config, self.fields)
        self.config = config

    @abc.abstractmethod
    def dataset(self, split: str) -> Dataset:
        """The samples of a split: "train", "val" or "test"."""

    @abc.abstractmethod
    def model(self) -> nn.Module:
        """The Linen module. Every parameter carries logical axes (`nn.with_logical_partitioning`)
        whose names are in `xojl_jax.engine.sharding.RULES`."""

    @abc.abstractmethod
    def init(self, rng: jax.Array) -> Params:
        """The boxed float32 parameters. Traced under `jax.eval_shape` and `jax.jit`."""

    def init_frozen(self, rng: jax.Array) -> Params:
        """Boxed parameters that are neither optimized nor averaged, such as those of a teacher.

        They are sharded, checkpointed and restored with the others. A task that has some takes them
        in `loss` as one more argument by name, `frozen`, unboxed.
        """
        return {}

    def use_teacher(self, teacher: "Task", params: Params) -> None:
        """Adds losses against the answers of another model of this task, before training begins.

        Args:
          params: of the teacher, float32; from here on they are what `frozen_params` gives.

        Raises:
          BadUsage: the two do not read the same batches, or this task learns from no teacher.
        """
        raise BadUsage(f"config.teacher: the task {self.config.task} learns from no teacher")

    def frozen_params(self) -> Params | None:
        """What takes the place of `init_frozen`'s parameters at step 0, unboxed; None leaves
        them."""
        return None

    def published_params(self) -> Mapping[str, np.ndarray]:
        """Parameters of published weights by their paths, such as "trunk/vision/special", in which
        training begins; others start from scratch, and `config.init_from` counts before them."""
        return {}

    def smaller(self, keep: float) -> dict[str, Any]:
        """Config fields of the same model with this share of its heads and hidden units."""
        raise BadUsage(f"the task {self.config.task} has no smaller form")

    @abc.abstractmethod
    def loss(
        self, params: Params, batch: Batch, rng: jax.Array, *, train: bool
    ) -> tuple[jax.Array, dict[str, jax.Array]]:
        """The loss of a batch (or micro-batch), and metrics.

        Args:
          params: the unboxed parameters.
          batch: arrays with the batch leading, as `batch_spec` says for one of the buckets (B may
            be smaller).
          rng: key for dropout, already its own for this step and micro-batch.
          train: whether dropout and the like are on.

        Returns:
          float32[] loss, and a dict of float32[]: parts of the loss as "loss/NAME", other means
          under any name, and two that are sums and may be left out: "tokens", the real target
          tokens (padding excluded), and "weight", how much this mean counts when micro-batches or
          evaluation batches are averaged (equal if absent).
        """

    def after_update(self, params: Params, averages: Any) -> Params:
        """The parameters after a step, some of them replaced: those that learn without gradients,
        such as a codebook that follows moving averages.

        Called where the metrics of `loss` in training hold a tree of arrays under "averages", whose
        means over micro-batches come here. A skipped step keeps nothing of it.
        """
        return params

    def buckets(self) -> tuple[Bucket, ...]:
        """The shapes that batches come in, from cheap to dear, at most a handful. The last is the
        full size, which holds every record. Most tasks have no other."""
        return (FULL,)

    def answer_buckets(self, most: int) -> tuple[Bucket, ...]:
        """At most so many shapes that batches can be answered in, from cheap to dear, the full size
        last. The answers do not depend on which, but for the rounding of sums."""
        return (FULL,)

    def fits(self, batch: Mapping[str, np.ndarray], bucket: Bucket) -> bool:
        """Whether a bucket holds all that is real in a batch of the full size."""
        return bucket == FULL

    def cut(self, batch: Mapping[str, np.ndarray], bucket: Bucket) -> dict[str, np.ndarray]:
        """Those arrays of a batch of the full size, in the shapes of a bucket that holds them."""
        return dict(batch)

    @abc.abstractmethod
    def batch_spec(self, bucket: Bucket | None = None) -> dict[str, jax.ShapeDtypeStruct]:
        """Name, shape and dtype of every array of the global batch, B leading; of the full size
        without a bucket."""

    @abc.abstractmethod
    def param_group(self, path: str) -> str:
        """The group of a parameter, by its path such as "vision/blocks/mlp/up/kernel": a key of
        `config.optim.groups`, which has its learning rate."""

    def path_of_other(self, path: str, task: str) -> str:
        """Where a parameter of another task's run is found here, by its path there, for
        `config.init_from`: the trunk is at the same path everywhere.

        Args:
          task: the other run's, by its name in `tasks.TASKS`.
        """
        return path

    def adapt_param(self, path: str, stored: np.ndarray, fresh: jax.Array) -> np.ndarray | None:
        """A parameter of another run in the shape of this run's, `fresh`, where the two differ: a
        table of positions for another resolution, say. None where it starts from scratch."""
        return None

    @abc.abstractmethod
    def flops(self, bucket: Bucket | None = None) -> dict[str, float]:
        """Forward FLOPs per sample by part (a multiply-add is two), padding included; of the full
        size without a bucket."""

    def real_work(self, batch: Sample) -> RealWork | None:
        """How much of these rows of a batch, numpy arrays, is no padding; None if not known."""
        return None

    def inference(self, flags: argparse.Namespace | None = None) -> Inference:
        """How this run answers. Raises BadUsage with the reason where it cannot.

        Args:
          flags: of a command, as `Inference.add_arguments` made them; None for their defaults.
        """
        raise BadUsage(f"the task {self.config.task} is for training: it gives no answers")

    def run_name(self) -> str:
        """The default name of a run's working directory."""
        return f"{self.config.task}-{self.config.preset}"

    def describe(self) -> str:
        """What is trained, in a few words."""
        return f"preset {self.config.preset}"

    def preview(self, count: int) -> tuple[Preview, Callable[..., Any]] | None:
        """Up to `count` fixed validation records, and a jittable (params, batch) -> prediction on
        them; None if the task draws nothing, or there is nothing to draw."""
        return None

    def metadata(self) -> dict[str, Any]:
        """JSON-able facts without which a checkpoint cannot be read: the vocabulary, say."""
        return {}
