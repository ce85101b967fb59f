"""What the tasks about pages share: shards, tokenizer of words, form of the vision encoder."""

import functools
from pathlib import Path
from typing import Any

import numpy as np

from xojl_jax.config_fields import flatten
from xojl_jax.pretrained import vision
from xojl_jax.tasks.document.configure import read_pieces
from xojl_jax.tasks.document.sample_spec import FeatureSpec
from xojl_jax.tasks.shard_task import ShardTask

SAMPLE_DATA = Path(__file__).parents[2] / "sample_documents"


class PageTask(ShardTask):
    """Pages with words and boxes.

    Args:
      config: with the fields of configs/document_page.py.
      metadata: what `metadata` gave when the parameters were trained; None takes the tokenizer of
        words and the statistics from the training data.
    """

    sample_data = SAMPLE_DATA

    def __init__(self, config, metadata: dict[str, Any] | None = None):
        super().__init__(config, metadata)
        self.pieces = read_pieces(config, self.folder, metadata)

    @functools.cached_property
    def spec(self) -> FeatureSpec:
        c = self.config
        return FeatureSpec(c.image.height, c.image.width, c.model.patch, c.model.max_tokens)

    @functools.cached_property
    def published(self) -> dict[str, Any] | None:
        """What the folder of `config.model.pretrained_vision` tells of its encoder."""
        if not self.config.model.pretrained_vision:
            return None
        # A checkpoint is read where the folder may be gone.
        if self._metadata:
            return self._metadata["vision"]
        return vision.read_config(self.config.model.pretrained_vision)

    def metadata(self) -> dict[str, Any]:
        facts = {"tokenizer": self.pieces.to_json(), "statistics": self.statistics}
        return facts if self.published is None else facts | {"vision": self.published}

    def published_params(self) -> dict[str, np.ndarray]:
        """The vision encoder's; a mask token that was not published starts from scratch."""
        if self.published is None:
            return {}
        folder = self.config.model.pretrained_vision
        return flatten({"trunk": {"vision": vision.read_params(folder, self.published)}}, "/")

    def path_of_other(self, path: str, task: str) -> str:
        """A text encoder that was trained by itself is the language model of the words."""
        return f"text/language/{path}" if task == "text" else path
