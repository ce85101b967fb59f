"""What an HTML node is, as vectors that are added up (X038); `config.model.embeddings` names them.

B batch, T HTML nodes, D width.
"""

import jax

from xojl_jax.tasks.layout.class_composer import ClassComposer, composition_flops
from xojl_jax.tasks.layout.class_strings import HashedClasses, PieceClasses, string_flops
from xojl_jax.tasks.layout.model_config import HtmlConfig
from xojl_jax.tasks.layout.node_measures import (
    inherited,
    inherited_flops,
    inside,
    inside_flops,
)
from xojl_jax.tasks.layout.parts import NodePart
from xojl_jax.tasks.layout.tables import IDENTITY_STD, table

Array = jax.Array
Batch = dict[str, Array]


def compositional(c: HtmlConfig, batch: Batch) -> Array:
    """[B, T, D] of the node's classes, composed of attribute, value, unit and modifiers."""
    composer = ClassComposer(
        c.block.width, c.ids, c.block.jnp_dtype, c.class_composition, name="classes"
    )
    return composer(batch["html_class"], batch["html_number"], batch["html_class_mask"])


def hashed(c: HtmlConfig, batch: Batch) -> Array:
    """[B, T, D] of the node's classes by hashes of their strings, without a dictionary (X030)."""
    classes = HashedClasses(
        c.block.width, c.block.jnp_dtype, c.class_composition, name="hashed_classes"
    )
    return classes(batch["html_class_hash"], batch["html_class"], batch["html_class_mask"])


def pieces(c: HtmlConfig, batch: Batch) -> Array:
    """[B, T, D] of the node's classes by the subword pieces of their strings (X028)."""
    classes = PieceClasses(
        c.block.width, c.pieces, c.block.jnp_dtype, c.class_composition, name="piece_classes"
    )
    return classes(batch["html_class_pieces"], batch["html_class"], batch["html_class_mask"])


def tag(c: HtmlConfig, batch: Batch) -> Array:
    """[B, T, D] of the node's tag."""
    embed = table(c.ids.tag, c.block.width, c.block.jnp_dtype, "tag", IDENTITY_STD)
    return embed(batch["html_tag"])


def content(c: HtmlConfig, batch: Batch) -> Array:
    """[B, T, D] of the kind of content in the node: none, text, picture, drawing or several."""
    embed = table(c.ids.content, c.block.width, c.block.jnp_dtype, "content", IDENTITY_STD)
    return embed(batch["html_content"])


def _composition_flops(c: HtmlConfig) -> dict[str, float]:
    flops = composition_flops(c.max_nodes, c.max_classes, c.block.width)
    return {"class composition": flops}


def _string_flops(name: str):
    return lambda c: {name: string_flops(c.max_nodes, c.max_classes, c.block.width)}


EMBEDDINGS = {
    "compositional": NodePart(compositional, _composition_flops),
    "tag": NodePart(tag),
    "content": NodePart(content),
    "hash": NodePart(hashed, _string_flops("hashed classes")),
    "inside": NodePart(inside, inside_flops),
    "inherited": NodePart(inherited, inherited_flops),
    "bpe": NodePart(pieces, _string_flops("class pieces")),
}
