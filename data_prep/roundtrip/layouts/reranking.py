"""A beam's hypotheses, ranked again by how like the screenshot each one is."""

import json
from pathlib import Path
from typing import Any

from data_prep.roundtrip.layouts.answers import read_answers
from xojl_jax.errors import BadUsage
from xojl_jax.files import replacing
from xojl_jax.xojl.tree import parse_layout, preorder

WEIGHT = 64.0  # of the score, beside the log probability (benchmarks/layout_judge.py)


def rerank(answers: Path, scores: dict[str, list[float]], out: Path, weight: float = WEIGHT) -> int:
    """Writes the answers again, each with the hypothesis that is best by log probability +
    weight * score; returns how many are others than before.

    Args:
      scores: record's place -> one of each hypothesis. Answers without them stay as they are.
    """
    changed = 0
    try:
        with replacing(out) as temporary, temporary.open("w", encoding="utf-8") as lines:
            for place, line in read_answers(answers).items():
                of_line = scores.get(place, [])
                chosen, best = choose(line, of_line, weight)
                changed += best != 0
                lines.write(json.dumps(chosen, ensure_ascii=False) + "\n")
    except OSError as error:
        raise BadUsage(f"--rerank {out}: cannot write ({error.strerror})") from error
    return changed


def choose(line: dict[str, Any], scores: list[float], weight: float) -> tuple[dict[str, Any], int]:
    """(the answer with the best of its hypotheses, the number of that one)."""
    detail = line.get("views", {}).get("detail", line)
    told = detail.get("hypotheses", [])
    if not told or len(told) != len(scores):
        return line, 0
    values = [one["log_probability"] + weight * s for one, s in zip(told, scores, strict=True)]
    best = max(range(len(told)), key=values.__getitem__)
    elements = len(preorder(parse_layout(told[best]["layout"])))
    chosen = detail | told[best] | {"elements": elements, "judged": scores[best]}
    if best:
        chosen.pop("boxes", None)  # of the first hypothesis
    if detail is line:
        return chosen, best
    views = line["views"] | {"detail": chosen}
    return line | {"views": views, "layout": {**line["layout"], "detail": chosen["layout"]}}, best
