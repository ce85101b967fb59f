"""Byte-pair encoding (Sennrich, Haddow and Birch 2016): the merging, for tokenizers of any task."""

import itertools
import math
from collections.abc import Iterable, Mapping


def merge_pairs(characters: Iterable[str], ranks: Mapping[tuple[str, str], int]) -> list[str]:
    """The pieces of one short word.

    Args:
      ranks: the pairs that become one piece, by when they were learned; the first goes first.
    """
    parts = list(characters)
    while len(parts) > 1:
        found = [ranks.get(pair, math.inf) for pair in itertools.pairwise(parts)]
        best = min(found)
        if best == math.inf:
            break
        at = found.index(best)
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts
