"""Values guessed by their looks: the words nearest to a label that are written as its values were.

The shape of a word is its runs of digits, capital and small letters: "12.50" and "7.99" are "9.9",
"May" is "Aa". Of each key, a label or the beginning of a question, training tells the shapes of its
values.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from xojl_jax.documents.answers import Words, box_of, find_words, plain_word, text_of
from xojl_jax.tasks.document.answering.compared import Page

SHORTEST = 4  # letters of a word that is looked for by itself
MOST_SHAPES = 5  # of one key, the most frequent first
Seen = tuple[str, str]  # a key and a value's text
_RUNS = ((re.compile(r"[0-9]+"), "9"), (re.compile(r"[A-Z]+"), "A"), (re.compile(r"[a-z]+"), "a"))
_END = ".,;:!?"  # of words; it is no part of their shape


def shape(text: str) -> str:
    """The shapes of a text's words, a space between."""
    words = " ".join(word.strip(_END) or word for word in text.split())
    for run, sign in _RUNS:
        words = run.sub(sign, words)
    return words


def fit_values(seen: Iterable[Seen]) -> dict[str, dict[str, Any]]:
    """Of each key its most frequent shapes, and the one text, if any, that half of its values
    are."""
    texts: dict[str, Counter[str]] = {}
    for key, text in seen:
        texts.setdefault(key, Counter())[text] += 1
    facts = {}
    for key, counts in texts.items():
        shapes: Counter[str] = Counter()
        for text, count in counts.items():
            shapes[shape(text)] += count
        facts[key] = {"shapes": [name for name, _ in shapes.most_common(MOST_SHAPES)]}
        text, count = counts.most_common(1)[0]
        if count > 1 and 2 * count >= counts.total():
            facts[key]["text"] = text
    return facts


def guess_value(facts: Mapping[str, Any], anchors: Sequence[int], page: Page) -> Words:
    """What is nearest to the words with the numbers `anchors`, in one of the shapes of a key's
    facts. Without anchors the first one on the page; without words of these shapes, nothing."""
    if "text" in facts:
        return find_words(facts["text"], page[0])
    for wanted in facts["shapes"]:
        if not wanted:
            return ()
        spans = [span for span in spans_of(wanted, page[0]) if not {*span} & {*anchors}]
        if spans:
            return min(spans, key=lambda span: _distance(span, anchors, page[1]))
    return ()


def spans_of(wanted: str, words: Sequence[str]) -> list[tuple[int, ...]]:
    """Numbers of words side by side that have this shape, at every place."""
    size, shapes = len(wanted.split()), [shape(word) for word in words]
    starts = range(len(words) - size + 1)
    return [tuple(range(i, i + size)) for i in starts if shapes[i : i + size] == wanted.split()]


def _distance(span: Sequence[int], anchors: Sequence[int], boxes: np.ndarray) -> float:
    """From the anchors to the span, their mean. What follows on an anchor's line is nearer to it
    than all else; to the left or above is twice as far."""
    if not anchors:
        return 0.0
    there, place = boxes[list(anchors)], np.array(box_of(tuple(span), boxes))
    after = np.maximum(place[:2] - there[:, 2:], 0)
    before = np.maximum(there[:, :2] - place[2:], 0)
    middle = (place[1] + place[3]) / 2
    on_line = (there[:, 1] <= middle) & (middle <= there[:, 3]) & (there[:, 2] <= place[2])
    return float((np.linalg.norm(after + 2 * before, axis=1) + 2 * ~on_line).mean())


def find_label(label: str, words: Sequence[str]) -> tuple[int, ...]:
    """The numbers of the page's words that are this label, the first time; none where it is
    not there."""
    return tuple(word for word in find_words(label, words) if isinstance(word, int))


def anchors_of(text: str, words: Sequence[str]) -> tuple[int, ...]:
    """Where to look for a value: the label, where it is on the page as a whole; else every word of
    the page that the text has, but for short ones."""
    if found := find_label(text, words):
        return found
    asked = {plain_word(word) for word in text.split()}
    known = enumerate(map(plain_word, words))
    return tuple(i for i, word in known if word in asked and len(word) >= SHORTEST)


def label_of(text: str, facts: Mapping[str, Any]) -> str:
    """The label whose values look most like a text: those that have its shape among their most
    frequent ones, by its rank there; else the first in the alphabet."""
    wanted = shape(text)

    def rank(label: str) -> int:
        shapes = facts[label]["shapes"]
        return shapes.index(wanted) if wanted in shapes else MOST_SHAPES

    return min(sorted(facts), key=rank)


def value_text(words: Words, page: Page) -> str:
    """A value as `fit_values` takes it: without punctuation at the ends of words."""
    return " ".join(word.strip(_END) or word for word in text_of(words, page[0]).split())
