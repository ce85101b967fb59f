"""What a service counts, in Prometheus' format."""

import time
from collections.abc import Callable, Iterable, Sequence

import prometheus_client as prometheus

from xojl_jax.serving.batching import Job

CONTENT_TYPE = prometheus.CONTENT_TYPE_LATEST
_SECONDS = (0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)


class Metrics:
    """Counters of one service. They hold no content of any request."""

    def __init__(self):
        self.registry = prometheus.CollectorRegistry()
        registry = {"registry": self.registry}
        self.requests = prometheus.Counter(
            "xojl_requests", "answered requests", ["path", "model", "version", "status"], **registry
        )
        self.refused = prometheus.Counter(
            "xojl_refused", "requests that were refused, by reason", ["reason"], **registry
        )
        self.sections = prometheus.Counter(
            "xojl_sections", "answered inputs", ["model", "version", "mode"], **registry
        )
        self.seconds = prometheus.Histogram(
            "xojl_stage_seconds",
            "time of a request by stage: read, decode, queue, model, all",
            ["stage"],
            buckets=_SECONDS,
            **registry,
        )
        self.batch = prometheus.Histogram(
            "xojl_batch_size",
            "inputs that were answered at once",
            ["model", "version"],
            buckets=(1, 2, 4, 8, 16, 32, 64),
            **registry,
        )
        self.in_flight = prometheus.Gauge(
            "xojl_requests_in_flight", "requests that are being read or answered", **registry
        )
        self.queued = prometheus.Gauge(
            "xojl_queued", "inputs that wait for a batch", ["model"], **registry
        )
        self.models = prometheus.Gauge(
            "xojl_model", "1 for each version that serves", ["model", "version"], **registry
        )
        self._add_watched(registry)

    def _add_watched(self, registry: dict) -> None:
        """What is known of answers, not of requests."""
        self.fallback = prometheus.Counter(
            "xojl_fallback",
            "requests that another one answered: reason is overload, error or deadline",
            ["model", "to", "reason"],
            **registry,
        )
        self.shadow = prometheus.Counter(
            "xojl_shadow",
            "inputs that a shadow was asked for, too: same, different, overload, error, no_mode",
            ["model", "shadow", "result"],
            **registry,
        )
        self.agreement = prometheus.Histogram(
            "xojl_shadow_agreement",
            "of a shadow's answers with those that were sent, 1 where they are the same",
            ["model", "shadow"],
            buckets=(0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.999, 1),
            **registry,
        )
        self.confidence = prometheus.Histogram(
            "xojl_confidence",
            "of answers, calibrated",
            ["model", "version"],
            buckets=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1),
            **registry,
        )
        self.drift = prometheus.Gauge(
            "xojl_input_drift",
            "population stability index of the last inputs against the training",
            ["model", "version", "feature"],
            **registry,
        )
        self.kept = prometheus.Counter(
            "xojl_kept", "unsure sections that were kept (--keep-unsure)", ["model"], **registry
        )
        self.exchanges = prometheus.Counter(
            "xojl_exchanges",
            "models that were read again: exchanged, same, failed",
            ["model", "result"],
            **registry,
        )
        self.unwatched = prometheus.Counter(
            "xojl_unwatched", "answers that were neither compared nor kept: too many", **registry
        )

    def observer(self, model: str, version: str) -> Callable[[Sequence[Job], float], None]:
        """For `Batcher`: called with the jobs and seconds of every batch."""

        def observe(jobs: Sequence[Job], seconds: float) -> None:
            self.batch.labels(model, version).observe(len(jobs))
            self.seconds.labels("model").observe(seconds)
            began = time.monotonic() - seconds
            for job in jobs:
                self.seconds.labels("queue").observe(max(0.0, began - job.queued))

        return observe

    def show_versions(self, versions: Iterable[tuple[str, str]]) -> None:
        """Sets the gauge of (name, version) that serve now."""
        self.models.clear()
        for labels in versions:
            self.models.labels(*labels).set(1)

    def text(self) -> bytes:
        return prometheus.generate_latest(self.registry)
