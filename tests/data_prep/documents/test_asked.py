"""Published data sets with questions, in tiny: each form as its makers write it."""

import io
import json

import pytest
from PIL import Image

from data_prep.documents.command import main
from data_prep.documents.document import LocalFile
from data_prep.documents.docvqa import DocVqaPage, ask
from data_prep.documents.funsd import FunsdPage
from data_prep.documents.json_files import find
from data_prep.documents.page import LeftOut
from xojl_jax.documents.answers import Field, FieldsAnswer, Question, TextAnswer
from xojl_jax.documents.instructions import INSTRUCTIONS
from xojl_jax.documents.record import read_directory
from xojl_jax.errors import BadInput


def entity(number: int, label: str, linking: list, *words: tuple[str, list[int]]) -> dict:
    return {
        "box": words[0][1],
        "text": " ".join(text for text, _ in words),
        "label": label,
        "words": [{"box": box, "text": text} for text, box in words],
        "linking": linking,
        "id": number,
    }


FORM = {
    "form": [
        entity(0, "question", [[0, 2], [0, 4]], ("", [0, 0, 5, 5]), ("TO:", [20, 10, 40, 20])),
        entity(1, "header", [[1, 0]], ("Fax", [20, 0, 40, 8]), ("sheet", [42, 0, 60, 8])),
        entity(4, "answer", [[0, 4]], ("Virginia", [50, 25, 90, 35])),
        entity(2, "answer", [[0, 2]], ("Ms.", [50, 10, 60, 20]), ("Lee", [50, 22, 70, 32])),
        entity(3, "question", [], ("DATE:", [20, 40, 40, 50])),
        entity(5, "other", [], ("82092117", [150, 90, 190, 99])),
        entity(6, "answer", [], (" ", [20, 60, 40, 70])),
    ]
}
OCR = {
    "status": "Succeeded",
    "recognitionResults": [
        {
            "page": 1,
            "clockwiseOrientation": 0.1,
            "width": 400,
            "height": 200,
            "unit": "pixel",
            "lines": [
                {
                    "boundingBox": [40, 20, 160, 20, 160, 40, 40, 40],
                    "text": "Annual report",
                    "words": [
                        {"boundingBox": [42, 20, 80, 22, 80, 40, 40, 38], "text": "Annual"},
                        {
                            "boundingBox": [90, 20, 160, 20, 160, 40, 90, 40],
                            "text": "report",
                            "confidence": "Low",
                        },
                    ],
                },
                {
                    "boundingBox": [40, 60, 80, 60, 80, 80, 40, 80],
                    "text": "1998",
                    "words": [{"boundingBox": [40, 60, 80, 60, 80, 80, 40, 80], "text": "1998"}],
                },
            ],
        }
    ],
}


def asked(number: int, question: str, image: str, answers: list[str] | None) -> dict:
    fields = {
        "questionId": number,
        "question": question,
        "question_types": ["layout"],
        "image": f"documents/{image}",
        "docId": 279,
        "ucsf_document_id": image.partition("_")[0],
        "ucsf_document_page_no": "1",
        "data_split": "val",
    }
    return fields if answers is None else fields | {"answers": answers}


DOCVQA = {
    "dataset_name": "docvqa",
    "dataset_version": "1.0",
    "dataset_split": "val",
    "data": [
        asked(1, "Which year?", "xnbl0037_1.png", ["nineteen", "1998"]),
        asked(2, "Who?", "gone0001_2.png", ["x"]),
        asked(3, "What report?", "xnbl0037_1.png", ["The yearly one", "all"]),
        asked(4, "Where?", "xnbl0037_1.png", None),
    ],
}

BAD_LINES = [{"words": [{"boundingBox": [0] * 8, "text": "a"}]}]


def png() -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").resize((200, 100)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(record by data set, documents by uri) of one run over a form and a file of questions."""
    folder = tmp_path_factory.mktemp("asked")
    for name in ("funsd/annotations", "funsd/images", "val/documents", "val/ocr_results"):
        (folder / name).mkdir(parents=True)
    files = [folder / "funsd/annotations/82092117.json", folder / "val/val_v1.0.json"]
    for path, content in zip(files, (FORM, DOCVQA), strict=True):
        path.write_text(json.dumps(content), encoding="utf-8")
    (folder / "funsd/images/82092117.png").write_bytes(png())
    (folder / "val/documents/xnbl0037_1.png").write_bytes(png())
    (folder / "val/ocr_results/xnbl0037_1.json").write_text(json.dumps(OCR), encoding="utf-8")
    broken = folder / "broken.json"
    broken.write_text("{", encoding="utf-8")
    sources = map(str, [*files, broken])
    assert main([*sources, "--out", str(folder / "out"), "--workers", "1"]) == 0
    records = {}
    for where, record in read_directory(folder / "out"):
        assert not isinstance(record, BadInput), where
        records[record.source["dataset"]] = record
    lines = (folder / "out/documents.jsonl").read_text(encoding="utf-8").splitlines()
    return records, {line["uri"]: line for line in map(json.loads, lines)}


