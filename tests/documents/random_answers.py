"""Random answers of every form, about a page of `WORDS` words."""

import numpy as np
from hypothesis import strategies as st

from xojl_jax.documents import answers
from xojl_jax.documents.answers import Cell, Field, TableAnswer, TextAnswer
from xojl_jax.documents.json_fields import Region

WORDS = 9  # of the page
_own = st.text(st.characters(codec="utf-8", exclude_categories=["Z", "C"]), min_size=1, max_size=5)
_word = st.integers(0, WORDS - 1) | _own.filter(lambda word: word.split() == [word])
_words = st.lists(_word, max_size=4).map(tuple)
_label = st.lists(_word, min_size=1, max_size=3).map(tuple)


@st.composite
def boxes(draw):
    x0, x1 = sorted(draw(st.tuples(*[st.integers(0, 10**4)] * 2)))
    y0, y1 = sorted(draw(st.tuples(*[st.integers(0, 10**4)] * 2)))
    return tuple(value / 10**4 for value in (x0, y0, x1, y1))


@st.composite
def tables(draw):
    """Cells cut out of a grid: a place that is free takes what is free to the right and below."""
    rows, columns = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    taken, found = np.zeros((rows, columns), bool), []
    for r in range(rows):
        found.append([])
        for c in range(columns):
            if taken[r, c]:
                continue
            width = draw(st.integers(1, columns - c))
            while taken[r, c : c + width].any():
                width -= 1
            height = draw(st.integers(1, rows - r))
            taken[r : r + height, c : c + width] = True
            found[-1].append(Cell(draw(_words), height, width, draw(st.booleans())))
    return TableAnswer(tuple(map(tuple, found)))


def every_answer():
    pairs = st.integers(0, WORDS - 1) | st.tuples(_own.filter(str.split), boxes())
    fields = st.lists(st.builds(Field, _label, _words), max_size=3).map(tuple)
    regions = st.lists(st.builds(Region, _own, boxes()), max_size=3).map(tuple)
    return st.one_of(
        st.builds(TextAnswer, _words),
        st.builds(answers.WordsAnswer, st.lists(pairs, max_size=3).map(tuple)),
        st.builds(answers.FieldsAnswer, fields),
        st.builds(answers.RegionsAnswer, regions),
        tables(),
    )
