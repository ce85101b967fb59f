"""Exchanges models for newer ones while the service answers: on SIGHUP, every model whose folder
holds another version than the one that serves is read, compiled, and put in its place."""

import logging
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from xojl_jax.errors import UserError
from xojl_jax.serving import folder
from xojl_jax.serving.faults import places
from xojl_jax.serving.metrics import Metrics
from xojl_jax.serving.versions import Open, Versions

log = logging.getLogger(__name__)


class Exchange:
    """Reads models again.

    Args:
      paths: folder of each model by name, or a link to it that is moved to a newer one.
      open_model: reads one.
    """

    def __init__(
        self, versions: Versions, paths: Mapping[str, Path], open_model: Open, metrics: Metrics
    ):
        self._versions, self._paths = versions, paths
        self._open, self._metrics = open_model, metrics
        self._lock = threading.Lock()

    def start(self) -> None:
        """In a thread of its own: one at a time, so that the last signal is never lost."""
        threading.Thread(target=self.run, name="exchange", daemon=True).start()

    def run(self) -> None:
        """Exchanges what changed. Where that fails, the version that serves goes on."""
        with self._lock:
            for name, path in self._paths.items():
                try:
                    result = self._one(name, path)
                except UserError as error:  # names a file, no contents of requests
                    log.error("not exchanged", extra={"fields": {"model": name, "why": str(error)}})
                    result = "failed"
                except Exception as error:
                    why = places(error)
                    log.error("not exchanged", extra={"fields": {"model": name, "why": why}})
                    result = "failed"
                self._metrics.exchanges.labels(name, result).inc()

    def _one(self, name: str, path: Path) -> str:
        old = self._versions.by_name[name]
        wanted = folder.read_model(path.expanduser())["version"]
        fields = {"model": name, "version": wanted, "before": old.model.version}
        if wanted == old.model.version:
            log.info("not changed", extra={"fields": fields})
            return "same"
        began = time.monotonic()
        new = self._open(name, path, old.weight)
        task = new.model.exported.model["task"]
        if task != old.model.exported.model["task"]:
            new.batcher.close()
            log.error("not exchanged", extra={"fields": fields | {"why": f"its task is {task}"}})
            return "failed"
        new.warm(new.model.programs[0])
        self._versions.exchange(new)
        seconds = round(time.monotonic() - began, 1)
        log.info("exchanged", extra={"fields": fields | {"seconds": seconds}})
        return "exchanged"
