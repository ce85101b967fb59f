"""The model card: what a model is, and what was measured of it. Nothing that was not measured."""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xojl_jax.tasks.base import Inference


def card(model: Mapping[str, Any], inference: Inference, workdir: Path) -> str:
    """The card as Markdown.

    Args:
      model: what `model.json` says.
      workdir: of the run, in which evaluate leaves its reports.
    """
    config, arrays = model["config"], model["arrays"]
    count = sum(math.prod(shape) for shape, _ in arrays.values())
    data = Path(config["data"]["path"]).name or "the sample data that xojl_jax ships"
    lines = [
        f"# {model['name']}",
        "",
        f"Version `{model['version']}`, exported by xojl_jax {model['versions']['xojl_jax']}. "
        f"License: {model['license']}.",
        "",
        f"- Task: {model['task']}, {inference.about}; preset {config['preset']}",
        f"- Parameters: {count:,} ({model.get('stored', 'float32')}, weights: {model['weights']})",
        *_compression(model),
        f"- Trained on: {data}; step {model['step']}, {config['batch_size']} records a step",
        "",
        "## Use",
        "",
        "```python",
        "import xojl_jax",
        "",
        f'model = xojl_jax.load("{model["name"]}")',
        f"layout = model({', '.join(inference.input_names)})",
        "```",
        "",
        f"Programs: {', '.join(model['programs'])}, for {', '.join(model['platforms'])}; any batch "
        "size.",
        "",
        "## Measured",
        "",
        *_reports(inference, workdir, model["step"]),
        "It was measured on the data above and on no other.",
    ]
    return "\n".join(lines) + "\n"


def _compression(model: Mapping[str, Any]) -> Iterator[str]:
    if told := model.get("compression"):
        yield f"- Compressed from `{told['parent']}`: {told['what']}"


def _reports(inference: Inference, workdir: Path, step: int) -> Iterator[str]:
    """A table for each report of evaluate in the working directory that is of this checkpoint."""
    found = False
    for path in sorted(workdir.glob("evaluation-*.json")):
        try:
            report = json.loads(path.read_text(encoding="utf-8"))
            if Path(report["checkpoint"]).name != str(step):
                continue
            yield from _table(report, inference)
            found = True
        except (OSError, ValueError, KeyError, TypeError):  # no report of ours
            continue
    if not found:
        yield (
            "Nothing yet: run `python -m xojl_jax.evaluate` on the run and export it again, or on "
            "this folder."
        )
        yield ""


def _table(report: dict[str, Any], inference: Inference) -> list[str]:
    reports, count = inference.columns(report)
    source = Path(report["data"]).name
    lines = [
        f"{report['split']} split of `{source}`, {count} records, {report['method']}; 95 % "
        f"intervals over {inference.interval_unit} in brackets.",
        "",
        "| metric | " + " | ".join(reports) + " |",
        "| --- |" + " ---: |" * len(reports),
    ]
    for name, meaning in inference.shown_metrics.items():
        cells = (_cell(column["scores"].get(name)) for column in reports.values())
        lines.append(f"| {meaning.replace('|', '/')} | " + " | ".join(cells) + " |")
    if any("confidence" in column for column in reports.values()):  # of evaluate --confidence
        cells = (_calibration_error(column) for column in reports.values())
        lines.append(
            "| calibration error of confidences (lower is better) | " + " | ".join(cells) + " |"
        )
    return [*lines, ""]


def _calibration_error(column: dict) -> str:
    found = column.get("confidence")
    return "–" if found is None else f"{found['expected_calibration_error']:.3f}"


def _cell(score: dict | None) -> str:
    if score is None or score["value"] is None:
        return "–"
    return f"{score['value']:.3f} [{score['low']:.3f}, {score['high']:.3f}]"
