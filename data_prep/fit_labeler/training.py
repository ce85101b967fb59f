"""Training the learned labeler."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from data_prep.cli.progress import Progress
from data_prep.fit_labeler.examples import Example
from data_prep.label.learned.model import NodeModel, fit_trees, log_probabilities
from data_prep.label.learned.neighbors import with_neighbors

FOLDS = 5


def fit(found: Sequence[Example], rounds: int, about: Mapping[str, Any]) -> NodeModel:
    """A model of the nodes of sections; roots, which are sections by definition, teach nothing.

    What the second trees see of neighbors comes from first trees without the section's maker: of
    nodes that they were trained on, the first trees know too much.
    """
    features = found[0].features
    labels = np.unique(_stack([example.labels for example in found])).tolist()

    def fit_to(rows: Sequence[np.ndarray], some: Sequence[Example]):
        targets = np.searchsorted(labels, _stack([example.labels for example in some]))
        return fit_trees(_stack(rows), targets, features, rounds)

    def fit_alone(some: Sequence[Example]):
        return fit_to([example.rows for example in some], some)

    part = folds_by_site([example.site for example in found], FOLDS)
    seen: list[np.ndarray] = [np.empty(0)] * len(found)
    for fold in Progress(list(range(FOLDS)), "folds"):
        trees = fit_alone([found[i] for i in np.flatnonzero(part != fold)])
        for i in np.flatnonzero(part == fold):
            told = np.exp(log_probabilities(trees, found[i].rows, labels))
            seen[i] = with_neighbors(found[i].rows, told, found[i].children)
    alone, around = fit_alone(found), fit_to(seen, found)
    return NodeModel(
        list(features),
        labels,
        alone.model_to_string(),
        around.model_to_string(),
        about,
        *fit_category(found, rounds),
    )


def fit_category(found: Sequence[Example], rounds: int) -> tuple[str, list[str], list[int]]:
    """Trees for the category of a section, their features and their classes, as `NodeModel` has
    them; no trees where all sections have one category."""
    categories, targets = np.unique([example.category for example in found], return_inverse=True)
    if len(categories) < 2:
        return "", [], []
    features = list(found[0].section)
    rows = np.array([list(example.section.values()) for example in found], np.float32)
    trees = fit_trees(rows, targets, features, rounds)
    return trees.model_to_string(), features, categories.tolist()


def _stack(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Rows of all sections but those of their roots."""
    return np.concatenate([array[1:] for array in arrays])


def folds_by_site(sites: Sequence[str], folds: int, seed: int = 0) -> np.ndarray:
    """int [sections], the fold of each: all of a maker in one, makers in a random order."""
    names = np.random.default_rng(seed).permutation(sorted(set(sites)))
    fold = {name: index % folds for index, name in enumerate(names)}
    return np.array([fold[site] for site in sites])
