"""Questions made of what records hold, each against one made by hand."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from data_prep.build import command as build
from data_prep.build.files import write_part
from data_prep.build.questions import ASKS
from data_prep.build.records import Job, places, sift
from data_prep.build.tables import table_of
from xojl_jax.data.shards import ShardSource
from xojl_jax.documents.answers import (
    KINDS,
    Cell,
    Question,
    RegionsAnswer,
    TextAnswer,
    WordsAnswer,
    table_grid,
)
from xojl_jax.documents.instructions import INSTRUCTIONS, instruction
from xojl_jax.documents.json_fields import Region
from xojl_jax.documents.record import DocumentRecord, parse_record, record_to_json
from xojl_jax.errors import BadUsage

# Two rows of three columns below a row that spans two, words in and around them.
ROWS = [Region("table row", (0.1, y, 0.9, y + 0.2)) for y in (0.5, 0.1, 0.3)]
COLUMNS = [Region("table column", (x, 0.1, x + 0.3, 0.7)) for x in (0.4, 0.1, 0.7)]
SPAN = Region("table spanning cell", (0.1, 0.12, 0.69, 0.29))
HEADER = Region("table column header", (0.1, 0.1, 0.9, 0.3))
TABLE = [Region("table", (0.1, 0.1, 0.9, 0.7)), HEADER, *COLUMNS, SPAN, *ROWS]


def page(**fields) -> DocumentRecord:
    known = {"id": "a", "document": "d", "image": "a.png", "image_size": (20, 30)}
    return DocumentRecord(**(known | fields))


def boxes_at(*middles: tuple[float, float]) -> np.ndarray:
    return np.array([(x - 0.02, y - 0.02, x + 0.02, y + 0.02) for x, y in middles], np.float32)


def asked(kind: str, **fields) -> list[Question]:
    """The questions of this kind of a page, as they come back from its JSON."""
    record = ASKS[kind](page(**fields))
    return list(parse_record(record_to_json(record)).questions)


def test_a_table_of_marked_rows_and_columns():
    """Protects tables: rows in order whatever the file's, spans, headers, and words by their
    middle; a caption above the table is not in it."""
    boxes = boxes_at((0.5, 0.05), (0.3, 0.2), (0.8, 0.2), (0.2, 0.4), (0.5, 0.6), (0.25, 0.42))
    table = table_of(TABLE, boxes)
    assert table is not None
    assert table.rows == (
        (Cell((1,), 1, 2, header=True), Cell((2,), header=True)),
        (Cell((3, 5)), Cell(()), Cell(())),
        (Cell(()), Cell((4,)), Cell(())),
    )
    assert table_grid(table).tolist() == [[0, 0, 1], [2, 3, 4], [5, 6, 7]]
    # A cell may take a whole row, or begin in a row above.
    high = [Region("table spanning cell", (0.1, 0.1, 0.95, 0.55)), *ROWS, *COLUMNS]
    found = table_of(high, boxes[:0])
    assert found is not None and found.rows[0] == (Cell((), 2, 3),) and found.rows[1] == ()
    assert table_grid(found).shape == (3, 3)


def test_spans_that_overlap_do_not_break_a_table():
    """Protects a build from marks that contradict each other: the first counts."""
    across = Region("table projected row header", (0.1, 0.1, 1.0, 0.3))
    table = table_of([*TABLE, across], boxes_at())
    assert table is not None and table.rows[0][0].columns == 2
    assert table_grid(table).shape == (3, 3)
    assert table_of(COLUMNS, boxes_at()) is None


def test_layout_comes_from_regions():
    """Protects layouts: from the top down; none of a table's crop, nor of a page without marks."""
    regions = (Region("text", (0.1, 0.6, 0.9, 0.8)), Region("title", (0.1, 0.1, 0.9, 0.2)))
    (question,) = asked("layout", regions=regions)
    assert question.answer == RegionsAnswer((regions[1], regions[0]))
    assert not asked("layout", regions=tuple(TABLE))
    assert not asked("layout")


def test_texts_are_answers():
    """Protects honest answers: a class is never copied from the page, a title is asked for only
    where it is on the page, and a summary describes better than a title."""
    words = {"words": ("An", "Annual", "report"), "boxes": np.zeros((3, 4), np.float32)}
    texts = {"class": "report", "title": "annual report", "summary": "What happened."}
    (question,) = asked("classification", texts=texts, **words)
    assert question.answer == TextAnswer(("report",))
    (question,) = asked("question", texts=texts, **words)
    assert question.answer == TextAnswer((1, 2))
    assert question.prompt in INSTRUCTIONS["title"]
    assert not asked("question", texts={"title": "another report"}, **words)
    (question,) = asked("description", texts=texts, **words)
    assert question.answer == TextAnswer(("What", "happened."))
    (question,) = asked("description", texts={"title": "annual report", "summary": " "}, **words)
    assert question.answer == TextAnswer((1, 2))
    for kind in ("classification", "question", "description"):
        assert not asked(kind, **words)


