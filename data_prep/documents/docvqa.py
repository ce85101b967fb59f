"""DocVQA: a JSON file of questions about pages (`val_v1.0.json`), pictures in `documents/`, words
in `ocr_results/` as Microsoft's OCR gives them. https://www.docvqa.org
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from data_prep.documents.document import Document, SourceFile
from data_prep.documents.ocr_words import as_unicode, clean_words
from data_prep.documents.page import LeftOut, Page, Words
from data_prep.documents.pictures import Pictures
from xojl_jax.documents.answers import Question, TextAnswer, find_words
from xojl_jax.errors import BadInput

# Where pictures and words are, beside the questions: of the first release, and of today's archives.
_PICTURES = ("documents", "spdocvqa_images", "../spdocvqa_images")
_WORDS = ("ocr_results", "spdocvqa_ocr", "../spdocvqa_ocr")

# What JSON of another form than expected raises.
_BROKEN = (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError)


def find(content: Any, file: SourceFile, name: str) -> Iterator[Document]:
    """The pages that are asked about, in the order of their first questions."""
    for file_name, (site, asked) in _pages(content, name).items():
        stem = Path(file_name).stem
        others = {
            "image": file.beside(*(f"{folder}/{file_name}" for folder in _PICTURES)),
            "words": file.beside(*(f"{folder}/{stem}.json" for folder in _WORDS)),
        }
        files = {kind: other.piece for kind, other in others.items() if other}
        fault = "" if "image" in files else f"no picture in {' or '.join(_PICTURES)}"
        source = {"dataset": "docvqa"} | ({"site": site} if site else {})
        about = {"stem": stem, "asked": asked}
        yield Document(f"{name}/{file_name}", "docvqa", files, source, about, fault)


def _pages(content: Any, name: str) -> dict[str, tuple[str, list[tuple[str, list[str]]]]]:
    """By picture: the document that it is of, and (question, its answers)."""
    pages: dict[str, tuple[str, list[tuple[str, list[str]]]]] = {}
    try:
        for entry in content["data"]:
            picture = Path(entry["image"]).name  # never out of the folder
            site = str(entry.get("ucsf_document_id") or "")
            _, asked = pages.setdefault(picture, (site, []))
            answers = [as_unicode(answer) for answer in entry.get("answers") or ()]
            asked.append((as_unicode(entry["question"]), answers))
    except (KeyError, TypeError, AttributeError) as error:
        what = " ".join(str(error).split())[:80]
        raise BadInput(
            f"{name} is no file of DocVQA, whose data have image, question and answers ({what})"
        ) from error
    return pages


class DocVqaPage:
    """One page, with its questions."""

    count = 1

    def __init__(self, document: Document, side: int):
        self.document = f"docvqa:{document.about['stem']}"
        self._about, self._files, self._side = document.about, document.files, side

    def page(self, number: int) -> Page:
        pictures = Pictures(self._files["image"].read())
        words = Words()
        if "words" in self._files:
            try:
                (result, *_) = json.loads(self._files["words"].read())["recognitionResults"]
                words = ocr_words(result)
            except LeftOut:
                raise
            except _BROKEN as error:
                raise LeftOut("broken JSON of words") from error
        questions = [
            ask(prompt, answers, words.texts) for prompt, answers in self._about["asked"] if prompt
        ]
        return Page(pictures.fitted(number, self._side), words, questions=questions)


def ocr_words(result: dict) -> Words:
    """The words of a page as Microsoft's OCR gives them: corners in px of its width and height."""
    sides = [float(result["width"]), float(result["height"])] * 4
    texts, boxes, places = [], [], []
    for number, line in enumerate(result["lines"]):
        for word in line["words"]:
            corners = [float(c) / side for c, side in zip(word["boundingBox"], sides, strict=True)]
            xs, ys = corners[::2], corners[1::2]
            texts.append(word["text"])
            boxes.append((min(xs), min(ys), max(xs), max(ys)))
            places.append(number)
    return clean_words(texts, boxes, places, "ocr words")


def ask(prompt: str, answers: Sequence[str], page: Sequence[str]) -> Question:
    """A question with the answers that count as right, each once. First comes the first one that is
    on the page, where it is there first; else the first one, in words of its own. None without one,
    as in the test split."""
    found = dict.fromkeys(find_words(answer, page) for answer in answers if answer.split())
    on_page = [words for words in found if all(isinstance(word, int) for word in words)]
    first = [TextAnswer(words) for words in (on_page or list(found))[:1]]
    others = tuple(TextAnswer(words) for words in found if TextAnswer(words) not in first)
    return Question("question", prompt, *first, also=others)
