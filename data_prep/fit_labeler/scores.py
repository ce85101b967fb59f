"""F1 of labels on the same html node, by kind of element."""

from collections.abc import Iterable, Sequence

import numpy as np

from data_prep.fit_labeler.examples import Example
from xojl_jax.evaluation.bootstrap import bootstrap_weights, interval
from xojl_jax.evaluation.counts import ratio
from xojl_jax.xojl.tree import CONTAINERS, ELEMENTS

_IS_CONTAINER = np.array([name in CONTAINERS for name in ELEMENTS] + [False])
_IS_LABEL = np.array([True] * len(ELEMENTS) + [False])
KINDS = {
    "leaves": _IS_LABEL & ~_IS_CONTAINER,
    "containers": _IS_CONTAINER,
    "all": _IS_LABEL,
}


def counts(told: Sequence[Sequence[int]], found: Sequence[Example]) -> np.ndarray:
    """int64 [sections, kinds, 3]: labels that agree, labels told, labels read; without roots.

    Args:
      told: of each section the labels of its html nodes.
    """
    rows = np.zeros((len(found), len(KINDS), 3), np.int64)
    for row, labels, example in zip(rows, told, found, strict=True):
        one, two = np.asarray(labels)[1:], example.labels[1:]
        for kind, wanted in enumerate(KINDS.values()):
            row[kind] = ((one == two) & wanted[one]).sum(), wanted[one].sum(), wanted[two].sum()
    return rows


def right_categories(told: Sequence[int], found: Sequence[Example]) -> np.ndarray:
    """int64 [sections, 1, 3], as `counts`: of one category told and one read F1 is the share that
    agrees."""
    same = np.array(told) == np.array([example.category for example in found])
    return np.stack([same, np.ones_like(same), np.ones_like(same)], -1)[:, None].astype(np.int64)


def f1_by_kind(
    rows: np.ndarray, sites: Sequence[str], kinds: Iterable[str] = KINDS
) -> dict[str, tuple[float, float, float]]:
    """kind -> F1 and its 95 % interval over makers, from `counts`."""
    _, maker = np.unique(sites, return_inverse=True)
    by_maker = np.zeros((maker.max() + 1, *rows.shape[1:]), np.int64)
    np.add.at(by_maker, maker, rows)
    resampled = np.tensordot(bootstrap_weights(len(by_maker)), by_maker, axes=1)
    return {
        kind: (float(_f1(rows.sum(0)[i])), *interval(_f1(resampled[:, i])))
        for i, kind in enumerate(kinds)
    }


def _f1(row: np.ndarray) -> np.ndarray:
    """F1 of counts [..., 3]."""
    same, told, read = np.moveaxis(np.asarray(row, np.float64), -1, 0)
    return ratio(2 * same, told + read)
