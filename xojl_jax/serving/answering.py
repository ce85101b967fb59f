"""From the sections of a request to their answers: by the model that was chosen, or by those that
the service falls back to."""

import asyncio
import dataclasses
import functools
import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from xojl_jax.serving.batching import Job, Overloaded, TooLate
from xojl_jax.serving.faults import places
from xojl_jax.serving.loaded import Model
from xojl_jax.serving.metrics import Metrics
from xojl_jax.serving.problems import Problem, overloaded
from xojl_jax.serving.versions import Served, Versions

log = logging.getLogger(__name__)

TAGS = "tags"


@dataclasses.dataclass(frozen=True)
class Sections:
    """What is to be answered, read and checked.

    Attributes:
      mode: a program's name.
      inputs: the task's inputs, as far as the model that was chosen takes them.
      samples: their arrays for that model.
      deadline: time.monotonic() beyond which nobody waits.
    """

    mode: str
    inputs: Sequence[Any]
    samples: Sequence[Any]
    deadline: float


@dataclasses.dataclass(frozen=True)
class Answered:
    """The answers to one request.

    Attributes:
      name, version: of what gave them.
      model: whose inference reads them.
      inputs, answers: the task's own.
      fallback: why the chosen model did not answer ("overload", "error", "deadline"); "" where it
        did.
      chosen: the name of the model that was chosen.
    """

    name: str
    version: str
    model: Model
    mode: str
    inputs: Sequence[Any]
    answers: Sequence[Any]
    chosen: str
    fallback: str = ""


class Answering:
    """Answers sections.

    Args:
      fallback: names of models, or "tags" for the baseline, tried in this order where the chosen
        model fails, is overloaded or too late.
      threads: for what takes time beside the model.
    """

    def __init__(
        self,
        versions: Versions,
        metrics: Metrics,
        fallback: Sequence[str],
        threads: ThreadPoolExecutor,
    ):
        self._versions, self._metrics = versions, metrics
        self._fallback, self._threads = fallback, threads

    async def answer(self, sections: Sections, served: Served, by_name: bool) -> Answered:
        """The answers, all of one model.

        Args:
          by_name: the client named the model; then no other one answers.

        Raises:
          Problem: nobody could answer in time. Any other error is the chosen model's.
        """
        try:
            answers = await _ask(served, sections)
        except Exception as error:
            reason = _reason(error)
            if by_name or not self._fallback:
                raise _problem(error) from error
            found = await self._fall_back(sections, served, reason)
            if found is None:
                raise _problem(error) from error
            if reason == "error":
                log.error("fell back", extra={"fields": {"error": places(error)}})
            self._metrics.fallback.labels(served.name, found.name, reason).inc()
            return found
        return _answered(served, sections, answers, served.name)

    async def _fall_back(self, sections: Sections, chosen: Served, why: str) -> Answered | None:
        """What the first of the others that can answers; None where none can."""
        for name in self._fallback:
            if name == chosen.name:
                continue
            try:
                if name == TAGS:
                    found = await self._in_thread(_guess, chosen, sections, why)
                else:
                    found = await self._ask_other(name, sections, chosen, why)
            except Exception as error:
                if _reason(error) == "error":
                    log.error("failed", extra={"fields": {"error": places(error)}})
                continue
            if found is not None:
                return found
        return None

    async def _ask_other(
        self, name: str, sections: Sections, chosen: Served, why: str
    ) -> Answered | None:
        with self._versions.lease(name) as other:
            if other is None or sections.mode not in other.model.programs:
                return None
            fitted = await self._in_thread(fit, sections, other.model)
            answers = await _ask(other, fitted)
            return _answered(other, fitted, answers, chosen.name, why)

    async def _in_thread(self, function, *arguments):
        call = functools.partial(function, *arguments)
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)


def fit(sections: Sections, model: Model) -> Sections:
    """The sections for another model than that for which they were read."""
    inputs = [model.inference.fit_inputs(each) for each in sections.inputs]
    samples = [model.inference.featurize(each) for each in inputs]
    return dataclasses.replace(sections, inputs=inputs, samples=samples)


def jobs_of(sections: Sections, model: Model) -> list[Job]:
    """A job for each of the sections."""
    mode, program = sections.mode, model.program(sections.mode)
    return [
        Job(mode, sample, inputs, sections.deadline, program.size_of(sample))
        for sample, inputs in zip(sections.samples, sections.inputs, strict=True)
    ]


def _answered(
    by: Served, sections: Sections, answers: Sequence[Any], chosen: str, why: str = ""
) -> Answered:
    model = by.model
    return Answered(
        by.name, model.version, model, sections.mode, sections.inputs, answers, chosen, why
    )


async def _ask(served: Served, sections: Sections) -> list[Any]:
    left = sections.deadline - time.monotonic()
    if left <= 0:
        raise TooLate
    # In a thread: a program that nobody asked for before is read from its file.
    jobs = await asyncio.to_thread(jobs_of, sections, served.model)
    served.batcher.submit(jobs)
    waiting = asyncio.gather(*(asyncio.wrap_future(job.answer) for job in jobs))
    return await asyncio.wait_for(waiting, left)


def _guess(chosen: Served, sections: Sections, why: str) -> Answered | None:
    """The baseline's answers; None where it has none to one of the sections."""
    model = chosen.model
    if not (baseline := model.exported.training.get("baseline")):
        return None
    options = model.program(sections.mode).options
    guesses = [model.inference.guess(baseline, each, options) for each in sections.inputs]
    if any(guess is None for guess in guesses):
        return None
    version = f"{TAGS}-{model.version}"
    return Answered(TAGS, version, model, sections.mode, sections.inputs, guesses, chosen.name, why)


def _reason(error: Exception) -> str:
    if isinstance(error, Overloaded):
        return "overload"
    return "deadline" if isinstance(error, TimeoutError | TooLate) else "error"


def _problem(error: Exception) -> Exception:
    """What the client is told; an error of ours stays as it is."""
    if isinstance(error, Overloaded):
        return overloaded(error.retry_after)
    if isinstance(error, TimeoutError | TooLate):
        return Problem(504, "no answer in time: try again", "deadline", {"Retry-After": "5"})
    return error
