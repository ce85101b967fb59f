"""The interface from Python: `model = xojl_jax.load("MODEL")`, then `model(screenshot, html)`."""

import itertools
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from xojl_jax import compilation_cache
from xojl_jax.engine import local_devices
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.serving import model
from xojl_jax.serving.programs import Buckets
from xojl_jax.tasks.base import Inference, Limits, Sample


class Model:
    """An exported model, ready to answer. Safe to share by threads.

    Attributes:
      name, version: as the model was exported.
      inference: how its task answers.
      programs: names of what it computes, the usual one first: "detail", "semantic", "dual".
    """

    def __init__(self, path: str | os.PathLike):
        self.exported = model.read(path)
        self.name: str = self.exported.model["name"]
        self.version: str = self.exported.model["version"]
        self.programs: tuple[str, ...] = tuple(self.exported.model["programs"])
        self.inference: Inference = self.exported.task.inference()
        self._params = jax.device_put(self.exported.params)

    def __call__(self, *values: Any, program: str | None = None, **named: Any) -> Any:
        """The answer to one input: the layout of a section, as a dict.

        Args:
          values: in the order of `inference.input_names`; None for what there is not. A str or path
            names a file; bytes are its contents.
          program: one of `programs`; None for the first.
          named: the same by name.

        Raises:
          BadInput: a value is not what it should be.
        """
        names = self.inference.input_names
        if len(values) > len(names):
            raise BadUsage(f"{len(values)} values: this model takes {', '.join(names)}")
        given = dict(zip(names, values, strict=False)) | named
        (told,) = self.describe([given], program=program)
        return told[self.inference.answer_name]

    def batch(
        self,
        sections: Sequence[Sequence[Any] | Mapping[str, Any]],
        *,
        program: str | None = None,
        batch_size: int = 8,
    ) -> list[Any]:
        """The answers to many inputs, in order.

        Args:
          sections: of each its values in the order of `inference.input_names`, or by name.
        """
        told = self.describe(sections, program=program, batch_size=batch_size)
        return [each[self.inference.answer_name] for each in told]

    def describe(
        self,
        sections: Sequence[Sequence[Any] | Mapping[str, Any]],
        *,
        program: str | None = None,
        batch_size: int = 8,
    ) -> list[dict[str, Any]]:
        """As `batch`, with all that is known of each answer, ready for JSON."""
        inputs = (
            self.inputs(self._by_name(section), f"section {index}")
            for index, section in enumerate(sections)
        )
        return self._describe(inputs, program, batch_size if len(sections) > 1 else 1)

    def _describe(
        self, inputs: Iterable[Any], program: str | None, batch_size: int
    ) -> list[dict[str, Any]]:
        """Of inputs that are fitted to the model; all batches have the same size, since each size
        is another program to compile."""
        told, inputs = [], iter(inputs)
        while some := list(itertools.islice(inputs, batch_size)):
            samples = [self.inference.featurize(one) for one in some]
            answers = self.answer(samples, some, program, batch_size)
            told += [self.inference.to_values(*pair) for pair in zip(some, answers, strict=True)]
        return told

    def from_page(
        self, page: str | os.PathLike, *, program: str | None = None, batch_size: int = 8
    ) -> list[dict[str, Any]]:
        """What `describe` gives for every section of a whole page, from top to bottom.

        The page is rendered here, in a Chromium.

        Args:
          page: an address, an HTML file, or the text of one.

        Raises:
          BadInput: it cannot be rendered, or there is no Chromium.
        """
        with tempfile.TemporaryDirectory() as folder:
            records = self.inference.capture(page, Path(folder))
            inputs = [read() for _, read in self.inference.read_records(records)]
        return self._describe([self.inference.fit_inputs(i) for i in inputs], program, batch_size)

    def inputs(self, values: Mapping[str, Any], name: str, limits: Limits | None = None) -> Any:
        """What the task makes of values, fitted to the model."""
        unknown = [name for name in values if name not in self.inference.input_names]
        if unknown:
            known = ", ".join(self.inference.input_names)
            raise BadInput(f"{name}: {unknown[0]!r} is not known: give {known}")
        made = self.inference.make_inputs(values, name, limits or Limits())
        return self.inference.fit_inputs(made)

    def answer(
        self, samples: Sequence[Sample], inputs: Sequence[Any], program: str | None, rows: int
    ) -> list[Any]:
        """The task's answers to featurized inputs, as one batch.

        Args:
          rows: the size of the batch, at least as many as there are samples; the rest is padding.
        """
        chosen = self.program(program)
        padded = [samples[min(row, len(samples) - 1)] for row in range(rows)]
        batch = {name: np.stack([sample[name] for sample in padded]) for name in chosen.inputs}
        prediction = self.inference.from_named(chosen(self._params, batch))
        return self.inference.decode(prediction, inputs, chosen.options)

    def warm(self, program: str | None, rows: int) -> None:
        """Compiles a program for batches of so many rows, in all its sizes."""
        self.program(program).warm(self._params, rows)

    def program(self, name: str | None) -> Buckets:
        """One of `programs`."""
        name = name or self.programs[0]
        if name not in self.programs:
            raise BadUsage(f"{name!r} is not in this model: choose {', '.join(self.programs)}")
        return self.exported.program(name)

    def _by_name(self, section: Sequence[Any] | Mapping[str, Any]) -> dict[str, Any]:
        names = self.inference.input_names
        pairs = (
            section.items() if isinstance(section, Mapping) else zip(names, section, strict=False)
        )
        return dict(_contents(pairs, self.inference.text_names))


def _contents(pairs, texts: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Values with files read: a path, or a str that is no JSON text, and none of `texts`."""
    for name, value in pairs:
        if isinstance(value, os.PathLike) or (
            isinstance(value, str)
            and name not in texts
            and not value.lstrip().startswith(("{", "["))
        ):
            try:
                value = Path(value).read_bytes()
            except (OSError, ValueError) as error:
                raise BadInput(f"{name}: {value} cannot be read ({error})") from error
        elif hasattr(value, "convert"):  # a picture of Pillow
            value = np.asarray(value.convert("RGB"))
        yield name, value


def load(path: str | os.PathLike, *, cache: str = "") -> Model:
    """An exported model, ready to answer; every file of it is checked first.

    Args:
      path: a folder that `python -m xojl_jax.export` made.
      cache: folder of compiled programs, which the next start reads; "off" for none, "" for the
        default (`compilation_cache.HELP`).

    Raises:
      BadInput: it is damaged, newer than this version, or no exported model.
    """
    compilation_cache.enable(cache)
    local_devices.check()
    return Model(path)
