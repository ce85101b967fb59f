"""Keeps sections of which a model is unsure, for people to label: contents and all.

The folder is a data set of records, which the commands of `data_prep` read.
"""

import logging
import time
import uuid
from pathlib import Path

from xojl_jax.errors import BadUsage
from xojl_jax.serving.answering import Answered
from xojl_jax.serving.metrics import Metrics

log = logging.getLogger(__name__)


class Unsure:
    """A `Watcher`.

    Args:
      folder: made where it is not there.
      below: confidence below which a section is kept.
      limit: bytes of the folder; then no more are kept.

    Raises:
      BadUsage: the folder cannot be written.
    """

    def __init__(self, folder: Path, below: float, limit: int, metrics: Metrics):
        self._folder, self._below, self._limit, self._metrics = folder, below, limit, metrics
        try:
            # Contents of requests: for nobody else on this machine.
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._bytes = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
            (folder / "records.jsonl").open("a").close()
        except OSError as error:
            raise BadUsage(f"--keep-unsure: {folder} cannot be written ({error})") from error
        self._full = False

    def see(self, answered: Answered) -> None:
        if answered.fallback:
            return
        inference = answered.model.inference
        for inputs, answer in zip(answered.inputs, answered.answers, strict=True):
            confidence = inference.confidence(answer)
            if confidence is None or confidence >= self._below:
                continue
            if self._bytes >= self._limit:
                self._say_full()
                return
            name = f"{time.strftime('%Y%m%d', time.gmtime())}-{uuid.uuid4().hex[:12]}"
            written = inference.write_record(inputs, answer, self._folder, name)
            self._bytes += written
            if written:
                self._metrics.kept.labels(answered.name).inc()

    def _say_full(self) -> None:
        if not self._full:
            fields = {"folder": str(self._folder), "bytes": self._bytes}
            log.warning("the folder of unsure sections is full", extra={"fields": fields})
        self._full = True
