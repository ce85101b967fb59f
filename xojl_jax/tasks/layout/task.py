"""The layout task: what the engine trains.

The four stages (X107 to X110) differ in what they run, hence in the parameters that the model has.
A label that is missing is masked out, record by record.
"""

import functools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from xojl_jax.config_fields import split_names
from xojl_jax.data.buckets import choose_shapes
from xojl_jax.data.shards import NoSplit
from xojl_jax.errors import BadUsage
from xojl_jax.tasks.base import Bucket, RealWork, Sample, Task
from xojl_jax.tasks.buckets import choose, cut_batch, make_bucket
from xojl_jax.tasks.layout import resized_params
from xojl_jax.tasks.layout.buckets import (
    DIMENSIONS,
    MULTIPLES,
    answer_needs,
    bucket_spec,
    full_shape,
)
from xojl_jax.tasks.layout.class_inputs import ClassInputs
from xojl_jax.tasks.layout.configure import model_config, read_tokenizer
from xojl_jax.tasks.layout.dataset import LayoutDataset
from xojl_jax.tasks.layout.decode import decode_batch
from xojl_jax.tasks.layout.distillation import teach
from xojl_jax.tasks.layout.fields import FIELDS
from xojl_jax.tasks.layout.flops import forward_flops, real_work
from xojl_jax.tasks.layout.grammar_constraint import grammar_tables
from xojl_jax.tasks.layout.heads import HEADS
from xojl_jax.tasks.layout.inference import LayoutInference
from xojl_jax.tasks.layout.model import LayoutModel
from xojl_jax.tasks.layout.model_config import ModelConfig
from xojl_jax.tasks.layout.preview import MODE, LayoutPreview
from xojl_jax.tasks.layout.sample_spec import FeatureSpec, batch_spec, sample_spec
from xojl_jax.tasks.layout.schedules import scheduled, schedules_of
from xojl_jax.tasks.layout.sequence_losses import Teaching
from xojl_jax.tasks.layout.stage_losses import stage_losses
from xojl_jax.tasks.layout.stages import STAGES
from xojl_jax.tasks.layout.tree_features import style_ids
from xojl_jax.tasks.layout.views import Prediction
from xojl_jax.tasks.shard_task import ShardTask
from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.grammar import Automaton
from xojl_jax.xojl.vocabulary import Vocabulary

Array = jax.Array
Batch = dict[str, Array]

SAMPLE_DATA = Path(__file__).parents[2] / "sample_data"


