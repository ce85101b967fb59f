"""Two readers, where they differ, and what is final."""

import json

import pytest

from data_prep.agreement import command as agreement
from data_prep.annotate import command
from data_prep.annotate.sections import Sections
from tests.data_prep.annotate.conftest import Reader
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.xojl.record import parse_record


@pytest.fixture
def both(begin, raw, tmp_path):
    """`both()`: cy's work on what ana and bo read. In "hero", bo's heading is a paragraph, its text
    has no label, and the category is another; "note" they read alike."""
    for reader in ("ana", "bo"):
        reading = begin(reader)
        hero = Reader(reading, "hero")
        if reader == "bo":
            hero.do("label", 2, element="paragraph")
            hero.do("unlabel", 3)
            hero.do("category", category="cta")
        hero.do("finish")
        Reader(reading, "note").do("finish")
    opened = []

    def open_one():
        for one in opened:
            one.close()
        flags = [f"--records={raw}", f"--out={tmp_path / 'read'}", "--reader=cy"]
        options = command.parse_flags([*flags, "--adjudicate=ana,bo"])
        reading, said = command.adjudicate(options, Sections(raw))
        opened.append(reading)
        return reading, said

    yield open_one
    for one in opened:
        one.close()


def final(tmp_path, name):
    return parse_record((tmp_path / "read" / "final" / f"{name}.json").read_bytes())


def test_what_both_say_is_final_at_once(both, tmp_path):
    reading, said = both()
    assert reading.counts() == {"finished": 1, "open": 1}
    assert said.startswith("1 sections read alike are final now, 0 are read by one alone")
    record = final(tmp_path, "note")
    assert record.quality["agreement"] == 1
    assert record.extra["reading"]["readers"] == ["ana", "bo"]
    assert both()[1].startswith("0 sections read alike are final now")


def test_every_difference_is_decided_by_somebody(both, tmp_path):
    """One side's label, the other's, or a third one; nothing is final before that."""
    reader = Reader(both()[0], "hero")
    assert reader.told["undecided"] == [-1, 2, 3]
    assert reader.told["sides"]["bo"]["labels"][2] == "paragraph"
    with pytest.raises(BadUsage, match="differ in 3 places"):
        reader.do("finish")
    reader.do("category", category="cta")
    reader.do("accept", 2)
    assert reader.do("label", 3, element="list")["undecided"] == []
    reader.do("finish")
    record = final(tmp_path, "hero")
    assert record.category == "cta"
    assert {0, 2, 3} <= set(record.layout_nodes)
    assert "list" in record.used_elements
    # Five labels of ana's without the root, four of bo's, of which three are the same.
    assert record.quality["agreement"] == pytest.approx(2 * 3 / 9, abs=1e-4)
    assert record.extra["reading"]["adjudicator"] == "cy"


def test_differences_inside_a_decided_leaf_are_decided(both):
    reader = Reader(both()[0], "hero")
    reader.do("category", category="hero")
    assert reader.do("label", 1, element="image")["undecided"] == []


def test_a_reading_that_changes_afterwards_is_told(both, begin):
    """Protects what is final from being about labels that their reader has changed."""
    Reader(both()[0], "hero").do("accept", 2)
    bo = Reader(begin("bo"), "hero")
    bo.do("label", 3, element="paragraph")
    bo.do("finish")
    with pytest.raises(BadInput, match="read it again"):
        both()[0].show("hero")


def test_agreement_of_two_readers(both, tmp_path, capsys):
    """`data_prep.agreement` takes one reader's folder for labels made by hand."""
    read = tmp_path / "read"
    agreement.main(["--gold", str(read / "ana"), str(read / "bo"), "--json"])
    made = json.loads(capsys.readouterr().out)
    assert made["elements"]["heading"]["recall"] == 0.5
    assert made["elements"]["button"]["f1"] == 1
    assert ["heading", "paragraph", 1] in made["confusions"]
    agreement.main(["--gold", str(read / "ana"), str(read / "ana"), "--json"])
    assert json.loads(capsys.readouterr().out)["elements"]["leaves + advanced"]["f1"] == 1
