"""What the learned labeler sees of each html node, as a row of numbers.

Everything that the rules see: their predicates, measures and the author's words, which here are
features instead of conditions; what the rules decided, of the node and of those around it; the
place in the tree and on the picture; and how alike the node is to its siblings.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, partial

import numpy as np

from data_prep.label.layout import Labeler, in_order
from data_prep.label.node_context import MATCHERS, MEASURES, PREDICATES, Item, NodeContext
from data_prep.label.rules import Table
from data_prep.label.section_tree import SectionTree
from xojl_jax.xojl.structure import side_by_side
from xojl_jax.xojl.tree import ELEMENTS

# Those about the node and what is around it. Of what is below, the rules' labels there tell more,
# and what concerns the whole section is for its category.
_MATCHERS = ("says", "parent says", "inside", "points to", "reads")
# Tags with a number of their own, in no order; a tree splits them as categories.
_TAGS = re.findall(
    "[a-z0-9]+",
    "div a span p li ul ol i img svg h1 h2 h3 h4 h5 h6 button input label section article header "
    "footer nav main aside form table tr td th tbody thead strong b em small blockquote figure "
    "figcaption dl dt dd hr iframe video canvas textarea select option pre code time address "
    "picture",
)
_DISPLAYS = (
    "block",
    "inline",
    "inline-block",
    "flex",
    "inline-flex",
    "grid",
    "table",
    "table-cell",
)
_POSITIONS = ("static", "relative", "absolute", "fixed", "sticky")
_LINE = 8  # CSS px: texts whose tops are nearer than about this begin on one line
_NONE = len(ELEMENTS)  # the number of "no label" among those of elements
CATEGORICAL = ("tag", "parent tag", "first child tag", "display", "parent display", "position")
_NEIGHBORS = ("parent", "grandparent", "before", "after", "first child")


class SectionFeatures:
    """The features of one section's nodes.

    Args:
      tree: the section.
      rules: its labels by the rules.
      parts: some of `PARTS`; None for all.

    Attributes:
      names: one per column, the same for every section under one table of rules.
    """

    def __init__(
        self,
        tree: SectionTree,
        table: Table,
        rules: Labeler,
        parts: Sequence[str] | None = None,
    ):
        self.tree, self._table, self._rules = tree, table, rules
        self._parts = [PARTS[name] for name in (PARTS if parts is None else parts)]
        self._items = in_order(rules.root) if rules.root else []
        self._label = {item.index: item for item in self._items}

    @cached_property
    def rows(self) -> np.ndarray:
        """float32 [nodes, features]."""
        return np.stack([np.fromiter(row.values(), np.float32) for row in self._rows])

    @property
    def names(self) -> list[str]:
        return list(self._rows[0])

    @cached_property
    def _rows(self) -> list[dict[str, float]]:
        return [self._row(index) for index in range(len(self.tree))]

    def _row(self, index: int) -> dict[str, float]:
        row: dict[str, float] = {}
        for part in self._parts:
            row |= part(self, index)
        return row

    # --- the vocabulary of the rules -----------------------------------------------------------

    @cached_property
    def _contexts(self) -> list[NodeContext]:
        """Of each node what a rule may ask for, by the labels that the rules came to."""
        above: list[Item | None] = []
        kids: list[list[Item]] = [[] for _ in range(len(self.tree))]
        for index in range(len(self.tree)):
            parent = self.tree.parent[index]
            above.append(self._label.get(parent) or (above[parent] if parent >= 0 else None))
            if index in self._label:
                # Topmost of every node above up to the nearest that has a label.
                for at in self.tree.ancestors(index):
                    kids[at].append(self._label[index])
                    if at in self._label:
                        break
        return [
            NodeContext(self.tree, i, self._rules, kids[i], above[i], self._label.get(i))
            for i in range(len(self.tree))
        ]

    @cached_property
    def _tests(self) -> dict[str, Callable[[NodeContext], float]]:
        # Sorted: their order is that in which Python happened to import their modules.
        tests = dict(sorted({**PREDICATES, **MEASURES}.items()))
        for matcher in _MATCHERS:
            for name in self._table.patterns:
                tests[f"{matcher} {name}"] = partial(_matches, matcher, name)
        return tests

    def _words(self, index: int) -> dict[str, float]:
        asked, ctx = self._is_asked(index), self._contexts[index]
        return {name: float(asked and test(ctx)) for name, test in self._tests.items()}

    def _is_asked(self, index: int) -> bool:
        """Whether rules may be asked of a node: not of the root, nor of line breaks."""
        return index > 0 and index in self._siblings(index)

    # --- the tree ------------------------------------------------------------------------------

    @cached_property
    def _shapes(self) -> list[str]:
        """Each node's tags, its own and those below: equal for the items of a list."""
        shapes = [""] * len(self.tree)
        for index in reversed(range(len(self.tree))):
            inside = ",".join(shapes[kid] for kid in self.tree.children[index])
            shapes[index] = f"{self.tree.tag[index]}({inside})"
        return shapes

    @cached_property
    def _depths(self) -> tuple[list[int], list[int]]:
        """Of each node: the levels above it, and below it."""
        above, below = [0] * len(self.tree), [0] * len(self.tree)
        for index in range(1, len(self.tree)):
            above[index] = above[self.tree.parent[index]] + 1
        for index in range(len(self.tree) - 1, 0, -1):
            parent = self.tree.parent[index]
            below[parent] = max(below[parent], below[index] + 1)
        return above, below

    def _siblings(self, index: int) -> Sequence[int]:
        parent = self.tree.parent[index]
        return self.tree.children[parent] if parent >= 0 else [index]

    def _place(self, index: int) -> dict[str, float]:
        tree, parent = self.tree, self.tree.parent[index]
        siblings, children = self._siblings(index), tree.children[index]
        above, below = self._depths
        alike = sum(self._shapes[i] == self._shapes[index] for i in siblings)
        return {
            "tag": _number(tree.tag[index], _TAGS),
            "parent tag": _number(tree.tag[parent] if parent >= 0 else None, _TAGS),
            "first child tag": _number(tree.tag[children[0]] if children else None, _TAGS),
            "depth": above[index],
            "height of subtree": below[index],
            "nodes of subtree": tree.end[index] - index,
            "nodes of section": len(tree),
            "siblings": len(siblings),
            "place among siblings": siblings.index(index) if index in siblings else -1,
            "siblings of same tag": sum(tree.tag[i] == tree.tag[index] for i in siblings),
            "siblings of same shape": alike,
            "children of one shape": max(
                (sum(self._shapes[i] == self._shapes[j] for i in children) for j in children),
                default=0,
            ),
            "items above of one shape": self._repeated_above(index),
        }

    def _repeated_above(self, index: int) -> int:
        """How many siblings of one shape the nearest repeated node above has, itself among them."""
        for at in self.tree.ancestors(index):
            same = sum(self._shapes[i] == self._shapes[at] for i in self._siblings(at))
            if same > 1:
                return same
        return 0

    # --- the picture ---------------------------------------------------------------------------

    def _box(self, index: int) -> dict[str, float]:
        tree, parent = self.tree, max(self.tree.parent[index], 0)
        x, y, width, height = tree.box[index]
        px, py, pwidth, pheight = tree.box[parent]
        _, _, swidth, sheight = tree.box[0]
        beside = [i for i in self._siblings(index) if side_by_side(tree.box[i], tree.box[index])]
        children = [tree.box[i] for i in tree.children[index]]
        rows = [sum(side_by_side(one, two) for two in children) for one in children]
        return {
            "x": x / max(swidth, 1),
            "y": y / max(sheight, 1),
            "width of section": width / max(swidth, 1),
            "height of section": height / max(sheight, 1),
            "width of parent": width / max(pwidth, 1),
            "height of parent": height / max(pheight, 1),
            "from left of parent": (x - px) / max(pwidth, 1),
            "from top of parent": (y - py) / max(pheight, 1),
            "off center": abs(x + width / 2 - px - pwidth / 2) / max(pwidth, 1),
            "section's width": swidth,
            "section's height": sheight,
            "siblings in its row": len(beside),
            "children in a row": max(rows, default=0),
            "children overlap": max((_covered(child, children) for child in children), default=0.0),
            "covers sibling": _covered(
                tree.box[index], (tree.box[i] for i in self._siblings(index))
            ),
        }

    def _text(self, index: int) -> dict[str, float]:
        text = self.tree.text[index]
        words = text.split()
        letters = [c for c in text if c.isalpha()]
        return {
            "words": len(words),
            "digits": sum(c.isdigit() for c in text) / max(len(text), 1),
            "capitals": sum(c.isupper() for c in letters) / max(len(letters), 1),
            "sentence ends": len(re.findall(r"[.!?。](\s|$)", text)),
            "longest word": max(map(len, words), default=0),
            "text of section": len(text) / max(len(self.tree.text[0]), 1),
            "texts of section": self.tree.texts[index] / max(self.tree.texts[0], 1),
        } | {f"holds {tag}": self._counts[tag][index] for tag in self._counts}

    @cached_property
    def _counts(self) -> dict[str, list[int]]:
        """How many nodes of some tags each subtree has, the node itself left out."""
        counts = {}
        for tag in ("a", "p", "li", "img", "h2", "h3", "h4", "button", "i", "svg", "input", "br"):
            inside = [int(name == tag) for name in self.tree.tag]
            for index in range(len(inside) - 1, 0, -1):
                inside[self.tree.parent[index]] += inside[index]
            counts[tag] = [n - (name == tag) for n, name in zip(inside, self.tree.tag, strict=True)]
        return counts

    def _paint(self, index: int) -> dict[str, float]:
        tree, style = self.tree, self.tree.style[index]
        parent = tree.parent[index]
        siblings = [tree.font_size(i) for i in self._siblings(index)]
        return {
            "display": _number(style.get("display", "inline"), _DISPLAYS),
            "parent display": _number(
                tree.style[parent].get("display", "inline") if parent >= 0 else None, _DISPLAYS
            ),
            "position": _number(style.get("position", "static"), _POSITIONS),
            "is painted": tree.is_painted(index),
            "has border": tree.has_border(index),
            "parent is painted": parent >= 0 and tree.is_painted(parent),
            "picture behind": style.get("background-image", "none") not in ("", "none"),
            "weight": tree.weight(index),
            "type of body": tree.font_size(index) / tree.body_size,
            "type of siblings": tree.font_size(index) / max(*siblings, 1),
            **{f"own {kind}": kind in tree.kinds[index] for kind in ("text", "src", "svg")},
            **{f"classes {code}": _has(tree, index, code) for code in ("bi", "br", "bs", "bg")},
        }

    # --- what is inside, and over one another --------------------------------------------------

    def _inside(self, index: int) -> dict[str, float]:
        """Of the node, of its children and of its parent's children: whether items are texts alone,
        or a title with a text each, decides between a list and a group of boxes."""
        row: dict[str, float] = {f"{name} inside": n[index] for name, n in self._contents.items()}
        for whose, at in (("children", index), ("parent's children", self.tree.parent[index])):
            row |= {name.format(whose): n for name, n in self._of_children[at].items()}
        return row

    @cached_property
    def _of_children(self) -> dict[int, dict[str, float]]:
        """What children of a node contain, by its number; -1 for a node that is not there."""
        return {-1: self._sum_up([])} | dict(enumerate(map(self._sum_up, self.tree.children)))

    def _sum_up(self, children: Sequence[int]) -> dict[str, float]:
        row: dict[str, float] = {}
        for name, value in self._contents.items():
            told = [value[kid] for kid in children] or [-1]
            row[f"{name} of {{}}, mean"] = sum(told) / len(told)
            row[f"{name} of {{}}, least"] = min(told)
            row[f"{name} of {{}}, most"] = max(told)
        row["painted {}"] = sum(map(self.tree.is_painted, children)) / max(len(children), 1)
        return row

    @cached_property
    def _contents(self) -> dict[str, list[int]]:
        """Of each subtree, the node itself among it: how many nodes show something, by kind; in how
        many sizes and weights of type its texts are; and on how many levels they begin."""
        tree = self.tree
        looks, tops = [], []
        for index in range(len(tree)):
            texts = [i for i in tree.subtree(index) if "text" in tree.kinds[i] and tree.area(i)]
            looks.append(len({(round(tree.font_size(i)), tree.is_bold(i)) for i in texts}))
            tops.append(len({round(tree.box[i][1] / _LINE) for i in texts}))
        return {
            "texts": tree.texts,
            "pictures": tree.pictures,
            "drawings": tree.drawings,
            "links": tree.links,
            "fields": tree.fields,
            "looks of text": looks,
            "lines of text": tops,
        }

    def _layers(self, index: int) -> dict[str, float]:
        """Texts over pictures: a label of its own where both are content (freedom)."""
        pictures, texts = self._shown
        inside = range(index, self.tree.end[index])
        pairs = [(i, k) for i in inside for k in texts.get(i, ()) if k in inside]
        return {
            "texts over pictures inside": len({text for text, _ in pairs}),
            "pictures under texts inside": len({picture for _, picture in pairs}),
            "texts over it": len(pictures.get(index, ())),
            "pictures under it": len(texts.get(index, ())),
        }

    @cached_property
    def _shown(self) -> tuple[dict[int, frozenset[int]], dict[int, frozenset[int]]]:
        """Of each picture, the texts over it; of each text, the pictures under it."""
        tree = self.tree
        pictures = [i for i in range(len(tree)) if "src" in tree.kinds[i] and tree.area(i)]
        over: dict[int, frozenset[int]] = {}
        under: dict[int, set[int]] = {}
        for at in pictures:
            found = frozenset(
                i
                for i in range(len(tree))
                if "text" in tree.kinds[i]
                and i not in tree.subtree(at)
                and tree.area(i)
                and _covered(tree.box[i], [tree.box[at]]) > 0.5
            )
            over[at] = found
            for i in found:
                under.setdefault(i, set()).add(at)
        return over, {i: frozenset(found) for i, found in under.items()}

    # --- what the rules decided ----------------------------------------------------------------

    def _by_rules(self, index: int) -> dict[str, float]:
        ctx = self._contexts[index]
        row: dict[str, float] = {f"rules say {name}": 0.0 for name in (*ELEMENTS, "nothing")}
        item = self._label.get(index)
        row[f"rules say {item.element if item else 'nothing'}"] = item.confidence if item else 1.0
        row["rules by itself"] = _element(
            self._rules.element(index) if self._is_asked(index) else None
        )
        row["rules above"] = _element(ctx.parent.element if ctx.parent else None)
        row["rules siblings"] = len(ctx.parent.children) if ctx.parent else 0
        for name in (
            "heading",
            "paragraph",
            "image",
            "icon",
            "button",
            "list",
            "column",
            "wrapper",
        ):
            row[f"kids {name}"] = sum(kid.element == name for kid in ctx.kids)
        for name, at in zip(_NEIGHBORS, self._neighbors(index), strict=True):
            found = self._label.get(at) if at >= 0 else None
            row[f"rules {name}"] = _element(found.element if found else None) if at >= 0 else -1
        return row

    def _neighbors(self, index: int) -> tuple[int, ...]:
        tree, parent = self.tree, self.tree.parent[index]
        siblings = list(self._siblings(index))
        place = siblings.index(index) if index in siblings else -1
        return (
            parent,
            tree.parent[parent] if parent >= 0 else -1,
            siblings[place - 1] if place > 0 else -1,
            siblings[place + 1] if 0 <= place < len(siblings) - 1 else -1,
            tree.children[index][0] if tree.children[index] else -1,
        )


