"""Parts of the model that a config field names.

Each kind of part is a dict by name, in a file of its own: `EMBEDDINGS`, `POSITIONS`, `FUSIONS`,
`HEADS`, `STAGES`. A part that is not named has no parameters and computes nothing;
docs/adding_a_part.md shows how to add one.
"""

import dataclasses
from collections.abc import Callable, Mapping

import jax

from xojl_jax.errors import BadUsage
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


def chosen(parts: Mapping[str, object], names: str, field: str) -> tuple[str, ...]:
    """The names in a config field that lists them, separated by commas, in their order.

    Raises:
      BadUsage: for a name that is not in `parts`, or that is given twice.
    """
    found = tuple(name.strip() for name in names.split(",") if name.strip())
    for name in found:
        if name not in parts:
            choices = ", ".join(parts)
            raise BadUsage(f"{field}: there is no {name!r}; choose from {choices}")
        if found.count(name) > 1:
            raise BadUsage(f"{field}: {name!r} is given twice")
    return found
