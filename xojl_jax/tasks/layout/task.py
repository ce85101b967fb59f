"""The layout task: what the engine trains.

The four stages (X107 to X110) differ in what they run, hence in the parameters that the model has.
A label that is missing is masked out, record by record.
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
from xojl_jax.tasks.layout.configure import model_config, stage_of
from xojl_jax.tasks.layout.dataset import LayoutDataset
from xojl_jax.tasks.layout.flops import forward_flops
from xojl_jax.tasks.layout.grammar_constraint import grammar_tables
from xojl_jax.tasks.layout.heads import HEADS
from xojl_jax.tasks.layout.inference import LayoutInference
from xojl_jax.tasks.layout.model import LayoutModel
from xojl_jax.tasks.layout.model_config import ModelConfig
from xojl_jax.tasks.layout.preview import MODE, Preview
from xojl_jax.tasks.layout.sample_spec import FeatureSpec, batch_spec
from xojl_jax.tasks.layout.stage_losses import stage_losses
from xojl_jax.tasks.layout.views import Prediction
from xojl_jax.xojl.grammar import Automaton
from xojl_jax.xojl.vocabulary import Vocabulary

Array = jax.Array
Batch = dict[str, Array]

SAMPLE_DATA = Path(__file__).parents[2] / "sample_data"


class LayoutTask(Task):
    """Screenshot and HTML tree to XOJL.

    Args:
      config: see configs/layout.py.
      metadata: what `metadata` gave when the parameters were trained, to predict with them; None
        takes the vocabulary from the shipped codebook and the statistics from the training data.
    """

    inference_type = LayoutInference

    def __init__(self, config, metadata: dict[str, Any] | None = None):
        super().__init__(config)
        self.stage = stage_of(config)
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
        """Mean and standard deviation of each color channel, in [0, 1] (X017)."""
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
        return model_config(self.config, self.vocabulary.size, self.statistics)

    def model(self) -> nn.Module:
        return LayoutModel(self.model_config)

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

    def flops(self) -> dict[str, float]:
        return forward_flops(self.model_config)

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
        return stage_losses(
            model, batch, self.tables, label_smoothing=self.config.optim.label_smoothing
        )

    # --- prediction --------------------------------------------------------------------------

    def inference(self, flags=None) -> LayoutInference:
        if not self.stage.decoder:
            raise BadUsage(
                f"a run of stage {self.config.stage} has no decoder: train stage 4 from it first "
                "(--config.init_from)"
            )
        image_size = getattr(flags, "image_size", None)
        return LayoutInference(self, image_size=image_size)

    def preview(self, count: int) -> tuple[Preview, Callable[..., Prediction]] | None:
        if not self.stage.decoder:
            return None
        inference = self.inference()
        preview = Preview(inference.dataset("val"), count, self.config.batch_size)
        predict = functools.partial(inference.predict, mode=MODE)
        return (preview, predict) if preview.count else None
