"""What folds, slides or opens: accordions, tabs, copies of slides."""

import re

from data_prep.label.node_context import Spot, look
from data_prep.label.section_tree import View


@look
def bar_and_panels(spot: Spot) -> bool:
    """The smallest node that holds a bar of tabs and, after it, its panels."""
    view, at = spot.view, spot.index
    inside = range(at + 1, view.end[at])
    bars = [i for i in inside if view.says(i, "tab_bar")]
    panels = [i for i in inside if view.says(i, "panels")]
    if not any(view.end[bar] <= panel for bar in bars for panel in panels):
        return False
    return not any(
        bar > kid and panels[-1] > kid and bar < view.end[kid] and panels[-1] < view.end[kid]
        for kid in view.children[at]
        for bar in bars[:1]
    )


@look
def folds(spot: Spot) -> bool:
    """Two things or more that fold, by tag or by word, are what it has."""
    view, kids = spot.view, spot.view.children[spot.index]
    folding = [kid for kid in kids if view.tag[kid] == "details" or view.says(kid, "fold")]
    return len(folding) >= 2 and len(folding) >= 0.6 * len(kids)


@look
def opens(spot: Spot) -> bool:
    """It says that it opens or closes what stands below it (ARIA), and that is no menu."""
    return _opens(spot.view, spot.index)


def _opens(view: View, index: int) -> bool:
    about = view.author[index]
    if about.get("aria-haspopup", "false") != "false" or about.get("role") in ("tab", "menuitem"):
        return False  # a menu
    return "aria-expanded" in about and bool(view.texts[index])


@look
def opening_rows(spot: Spot) -> bool:
    """Two rows or more, as wide as it, each with a button that opens or closes it."""
    view, at = spot.view, spot.index
    kids = view.children[at]
    rows = [
        kid
        for kid in kids
        if any(
            _opens(view, i) and view.box[i][2] >= 0.5 * view.box[at][2] for i in view.subtree(kid)
        )
        and view.box[kid][2] >= 0.8 * view.box[at][2]
    ]
    stacked = len({round(view.box[kid][1]) for kid in rows}) == len(rows)
    return len(rows) >= 2 and len(rows) >= 0.5 * len(kids) and stacked


@look
def slide_control(spot: Spot) -> bool:
    """It says that it leads to another slide (ARIA)."""
    said = spot.view.author[spot.index].get("aria-label", "")
    return bool(re.match(r"(next|prev(ious)?|go to|slide|play|pause|stop)\b", said, re.IGNORECASE))


@look
def again(spot: Spot) -> bool:
    """A copy of a slide that stands beside it: a node before or after it shows the same."""
    view, at = spot.view, spot.index
    shown = _shown(view, at)
    siblings = view.children[view.parent[at]] if at else []
    return any(i != at and not view.says(i, "clone") and _shown(view, i) == shown for i in siblings)


def _shown(view: View, index: int) -> tuple:
    sources = [view.author[i].get("src", "") for i in view.subtree(index)]
    return view.text[index], tuple(filter(None, sources))


@look
def outside_its_box(spot: Spot) -> bool:
    """It begins below the end of the node around it: a closed panel that is kept for later."""
    x, y = spot.view.box[spot.index][:2]
    left, top, wide, tall = spot.view.box[spot.view.parent[spot.index]]
    return y >= top + tall - 1 or x >= left + wide - 1


@look
def summary_tag(spot: Spot) -> bool:
    return spot.view.tag[spot.index] == "summary"


@look
def in_details(spot: Spot) -> bool:
    return any(spot.view.tag[above] == "details" for above in spot.view.ancestors(spot.index))
