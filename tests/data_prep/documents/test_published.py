"""Published data sets, in tiny: each form as its makers write it."""

import io
import json
import tarfile

import numpy as np
import pytest
from PIL import Image

from data_prep.documents.command import main
from data_prep.documents.document import LocalFile
from data_prep.documents.ocr_words import clean_words, split_line
from data_prep.documents.page import LeftOut
from data_prep.documents.shards import find, idl_words, pdfa_words
from tests.data_prep.documents.made_pdf import make_pdf, text
from xojl_jax.documents.record import read_directory
from xojl_jax.errors import BadInput

PDFA = {
    "words": {
        "text": ["Hello", "world", "The", " "],
        "bbox": [[0.1, 0.1, 0.2, 0.1], [0.4, 0.1, 0.2, 0.1], [0.1, 0.3, 0.1, 0.1], [0, 0, 1, 1]],
        "score": [1.0, 0.5, 0.9, 1.0],
        "line_pos": [[0, 0], [0, 1], [1, 0], [1, 1]],
    },
    "lines": {
        "text": ["Hello world", "The"],
        "bbox": [],
        "score": [],
        "word_slice": [[0, 2], [2, 3]],
    },
    "images_bbox": [],
    "images_bbox_no_text_overlap": [],
}
IDL = {
    "text": ["one two", "three"],
    "bbox": [[0.1, 0.1, 0.7, 0.1], [0.1, 0.4, 0.5, 0.1]],
    "poly": [[], []],
    "score": [0.99, 0.5],
}
VOC = """<annotation><size><depth>3</depth><height>100</height><width>200</width></size>
<filename>PMC7_1_0.jpg</filename>
<object><bndbox><ymin>10</ymin><xmin>20</xmin><ymax>90</ymax><xmax>240</xmax></bndbox>
<name>table</name></object><object><name>table row</name>
<bndbox><xmin>20</xmin><ymin>10</ymin><xmax>100</xmax><ymax>30</ymax></bndbox></object>
</annotation>"""
TABLE_WORDS = [
    {
        "bbox": [20, 10, 60, 30],
        "text": "a",
        "block_num": 0,
        "line_num": 0,
        "span_num": 0,
        "flags": 0,
    },
    {
        "bbox": [80, 10, 100, 30],
        "text": "b",
        "block_num": 0,
        "line_num": 0,
        "span_num": 1,
        "flags": 0,
    },
    {
        "bbox": [20, 50, 60, 60],
        "text": "c",
        "block_num": 0,
        "line_num": 1,
        "span_num": 2,
        "flags": 0,
    },
]
COCO = {
    "categories": [{"id": 0, "name": "text"}, {"id": 3, "name": "table"}],
    "images": [
        {"id": 5, "file_name": "PMC7_00001.jpg", "width": 200, "height": 100},
        {"id": 6, "file_name": "PMC8_00001.jpg", "width": 200, "height": 100},
    ],
    "annotations": [
        {"image_id": 5, "category_id": 3, "bbox": [20, 10, 100, 50], "segmentation": []},
        {"image_id": 5, "category_id": 0, "bbox": [20, 70, 300, 20], "segmentation": []},
    ],
}


def picture(kind: str, *others: Image.Image) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 255, (100, 200), np.uint8)
    file = io.BytesIO()
    more = {"save_all": True, "append_images": others} if others else {}
    Image.fromarray(pixels).save(file, kind, **more)
    return file.getvalue()


def write_shard(path, files: dict[str, bytes]) -> None:
    with tarfile.open(path, "w") as shard:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            shard.addfile(member, io.BytesIO(data))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(records by dataset, documents by uri) of one run over all of them."""
    folder = tmp_path_factory.mktemp("published")
    source = folder / "in"
    for name in ("pubtables/train", "pubtables/images", "pubtables/words", "coco/val"):
        (source / name).mkdir(parents=True)
    pdf = make_pdf(text(20, 80, "Hello world"), text(20, 80, "Not told"))
    write_shard(
        source / "pdfa-eng-train-0000.tar",
        {
            "0000001.pdf": pdf,
            "0000001.json": json.dumps({"pages": [PDFA]}).encode(),
            "0000002.json": json.dumps({"pages": [PDFA]}).encode(),
        },
    )
    scan = Image.new("1", (1700, 2200))
    write_shard(
        source / "idl-train-00000.tar",
        {
            "fzgj0227.json": json.dumps({"pages": [IDL, IDL | {"bbox": [[0, 0]]}]}).encode(),
            "fzgj0227.ocr": b"\xef\xbb\xbfone two\r\nthree\r\n",
            "fzgj0227.tif": picture("TIFF", scan),
        },
    )
    (source / "pubtables/train/PMC7_1_0.xml").write_text(VOC, encoding="utf-8")
    (source / "pubtables/images/PMC7_1_0.jpg").write_bytes(picture("JPEG"))
    words = json.dumps(TABLE_WORDS)
    (source / "pubtables/words/PMC7_1_0_words.json").write_text(words, encoding="utf-8")
    (source / "coco/val.json").write_text(json.dumps(COCO), encoding="utf-8")
    (source / "coco/val/PMC7_00001.jpg").write_bytes(picture("JPEG"))
    arguments = [str(source), str(source / "coco/val.json"), "--out", str(folder / "out")]
    assert main([*arguments, "--workers", "1"]) == 0
    records: dict[str, list] = {}
    for where, record in read_directory(folder / "out"):
        assert not isinstance(record, BadInput), where
        records.setdefault(record.source["dataset"], []).append(record)
    lines = (folder / "out/documents.jsonl").read_text(encoding="utf-8").splitlines()
    return records, {line["uri"]: line for line in map(json.loads, lines)}


def test_pdfa_shards(made):
    """Protects PDFA: the published words, PDFium's picture, one document per PDF."""
    records, documents = made
    (record,) = records["pdfa"]
    assert record.words == ("Hello", "world", "The")
    assert record.lines == ((0, 2), (2, 3))
    assert record.boxes[0].tolist() == pytest.approx([0.1, 0.1, 0.3, 0.2])
    assert record.scores == (1, 0.5, 0.9)
    assert record.words_from == "ocr words"
    assert record.document.startswith("sha256:")
    assert record.source["uri"] == "in/pdfa-eng-train-0000.tar/0000001"
    assert documents[record.source["uri"]]["left_out"] == {
        "no OCR of this page in the JSON": {"pages": 1, "first": 1}
    }
    orphan = documents["in/pdfa-eng-train-0000.tar/0000002"]
    assert orphan["failed"] == "no PDF of this name in the shard"