def test_reading_asks_for_what_is_in_the_box():
    """Protects readings: the box encloses one line, and each word whose middle is in it, of
    another line too, is in the answer."""
    boxes = boxes_at((0.2, 0.2), (0.6, 0.2), (0.4, 0.2))
    words = {"words": ("a", "b", "c"), "boxes": boxes}
    (question,) = asked("reading", lines=((0, 2),), **words)
    assert question.answer == WordsAnswer((0, 1, 2))
    assert question.box == pytest.approx((0.18, 0.18, 0.62, 0.22), abs=1e-4)
    drawn = {asked("reading", id=str(i), lines=((0, 2), (2, 3)), **words)[0].box for i in range(20)}
    assert len(drawn) == 2
    assert not asked("reading", **words)


def test_questions_that_are_there_are_kept():
    """Protects questions of people: a kind that a record has is not asked again."""
    mine = Question("classification", "Mine?", TextAnswer(("yes",)))
    record = page(texts={"class": "letter", "title": "b"}, questions=(mine,))
    assert ASKS["classification"](record).questions == (mine,)
    assert [q.kind for q in ASKS["description"](record).questions] == [mine.kind, "description"]


def test_wordings_are_drawn_evenly_and_always_alike():
    """Protects equal builds, and every wording from being left out."""
    assert set(KINDS) <= {*INSTRUCTIONS, "question"}
    for name, wordings in INSTRUCTIONS.items():
        counts = Counter(instruction(name, str(i)) for i in range(200))
        assert set(counts) == set(wordings) and min(counts.values()) > 25
    # A change here changes the data sets of everybody.
    drawn = [INSTRUCTIONS["layout"].index(instruction("layout", str(i))) for i in range(3)]
    assert drawn == [2, 3, 0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Six pages of a class each."""
    out = tmp_path_factory.mktemp("pages")
    lines = []
    for i in range(6):
        Image.new("L", (20, 30), 20 * i).save(out / f"{i}.png")
        record = page(id=str(i), document=str(i), image=f"{i}.png", texts={"class": "letter"})
        lines.append(record_to_json(record) + "\n")
    (out / "records.jsonl").write_text("".join(lines))
    return out


def test_a_build_asks_and_counts(folder, tmp_path):
    """Protects `--ask`: questions are in the shards, in the sizes and in the card, whatever the
    order of kinds."""
    words = ["--records", str(folder), "--workers", "1", "--pieces", "300", "--splits", "60,20,20"]
    for name, kinds in (("one", "layout,classification"), ("two", "classification,layout")):
        build.main([*words, "--out", str(tmp_path / name), "--ask", kinds])
    source = ShardSource(tmp_path / "one", "train")
    (question,) = parse_record(source[0].record).questions
    assert question.answer == TextAnswer(("letter",))
    assert set(source.info.sizes["questions"]) == {1}
    cards = [json.loads((tmp_path / name / "card.json").read_text()) for name in ("one", "two")]
    assert sum(cards[0]["questions"]["classification"].values()) == 6
    assert cards[0]["hash"] == cards[1]["hash"]


def test_parts_without_questions_are_not_gone_on_with(folder, tmp_path):
    """Protects a build that was stopped and is started again with `--ask`."""
    job = Job((str(folder),), str(tmp_path / "out"), kind="documents")
    job.building.mkdir()
    candidates = [sift(place, job) for place in places(str(folder))]
    for ask, wanted in (((), 0), (("classification",), 1), ((), 0)):
        part = write_part(("train", 0), candidates, replace(job, ask=ask))
        assert set(part.shard.sizes["questions"]) == {wanted}


def test_what_cannot_be_asked_is_refused(folder, tmp_path):
    """Protects from a build without the questions that were wanted."""
    words = ["--records", str(folder), "--out", str(tmp_path / "out")]
    with pytest.raises(BadUsage, match="--ask extraction: documents can be asked classification,"):
        build.main([*words, "--ask", "extraction"])
    layouts = tmp_path / "layouts"
    layouts.mkdir()
    (layouts / "records.jsonl").write_text('{"id": "1", "screenshot": "", "html": {}}\n')
    with pytest.raises(BadUsage, match="layouts can be asked nothing"):
        build.main(["--records", str(layouts), "--out", str(tmp_path / "out"), "--ask", "table"])
