"""What is known of an input at a glance, to see whether inputs are like those of the training."""

import numpy as np

from xojl_jax.tasks.layout.inputs import Inputs
from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.tree import preorder

_SAMPLED = 64  # rows and columns of a picture that are looked at


def input_features(inputs: Inputs, codebook: Codebook) -> dict[str, float | list[str]]:
    """Numbers and words by name; what an input does not have is left out.

    Numbers: "width" and "height" in pixels; "brightness", "saturation" and "contrast" (standard
    deviation of the brightness) of the picture in [0, 1]; "nodes"; "unknown_classes", the share of
    classes whose property the codebook does not know. Words: "tags" of all nodes, "inputs" that
    are there.
    """
    features: dict[str, float | list[str]] = {}
    present = {"screenshot": inputs.image is not None, "html": bool(inputs.html)}
    features["inputs"] = ["+".join(name for name, there in present.items() if there)]
    if inputs.image is not None:
        features |= _of_picture(inputs.image)
    if inputs.html:
        nodes = [visit.node for visit in preorder(inputs.html)]
        classes = [name for node in nodes for name in node.classes]
        features["nodes"] = float(len(nodes) + inputs.left_out)
        features["tags"] = [str(node.tag) for node in nodes]
        if classes:
            unknown = sum(not _is_known(name, codebook) for name in classes)
            features["unknown_classes"] = unknown / len(classes)
    return features


def _of_picture(image: np.ndarray) -> dict[str, float]:
    """uint8[H, W, 3] -> its numbers."""
    height, width = image.shape[:2]
    rows, columns = (np.linspace(0, n - 1, min(n, _SAMPLED)).astype(int) for n in (height, width))
    pixels = image[np.ix_(rows, columns)].astype(np.float32) / 255
    luma = pixels @ np.array([0.299, 0.587, 0.114], np.float32)
    return {
        "width": float(width),
        "height": float(height),
        "brightness": float(luma.mean()),
        "contrast": float(luma.std()),
        "saturation": float((pixels.max(-1) - pixels.min(-1)).mean()),
    }


def _is_known(name: str, codebook: Codebook) -> bool:
    parts = codebook.split_class(name)
    return parts.value is not None and parts.attribute in codebook.properties
