"""Drift: whether what is asked still looks like what the models were trained on."""

import collections
import threading
from collections.abc import Set

import numpy as np

from xojl_jax.serving import histograms
from xojl_jax.serving.answering import Answered
from xojl_jax.serving.metrics import Metrics
from xojl_jax.serving.versions import Served, Versions

WINDOW = 1000  # inputs that are compared
LEAST = 50  # fewer say nothing


class Drift:
    """A `Watcher` that keeps, for each model, where the last inputs fall in the histograms of its
    training. No contents: a few numbers for each input."""

    def __init__(self):
        self._seen: dict[tuple[str, str], dict[str, collections.deque[np.ndarray]]] = {}
        self._lock = threading.Lock()

    def see(self, answered: Answered) -> None:
        known = answered.model.exported.training.get("inputs")
        if not known:
            return
        key = (answered.chosen, answered.model.version)
        for inputs in answered.inputs:
            features = answered.model.inference.input_features(inputs)
            with self._lock:
                window = self._seen.setdefault(key, {})
                for name in known.keys() & features.keys():
                    queue = window.setdefault(name, collections.deque(maxlen=WINDOW))
                    queue.append(histograms.sums_of(known[name], features[name]))

    def measure(self, served: Served) -> dict[str, float]:
        """The distance of each feature from the training, of those that came often enough."""
        known = served.model.exported.training.get("inputs", {})
        with self._lock:
            window = self._seen.get((served.name, served.model.version), {})
            sums = {name: list(queue) for name, queue in window.items() if len(queue) >= LEAST}
        return {
            name: histograms.distance(known[name], histograms.count(found), len(found))
            for name, found in sums.items()
        }

    def forget_others(self, versions: Set[tuple[str, str]]) -> None:
        """Keeps what these (name, version) were asked."""
        with self._lock:
            for key in self._seen.keys() - versions:
                del self._seen[key]


class Confidence:
    """A `Watcher` that counts how sure answers are."""

    def __init__(self, metrics: Metrics):
        self._metrics = metrics

    def see(self, answered: Answered) -> None:
        if answered.fallback:
            return
        for answer in answered.answers:
            confidence = answered.model.inference.confidence(answer)
            if confidence is not None:
                self._metrics.confidence.labels(answered.name, answered.version).observe(confidence)


def show_drift(drift: Drift, versions: Versions, metrics: Metrics) -> None:
    """Sets the gauges, of the versions that serve now."""
    metrics.drift.clear()
    drift.forget_others({(each.name, each.model.version) for each in versions.by_name.values()})
    for served in versions.by_name.values():
        for feature, distance in drift.measure(served).items():
            metrics.drift.labels(served.name, served.model.version, feature).set(distance)
