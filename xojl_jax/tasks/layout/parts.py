"""Parts of the model that a config field names.

Each kind of part is a dict by name, in a file of its own: `EMBEDDINGS`, `POSITIONS`, `FUSIONS`,
`HEADS`, `STAGES`. A part that is not named has no parameters and computes nothing;
docs/adding_a_part.md shows how to add one.
"""

import dataclasses
from collections.abc import Callable

import jax

from xojl_jax.tasks.layout.model_config import HtmlConfig


@dataclasses.dataclass(frozen=True)
class NodePart:
    """A summand of an HTML node's input vector.

    Attributes:
      apply: (config, batch) -> [B, T, D]. It runs inside `HtmlEncoder`: the modules that it makes,
        with `name=`, are children of the encoder.
      flops: the forward FLOPs of one sample, by part; look-ups count as none.
    """

    apply: Callable[[HtmlConfig, dict[str, jax.Array]], jax.Array]
    flops: Callable[[HtmlConfig], dict[str, float]] = lambda config: {}
