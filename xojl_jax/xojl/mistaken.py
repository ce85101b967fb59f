"""What people give in place of the HTML tree of a section, though it reads as one."""

from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.keys import ELEMENTS
from xojl_jax.xojl.tree import Forest, preorder

# Elements of layouts whose names HTML has, too.
_BOTH = frozenset(("section", "button", "video", "map"))
_OF_LAYOUTS = frozenset(ELEMENTS) - _BOTH
_ROOTS = ("html", "head", "body", "frameset")
# Of a layout with slips in it, most nodes still have an element, and many one that HTML has not.
_MOST, _MANY = 0.75, 0.3


def is_layout(forest: Forest) -> bool:
    """Whether a tree that was read as HTML is a layout: `heading.h1@fs_3r` reads as a tag `heading`
    with the class `h1`, too."""
    # Around a layout there may be a name of its own: section_layout, detail.
    nodes = [v.node for v in preorder(forest) if v.depth or v.node.tag in ELEMENTS]
    named = [node for node in nodes if node.tag in ELEMENTS]
    tags = Codebook.load().tags
    only = [
        node
        for node in named
        if node.tag in _OF_LAYOUTS or (node.classes and node.classes[0] in tags)
    ]
    return bool(nodes) and len(named) >= _MOST * len(nodes) and len(only) >= _MANY * len(nodes)


def is_whole_page(forest: Forest) -> bool:
    """Whether a tree begins with the root of a document, of which a section is only a part."""
    return any(node.tag in _ROOTS for node in forest)
