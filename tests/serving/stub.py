"""A model that answers at once, or as slowly as it is told, for tests of everything around models.

As a program it is `python -m xojl_jax.serve` with such models: `python -m tests.serving.stub …`.
"""

import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import numpy as np

from xojl_jax import command, serve
from xojl_jax.errors import BadInput
from xojl_jax.serving import versions
from xojl_jax.serving.batching import Batcher
from xojl_jax.serving.versions import Served, runner
from xojl_jax.tasks.base import Inference


class StubInference:
    """Answers a word with itself."""

    input_names = ("word",)
    binary_names = text_names = ()
    page = None
    answer_name = "answer"
    request_examples: ClassVar = {"a word": {"word": "a"}}
    read_json = Inference.read_json

    def featurize(self, inputs):
        return {"length": np.int32(len(inputs))}

    def fit_inputs(self, inputs):
        return inputs

    def to_values(self, inputs, answer):
        return {"answer": answer}

    def guess(self, baseline, inputs, options):
        return None if inputs == "unguessable" else baseline["guess"]

    def confidence(self, answer):
        return 0.2 if answer == "unsure" else 0.9

    def agreement(self, answer, other):
        return float(answer == other)

    def input_features(self, inputs):
        return {"length": float(len(inputs)), "letters": list(inputs)}

    def write_record(self, inputs, answer, folder, name):
        with (folder / "records.jsonl").open("a") as stream:
            return stream.write(json.dumps([name, inputs, answer]) + "\n")


class StubModel:
    """Reads `model.json` of a folder, or takes what it would say: version, delay in seconds, fails,
    training."""

    programs = ("usual",)

    def __init__(self, path: Path | None = None, **told):
        if path is not None:
            told = json.loads((Path(path) / "model.json").read_text()) | told
            if told.get("damaged"):
                raise BadInput(f"{path} is damaged")
        self.told = {"version": "1", "delay": 0.0, "fails": False, "training": {}} | told
        self.name = self.version = self.told["version"]
        self.inference = StubInference()
        model = {"task": self.told.get("task", "words")}
        self.exported = SimpleNamespace(training=self.told["training"], model=model)

    def program(self, name):
        shapes = {"length": ((), "int32")}
        return SimpleNamespace(
            inputs=shapes, options={"confidence": True}, size_of=lambda sample: 0
        )

    def inputs(self, values, name, limits):
        if not isinstance(values.get("word"), str):
            raise BadInput(f"{name}: word must be a string")
        return values["word"]

    def warm(self, program, rows):
        self.answer([], [], program, rows)

    def answer(self, samples, inputs, program, rows):
        if inputs:  # not when it is warmed up
            time.sleep(self.told["delay"])
        if self.told["fails"]:
            raise ValueError("a secret")
        return list(inputs)


def served(name: str, *, queue: int = 8, weight: float = 1.0, **told) -> Served:
    """A stub with its queue."""
    model = StubModel(**({"version": f"{name}-1"} | told))
    batcher = Batcher(runner(model, 2), batch_size=2, queue_size=queue, wait=0.0)
    return Served(name, model, weight, batcher, 2)


if __name__ == "__main__":
    versions.Model = StubModel
    command.run(serve.main)
