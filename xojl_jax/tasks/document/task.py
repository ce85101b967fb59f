"""The document task: what the engine trains.

What is trained is a list of objectives (`objectives.py`); the model has the parameters that they
use, so that a run of the image tokenizer, one of the vision encoder and one of everything begin
with one another's (`config.init_from`).
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from xojl_jax.config_fields import split_names
from xojl_jax.errors import BadUsage
from xojl_jax.nn.vision import VisionEncoder
from xojl_jax.pretrained import vision
from xojl_jax.tasks.base import Bucket, Params
from xojl_jax.tasks.document.configure import model_config, needs_teacher
from xojl_jax.tasks.document.dataset import DocumentDataset
from xojl_jax.tasks.document.features import Featurizer, Hiding
from xojl_jax.tasks.document.fields import FIELDS
from xojl_jax.tasks.document.flops import forward_flops
from xojl_jax.tasks.document.image_tokenizer import move_codes
from xojl_jax.tasks.document.inference import DocumentInference
from xojl_jax.tasks.document.model import DocumentModel
from xojl_jax.tasks.document.model_config import ModelConfig
from xojl_jax.tasks.document.objectives import TOKENIZER
from xojl_jax.tasks.document.page_task import PageTask
from xojl_jax.tasks.document.sample_spec import batch_spec
from xojl_jax.tasks.document.teacher import teacher_features

# Parameters of the image tokenizer that follow averages instead of gradients.
CODES = ("image_tokenizer/codebook", "image_tokenizer/usage")


class DocumentTask(PageTask):
    """Pages with words and boxes: pre-training.

    Args:
      config: see configs/document.py.
      metadata: what `metadata` gave when the parameters were trained; None takes the tokenizer of
        words and the statistics from the training data.
    """

    inference_type = DocumentInference
    fields = FIELDS

    def __init__(self, config, metadata: dict[str, Any] | None = None):
        super().__init__(config, metadata)
        self.objectives = split_names(config.objectives)

    # --- data --------------------------------------------------------------------------------

    @functools.cached_property
    def clip(self) -> dict[str, Any] | None:
        """What the folder of `config.clip` tells of CLIP's image side, where it is needed."""
        if not needs_teacher(self.config):
            return None
        if self._metadata:
            return self._metadata["clip"]
        if not self.config.clip:
            raise BadUsage(
                "the target 'features' is what CLIP makes of patches: give the folder of a "
                "published CLIP model (config.json, model.safetensors) with --config.clip=FOLDER"
            )
        return vision.read_config(self.config.clip)

    @property
    def hiding(self) -> Hiding:
        mask = self.config.mask
        return Hiding(mask.words, mask.span, mask.patches)

    def dataset(self, split: str) -> DocumentDataset:
        return DocumentDataset(self.folder, split, Featurizer(self.spec, self.pieces, self.hiding))

    def batch_spec(self, bucket: Bucket | None = None) -> dict[str, jax.ShapeDtypeStruct]:
        return batch_spec(self.spec, self.config.batch_size)

    def run_name(self) -> str:
        return f"document-{'-'.join(self.objectives)}-{self.config.preset}"

    def describe(self) -> str:
        return f"objectives {', '.join(self.objectives)}, preset {self.config.preset}"

    def metadata(self) -> dict[str, Any]:
        return super().metadata() | ({} if self.clip is None else {"clip": self.clip})

    # --- the model ---------------------------------------------------------------------------

    @functools.cached_property
    def model_config(self) -> ModelConfig:
        return model_config(
            self.config, self.pieces.size, self.statistics, self.published, self.clip
        )

    def model(self) -> nn.Module:
        return DocumentModel(self.model_config)

    def init(self, rng: jax.Array):
        batch = {
            name: jnp.zeros(array.shape, array.dtype)
            for name, array in batch_spec(self.spec, 1).items()
        }
        if (teacher := self.model_config.teacher) is not None:
            batch["teacher"] = jnp.zeros((*batch["patch_mask"].shape, teacher.block.width))
        return self.model().init(rng, batch, None, method="losses")["params"]

    def init_frozen(self, rng: jax.Array):
        """The teacher's parameters, those of the folder at step 0 (`frozen_params`)."""
        if (teacher := self.model_config.teacher) is None:
            return {}
        images = jnp.zeros((1, teacher.image_height, teacher.image_width, 3), jnp.uint8)
        return {"clip": VisionEncoder(teacher).init(rng, images)["params"]}

    def frozen_params(self):
        if self.clip is None:
            return None
        return {"clip": vision.read_params(self.config.clip, self.clip)}

    def param_group(self, path: str) -> str:
        """The image tokenizer moves only where it is an objective, and its codes not by gradient:
        the group "still" has a rate of 0."""
        if path.startswith("image_tokenizer/"):
            return "still" if path in CODES or TOKENIZER not in self.objectives else "tokenizer"
        return "vision" if path.startswith("trunk/vision/") else "rest"

    def flops(self, bucket: Bucket | None = None) -> dict[str, float]:
        return forward_flops(self.model_config)

    # --- the losses --------------------------------------------------------------------------

    def loss(self, params, batch, rng: jax.Array, *, train: bool, frozen: Params | None = None):
        for_codes, dropout = jax.random.split(rng)
        if (teacher := self.model_config.teacher) is not None:
            assert frozen is not None
            seen = batch["image"], batch["patch_mask"]
            told = teacher_features(teacher, frozen["clip"], *seen, self.spec.patch)
            batch = {**batch, "teacher": told}
        found: Any = self.model().apply(
            {"params": params},
            batch,
            for_codes if train else None,
            rngs={"dropout": dropout} if train else {},
            method="losses",
        )
        parts, metrics, statistics = found
        weights = self.config.loss
        total = sum((weights[name] * value for name, value in parts.items()), jnp.float32(0))
        metrics = metrics | {f"loss/{name}": value for name, value in parts.items()}
        metrics["tokens"] = batch["tokens_mask"].sum().astype(jnp.float32)
        if statistics is not None:
            metrics["averages"] = statistics
        return total, metrics

    def after_update(self, params, averages):
        """The codes of the image tokenizer, moved."""
        own = params["image_tokenizer"]
        codebook, usage = move_codes(own["codebook"], own["usage"], averages)
        moved = {**own, "codebook": codebook, "usage": usage}
        return {**params, "image_tokenizer": moved}

    # --- prediction --------------------------------------------------------------------------

    def inference(self, flags=None) -> DocumentInference:
        if self.objectives == (TOKENIZER,):
            raise BadUsage(
                "a run of the image tokenizer alone answers nothing; its metrics are in its "
                "summary.json. Train 'mim' from it (--config.init_from)"
            )
        if self.objectives == ("mim",) and self.config.target == "features":
            raise BadUsage(
                "a run that tells CLIP's features of patches alone answers nothing: its metric, "
                "cosine/mim, is in its summary.json"
            )
        return DocumentInference(self)
