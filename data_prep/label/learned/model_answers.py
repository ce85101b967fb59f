"""What a trained model says of the same sections, by html node, beside what the trees say.

The two are wrong about different nodes: the trees know the author's words and what rules say, the
model the tree as a whole. Their log probabilities are averaged (a logarithmic opinion pool, Genest
and Zidek 1986). The file is what `xojl_jax.predict --records --method=nodes --node-probabilities`
wrote, so that nothing here has to run a model.
"""

import json
from pathlib import Path

import numpy as np

from data_prep.label.learned.model import LEAST
from xojl_jax.errors import BadInput
from xojl_jax.xojl.best_labels import NOTHING

WEIGHT = 0.3  # of the model; the trees have the rest (docs/labels.md has what others give)


class ModelAnswers:
    """The model's probabilities of a folder's records, by id.

    Attributes:
      missing: how many records were asked for that the file has no probabilities of.
    """

    def __init__(self, path: Path | str, weight: float = WEIGHT):
        """Raises BadInput where the file holds no probabilities."""
        self._path, self._weight = Path(path), weight
        self._of: dict[str, np.ndarray] = {}
        self.missing = 0
        try:
            with self._path.open("rb") as stream:
                for number, line in enumerate(stream, 1):
                    self._add(line, number)
        except OSError as error:
            raise BadInput(f"{path}: cannot read the answers ({error.strerror})") from error
        if not self._of:
            raise BadInput(
                f"{path} holds no probabilities of nodes: write it with python -m xojl_jax.predict "
                "--records=DIR --method=nodes --node-probabilities --out=FILE"
            )

    def _add(self, line: bytes, number: int) -> None:
        try:
            told = json.loads(line)
            if "node_probabilities" in told:
                found = np.asarray(told["node_probabilities"], np.float32)
                if found.ndim != 2 or found.shape[1] != NOTHING + 1:
                    raise ValueError(f"the shape is {found.shape}, not (nodes, {NOTHING + 1})")
                if not ((found >= 0) & (found <= 1)).all():
                    raise ValueError("there are numbers that are no probabilities")
                self._of[told["id"]] = found
        except (ValueError, KeyError, TypeError) as error:
            raise BadInput(
                f"{self._path}:{number}: no answer of xojl_jax.predict ({error})"
            ) from error

    def beside(self, name: str, scores: np.ndarray) -> np.ndarray:
        """Averages log probabilities, and makes them sum to 1 again.

        Args:
          name: the record's id.
          scores: float64 [nodes, elements + 1], the trees' log probabilities.

        Returns:
          The same shape; `scores` themselves where the file has none of the record, since it was
          cut to the model's limit, or of another number of nodes.
        """
        told = self._of.get(name)
        if told is None or len(told) != len(scores):
            self.missing += 1
            return scores
        mixed = (1 - self._weight) * scores + self._weight * np.log(np.maximum(told, LEAST))
        return mixed - np.logaddexp.reduce(mixed, axis=1, keepdims=True)
