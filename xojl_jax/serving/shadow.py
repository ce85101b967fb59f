"""Shadow traffic: a share of the requests is answered by another model, too, and compared."""

import random
import time
from collections.abc import Mapping

from xojl_jax.serving.answering import Answered, Sections, fit, jobs_of
from xojl_jax.serving.batching import Overloaded, TooLate
from xojl_jax.serving.metrics import Metrics
from xojl_jax.serving.versions import Versions

_SECONDS = 60.0  # that a shadow's answer is waited for


class Shadow:
    """A `Watcher`. What a shadow answers goes nowhere: its agreement is counted, no contents.

    Args:
      shares: name of a model -> share of the answered requests, 0 to 1.
    """

    def __init__(
        self,
        versions: Versions,
        metrics: Metrics,
        shares: Mapping[str, float],
        seed: int | None = None,
    ):
        self._versions, self._metrics, self._shares = versions, metrics, shares
        self._random = random.Random(seed)

    def see(self, answered: Answered) -> None:
        for name, share in self._shares.items():
            # A share of zero draws too, so that others' draws do not depend on it.
            drawn = self._random.random() < share
            if drawn and name != answered.name and not answered.fallback:
                self._compare(name, answered)

    def _compare(self, name: str, answered: Answered) -> None:
        count = self._metrics.shadow.labels
        with self._versions.lease(name) as shadow:
            if shadow is None or answered.mode not in shadow.model.programs:
                count(answered.name, name, "no_mode").inc()
                return
            deadline = time.monotonic() + _SECONDS
            sections = fit(Sections(answered.mode, answered.inputs, (), deadline), shadow.model)
            jobs = jobs_of(sections, shadow.model)
            try:
                shadow.batcher.submit(jobs)
                others = [job.answer.result(_SECONDS) for job in jobs]
            except (Overloaded, TooLate, TimeoutError):
                count(answered.name, name, "overload").inc(len(jobs))
                return
            except Exception:
                count(answered.name, name, "error").inc(len(jobs))
                raise
        inference = answered.model.inference
        for answer, other in zip(answered.answers, others, strict=True):
            agreement = inference.agreement(answer, other)
            count(answered.name, name, "same" if agreement >= 1 else "different").inc()
            self._metrics.agreement.labels(answered.name, name).observe(agreement)
