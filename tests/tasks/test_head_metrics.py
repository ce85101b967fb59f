"""F1 and recall of the heads, counted by hand."""

import jax.numpy as jnp
import numpy as np

from xojl_jax.tasks.layout.head_metrics import class_iou, macro_f1, micro_f1

RNG = np.random.default_rng(0)


def test_f1_over_all_labels():
    """Protects X107's patch and element F1: masked rows count nowhere; nothing to count is 0."""
    logits, targets = RNG.normal(size=(5, 7)), RNG.integers(0, 2, (5, 7))
    mask = np.array([True, False, True, True, False])
    told, true = (logits > 0)[mask], (targets > 0)[mask]
    wanted = 2 * (told & true).sum() / (told.sum() + true.sum())
    arrays = jnp.asarray(logits, jnp.float32), jnp.asarray(targets, jnp.float32)
    np.testing.assert_allclose(micro_f1(*arrays, jnp.asarray(mask)), wanted, rtol=1e-6)
    assert micro_f1(*arrays, jnp.zeros(5, bool)) == 0


def test_f1_by_class():
    """Protects X107's category F1 and X108's node F1: the mean over labeled classes, however rare;
    what is told of an unlabeled node is no error."""
    labels = np.array([[0, 0, 1], [2, -1, 0]])
    told = np.array([[0, 1, 1], [0, 3, 0]])
    logits = jnp.asarray(np.eye(4)[told], jnp.float32)
    f1 = {0: 2 * 2 / (3 + 3), 1: 2 * 1 / (2 + 1), 2: 0.0}
    found = macro_f1(logits, jnp.asarray(labels, jnp.int32))
    np.testing.assert_allclose(found, np.mean(list(f1.values())), rtol=1e-6)


def test_iou_of_classes_and_the_patches_nearest_to_them():
    """Protects X116: only classes that cover something count, and padding is no patch."""
    classes = jnp.array([[[1.0, 0], [0, 1], [-1, 0]]])
    patches = jnp.array([[[2.0, 0.1], [3, 1], [0.1, 1], [0, 5]]])  # nearest: 0, 0, 1, padding
    covered = jnp.array([[[1.0, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 0]]])
    found = class_iou(classes, patches, covered, jnp.array([[True, True, True, False]]))
    np.testing.assert_allclose(found, (1 / 2 + 1 / 2) / 2, rtol=1e-6)
