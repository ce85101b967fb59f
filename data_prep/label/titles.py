"""What a text titles: a card, a list, a larger title beside it."""

import re

from data_prep.label.measures import PRICE, heaviest_type, largest_type
from data_prep.label.node_context import Spot, look
from data_prep.label.section_tree import View


@look
def title_of_a_card(spot: Spot) -> bool:
    """The first text in a painted box (initials aside), heavier than the next, which stands below
    and is no larger, unless it is a price."""
    view, at = spot.view, spot.index
    card = next((i for i in view.ancestors(at) if i and _is_card(view, i)), 0)
    texts = [i for i in view.subtree(card) if "text" in view.kinds[i]]
    own = [i for i in texts if i in view.subtree(at)]
    after = [i for i in texts if i >= view.end[at]]
    if not card or not own or not after or view.tag[card] in ("button", "td"):
        return False
    if any(i < at and len(view.text[i]) > 3 for i in texts):
        return False
    if view.box[after[0]][1] < view.box[at][1] + view.box[at][3] - 4:
        return False  # beside it
    weight, size = max(map(view.weight, own)), largest_type(view, at)
    if PRICE.match(view.text[after[0]]):
        return weight >= 500
    return weight >= 500 and weight > view.weight(after[0]) and view.font_size(after[0]) <= size


def _is_card(view: View, index: int) -> bool:
    """A painted box, or one of several of the same make beside one another."""
    if view.is_painted(index):
        return True
    make = view.tag[index], view.author[index].get("class", "")
    twins = [
        i
        for i in view.children[view.parent[index]]
        if (view.tag[i], view.author[i].get("class", "")) == make and view.texts[i] >= 2
    ]
    return len(twins) >= 2 and make[0] not in ("span", "a", "p")


@look
def bar_of_a_card(spot: Spot) -> bool:
    """A bar at the head of a painted box, painted or with a line under it, as wide as the box, with
    a plain part below."""
    view, at = spot.view, spot.index
    above = view.parent[at]
    before, after = _around(view.children[above], at)
    if before or not after or view.is_painted(after[0]):
        return False
    wide = view.box[at][2] >= 0.95 * view.box[above][2]
    set_off = view.is_painted(at) or view.has_line(at, "bottom")
    return wide and set_off and view.is_painted(above)


def _around(siblings: list[int], at: int) -> tuple[list[int], list[int]]:
    middle = siblings.index(at)
    return siblings[:middle], siblings[middle + 1 :]


@look
def beside_larger_title(spot: Spot) -> bool:
    """A heading by tag right above or below it has much larger type, or so has the text below: the
    line over a title, the post under a name. A price is no title."""
    view, at = spot.view, spot.index
    siblings = view.children[view.parent[at]]
    place = siblings.index(at)
    small = largest_type(view, at)
    near = [i for i in siblings[max(place - 1, 0) : place + 2] if i != at]
    titles = [i for i in near if re.fullmatch("h[1-6]", view.tag[i])]
    titles += [
        i
        for i in siblings[place + 1 : place + 2]
        if view.is_line_of_text(i) and heaviest_type(view, i) >= 600
    ]
    return any(
        largest_type(view, i) >= 1.4 * small and not re.search(r"\d|free", view.text[i], re.I)
        for i in titles
    )


@look
def over_a_list(spot: Spot) -> bool:
    """A short line right above a list: what the list is about."""
    view, at = spot.view, spot.index
    _, after = _around(view.children[view.parent[at]], at)
    if not after or view.tag[after[0]] not in ("ul", "ol", "dl"):
        return False
    below = view.box[after[0]][1] >= view.box[at][1] + view.box[at][3] - 1
    return below and spot.kinds.element(after[0]) == "list"


@look
def under_a_title(spot: Spot) -> bool:
    """Right below a heading: it says more about what that one titles."""
    before, _ = _around(spot.view.children[spot.view.parent[spot.index]], spot.index)
    return bool(before) and spot.kinds.kind(before[-1]) == "heading"


@look
def ends_as_sentence(spot: Spot) -> bool:
    """A `p` that ends in a full stop says something; it titles nothing."""
    return spot.view.tag[spot.index] == "p" and spot.view.text[spot.index].rstrip().endswith(".")


@look
def titled(spot: Spot) -> bool:
    """It holds a heading by tag, or is one."""
    return any(re.fullmatch("h[1-6]", spot.view.tag[i]) for i in spot.view.subtree(spot.index))
