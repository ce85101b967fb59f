"""What a service counts, in Prometheus' format."""

import time
from collections.abc import Callable, Sequence

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

    def observer(self, model: str, version: str) -> Callable[[Sequence[Job], float], None]:
        """For `Batcher`: called with the jobs and seconds of every batch."""

        def observe(jobs: Sequence[Job], seconds: float) -> None:
            self.batch.labels(model, version).observe(len(jobs))
            self.seconds.labels("model").observe(seconds)
            began = time.monotonic() - seconds
            for job in jobs:
                self.seconds.labels("queue").observe(max(0.0, began - job.queued))

        return observe

    def text(self) -> bytes:
        return prometheus.generate_latest(self.registry)
