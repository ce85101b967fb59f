"""What an exported model keeps of its training data: how its inputs look, and a baseline.

`training.json` holds no record. The service compares what it is asked with it (`drift`), and falls
back to its baseline. A model without the file answers as well; these two are then not to be had.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from xojl_jax.errors import BadInput, UserError
from xojl_jax.serving import histograms
from xojl_jax.tasks.base import Inference

NAME = "training.json"
_RECORDS = 2000  # of the training split that are read for the baseline
_PICTURES = 200  # of them that are decoded and looked at


def summarize(inference: Inference, report: Callable[[str], None]) -> dict[str, Any]:
    """What `training.json` says; {} where the training data is not at hand, which is reported."""
    try:
        dataset = inference.dataset("train")
        numbers = _spread(len(dataset), _RECORDS)
        looked_at = _spread(len(dataset), _PICTURES)
        report(f"reading {len(numbers)} records of the training split")
        features = (
            inference.input_features(inference.stored_inputs(dataset, number, ""))
            for number in looked_at
        )
        inputs = histograms.fit(features)
        baseline = inference.fit_baseline(dataset, numbers)
    except (UserError, OSError) as error:
        report(
            f"no {NAME}, so no drift and no fallback to tags: the training data cannot be read "
            f"({error})"
        )
        return {}
    return {"inputs": inputs, "baseline": baseline}


def _spread(length: int, most: int) -> list[int]:
    """Up to `most` of the numbers below `length`, evenly spread."""
    return np.unique(np.linspace(0, max(length - 1, 0), min(length, most)).astype(int)).tolist()


def read(folder: Path) -> Mapping[str, Any]:
    """What `write` kept; {} in models that have none."""
    path = folder / NAME
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} cannot be read ({error}): export the model again") from error