class LayoutTask(ShardTask):
    """Screenshot and HTML tree to XOJL.

    Args:
      config: see configs/layout.py.
      metadata: what `metadata` gave when the parameters were trained, to predict with them; None
        takes the vocabulary from the shipped codebook and the statistics from the training data.
    """

    inference_type = LayoutInference
    fields = FIELDS
    sample_data = SAMPLE_DATA

    def __init__(self, config, metadata: dict[str, Any] | None = None):
        super().__init__(config, metadata)
        self.stage = STAGES[config.stage]
        self.vocabulary = (
            Vocabulary.from_json(metadata["vocabulary"])
            if metadata
            else Vocabulary.load(Codebook.load(config.data.codebook or None))
        )
        # Of `evaluate --calibrate`, by view; None before.
        self.calibration = (metadata or {}).get("calibration")
        self.tokenizer = read_tokenizer(config, metadata)
        self._teacher: LayoutTask | None = None
        self._teacher_params = None
        self.follows_step = bool(schedules_of(config))
        self.automaton = Automaton.load(self.vocabulary)
        self.tables = grammar_tables(self.automaton)

    # --- data --------------------------------------------------------------------------------

    @functools.cached_property
    def spec(self) -> FeatureSpec:
        c = self.config
        return FeatureSpec(
            image_height=c.image.height,
            image_width=c.image.width,
            patch=c.model.patch,
            max_nodes=c.model.max_nodes,
            max_classes=c.model.max_classes,
            max_target=c.model.max_target,
            sharpen=c.image.sharpen,
            hints=c.data.hints > 0,
            least_confidence=c.data.least_confidence,
            class_inputs=ClassInputs("hash" in split_names(c.model.embeddings), self.tokenizer),
        )

    def dataset(self, split: str, spec: FeatureSpec | None = None) -> LayoutDataset:
        """The samples of a split, in buckets where there are several.

        Args:
          spec: replaces the shapes that the config gives; every sample then has these.
        """
        dataset = self._open(split, spec or self.spec)
        if spec is None and len(self.buckets()) > 1:
            dataset.use_buckets(self.buckets())
        return dataset

    def _open(self, split: str, spec: FeatureSpec) -> LayoutDataset:
        augmentation = self.config.data if split == "train" else None
        return LayoutDataset(self.folder, split, spec, augmentation, self.vocabulary)

    def buckets(self) -> tuple[Bucket, ...]:
        return self._buckets

    @functools.cached_property
    def _buckets(self) -> tuple[Bucket, ...]:
        full = full_shape(self.spec)
        data = self.config.data
        return choose(data, DIMENSIONS, full, self._train_sizes, self._cost, MULTIPLES)

    def _cost(self, shape) -> float:
        return sum(forward_flops(self.model_config.cut(*shape)).values())

    def _train_sizes(self):
        """What the training records need, and how often they come; nothing without such a split."""
        try:
            dataset = self._open("train", self.spec)
        except NoSplit:
            return np.zeros((0, len(DIMENSIONS)), np.int64), None
        needed, bare = dataset.needed_sizes()
        share = self.config.data.drop_html
        weights = np.ones(len(dataset)) if dataset.weights is None else dataset.weights
        weights = np.concatenate([(1 - share) * weights, share * weights])
        return np.concatenate([needed, bare]), weights

    def answer_buckets(self, most: int) -> tuple[Bucket, ...]:
        full = full_shape(self.spec)
        if most <= 1:
            return (make_bucket(DIMENSIONS, full),)
        if self.config.data.bucket_shapes:
            shapes = [bucket.shape for bucket in self._buckets]
        else:
            sizes, weights = self._train_sizes()
            sizes = self._to_answer(sizes)
            shapes = choose_shapes(
                sizes, full, most, self._cost, multiples=MULTIPLES, weights=weights
            )
        found = {tuple(shape) for shape in self._to_answer(np.array(shapes)).tolist()} | {full}
        ordered = sorted(found, key=lambda s: (self._cost(s), s))
        return tuple(make_bucket(DIMENSIONS, shape) for shape in ordered)

    def _to_answer(self, shapes: np.ndarray) -> np.ndarray:
        """Shapes, int[N, 4], with the full size in dimensions that an answer may depend on."""
        full, shapes = full_shape(self.spec), shapes.copy()
        shapes[:, DIMENSIONS.index("tokens")] = full[DIMENSIONS.index("tokens")]
        if not self.model_config.masked_map:  # the map of its spatial attention reads padding
            shapes[:, DIMENSIONS.index("rows")] = full[DIMENSIONS.index("rows")]
        return shapes

    def fits(self, batch, bucket: Bucket) -> bool:
        needed = answer_needs(batch, self.spec)
        return all(need <= size for need, size in zip(needed, bucket.shape, strict=True))

    def cut(self, batch, bucket: Bucket) -> dict[str, np.ndarray]:
        return cut_batch(batch, sample_spec(bucket_spec(self.spec, bucket)))

    def batch_spec(self, bucket: Bucket | None = None) -> dict[str, jax.ShapeDtypeStruct]:
        return batch_spec(bucket_spec(self.spec, bucket), self.config.batch_size)

    def on_canvas(self, height: int, width: int) -> "LayoutTask":
        """This task for screenshots on a canvas of another size than that of the training."""
        other = type(self)(self.config, self._metadata)
        other.spec = replace(self.spec, image_height=height, image_width=width)
        return other

    def run_name(self) -> str:
        return f"stage{self.config.stage}-{self.config.preset}"

    def describe(self) -> str:
        return f"stage {self.config.stage}, preset {self.config.preset}"

    def metadata(self) -> dict[str, Any]:
        kept = {"vocabulary": self.vocabulary.to_json(), "statistics": self.statistics}
        if self.tokenizer is not None:
            kept["class_tokenizer"] = self.tokenizer.to_json()
        return kept

    # --- the model ---------------------------------------------------------------------------

    @functools.cached_property
    def model_config(self) -> ModelConfig:
        canvas = (self.spec.image_height, self.spec.image_width)
        pieces = 0 if self.tokenizer is None else self.tokenizer.size
        styles = style_ids(self.vocabulary.codebook)
        return model_config(
            self.config, self.vocabulary.size, self.statistics, canvas, pieces, styles
        )

    def model(self, mode: str = "dual") -> nn.Module:
        """The model, as it is run for the views of `mode`, a key of `VIEWS`."""
        return LayoutModel(self.model_config, mode)

    def init(self, rng: jax.Array):
        """Initializes only the parameters that this stage uses."""
        batch = {
            name: jnp.zeros(array.shape, array.dtype)
            for name, array in batch_spec(self.spec, 1).items()
        }
        return self.model().init(rng, batch, method=self._forward)["params"]

    def param_group(self, path: str) -> str:
        """The encoders have groups of their own, a head the one that its entry names."""
        if path.startswith("trunk/vision/"):
            return "vision"
        if path.startswith("html_encoder/"):
            return "html"
        name = path.split("/")[0]
        return next((head.group for head in HEADS.values() if name in head.parameters), "rest")

    def adapt_param(self, path: str, stored: np.ndarray, fresh: jax.Array) -> np.ndarray | None:
        return resized_params.adapt(path, stored, fresh)

    def flops(self, bucket: Bucket | None = None) -> dict[str, float]:
        c = self.model_config
        return forward_flops(c if bucket is None else c.cut(*bucket.shape))

    def real_work(self, batch: Sample) -> RealWork:
        return real_work(self.model_config, batch)

    # --- the losses --------------------------------------------------------------------------

    def loss(self, params, batch: Batch, rng: Array, *, train: bool, frozen=None, step=None):
        rngs = {"dropout": rng} if train else {}
        if step is not None:
            batch = batch | scheduled(self.config, step)
        teaching = None if frozen is None else self._teaching(frozen, batch)
        parts, metrics = self.model().apply(
            {"params": params}, batch, not train, teaching, rngs=rngs, method=self._forward
        )
        weights = self.config.loss
        total = sum((weights[name] * value for name, value in parts.items()), jnp.float32(0))
        return total, metrics | {f"loss/{name}": value for name, value in parts.items()}

    def _forward(
        self,
        model: LayoutModel,
        batch: Batch,
        evaluates: bool = False,
        teaching: Teaching | None = None,
    ):
        return stage_losses(
            model,
            batch,
            self.tables,
            label_smoothing=self.config.optim.label_smoothing,
            evaluates=evaluates,
            teaching=teaching,
        )

    # --- a teacher ---------------------------------------------------------------------------

    def use_teacher(self, teacher: Task, params) -> None:
        if not (self.stage.decoder and isinstance(teacher, LayoutTask) and teacher.stage.decoder):
            raise BadUsage("config.teacher: model and teacher must both be of stage 4")
        # Which labels count is nothing that a teacher reads.
        spec, others = (replace(x.spec, least_confidence=0.0) for x in (self, teacher))
        spec = batch_spec(spec, 1)
        for name, theirs in batch_spec(others, 1).items():
            if spec.get(name) != theirs:
                ours = spec[name].shape[1:] if name in spec else "missing"
                raise BadUsage(
                    f"config.teacher reads other batches: {name} {theirs.shape[1:]}, here {ours}"
                )
        for name in ("vocabulary", "class_tokenizer"):
            if self.metadata().get(name) != teacher.metadata().get(name):
                raise BadUsage(f"config.teacher has another {name} (config.data)")
        self._teacher, self._teacher_params = teacher, params

    def init_frozen(self, rng: Array):
        return {} if self._teacher is None else self._teacher.init(rng)

    def frozen_params(self):
        return self._teacher_params

    def _teaching(self, params, batch: Batch) -> Teaching:
        def method(model: LayoutModel, batch: Batch) -> Teaching:
            return teach(model, batch, self.tables)

        assert self._teacher is not None
        told: Any = self._teacher.model().apply({"params": params}, batch, method=method)
        return told

    def smaller(self, keep: float) -> dict[str, Any]:
        c, block = self.config.model, self.model_config.block
        if c.fusion == "mixture":
            raise BadUsage("fusion 'mixture' ties the heads of two modalities: none can go")
        if c.class_bias == "learned":
            raise BadUsage("a learned class_bias ties the heads of all layers: none can go")
        return {
            "model.heads": max(1, round(block.heads * keep)),
            "model.head_width": block.head_dim,
            "model.mlp_width": max(1, round(block.hidden * keep)),
        }

    # --- prediction --------------------------------------------------------------------------

    @property
    def labels_nodes(self) -> bool:
        """Whether the model can answer by the labels of HTML nodes, without a decoder."""
        return {"node", "category"} <= {*self.model_config.heads}

    def inference(self, flags=None) -> LayoutInference:
        by_nodes = self.labels_nodes and getattr(flags, "method", None) == "nodes"
        if not (self.stage.decoder or by_nodes):
            way = "answers with --method=nodes alone" if self.labels_nodes else "answers nothing"
            raise BadUsage(
                f"a run of stage {self.config.stage} has no decoder, so it {way}; its "
                "metrics are in its summary.json. Train stage 4 from it (--config.init_from)"
            )
        image_size = getattr(flags, "image_size", None)
        raw = getattr(flags, "calibrate", False)
        return LayoutInference(self, image_size=image_size, raw=raw)

    def preview(self, count: int) -> tuple[LayoutPreview, Callable[..., Prediction]] | None:
        if not self.stage.decoder:
            return None
        inference = self.inference()
        preview = LayoutPreview(inference.dataset("val"), count, self.config.batch_size)
        predict = functools.partial(decode_batch, self, mode=MODE)
        return (preview, predict) if preview.count else None
