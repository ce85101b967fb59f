"""The model of the learned labeler: gradient-boosted trees that give each html node's label, and
the section's category.

LightGBM (Ke et al., 2017) with a softmax over the elements and "no label", twice: by a node's own
features, and with what that says of its neighbors; and with one over the categories. The file is
JSON, compressed: LightGBM's own text format, and what it takes to feed it and to read its answer.
"""

import gzip
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.label.learned.features import CATEGORICAL
from data_prep.label.learned.neighbors import with_neighbors
from data_prep.label.learned.section_features import BY_RULES
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.files import write_bytes
from xojl_jax.xojl.best_labels import NOTHING

SHIPPED = Path(__file__).with_name("labeler.json.gz")
# The probability of a label that no section in training had, and the least of any other: what is
# ruled out is not lost for good.
LEAST = 1e-5
_PARAMETERS = {
    "objective": "multiclass",
    "learning_rate": 0.08,
    "num_leaves": 15,
    "min_data_in_leaf": 8,
    "feature_fraction": 0.4,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 1.0,
    # The same trees on every machine: LightGBM sums in the order of threads otherwise.
    "deterministic": True,
    "force_row_wise": True,
    "seed": 0,
    # Threads wait for one another at each split: with other work on the machine, one is faster.
    "num_threads": 1,
    "verbose": -1,
}


@dataclass(frozen=True)
class NodeModel:
    """Two sets of trees for nodes, one for sections, and what goes in and comes out.

    Attributes:
      features: names of the columns, in order.
      labels: what each of the trees' classes is: a place in ELEMENTS, or `NOTHING`.
      alone: the trees that see a node's own features; LightGBM's text format.
      around: those that also see what `alone` says of its neighbors.
      about: what it was trained on, for people.
      category: the trees that see the section; "" where none told more than one category.
      category_features: names of their columns, in order.
      categories: what each of their classes is: a place in CATEGORIES.
    """

    features: Sequence[str]
    labels: Sequence[int]
    alone: str
    around: str
    about: Mapping[str, Any] = field(default_factory=dict)
    category: str = ""
    category_features: Sequence[str] = ()
    categories: Sequence[int] = ()

    @cached_property
    def _boosters(self) -> list:
        return [import_lightgbm().Booster(model_str=text) for text in (self.alone, self.around)]

    def log_probabilities(self, rows: np.ndarray, children: Sequence[Sequence[int]]) -> np.ndarray:
        """Of every label at every node, before the language's rules.

        Args:
          rows: float32 [nodes, features] of one section.
          children: of each node.

        Returns:
          float64 [nodes, elements + 1], the last column for no label: the mean of both models.
        """
        alone, around = self._boosters
        first = log_probabilities(alone, rows, self.labels)
        seen = with_neighbors(rows, np.exp(first), children)
        return (first + log_probabilities(around, seen, self.labels)) / 2

    @cached_property
    def _category_booster(self):
        return import_lightgbm().Booster(model_str=self.category)

    def most_probable_category(self, section: Mapping[str, float]) -> tuple[int, float]:
        """A place in CATEGORIES and its probability, from the features of a section by name."""
        row = np.array([[section[name] for name in self.category_features]], np.float32)
        told = self._category_booster.predict(row, num_threads=1)[0]
        return self.categories[int(told.argmax())], float(told.max())

    def save(self, path: Path) -> None:
        text = json.dumps(asdict(self), ensure_ascii=False)
        # Without a date, so that equal models are equal files.
        write_bytes(path, [gzip.compress(text.encode("utf-8"), 9, mtime=0)])

    @classmethod
    def load(cls, path: Path | str | None = None) -> "NodeModel":
        """A saved model, the shipped one by default. Raises BadInput where the file is none."""
        path = Path(path or SHIPPED)
        try:
            return cls(**json.loads(gzip.decompress(path.read_bytes())))
        except (ValueError, TypeError, EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise BadInput(
                f"{path}: no labeler of data_prep.fit_labeler, or of another version ({error})"
            ) from error
        except OSError as error:
            raise BadInput(f"{path}: cannot read the labeler ({error.strerror})") from error


def fit_trees(rows: np.ndarray, targets: np.ndarray, features: Sequence[str], rounds: int):
    """A LightGBM booster of nodes, or of sections.

    Args:
      rows: float32 [rows, columns]; the first are `features`.
      targets: int [rows], the place of each one's label among those of the model.
      rounds: trees for each label.
    """
    lightgbm = import_lightgbm()
    # Columns by number: names of ours hold spaces and signs, which LightGBM's format has not.
    unordered = (*CATEGORICAL, BY_RULES)
    categorical = [features.index(name) for name in unordered if name in features]
    data = lightgbm.Dataset(rows, targets, categorical_feature=categorical, free_raw_data=False)
    parameters = _PARAMETERS | {"num_class": int(targets.max()) + 1}
    return lightgbm.train(parameters, data, num_boost_round=rounds)


def log_probabilities(booster, rows: np.ndarray, labels: Sequence[int]) -> np.ndarray:
    """float32 [nodes, columns] -> float64 [nodes, elements + 1]."""
    out = np.full((len(rows), NOTHING + 1), np.log(LEAST))
    out[:, list(labels)] = np.log(np.maximum(booster.predict(rows, num_threads=1), LEAST))
    return out


def import_lightgbm():
    """LightGBM, or what to do where it is not there."""
    try:
        import lightgbm
    except ModuleNotFoundError as error:
        raise BadUsage(
            "the learned labeler needs LightGBM: pip install 'xojl_jax[data-prep]'"
        ) from error
    except OSError as error:  # its library for threads is the system's
        raise BadUsage(f"LightGBM does not start ({error}): apt-get install libgomp1") from error
    return lightgbm