# What a node is described by. `words` are the predicates and measures of the rules, most of them
# about what the author wrote.
PARTS: dict[str, Callable[[SectionFeatures, int], dict[str, float]]] = {
    "words": SectionFeatures._words,
    "place": SectionFeatures._place,
    "box": SectionFeatures._box,
    "text": SectionFeatures._text,
    "paint": SectionFeatures._paint,
    "inside": SectionFeatures._inside,
    "layers": SectionFeatures._layers,
    "rules": SectionFeatures._by_rules,
}


def _matches(matcher: str, name: str, ctx: NodeContext) -> bool:
    return MATCHERS[matcher](ctx, name)


def _number(name: str | None, known: Sequence[str]) -> int:
    """The name's place among those known; the next number for any other, and one more for None."""
    if name is None:
        return len(known) + 1
    return known.index(name) if name in known else len(known)


def _element(name: str | None) -> int:
    return ELEMENTS.index(name) if name in ELEMENTS else _NONE


def _has(tree: SectionTree, index: int, code: str) -> bool:
    return any(name.startswith(f"{code}_") for name in tree.nodes[index].classes)


def _covered(box: Sequence[float], others: Iterable[Sequence[float]]) -> float:
    """The largest share of a box that one of the others covers, the box itself left out."""
    best = 0.0
    for other in others:
        width = min(box[0] + box[2], other[0] + other[2]) - max(box[0], other[0])
        height = min(box[1] + box[3], other[1] + other[3]) - max(box[1], other[1])
        if other is not box and width > 0 and height > 0:
            best = max(best, width * height / max(box[2] * box[3], 1))
    return best
