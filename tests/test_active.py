"""What to read next: worth, distance, and the list that comes of them."""

import json
from collections import Counter

import numpy as np
import pytest

from xojl_jax import active
from xojl_jax.errors import BadUsage


def test_doubt_and_contradiction_make_a_record_worth_reading():
    """Protects the worth: the mean of both, doubt alone without a label, all doubt without a node,
    and both views of an answer in two."""
    assert active.worth({"confidence": [0.9, 0.7]}) == {
        "worth": 0.2,
        "unsure": 0.2,
        "disagreement": None,
    }
    contradicted = {"confidence": [0.9, 0.7], "label_agreement": 0.4}
    assert active.worth(contradicted)["worth"] == pytest.approx(0.4)
    assert active.worth({"confidence": []})["worth"] == 1
    dual = {"views": {"detail": {"confidence": [1.0]}, "semantic": {"confidence": [0.5, 0.6]}}}
    assert active.worth(dual)["unsure"] == 0.3


def test_the_list_takes_no_two_of_a_kind_while_others_are_left():
    """Protects readers from a hundred sections of one template: the second of a kind comes after
    less worthy ones of other kinds, and all come once."""
    kinds = [Counter(card=9, img=9), Counter(card=9, img=8), Counter(form=3), Counter(form=4, p=1)]
    chosen = active.rank([0.9, 0.88, 0.3, 0.2], active.vectors(kinds), 9)
    assert [index for index, _ in chosen[:2]] == [0, 2]
    assert sorted(index for index, _ in chosen) == [0, 1, 2, 3]
    near = dict(chosen)
    assert near[0] == 0 and near[1] > 0.95
    assert len(active.rank([0.1] * 4, active.vectors(kinds), 2)) == 2


def test_equal_records_come_by_their_worth():
    """Protects the order where nothing tells records apart, and bags without a word."""
    x = active.vectors([Counter()] * 3)
    assert np.isfinite(x).all()
    assert [index for index, _ in active.rank([0.1, 0.5, 0.3], x, 3)] == [1, 2, 0]
    same = active.vectors([Counter(a=1)] * 3)
    assert [index for index, _ in active.rank([0.1, 0.5, 0.3], same, 3)] == [1, 2, 0]


def test_bad_usage_is_named(tmp_path):
    with pytest.raises(BadUsage, match="--count is 0"):
        active.parse([f"--records={tmp_path}", "--out=x", "--count=0"])


def test_answers_that_were_there_are_ranked(monkeypatch, tmp_path):
    """Protects the file: names, parts, the order of the list; bad records and lost ones are left
    out."""
    lines = [
        {"record": "a", "confidence": [0.9]},
        {"record": "b", "error": "no picture"},
        {"record": "c", "confidence": [0.5], "label_agreement": 0.2},
        {"record": "gone", "confidence": [0.1]},
    ]

    def answered(flags, inference):
        (tmp_path / "list.answers.jsonl").write_text("".join(json.dumps(x) + "\n" for x in lines))
        assert flags.confidence
        return 1

    monkeypatch.setattr(active.predict_records, "run", answered)
    monkeypatch.setattr(
        active,
        "words_of_records",
        lambda _, names: {name: {} for name in sorted(names) if name != "gone"},
    )
    assert active.main([f"--records={tmp_path}", f"--out={tmp_path / 'list'}"]) == 1
    told = [json.loads(line) for line in (tmp_path / "list").read_text().splitlines()]
    assert [each["record"] for each in told] == ["c", "a"]
    assert told[0]["disagreement"] == 0.8 and told[0]["worth"] == 0.65