def test_idl_shards(made):
    """Protects IDL: pages of a TIFF, and lines whose words share the line's box by letters."""
    records, documents = made
    (record,) = records["idl"]
    assert (record.document, record.page, record.pages) == ("idl:fzgj0227", 0, 2)
    assert record.image_size == (200, 100)
    assert record.words == ("one", "two", "three")
    assert record.lines == ((0, 2), (2, 3))
    assert record.words_from == "ocr lines"
    assert record.boxes[:2].tolist() == pytest.approx(
        np.array([[0.1, 0.1, 0.4, 0.2], [0.5, 0.1, 0.8, 0.2]])
    )
    reasons = documents[record.source["uri"]]["left_out"]
    assert reasons == {"lines and boxes that are not parallel": {"pages": 1, "first": 1}}


def test_pubtables(made):
    """Protects PubTables-1M: tags in any order, corners in px, articles that stay together."""
    (record,) = made[0]["pubtables-1m"]
    assert record.words == ("a", "b", "c")
    assert record.lines == ((0, 2), (2, 3))
    assert record.boxes[0].tolist() == pytest.approx([0.1, 0.1, 0.3, 0.3])
    assert [(region.label, region.box) for region in record.regions] == [
        ("table", (0.1, 0.1, 1.0, 0.9)),
        ("table row", (0.1, 0.1, 0.5, 0.3)),
    ]
    assert record.split_group() == "PMC7"


def test_publaynet(made):
    """Protects PubLayNet: categories by name, boxes cut at the edge, a missing picture told."""
    records, documents = made
    (record,) = records["publaynet"]
    assert [(region.label, region.box) for region in record.regions] == [
        ("table", (0.1, 0.1, 0.6, 0.6)),
        ("text", (0.1, 0.7, 1.0, 0.9)),
    ]
    assert record.split_group() == "PMC7"
    assert not record.words
    assert documents["val.json/PMC8_00001.jpg"]["failed"].startswith("no picture in val/")


def test_words_of_any_kind_are_cleaned():
    """Protects records from OCR: halves of characters, empty words, boxes beyond the page."""
    boxes = [(0.1, 0, 0.2, 0.1), (0, 0, 1, 1), (0.9, 0, 1.05, 0.1), (2, 0, 3, 1), (0.5, 0, 0.4, 1)]
    words = clean_words(
        ["a\ud800", " ", "b", "c", "d"], boxes, [0, 0, 0, 1, 1], "ocr words", [99] * 5
    )
    assert words.texts == ["a\ufffd", "b"]
    assert words.boxes.tolist() == [[0.1, 0, 0.2, 0.1], [0.9, 0, 1, 0.1]]
    assert words.lines == [(0, 2)]
    assert words.scores == [0.99, 0.99]
    assert np.allclose(split_line("a  bb", (0, 0, 1, 1))[1], [(0, 0, 0.2, 1), (0.6, 0, 1, 1)])


def test_broken_annotations_have_a_reason():
    """Protects a run from one bad sample: no exception but those that are counted."""
    assert not pdfa_words({}).texts
    assert not pdfa_words({"words": None}).texts
    with pytest.raises(LeftOut, match="not parallel"):
        pdfa_words({"words": {"text": ["a"], "bbox": []}})
    with pytest.raises(LeftOut, match="not numbers"):
        idl_words({"text": ["a"], "bbox": [["x", 0, 1, 1]]})
    slices = PDFA | {"words": PDFA["words"] | {"line_pos": []}}
    assert pdfa_words(slices).lines == [(0, 2), (2, 3)]


def test_a_shard_that_was_cut_gives_what_is_whole(tmp_path):
    """Protects a download that ended early: its samples are read, and the cut is told."""
    write_shard(tmp_path / "a.tar", {"1.json": b"{}", "1.pdf": b"%PDF", "2.json": b"{}" * 2000})
    data = (tmp_path / "a.tar").read_bytes()
    (tmp_path / "a.tar").write_bytes(data[:2100] + b"x" * 700)
    found = list(find(LocalFile(tmp_path / "a.tar"), "a.tar"))
    assert [document.uri for document in found] == ["a.tar/1", "a.tar/"]
    assert found[0].files["pdf"].read() == b"%PDF"
    assert found[1].fault.startswith("a broken shard")