def test_a_form_of_funsd(made):
    """Protects FUNSD: words by entity, an empty one dropped, lines within an entity, fields by
    links in the order of the file, and a question without answer as a field without value."""
    record = made[0]["funsd"]
    words = ("TO:", "Fax", "sheet", "Virginia", "Ms.", "Lee", "DATE:", "82092117")
    assert record.words == words
    assert record.boxes[0].tolist() == pytest.approx([0.1, 0.1, 0.2, 0.2])
    assert record.lines == ((0, 1), (1, 3), (3, 4), (4, 5), (5, 6), (6, 7), (7, 8))
    entities, extraction = record.questions
    assert (entities.kind, extraction.kind) == ("entities", "extraction")
    assert entities.prompt in INSTRUCTIONS["entities"]
    assert extraction.prompt in INSTRUCTIONS["extraction"]
    assert extraction.answer == FieldsAnswer((Field((0,), (3, 4, 5)), Field((6,), ())))
    labels = ["question", "header", "answer", "answer", "question"]
    values = [(0,), (1, 2), (3,), (4, 5), (6,)]
    assert entities.answer == FieldsAnswer(
        tuple(Field((label,), value) for label, value in zip(labels, values, strict=True))
    )


def test_questions_of_docvqa(made):
    """Protects DocVQA: one page of all questions about it, an answer as words of the page where one
    of the answers is there, the others beside it, and none in a split without answers."""
    records, documents = made
    record = records["docvqa"]
    assert record.words == ("Annual", "report", "1998")
    assert record.boxes[0].tolist() == pytest.approx([0.1, 0.1, 0.2, 0.2])
    assert record.lines == ((0, 2), (2, 3))
    assert (record.id, record.split_group()) == ("docvqa:xnbl0037_1/0", "xnbl0037")
    nineteen, yearly = TextAnswer(("nineteen",)), TextAnswer(("The", "yearly", "one"))
    assert record.questions == (
        Question("question", "Which year?", TextAnswer((2,)), also=(nineteen,)),
        Question("question", "What report?", yearly, also=(TextAnswer(("all",)),)),
        Question("question", "Where?"),
    )
    assert documents["val_v1.0.json/gone0001_2.png"]["failed"].startswith("no picture in documents")
    assert documents["broken.json/"]["failed"].startswith("broken.json is no JSON file")


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ({"form": [{"id": 0, "label": "question"}]}, "JSON that is no form of FUNSD"),
        ({"form": [entity(0, "question", [3], ("a", [0, 0, 9, 9]))]}, "no form of FUNSD"),
        ({"form": 3}, "no form of FUNSD"),
    ],
)
def test_a_broken_form_has_a_reason(tmp_path, form, reason):
    """Protects a run from one bad sample: no exception but those that are counted."""
    (tmp_path / "a.json").write_text(json.dumps(form), encoding="utf-8")
    (tmp_path / "a.png").write_bytes(png())
    (document,) = find(LocalFile(tmp_path / "a.json"), "a.json")
    with pytest.raises(LeftOut, match=reason):
        FunsdPage(document, 100).page(0)


@pytest.mark.parametrize("result", [[], [{"width": 0, "height": 1, "lines": BAD_LINES}], [3]])
def test_broken_words_of_docvqa_have_a_reason(tmp_path, result):
    """The same, of OCR without pages, without a size, and of another form."""
    for name in ("documents", "ocr_results"):
        (tmp_path / name).mkdir()
    (tmp_path / "val.json").write_text(json.dumps(DOCVQA), encoding="utf-8")
    (tmp_path / "documents/xnbl0037_1.png").write_bytes(png())
    words = json.dumps({"recognitionResults": result})
    (tmp_path / "ocr_results/xnbl0037_1.json").write_text(words, encoding="utf-8")
    document, _ = find(LocalFile(tmp_path / "val.json"), "val.json")
    with pytest.raises(LeftOut, match="broken JSON of words"):
        DocVqaPage(document, 100).page(0)


def test_a_file_of_questions_that_is_none_is_told(tmp_path):
    """Protects from a data set of the same key that is none of DocVQA's."""
    (tmp_path / "a.json").write_text('{"data": [{"question": "Who?"}]}', encoding="utf-8")
    with pytest.raises(BadInput, match=r"a\.json is no file of DocVQA"):
        list(find(LocalFile(tmp_path / "a.json"), "a.json"))
    assert ask("?", [" ", ""], ["a"]) == Question("question", "?")
    assert ask("?", ["x", "A", "a", "b", "x"], ["a"]).accepted == (
        TextAnswer((0,)),
        TextAnswer(("x",)),
        TextAnswer(("b",)),
    )
