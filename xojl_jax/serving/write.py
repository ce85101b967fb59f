"""Writes an exported model: everything that answering needs, in one folder."""

import hashlib
import importlib.metadata
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from xojl_jax import __version__
from xojl_jax.config_fields import flatten
from xojl_jax.engine import checkpoint, int8
from xojl_jax.errors import BadUsage
from xojl_jax.serving import folder, model_card, params, programs, training
from xojl_jax.tasks.base import Bucket, Inference, Task

_LICENSE = "Apache-2.0"


def write(
    out: Path,
    task: Task,
    inference: Inference,
    weights: Any,
    metadata: dict[str, Any],
    *,
    name: str,
    license_file: Path | None = None,
    compression: dict[str, Any] | None = None,
    buckets: int = 1,
    report: Callable[[str], None] = print,
) -> str:
    """Writes the model, whole or not at all, and returns its version.

    Args:
      out: a folder that does not exist yet.
      weights: nested parameters, float32; kernels may be int8 (`engine.int8`), and are stored so,
        with no second time for Orbax.
      metadata: of the checkpoint that they come from.
      name: how people call the model.
      license_file: that of the parameters; None for ours.
      compression: what was done to them, for `model.json` and the card; None: nothing.
      buckets: sizes that each program is written in, at most.
      report: called with a line for each thing that takes a while.
    """
    weights = jax.tree.map(np.asarray, weights)
    floats = jax.eval_shape(int8.dequantize, weights)
    is_int8 = any(array.dtype == np.int8 for array in jax.tree.leaves(weights))
    with folder.writing(out) as partial:
        params.write(weights, partial / folder.PARAMS)
        if not is_int8:
            checkpoint.save_params(weights, partial / folder.ORBAX)
        facts = _write_facts(metadata["task"], partial / folder.TASK)
        table, inputs = {}, {}
        (partial / folder.PROGRAMS).mkdir()
        *smaller, full = task.answer_buckets(buckets)
        for program, options in inference.programs().items():

            def trace(name: str, bucket: Bucket, options=options) -> tuple[str, dict[str, tuple]]:
                report(f"tracing {name} for {', '.join(programs.PLATFORMS)}")
                spec = task.batch_spec(bucket)
                blob, read = programs.serialize(inference, options, floats, spec)
                path = f"{folder.PROGRAMS}/{name}.jaxexport"
                (partial / path).write_bytes(blob)
                return path, read

            path, read = trace(program, full)
            table[program] = {"file": path, "options": options, "inputs": sorted(read)}
            inputs |= read
            for number, bucket in enumerate(smaller):
                path, read = trace(f"{program}-{number}", bucket)
                entry = {"file": path, "sizes": bucket.sizes, "inputs": read}
                table[program].setdefault("buckets", []).append(entry)
        if known := training.summarize(inference, report):
            text = json.dumps(known, indent=1) + "\n"
            (partial / training.NAME).write_text(text, encoding="utf-8")
        run = Path(metadata["checkpoint"])
        license_name = _write_license(license_file, partial / folder.LICENSE)
        model = {
            "format": folder.FORMAT if is_int8 else folder.FLOATS_ONLY,
            "stored": "int8" if is_int8 else "float32",
            "name": name,
            "version": f"{name}-{run.name}-{_digest(partial, table)}",
            "task": metadata["config"]["task"],
            "step": int(run.name) if run.name.isdigit() else -1,
            "weights": metadata["weights"],
            "license": license_name,
            "config": metadata["config"],
            "facts": facts,
            "programs": table,
            "platforms": list(programs.PLATFORMS),
            "inputs": inputs,
            "arrays": checkpoint.describe_arrays(floats),
            **({"compression": compression} if compression else {}),
            "versions": {"xojl_jax": __version__, "jax": jax.__version__},
        }
        (partial / folder.MODEL).write_text(json.dumps(model, indent=1) + "\n", encoding="utf-8")
        text = model_card.card(model, inference, run.parents[1])
        (partial / folder.CARD).write_text(text, encoding="utf-8")
    return model["version"]


def _write_facts(facts: dict[str, Any], target: Path) -> dict[str, str]:
    """A file for each of the task's facts, and name -> "text" (which is JSON itself) or "json"."""
    target.mkdir()
    kinds = {}
    for name, value in facts.items():
        kinds[name] = "text" if isinstance(value, str) else "json"
        text = value if isinstance(value, str) else json.dumps(value, indent=1) + "\n"
        (target / f"{name}.json").write_text(text, encoding="utf-8")
    return kinds


def _digest(partial: Path, table: dict[str, Any]) -> str:
    """Tells two models of one name apart by what they answer with."""
    digest = hashlib.sha256()
    for path in _answering(partial, table):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


def _answering(partial: Path, table: dict[str, Any]) -> Iterable[Path]:
    yield partial / folder.PARAMS
    yield from sorted((partial / folder.TASK).iterdir())
    for entry in table.values():
        yield from (partial / each["file"] for each in (entry, *entry.get("buckets", ())))


def _write_license(given: Path | None, target: Path) -> str:
    """Copies the license, and returns its name."""
    if given is not None:
        try:
            target.write_bytes(given.read_bytes())
        except OSError as error:
            raise BadUsage(f"--license: {given} cannot be read ({error.strerror})") from error
        return f"see {folder.LICENSE}"
    target.write_text(_own_license(), encoding="utf-8")
    return _LICENSE


def _own_license() -> str:
    """The text of ours: beside a checkout's packages, or among what a wheel installed."""
    beside = Path(__file__).parents[2] / "LICENSE"
    if beside.is_file():
        return beside.read_text(encoding="utf-8")
    try:
        installed = importlib.metadata.distribution("xojl_jax").read_text("licenses/LICENSE")
    except importlib.metadata.PackageNotFoundError:
        installed = None
    return installed or f"{_LICENSE}: https://www.apache.org/licenses/LICENSE-2.0\n"


def size_of(out: Path) -> str:
    """For a line that people read."""
    total = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    return f"{total / 2**20:.1f} MiB"


def count_of(weights: Any) -> int:
    """How many parameters there are."""
    return sum(array.size for array in flatten(weights, "/").values())
