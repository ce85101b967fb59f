"""What tasks that learn from shards of pictures share: where the shards are, and their colors."""

import functools
from pathlib import Path
from typing import Any, ClassVar

from xojl_jax.data.shards import read_manifest
from xojl_jax.tasks.base import Task


class ShardTask(Task):
    """A task that learns from shards.

    Args:
      metadata: what `metadata` gave when the parameters were trained; None takes the statistics
        from the training data.

    Attributes:
      sample_data: the shards that we ship, where `config.data.path` names none.
    """

    sample_data: ClassVar[Path]

    def __init__(self, config, metadata: dict[str, Any] | None = None):
        super().__init__(config)
        self._metadata = metadata

    @functools.cached_property
    def folder(self) -> Path:
        """Where the shards are."""
        return Path(self.config.data.path) if self.config.data.path else self.sample_data

    @functools.cached_property
    def statistics(self) -> dict[str, list[float]]:
        """Mean and standard deviation of each color channel, in [0, 1] (X017)."""
        if self._metadata:
            return self._metadata["statistics"]
        return read_manifest(self.folder).statistics
