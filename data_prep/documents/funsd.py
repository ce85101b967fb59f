"""FUNSD: forms; a JSON file of entities and links for each (`annotations/82092117.json`), pictures
in `images/`. https://guillaumejaume.github.io/FUNSD

Questions are answered by its entities: headers, questions and answers (kind `entities`), and the
answers that questions are linked to (kind `extraction`).
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from data_prep.documents.document import Document, SourceFile
from data_prep.documents.ocr_words import clean_words
from data_prep.documents.page import LeftOut, Page, Words
from data_prep.documents.pictures import Pictures
from xojl_jax.documents.answers import Field, FieldsAnswer, Question
from xojl_jax.documents.instructions import instruction

ENTITIES = ("header", "question", "answer")  # and "other", which is none

Numbers = tuple[int, ...]


def find(content: Any, file: SourceFile, name: str) -> Iterator[Document]:
    """The one form of an annotation."""
    stem = file.name.rpartition(".")[0]
    picture = file.beside(f"../images/{stem}.png", f"{stem}.png")
    fault = "" if picture else f"no {stem}.png beside it or in ../images"
    files = {"json": file.piece} | ({"image": picture.piece} if picture else {})
    yield Document(name, "funsd", files, {"dataset": "funsd"}, {"stem": stem}, fault)


class FunsdPage:
    """One form, with its questions."""

    count = 1

    def __init__(self, document: Document, side: int):
        self.document = f"funsd:{document.about['stem']}"
        self._files, self._side = document.files, side

    def page(self, number: int) -> Page:
        pictures = Pictures(self._files["image"].read())
        try:
            form = json.loads(self._files["json"].read())["form"]
            words, members = form_words(form, pictures.size(number))
            answers = form_answers(form, members)
        except LeftOut:
            raise
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise LeftOut("JSON that is no form of FUNSD") from error
        questions = [
            Question(kind, instruction(kind, f"{self.document}/{number}"), answer)
            for kind, answer in answers.items()
            if answer.fields
        ]
        return Page(pictures.fitted(number, self._side), words, questions=questions)


def form_words(form: Sequence[dict], size: tuple[float, float]) -> tuple[Words, dict[Any, Numbers]]:
    """(the words, in the order of entities; by an entity's id, the numbers of its words)."""
    width, height = size
    texts, boxes, places, owners = [], [], [], []
    for entity in form:
        bottom = None
        for word in entity["words"]:
            x0, y0, x1, y1 = map(float, word["box"])
            if bottom is None or (y0 + y1) / 2 > bottom:  # an entity may have many lines
                line, bottom = len(places), y1
            texts.append(word["text"])
            boxes.append((x0 / width, y0 / height, x1 / width, y1 / height))
            places.append(line)
            owners.append(entity["id"])
    words = clean_words(texts, boxes, places, "ocr words")
    members: dict[Any, Numbers] = {entity["id"]: () for entity in form}
    for number, source in enumerate(words.kept):
        members[owners[source]] += (number,)
    return words, members


def form_answers(form: Sequence[dict], members: dict[Any, Numbers]) -> dict[str, FieldsAnswer]:
    """By the kind of question. A question that nothing is linked to is a field without value."""
    label_of = {entity["id"]: entity["label"] for entity in form}
    entities, fields = [], []
    for entity in form:
        words, label = members[entity["id"]], entity["label"]
        if words and label in ENTITIES:
            entities.append(Field((label,), words))
        if words and label == "question":
            linked = {end for link in entity["linking"] for end in link}
            ids = [one for one in label_of if one in linked and label_of[one] == "answer"]
            fields.append(Field(words, tuple(word for one in ids for word in members[one])))
    return {
        "entities": FieldsAnswer(tuple(entities)),
        "extraction": FieldsAnswer(tuple(fields)),
    }
