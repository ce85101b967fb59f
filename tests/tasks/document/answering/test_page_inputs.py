"""Pages, words and questions from files and from requests: read alike, or refused in one line."""

import argparse
import io
import json

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.data_prep.documents.made_pdf import make_pdf, text
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.tasks.base import Limits
from xojl_jax.tasks.document.answering.inference import AnswerInference
from xojl_jax.tasks.document.answering.page_inputs import from_values, read_words


def picture(kind: str = "PNG") -> bytes:
    image = Image.new("RGB", (200, 100), "white")
    ImageDraw.Draw(image).rectangle((20, 20, 60, 30), fill="black")
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


IMAGE = np.zeros((100, 200, 3), np.uint8)


@pytest.mark.parametrize(
    "ocr",
    [
        {"words": ["Total:", "12.50"], "boxes": [[20, 20, 60, 30], [70, 20, 110, 30]]},
        {"words": ["Total:", "12.50"], "boxes": [[0.1, 0.2, 0.3, 0.3], [0.35, 0.2, 0.55, 0.3]]},
        [{"text": "Total:", "bbox": [20, 20, 60, 30]}, {"text": "12.50", "box": [70, 20, 110, 30]}],
    ],
)
def test_words_of_an_ocr_come_in_pixels_or_shares(ocr):
    """Protects people with an OCR of their own: the same words lie in the same places."""
    words, boxes = read_words(ocr, IMAGE, "page")
    assert words == ("Total:", "12.50")
    np.testing.assert_allclose(boxes, [[0.1, 0.2, 0.3, 0.3], [0.35, 0.2, 0.55, 0.3]], atol=1e-6)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"prompt": "What?"}, "page is missing"),
        ({"page": b"no picture", "prompt": "What?"}, "neither a PDF nor a picture"),
        ({"page": picture()}, "a prompt is a text"),
        ({"page": picture(), "prompt": "What?", "color": 1}, "no field 'color'"),
        ({"page": picture(), "prompt": "What?", "box": [0, 0, 2, 1]}, "in [0, 1] of the page"),
        ({"page": picture(), "prompt": "What?", "page_number": 2}, "which has one page"),
        ({"page": picture(), "prompt": "What?", "page_number": 0}, "from 1"),
        ({"page": picture(), "prompt": "What?", "ocr": 3}, "an object with words and boxes"),
        ({"page": picture(), "prompt": "What?", "ocr": {"words": ["a"]}}, "boxes"),
        (
            {"page": picture(), "prompt": "What?", "ocr": {"words": ["a"], "boxes": [[1, 2]]}},
            "four numbers",
        ),
        ({"page": b"%PDF-1.4 but no more", "prompt": "What?"}, "no page 1"),
    ],
)
def test_what_is_wrong_with_a_request_is_said(values, said):
    """Protects the service and its users from anything that is sent."""
    with pytest.raises(BadInput) as error:
        from_values(values, "section", Limits())
    assert said in str(error.value)


def test_a_page_of_a_pdf_brings_its_words():
    """Protects `--page=invoice.pdf`: picture, words and boxes are those of the page asked for."""
    pytest.importorskip("pypdfium2")
    content = make_pdf(text(10, 50, "Another page"), text(10, 50, "Total 12.50"), "")
    asked = {"page": content, "prompt": "What is the total?", "picture": True}
    inputs = from_values({**asked, "page_number": 2}, "section", Limits())
    assert inputs.words == ("Total", "12.50") and inputs.wants_picture
    assert (inputs.boxes[:, :2] < inputs.boxes[:, 2:]).all()
    for blank_or_missing in (3, 4):
        with pytest.raises(BadInput, match=f"no page {blank_or_missing}"):
            from_values({**asked, "page_number": blank_or_missing}, "section", Limits())


def parse(*argv: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for name in ("--sample", "--records"):
        parser.add_argument(name)
    AnswerInference.add_arguments(parser, "predict")
    flags = parser.parse_args(argv)
    AnswerInference.check_arguments(flags, "predict")
    return flags


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "give one of --page"),
        (["--page=a.png", "--sample=1"], "give one of --page"),
        (["--page=a.png"], "--prompt is missing"),
        (["--sample=1", "--prompt=What?"], "leave --prompt away"),
        (["--page=a.pdf", "--prompt=What?", "--page-number=0"], "pages count from 1"),
        (["--page=a.pdf", "--prompt=What?", "--beam=0"], "choose 1 or more"),
    ],
)
def test_flags_that_contradict_are_refused(argv, said):
    """Protects people from an answer to another question."""
    with pytest.raises(BadUsage, match=said):
        parse(*argv)


def test_flags_and_values_are_the_same_question(tmp_path):
    """Protects the two ways in: a file and its words, and a request with both."""
    (tmp_path / "page.png").write_bytes(picture())
    ocr = {"words": ["Total:"], "boxes": [[20, 20, 60, 30]]}
    (tmp_path / "words.json").write_text(json.dumps(ocr))
    flags = parse(
        f"--page={tmp_path / 'page.png'}", f"--ocr={tmp_path / 'words.json'}",
        "--prompt=What is here?", "--box=0.1,0.2",
    )  # fmt: skip
    read = AnswerInference.read_inputs(flags)
    values = {"page": picture(), "ocr": ocr, "prompt": "What is here?", "box": [0.1, 0.2]}
    made = from_values(values, "section", Limits())
    assert read.question == made.question and read.question.box == (0.1, 0.2, 0.1, 0.2)
    assert read.words == made.words
    np.testing.assert_array_equal(read.image, made.image)
    np.testing.assert_array_equal(read.boxes, made.boxes)
