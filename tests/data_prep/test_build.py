"""Shards hold the good records, and a site never stands in two splits."""

import io
import json

import pytest
from PIL import Image

from data_prep import build
from data_prep.build import Entry, site_of, split_by_site
from xojl_jax.data.shards import ShardSource, read_manifest
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.record import Record, parse_record


def entries(sizes):
    return [Entry(site, f"{site}-{i}", None) for site, n in sizes.items() for i in range(n)]


@pytest.fixture
def folder(tmp_path):
    """Twenty records of ten sites, one without labels, one with a broken picture."""
    out = tmp_path / "raw"
    out.mkdir()
    lines = []
    for i in range(20):
        data = io.BytesIO()
        Image.new("RGB", (32, 24), (10 * i, 0, 0)).save(data, "PNG")
        (out / f"{i}.png").write_bytes(data.getvalue() if i != 5 else b"broken")
        record = {
            "id": str(i),
            "screenshot": f"{i}.png",
            "html": {"section": {"p": {"text": f"xv{i}"}}},
            "section_layout": {"section.section": {"paragraph.p": {"text": f"xv{i}"}}},
            "used_elements": ["paragraph", "section"],
            "category": "content",
            "source": {"uri": f"https://site{i % 10}.org/{i}.html"},
        }
        if i == 7:
            del record["section_layout"], record["used_elements"]
        lines.append(json.dumps(record))
    (out / "records.jsonl").write_text("\n".join([*lines, "{"]) + "\n")
    return out


def test_shards_hold_the_good_records_by_site(folder, tmp_path, capsys):
    out = tmp_path / "shards"
    build.main(["--records", str(folder), "--out", str(out), "--splits", "60,20,20"])
    manifest = read_manifest(out)
    sites, ids = {}, []
    for split in ("train", "val", "test"):
        source = ShardSource(out, split)
        records = [parse_record(source[i].record) for i in range(len(source))]
        sites[split] = {record.source["uri"].split("/")[2] for record in records}
        ids += [record.id for record in records]
        assert all(source[i].image for i in range(len(source)))
    assert sorted(ids, key=int) == [str(i) for i in range(20) if i not in (5, 7)]
    assert not (sites["train"] & sites["val"] or sites["train"] & sites["test"])
    assert not sites["val"] & sites["test"]
    assert manifest.note["codebook"] == Codebook.load().digest
    said = capsys.readouterr().err
    assert "left out: 1 (no layout)" in said and "left out: 1 (not a record)" in said
    assert "left out: 1 (screenshot cannot be decoded)" in said


def test_splits_are_near_their_shares_and_whole():
    """Many small sites give the shares nearly exactly; a giant one stays in one piece."""
    shares = (80, 10, 10)
    many = split_by_site(entries({f"s{i}": 1 + i % 3 for i in range(200)}), shares, 0)
    total = sum(map(len, many.values()))
    for (split, members), share in zip(many.items(), shares, strict=True):
        assert abs(len(members) / total - share / 100) < 0.02, split
    few = split_by_site(entries({"giant": 90, "b": 6, "c": 4}), shares, 0)
    assert {split: {e.site for e in members} for split, members in few.items()} == {
        "train": {"giant"},
        "val": {"b"},
        "test": {"c"},
    }
    assert set(split_by_site(entries({"only": 5}), shares, 0)) == {"train"}
    assert set(split_by_site(entries({"a": 5, "b": 1}), (1, 0, 1), 0)) == {"train", "test"}


def test_the_seed_alone_decides():
    sizes = {f"s{i}": 1 for i in range(50)}
    again = [split_by_site(entries(sizes), (80, 10, 10), seed) for seed in (0, 0, 1)]
    assert again[0] == again[1] != again[2]


def test_site_of_a_record():
    def record(**source):
        return Record("a.png", (), source=source or None)

    assert site_of(record(site="theme", uri="npm:theme@1/a.html"), "f") == "theme"
    assert site_of(record(uri="https://a.org/b"), "f") == "a.org"
    assert site_of(record(uri="synth:1/7"), "f") == "synth:1/7"
    assert site_of(record(), "f") == "f"


def test_mistakes_are_one_clear_line(folder, tmp_path):
    used = tmp_path / "used"
    used.mkdir()
    (used / "x").write_text("x")
    with pytest.raises(BadUsage, match="not an empty folder"):
        build.main(["--records", str(folder), "--out", str(used)])
    with pytest.raises(BadInput, match="not a directory"):
        build.main(["--records", str(tmp_path / "none"), "--out", str(tmp_path / "o")])
    (used / "records.jsonl").write_text("")
    with pytest.raises(BadInput, match="no record to build from"):
        build.main(["--records", str(used), "--out", str(tmp_path / "o")])
    with pytest.raises(BadInput, match="no record to build from"):
        build.main(["--records", str(folder), "--out", str(tmp_path / "o"), "--least", "3"])
    with pytest.raises(SystemExit) as wrong:
        build.main(["--records", str(folder), "--out", str(tmp_path / "o"), "--splits", "a"])
    assert wrong.value.code == 2
