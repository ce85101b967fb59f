"""Examples in a prompt (few-shot learning, Brown et al. 2020; R038): questions of the training
split with their answers, spelled as text before what is asked.
"""

import json
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from xojl_jax.documents.answers import (
    Answer,
    FieldsAnswer,
    RegionsAnswer,
    TableAnswer,
    TextAnswer,
    WordsAnswer,
    text_of,
)
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.tasks.document.dataset import DocumentDataset

MOST_SHOTS = 100  # of a prompt
NOTHING = "none"  # what an answer without words is spelled as


class Shot(NamedTuple):
    """An example: a question and its answer's text."""

    prompt: str
    answer: str


# --- text ------------------------------------------------------------------------------------


def spell(shots: Sequence[Shot], prompt: str) -> str:
    """The text of a prompt with examples before it; the prompt itself without any."""
    if not shots:
        return prompt
    return " ".join([f"Q: {q} A: {a}" for q, a in shots] + [f"Q: {prompt}"])


def answer_text(answer: Answer, words: Sequence[str]) -> str:
    """An answer in writing. Places are left out, spans of cells and whether they are headers, too.

    Args:
      words: of the page.
    """
    match answer:
        case TextAnswer(some):
            text = text_of(some, words)
        case WordsAnswer(placed):
            text = text_of(tuple(w if isinstance(w, int) else w[0] for w in placed), words)
        case FieldsAnswer(fields):
            pairs = [(text_of(f.label, words), text_of(f.value, words)) for f in fields]
            text = "; ".join(f"{label}: {value or NOTHING}" for label, value in pairs)
        case RegionsAnswer(regions):
            text = ", ".join(region.label for region in regions)
        case TableAnswer(rows):
            texts = [[text_of(cell.words, words) or NOTHING for cell in row] for row in rows]
            text = "; ".join(" | ".join(row) for row in texts)
    return text or NOTHING


def read_shots(path: str) -> tuple[Shot, ...]:
    """Examples of a file, a line of JSON each: {"prompt": "What is the total?", "answer": "7.99"}.

    Raises:
      BadUsage: the file cannot be read.
      BadInput: a line is something else.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise BadUsage(f"--examples {path}: {why}") from error
    return tuple(_read_shot(line, f"{path}:{n}") for n, line in enumerate(lines, 1) if line.strip())


def _read_shot(line: str, where: str) -> Shot:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        told = None
    match told:
        case {"prompt": str(prompt), "answer": str(answer)}:
            return Shot(prompt, answer)
    raise BadInput(f'{where}: an example is {{"prompt": "What …?", "answer": "…"}}, two texts')


# --- drawing ---------------------------------------------------------------------------------


class _Asked(NamedTuple):
    """What training asks. `pages`: by kind, the pages with an answered question of it, each with
    its `DocumentRecord.split_group`. `prompts`: as `_plain` has them."""

    pages: Mapping[str, list[tuple[int, str]]]
    prompts: frozenset[str]


class TrainingQuestions:
    """The questions of a training split, to draw examples from. Safe to share by threads.

    Every record of the split is read once, when something is first asked.
    """

    def __init__(self, pages: DocumentDataset):
        self._records = pages
        self._lock = threading.Lock()
        self._found: _Asked | None = None

    def draw(self, kind: str, unit: str, count: int, rng: np.random.Generator) -> tuple[Shot, ...]:
        """Examples of a kind, each of another page; fewer than `count` where training has fewer.
        One seed gives the same ones for any count, only more of them.

        Args:
          unit: the `split_group` of the page that is asked about: no example is from there.
        """
        others = [page for page, own in self._asked.pages.get(kind, ()) if own != unit]
        drawn = rng.permutation(len(others))[:count]
        return tuple(self._shot(others[place], kind, rng) for place in drawn)

    def has_prompt(self, prompt: str) -> bool:
        """Whether training has a prompt of these words."""
        return _plain(prompt) in self._asked.prompts

    def _shot(self, page: int, kind: str, rng: np.random.Generator) -> Shot:
        record = self._records.record(page)
        usable = [(q.prompt, q.answer) for q in record.questions if q.kind == kind and q.answer]
        prompt, answer = usable[rng.integers(len(usable))]
        return Shot(prompt, answer_text(answer, record.words))

    @property
    def _asked(self) -> _Asked:
        with self._lock:
            if self._found is None:
                self._found = self._read()
            return self._found

    def _read(self) -> _Asked:
        pages, prompts = defaultdict(list), set()
        for page in range(len(self._records)):
            try:
                record = self._records.record(page)
            except BadInput:
                continue  # whoever trains on it is told of it
            for kind in {question.kind for question in record.questions if question.answer}:
                pages[kind].append((page, record.split_group()))
            prompts |= {_plain(question.prompt) for question in record.questions}
        return _Asked(dict(pages), frozenset(prompts))


def _plain(prompt: str) -> str:
    return " ".join(prompt.casefold().split())
