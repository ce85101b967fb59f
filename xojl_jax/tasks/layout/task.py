"""The layout task: what the engine trains.

The four stages (X107 to X110) differ in the losses that they compute, hence in the parts of the
model that come to be. A label that is missing is masked out, record by record.
"""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from xojl_jax.data.shards import read_manifest
from xojl_jax.errors import BadUsage
from xojl_jax.tasks.base import Task
from xojl_jax.tasks.layout import flops, objectives
from xojl_jax.tasks.layout.dataset import LayoutDataset
from xojl_jax.tasks.layout.features import ID_RANGES, FeatureSpec, batch_spec
from xojl_jax.tasks.layout.grammar_constraint import grammar_tables
from xojl_jax.tasks.layout.inference import LayoutInference
from xojl_jax.tasks.layout.model import LayoutModel, ModelConfig
from xojl_jax.tasks.layout.preview import MODE, Preview
from xojl_jax.tasks.layout.views import Prediction
from xojl_jax.xojl.grammar import Automaton
from xojl_jax.xojl.record import CATEGORIES
from xojl_jax.xojl.vocabulary import Vocabulary

Array = jax.Array
Batch = dict[str, Array]

SAMPLE_DATA = Path(__file__).parents[2] / "sample_data"


class LayoutTask(Task):
    """Screenshot and HTML tree to XOJL.

    Args:
      config: see configs/base.py.
      metadata: what `metadata` gave when the parameters were trained, to predict with them; None
        takes the vocabulary from the shipped codebook and the statistics from the training data.
    """

    inference_type = LayoutInference

    def __init__(self, config, metadata: dict[str, Any] | None = None):
        super().__init__(config)
        if config.stage not in (1, 2, 3, 4):
            raise BadUsage(f"config.stage is {config.stage}: choose 1, 2, 3 or 4")
        self._metadata = metadata
        self.vocabulary = (
            Vocabulary.from_json(metadata["vocabulary"]) if metadata else Vocabulary.load()
        )
        self.automaton = Automaton.load(self.vocabulary)
        self.tables = grammar_tables(self.automaton)

    # --- data --------------------------------------------------------------------------------

    @functools.cached_property
    def folder(self) -> Path:
        """Where the shards are: `config.data.path`, or the sample data that we ship."""
        return Path(self.config.data.path) if self.config.data.path else SAMPLE_DATA

    @functools.cached_property
    def statistics(self) -> dict[str, list[float]]:
        """Mean and standard deviation of each colour channel, in [0, 1] (X017)."""
        if self._metadata:
            return self._metadata["statistics"]
        manifest = read_manifest(self.folder)
        return {"mean": list(manifest.channel_mean), "std": list(manifest.channel_std)}

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
        )

    def dataset(self, split: str, spec: FeatureSpec | None = None) -> LayoutDataset:
        """The samples of a split; `spec` replaces the shapes that the config gives."""
        augmentation = self.config.data if split == "train" else None
        return LayoutDataset(self.folder, split, spec or self.spec, augmentation, self.vocabulary)

    def batch_spec(self) -> dict[str, jax.ShapeDtypeStruct]:
        return batch_spec(self.spec, self.config.batch_size)

    def run_name(self) -> str:
        return f"stage{self.config.stage}-{self.config.preset}"

    def describe(self) -> str:
        return f"stage {self.config.stage}, preset {self.config.preset}"

    def metadata(self) -> dict[str, Any]:
        return {"vocabulary": self.vocabulary.to_json(), "statistics": self.statistics}

    # --- the model ---------------------------------------------------------------------------

    @functools.cached_property
    def model_config(self) -> ModelConfig:
        c = self.config
        fields = {name: c.model[name] for name in ModelConfig._fields if name in c.model}
        return ModelConfig(
            **fields,
            image_height=c.image.height,
            image_width=c.image.width,
            vocabulary_size=self.vocabulary.size,
            num_categories=len(CATEGORIES),
            ids=ID_RANGES,
            image_mean=tuple(self.statistics["mean"]),
            image_std=tuple(self.statistics["std"]),
        )

    def model(self) -> nn.Module:
        return LayoutModel(self.model_config)

    def init(self, rng: jax.Array):
        """Only what this stage computes comes to be."""
        batch = {
            name: jnp.zeros(array.shape, array.dtype)
            for name, array in batch_spec(self.spec, 1).items()
        }
        return self.model().init(rng, batch, method=self._forward)["params"]

    def param_group(self, path: str) -> str:
        if path.startswith(("trunk/vision/", "patch_head/")):
            return "vision"
        return "html" if path.startswith("html_encoder/") else "rest"

    def flops(self) -> dict[str, float]:
        c, stage = self.model_config, self.config.stage
        parts = flops.vision_flops(c) if stage != 2 else {}
        parts |= flops.html_flops(c, self.config.model.max_classes) if stage != 1 else {}
        parts |= flops.fusion_flops(c) if stage >= 3 else {}
        return parts | (flops.decoder_flops(c) if stage == 4 else {})

    # --- the losses --------------------------------------------------------------------------

    def loss(self, params, batch: Batch, rng: Array, *, train: bool):
        rngs = {"dropout": rng} if train else {}
        parts, metrics = self.model().apply(
            {"params": params}, batch, rngs=rngs, method=self._forward
        )
        weights = self.config.loss
        total = sum((weights[name] * value for name, value in parts.items()), jnp.float32(0))
        return total, metrics | {f"loss/{name}": value for name, value in parts.items()}

    def _forward(self, model: LayoutModel, batch: Batch):
        """This stage's loss parts, by their name in `config.loss`, and other metrics."""
        if self.config.stage == 1:
            return objectives.vision_losses(model, batch)
        if self.config.stage == 2:
            return objectives.html_losses(model, batch)
        encoded, heads = model.encode(batch)
        parts, metrics = objectives.joint_losses(heads, batch, self.model_config.grid)
        if self.config.stage == 4:
            sequences = objectives.sequence_losses(
                model,
                encoded,
                batch,
                self.tables,
                label_smoothing=self.config.optim.label_smoothing,
            )
            parts, metrics = parts | sequences[0], metrics | sequences[1]
        return parts, metrics

    # --- prediction --------------------------------------------------------------------------

    def inference(self, flags=None) -> LayoutInference:
        stage = self.config.stage
        if stage != 4:
            raise BadUsage(
                f"a run of stage {stage} has no decoder: train stage 4 from it first "
                "(--config.init_from)"
            )
        image_size = getattr(flags, "image_size", None)
        return LayoutInference(self, image_size=image_size)

    def preview(self, count: int) -> tuple[Preview, Callable[..., Prediction]] | None:
        if self.config.stage != 4:
            return None
        inference = self.inference()
        preview = Preview(inference.dataset("val"), count, self.config.batch_size)
        predict = functools.partial(inference.predict, mode=MODE)
        return (preview, predict) if preview.count else None
