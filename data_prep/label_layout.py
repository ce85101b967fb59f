"""From the elements of single nodes to a layout tree: which nodes between them are containers."""

from dataclasses import dataclass, field

from data_prep.label_leaves import NAMED_CONTAINERS, elements_of
from data_prep.label_view import View
from xojl_jax.xojl.tree import Forest, Node


@dataclass
class Item:
    """A labelled node on its way: element, html node, labelled children."""

    element: str
    index: int
    children: list["Item"] = field(default_factory=list)


def layout_of(view: View) -> tuple[Forest, list[int]] | None:
    """(layout, html node of each layout node in pre-order); None if nothing is labelled."""
    named = elements_of(view)
    made: list[list[Item]] = [[] for _ in range(len(view))]
    for index in range(len(view) - 1, 0, -1):  # children stand behind their parent
        element = named.get(index)
        kids = [item for kid in view.children[index] for item in made[kid]]
        if element in NAMED_CONTAINERS:
            made[index] = [Item(element, index, kids)] if kids else []
        elif element:
            made[index] = [Item(element, index)]
        else:
            made[index] = _group(view, index, kids)
    kids = [item for kid in view.children[0] for item in made[kid]]
    if not kids:
        return None
    root = Item("section", 0, _dissolved(view, kids))
    return (_build(view, root),), _indices(root)


def _group(view: View, index: int, kids: list[Item]) -> list[Item]:
    """What a node that has no name adds: itself as a container of `kids`, or just them."""
    painted = view.is_painted(index)
    if not kids:
        return []
    if len(kids) == 1:
        only = kids[0]
        if not painted or view.box[only.index] == view.box[index]:
            return kids
        if only.element == "wrapper" and not view.is_painted(only.index):
            return [Item("wrapper", index, only.children)]  # the one that paints the box
        if only.element not in ("grid", "wrapper", "freedom", *NAMED_CONTAINERS) and not _is_card(
            view, index, only
        ):
            return kids
        return [Item("wrapper", index, kids)]
    if _is_layered(view, kids):
        return [Item("freedom", index, kids)]
    if _in_a_row(view, kids) and not _is_pictogram_and_text(kids):
        return [Item("grid", index, [_as_cell(view, kid) for kid in kids])]
    return [Item("wrapper", index, _dissolved(view, kids))]


def _dissolved(view: View, kids: list[Item]) -> list[Item]:
    """An unstyled wrapper without a labelled sibling gives way to its children."""
    while len(kids) == 1 and kids[0].element == "wrapper" and not view.is_painted(kids[0].index):
        kids = kids[0].children
    return kids


def _as_cell(view: View, item: Item) -> Item:
    """In a grid, what groups is a column."""
    return Item("column", item.index, item.children) if item.element == "wrapper" else item


def _is_card(view: View, index: int, only: Item) -> bool:
    """A box with room around its one child, as against a disc behind a pictogram."""
    width, height = view.box[index][2:]
    return width > 120 and height > 60 and view.area(only.index) < 0.95 * view.area(index)


def _is_pictogram_and_text(kids: list[Item]) -> bool:
    words = {"paragraph", "heading", "wrapper"}
    return len(kids) == 2 and kids[0].element == "icon" and kids[1].element in words


def _in_a_row(view: View, kids: list[Item]) -> bool:
    """Whether most children have another one beside them (three links under a portrait do not)."""
    boxes = [view.box[kid.index] for kid in kids]
    beside = {
        i
        for at, one in enumerate(boxes)
        for to, two in enumerate(boxes[at + 1 :], at + 1)
        if _side_by_side(one, two)
        for i in (at, to)
    }
    return len(beside) > 0.5 * len(kids)


def _side_by_side(one: list[float], two: list[float]) -> bool:
    common = min(one[1] + one[3], two[1] + two[3]) - max(one[1], two[1])
    apart = one[0] + one[2] <= two[0] + 2 or two[0] + two[2] <= one[0] + 2
    return apart and common > 0.4 * min(one[3], two[3])


def _is_layered(view: View, kids: list[Item]) -> bool:
    """Labelled children over one another, or content on a labelled picture."""
    boxes = [view.box[kid.index] for kid in kids]
    return any(_overlap(one, two) > 0.3 for at, one in enumerate(boxes) for two in boxes[at + 1 :])


def _overlap(one: list[float], two: list[float]) -> float:
    wide = min(one[0] + one[2], two[0] + two[2]) - max(one[0], two[0])
    tall = min(one[1] + one[3], two[1] + two[3]) - max(one[1], two[1])
    least = min(one[2] * one[3], two[2] * two[3])
    return max(0.0, wide) * max(0.0, tall) / least if least > 0 else 0.0


def _build(view: View, root: Item) -> Node:
    """The layout tree of an item; tags, classes and content are those of the html nodes."""
    order, stack = [], [root]
    while stack:
        item = stack.pop()
        order.append(item)
        stack.extend(reversed(item.children))
    built: dict[int, Node] = {}
    for item in reversed(order):
        twin = view.nodes[item.index]
        content = tuple(part._replace(at=0) for part in twin.content)
        children = tuple(built[child.index] for child in item.children)
        built[item.index] = Node(item.element, twin.tag, twin.classes, content, children)
    return built[root.index]


def _indices(root: Item) -> list[int]:
    out, stack = [], [root]
    while stack:
        item = stack.pop()
        out.append(item.index)
        stack.extend(reversed(item.children))
    return out
