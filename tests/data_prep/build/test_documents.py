"""Shards of document records: the same build, and a tokenizer of their words."""

import json

import pytest
from PIL import Image

from data_prep.build import command as build
from xojl_jax.data.shards import ShardSource, read_manifest
from xojl_jax.documents.record import parse_record
from xojl_jax.documents.word_pieces import WordPieces
from xojl_jax.errors import BadUsage
from xojl_jax.files import sha256


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Twelve pages of six documents; page 3 has no picture."""
    out = tmp_path_factory.mktemp("pages")
    lines = []
    for i in range(12):
        if i != 3:
            Image.new("L", (20, 30), 20 * i).save(out / f"{i}.png")
        words = ["Dear", f"reader{i}"]
        record = {
            "id": str(i),
            "document": f"d{i // 2}",
            "image": f"{i}.png",
            "image_size": [20, 30],
            "words_from": "text layer",
            "words": words,
            "boxes": [[0.1, 0.1, 0.4, 0.2], [0.5, 0.1, 0.9, 0.2]],
            "questions": [{"kind": "question", "prompt": "Who?", "answer": {"text": [1]}}] * 2,
        }
        lines.append(json.dumps(record))
    (out / "records.jsonl").write_text("\n".join([*lines, "{"]) + "\n")
    return out


def run(folder, out, *flags):
    build.main(["--records", str(folder), "--out", str(out), "--workers", "1", *flags])
    return out


def test_pages_become_shards_with_their_tokenizer(folder, tmp_path):
    """Protects the document task's data: pages of a document stay together, what is left out and
    what is asked is counted, and the tokenizer is of the training split."""
    out = run(folder, tmp_path / "shards", "--splits", "50,25,25", "--pieces", "300")
    manifest = read_manifest(out)
    assert manifest.note["records"] == "documents"
    assert manifest.note["left_out"] == {"no screenshot": 1, "not a record": 1}
    documents = {}
    for split in manifest.splits:
        source = ShardSource(out, split, verify=True)
        records = [parse_record(source[i].record) for i in range(len(source))]
        documents[split] = {record.document for record in records}
        assert source.info.sizes["words"] == source.info.sizes["questions"] == (2,) * len(source)
        assert source.info.files[0].name.startswith("xojl_documents-")
    assert sum(map(len, documents.values())) == 6 == len(set().union(*documents.values()))
    asked = json.loads((out / "card.json").read_text())["questions"]["question"]
    assert asked == {split: 2 * s.count for split, s in manifest.splits.items()}
    pieces = WordPieces.load(out / "tokenizer.json")
    assert pieces.size <= 300
    assert pieces.decode(pieces.encode("Dear")) == "Dear"
    again = run(folder, tmp_path / "again", "--splits", "50,25,25", "--pieces", "300")
    assert sha256(again / "tokenizer.json") == sha256(out / "tokenizer.json")


def test_two_kinds_of_record_do_not_mix(folder, tmp_path):
    """Protects from shards that no task reads, and from limits that a kind does not have."""
    other = tmp_path / "layouts"
    other.mkdir()
    (other / "records.jsonl").write_text('{"id": "1", "screenshot": "", "html": {}}\n')
    with pytest.raises(BadUsage, match="one kind of record"):
        build.main(["--records", str(folder), str(other), "--out", str(tmp_path / "out")])
    with pytest.raises(BadUsage, match="documents have words"):
        run(folder, tmp_path / "out", "--most", "nodes=3")
