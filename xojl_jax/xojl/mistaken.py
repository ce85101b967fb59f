"""What people give in place of the HTML tree of a section, though it reads as one."""

from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.keys import ELEMENTS
from xojl_jax.xojl.tree import Forest, preorder

# Elements of layouts whose names HTML has, too.
_BOTH = frozenset(("section", "button", "video", "map"))
_OF_LAYOUTS = frozenset(ELEMENTS) - _BOTH
_ROOTS = ("html", "head", "body", "frameset")
# Of a layout with a slip in it, nearly all nodes still have an element.
_NEARLY = 0.9


def is_layout(forest: Forest) -> bool:
    """Whether a tree that was read as HTML is a layout: `heading.h1@fs_3r` reads as a tag `heading`
    with the class `h1`, too."""
    nodes = [visit.node for visit in preorder(forest)]
    named = [node for node in nodes if node.tag in _OF_LAYOUTS or node.tag in _BOTH]
    if not nodes or len(named) < _NEARLY * len(nodes):
        return False
    tags = Codebook.load().tags
    return any(
        node.tag in _OF_LAYOUTS or (node.classes and node.classes[0] in tags) for node in named
    )


def is_whole_page(forest: Forest) -> bool:
    """Whether a tree begins with the root of a document, of which a section is only a part."""
    return any(node.tag in _ROOTS for node in forest)
