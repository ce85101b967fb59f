"""A tree of six HTML nodes, small enough to check by hand, and the config of an encoder for it."""

import numpy as np

from xojl_jax.nn.config import BlockConfig
from xojl_jax.tasks.layout.model_config import HtmlConfig
from xojl_jax.tasks.layout.tree_features import IdRanges

# In depth-first order:  0 ( 1 ( 2 3 ) 4 ( 5 ) ), then padding.
PARENT = [-1, 0, 1, 1, 0, 4]
END = [6, 4, 3, 4, 6, 6]
NODES = 8

CONFIG = HtmlConfig(
    block=BlockConfig(width=8, heads=2),
    layers=1,
    max_nodes=NODES,
    max_classes=3,
    ids=IdRanges(tag=7, content=5, device=3, pseudo=4, attribute=6, value=9, unit=4),
    embeddings=("compositional", "tag", "content"),
    positions=("depth_first",),
)


def tree_batch() -> dict[str, np.ndarray]:
    """The `html_*` arrays of one sample: B = 1, T = 8, of which two are padding, C = 3."""
    rng = np.random.default_rng(0)
    ids = CONFIG.ids
    upper = (ids.device, ids.pseudo, ids.attribute, ids.value, ids.unit)

    def padded(values, fill=0):
        return np.array([[*values, *[fill] * (NODES - len(values))]], np.int32)

    classes = np.stack([rng.integers(size, size=(1, NODES, 3)) for size in upper], -1)
    return {
        "html_mask": padded([1] * 6).astype(bool),
        "html_tag": padded([1, 2, 3, 3, 2, 6]),
        "html_content": padded([0, 0, 1, 2, 0, 4]),
        "html_class": classes.astype(np.int32),
        "html_number": rng.normal(size=(1, NODES, 3)).astype(np.float32),
        "html_class_mask": rng.random((1, NODES, 3)) < 0.7,
        "html_bfs": padded([0, 1, 3, 4, 2, 5]),
        "html_depth": padded([0, 1, 2, 2, 1, 40]),  # 40: deeper than the table
        "html_parent": padded(PARENT, -1),
        "html_end": padded(END),
        "html_child": padded([0, 0, 0, 1, 1, 0]),
        "html_path": np.stack(
            [padded([1, 1, 1, 2, 2, 50]), padded([0, 1, 1, 1, 1, 2]), padded([0, 0, 1, 1, 0, 1])],
            axis=-1,
        ),
        "html_boxes": rng.random((1, NODES, 4)).astype(np.float32),
        "html_z": rng.random((1, NODES)).astype(np.float32),
        "html_box_input_mask": padded([1, 1, 0, 1, 0, 1]).astype(bool),
    }
