"""Seeded random trees for tests: every node that docs/record.md calls writable can come out.

rng = random.Random(0)
random_html(rng), random_layout(rng)         # forests
random_pair(rng)                             # (html, layout, layout_nodes), many equal keys
"""

import random
from functools import cache

from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.keys import CONTENT_KINDS, ELEMENTS, is_writable
from xojl_jax.xojl.tree import Content, Forest, Node, preorder

# Separators, their neighbors, JSON's own characters, controls, and characters of every UTF-8
# length with the ends of their ranges; 0x660 is a digit to Python, but not to the language.
_ODD = '@.-_#:+0193azrx "\\/\n\t\0\x1f\x7f\x80ß߿ࠀ٠ \u2028퟿\ue000￿𐀀🙂\U0010ffff'
_PIECES = ("my-widget", "h1", "a-_b", "1.5", "-", "--x", "#2", "text", "svg", "d_", "_", "t:", "h:")


def random_text(rng: random.Random, longest: int = 6) -> str:
    return "".join(rng.choices(_ODD, k=rng.randint(0, longest)))


def _random_name(rng: random.Random) -> str:
    """A tag or class of odd characters, by rejection."""
    while True:
        pieces = rng.choices(_PIECES, k=rng.randint(0, 2))
        name = (
            "".join((*pieces, random_text(rng)))
            if rng.random() < 0.7
            else rng.choice(pieces or "a")
        )
        if is_writable(name):
            return name


def _random_class(rng: random.Random, book: Codebook) -> str:
    """A class of the codebook, with the values that real ones have."""
    prefix = rng.choice(("", "", "", *(f"{code}:" for code in book.devices)))
    prefix += rng.choice(("", "", "", *(f"{code}:" for code in book.pseudo_classes)))
    number = rng.choice(("7r", "-1r", "1.125r", "0", "100p", "fff", "00ff7f80", "-0.5e", "3.14.15"))
    keyword = rng.choice(book.keywords)
    value = rng.choice((number, keyword, f"{number}+{keyword}", f"{keyword}+{number}+-{keyword}"))
    return f"{prefix}{rng.choice(list(book.properties))}_{value}"


@cache
def _names(seed: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Pools of tags and classes: drawing from them is fast, and makes equal keys."""
    rng = random.Random(seed)
    book = Codebook.load()
    tags = (*rng.choices(book.tags, k=300), *(_random_name(rng) for _ in range(300)))
    classes = [_random_class(rng, book) for _ in range(1200)] + [
        _random_name(rng) for _ in range(800)
    ]
    return tags, tuple(name for name in classes if is_writable(name))


def random_forest(
    rng: random.Random, *, layout: bool, most_nodes: int = 12, most_depth: int = 64
) -> Forest:
    """A forest of 1 to `most_nodes` nodes. A layout's nodes have elements, and some have no tag."""
    tags, classes = _names(rng.randint(0, 7))
    count = rng.randint(1, most_nodes)
    bushy = rng.random()
    path: list[list] = []  # children lists of the open nodes
    roots: list = []
    for _ in range(count):
        # Close some nodes, so that all shapes from chains to stars come out.
        while path and (len(path) >= most_depth or rng.random() < bushy):
            path.pop()
        siblings = path[-1][4] if path else roots
        if siblings and rng.random() < 0.3:
            node = [*siblings[-1][:4], []]  # an equal sibling, as far as the key goes
        else:
            node = _random_node(rng, layout, tags, classes)
        siblings.append(node)
        path.append(node)
    return _freeze(rng, roots)


def _random_node(rng: random.Random, layout: bool, tags, classes) -> list:
    tag = None if layout and rng.random() < 0.1 else rng.choice(tags)
    many = () if tag is None else tuple(rng.choices(classes, k=int(rng.random() ** 2 * 4)))
    content = []
    while rng.random() < 0.2:
        content.append((rng.choice(CONTENT_KINDS), random_text(rng)))
    return [rng.choice(ELEMENTS) if layout else None, tag, many, content, []]


def _freeze(rng: random.Random, roots: list) -> Forest:
    """Nodes from nested lists, deepest first; content falls anywhere among the children."""
    order, stack = [], list(roots)
    while stack:
        node = stack.pop()
        order.append(node)
        stack.extend(node[4])
    for node in reversed(order):
        element, tag, classes, content, children = node
        places = sorted(rng.randint(0, len(children)) for _ in content)
        contents = tuple(Content(k, v, at) for (k, v), at in zip(content, places, strict=True))
        children = tuple(child[0] for child in children)
        node[:] = [Node(element, tag, classes, contents, children)]
    return tuple(node[0] for node in roots)


def random_html(rng: random.Random, most_nodes: int = 12) -> Forest:
    return random_forest(rng, layout=False, most_nodes=most_nodes)


def random_layout(rng: random.Random, most_nodes: int = 12) -> Forest:
    return random_forest(rng, layout=True, most_nodes=most_nodes)


def random_pair(
    rng: random.Random, most_nodes: int = 24
) -> tuple[Forest, Forest, tuple[int | None, ...]]:
    """An HTML forest, a layout over some of its nodes, and the true alignment.

    Half of the layout's nodes carry their HTML node's content, a few are changed or have no tag.
    """
    html = random_html(rng, most_nodes)
    visits = preorder(html)
    kept = [visit for visit in visits if rng.random() < 0.7] or visits[:1]
    nodes: dict[int, list] = {}
    roots: list = []
    twins: list[int | None] = []
    for visit in kept:
        node, parent = visit.node, visit.parent
        while parent >= 0 and parent not in nodes:
            parent = visits[parent].parent
        content = [item[:2] for item in node.content] if rng.random() < 0.5 else []
        tag, classes = node.tag, node.classes
        if rng.random() < 0.1:
            tag, classes = None, ()
        elif rng.random() < 0.1:
            classes = (*classes, "c_fff")
        nodes[visit.index] = [rng.choice(ELEMENTS), tag, classes, content, []]
        (nodes[parent][4] if parent >= 0 else roots).append(nodes[visit.index])
        twins.append(visit.index if rng.random() < 0.9 else None)
    return html, _freeze(rng, roots), tuple(twins)
