"""Which HTML node each layout node represents, where the record does not say."""

from bisect import bisect_left

from xojl_jax.xojl.tree import Forest, TreeIndex, Visit

# How many equal keys are looked at before the first one is taken: bounds the work on large
# documents in which every key is the same.
_CANDIDATES = 16


def align(html: Forest | TreeIndex, layout: Forest | TreeIndex) -> tuple[int | None, ...]:
    """One HTML index or None per layout node, both in depth-first pre-order.

    Equal tag-and-class keys are matched in document order. A node's match is inside the match
    of its nearest matched ancestor and after the matches of earlier siblings. Among equal
    candidates the first wins that holds the keys of all the node's descendants, in order.
    """
    html_visits, layout_visits = TreeIndex.of(html).visits, TreeIndex.of(layout).visits
    places: dict[tuple, list[int]] = {}
    for visit in html_visits:
        places.setdefault((visit.node.tag, visit.node.classes), []).append(visit.index)

    matches: list[int | None] = []
    # Per matched layout node (the last slot is the document): where the next node below it may
    # start, and where its match ends. A node without a match shares those of its ancestor.
    start = [0] * (len(layout_visits) + 1)
    end = [len(html_visits)] * (len(layout_visits) + 1)
    owners: list[int] = []  # per layout node, itself or its nearest matched ancestor
    for visit in layout_visits:
        above = owners[visit.parent] if visit.parent >= 0 else -1
        found = _first_fit(visit, layout_visits, places, html_visits, start[above], end[above])
        matches.append(found)
        owners.append(above if found is None else visit.index)
        if found is not None:
            start[visit.index] = found + 1
            end[visit.index] = start[above] = html_visits[found].subtree_end
    return tuple(matches)


def _first_fit(
    visit: Visit, layout: list[Visit], places: dict, html: list[Visit], start: int, end: int
) -> int | None:
    indices = places.get((visit.node.tag, visit.node.classes)) if visit.node.tag else None
    if not indices:
        return None
    first = bisect_left(indices, start)
    candidates = [i for i in indices[first : first + _CANDIDATES] if i < end]
    wanted = layout[visit.index + 1 : visit.subtree_end]
    for index in candidates:
        if _holds(wanted, places, index + 1, html[index].subtree_end):
            return index
    return candidates[0] if candidates else None


def _holds(wanted: list[Visit], places: dict, start: int, end: int) -> bool:
    """Whether the keys of `wanted` occur in order among the HTML nodes start..end."""
    for visit in wanted:
        if visit.node.tag is None:
            continue
        indices = places.get((visit.node.tag, visit.node.classes), ())
        position = bisect_left(indices, start)
        if position == len(indices) or indices[position] >= end:
            return False
        start = indices[position] + 1
    return True
