"""Which words a prompt's box points at."""

import numpy as np

from xojl_jax.documents.json_fields import Box


def words_in(box: Box | None, boxes: np.ndarray) -> list[int]:
    """Numbers of the words whose middle is in the box; of a point, of the one word that is nearest;
    without a box, of all words.

    Args:
      boxes: float[n, 4], of the page's words.
    """
    if box is None or not len(boxes):
        return list(range(len(boxes)))
    low, high = np.array(box[:2]), np.array(box[2:])
    if (low == high).all():
        away = np.maximum(boxes[:, :2] - low, 0) + np.maximum(low - boxes[:, 2:], 0)
        return [int(np.linalg.norm(away, axis=1).argmin())]
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    return np.flatnonzero(((middle >= low) & (middle <= high)).all(1)).tolist()
