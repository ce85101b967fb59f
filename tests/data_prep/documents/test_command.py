"""`python -m data_prep.documents`: what comes out, and what hostile files cost."""

import json
import re
import shutil
import zlib

import pytest

from data_prep.documents.command import main
from tests.data_prep.documents.made_pdf import ENCRYPTED, make_pdf, text
from xojl_jax.documents.record import read_directory
from xojl_jax.errors import BadUsage


def forms_within_forms(*pages: str, levels: int = 24) -> bytes:
    """Each form draws the next one twice: 2**levels drawings from some 5 kB. The first is /X."""
    objects, first = [], 4 + 2 * len(pages)
    for level in range(levels):
        content = text(1, 1, "x") if level == levels - 1 else "/X Do /X Do"
        resources = f"/Font<</F1 3 0 R>>/XObject<</X {first + 1 + level} 0 R>>"
        objects.append(
            f"<</Type/XObject/Subtype/Form/BBox[0 0 200 100]/Resources<<{resources}>>"
            f"/Length {len(content)}>>stream\n{content}\nendstream"
        )
    return make_pdf(*pages, resources=f"/XObject<</X {first} 0 R>>", objects=objects)


def a_stream_of(megabytes: int) -> bytes:
    """A page whose content is spaces, deflated a thousand times smaller."""
    packer, spaces = zlib.compressobj(1), b" " * (1 << 20)
    packed = b"".join(packer.compress(spaces) for _ in range(megabytes)) + packer.flush()
    content = packed.decode("latin-1")
    return make_pdf(content).replace(
        f"<</Length {len(content)}>>".encode(),
        f"<</Filter/FlateDecode/Length {len(content)}>>".encode(),
    )


def make_folder(folder):
    files = {
        "a.pdf": make_pdf(text(20, 80, "Hello world"), "", text(20, 20, "The end")),
        "b/copy of a.pdf": make_pdf(text(20, 80, "Hello world"), "", text(20, 20, "The end")),
        "broken.pdf": b"%PDF-1.4 but no more",
        "empty.pdf": b"",
        "locked.pdf": ENCRYPTED,
        "looping.pdf": make_pdf("").replace(b"/Kids[4 0 R]", b"/Kids[2 0 R]"),
        "slow.pdf": forms_within_forms("/X Do"),
        "too much.pdf": a_stream_of(300),
        "z.pdf": make_pdf(text(20, 80, "After them all")),
    }
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(arguments, folder) of a run over good and bad files."""
    folder = tmp_path_factory.mktemp("documents")
    make_folder(folder / "in")
    limits = ["--page-seconds", "1", "--memory-gib", "0.2", "--no-ocr"]
    arguments = [*limits, str(folder / "in"), "--out"]
    assert main([*arguments, str(folder / "out"), "--workers", "2"]) == 0
    return arguments, folder / "out"


def documents_of(folder) -> dict[str, dict]:
    lines = (folder / "documents.jsonl").read_text(encoding="utf-8").splitlines()
    return {line["uri"].removeprefix("in/"): line for line in map(json.loads, lines)}


def test_pages_become_records(made):
    """Protects the output: every good page, in order, with its picture; nothing else."""
    records = [record for _, record in read_directory(made[1])]
    assert [record.words for record in records] == [
        ("Hello", "world"),
        ("The", "end"),
        ("After", "them", "all"),
    ]
    assert [(record.page, record.pages) for record in records] == [(0, 3), (2, 3), (0, 1)]
    assert records[0].document == records[1].document != records[2].document
    assert records[0].source == {"dataset": "pdf", "uri": "in/a.pdf"}
    for record in records:
        assert record.image_size == (1024, 512)
        assert (made[1] / record.image).is_file()


def test_every_bad_file_is_told_with_its_reason(made):
    """Protects against silent loss, and a run against files made to harm: deep, huge, looping."""
    documents = documents_of(made[1])
    failed = {name: line["failed"] for name, line in documents.items() if line["failed"]}
    assert failed.pop("b/copy of a.pdf") == "the same document as in/a.pdf"
    assert failed.pop("empty.pdf") == "empty"
    assert failed.pop("broken.pdf").startswith("broken")
    assert failed.pop("locked.pdf").startswith("encrypted")
    assert documents["a.pdf"]["left_out"] == {"blank": {"pages": 1, "first": 1}}
    reasons = {name: [*documents[name]["left_out"]] for name in documents}
    # It takes time and memory; which of the two runs out first is the machine's.
    assert re.match("its process died|took more than 1 s of proc|too much", *reasons["slow.pdf"])
    assert re.match("its process died|too much memory", *reasons["too much.pdf"])
    assert reasons["looping.pdf"] == ["a broken page"]
    assert not failed
    summary = json.loads((made[1] / "summary.jsonl").read_text(encoding="utf-8"))
    assert summary["kept"] == 3
    assert summary["documents"] == 9
    for line in documents.values():  # each page is kept or left out, of documents that opened
        left_out = sum(entry["pages"] for entry in line["left_out"].values())
        assert line["failed"] or line["kept"] + left_out == line["pages"]


def test_a_page_that_computes_for_ever_is_ended(tmp_path):
    """Protects the time: a process that never returns from C++ is ended by the kernel, and the
    other pages of the document are kept."""
    pages = (text(20, 80, "before"), "/X Do", text(20, 80, "after"))
    (tmp_path / "slow.pdf").write_bytes(forms_within_forms(*pages))
    arguments = ["--page-seconds", "1", "--memory-gib", "8", "--workers", "1", "--no-ocr"]
    assert main([*arguments, "--out", str(tmp_path / "out"), str(tmp_path / "slow.pdf")]) == 0
    line = documents_of(tmp_path / "out")["slow.pdf"]
    reason = "took more than 1 s of processor time"
    assert line["left_out"] == {reason: {"pages": 1, "first": 1}}
    words = [record.words for _, record in read_directory(tmp_path / "out")]
    assert words == [("before",), ("after",)]


def test_a_killed_run_resumes_to_the_same_bytes(made, tmp_path):
    """Protects long runs: half a document is cut off, and the whole is as if nothing had been."""
    arguments, whole = made
    out = tmp_path / "out"
    shutil.copytree(whole, out)
    lines = (out / "documents.jsonl").read_text(encoding="utf-8").splitlines(True)
    (out / "documents.jsonl").write_text("".join(lines[:-1]) + lines[-1][:30], encoding="utf-8")
    with (out / "records.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"half": ')
    assert main([*arguments, str(out), "--workers", "1"]) == 0
    for name in ("records.jsonl", "documents.jsonl"):
        assert (out / name).read_bytes() == (whole / name).read_bytes()
    with pytest.raises(BadUsage, match="holds records with most_words 5000, not 9"):
        main([*arguments, str(out), "--most-words", "9"])


def test_sources_that_are_not_there(tmp_path):
    """Protects people: a wrong path is told before anything is written."""
    for source, message in [("no", "no such file"), (".", "holds no file that ends in")]:
        with pytest.raises(BadUsage, match=message):
            main(["--out", str(tmp_path / "out"), str(tmp_path / source)])
    assert not (tmp_path / "out").exists()


def test_a_folder_is_a_site_where_that_is_asked(tmp_path):
    """Protects held-out figures: documents that belong together never come apart."""
    for name in ("a.pdf", "b/c.pdf", "b/d.pdf"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(make_pdf(text(20, 80, f"This is {name}")))
    out = tmp_path / "out"
    assert main(["--folder-is-site", "--no-ocr", "--out", str(out), str(tmp_path / "in")]) == 0
    sites = [record.source["site"] for _, record in read_directory(out)]
    assert sites == ["in", "in/b", "in/b"]
    with pytest.raises(BadUsage, match="folder_is_site True, not False"):
        main(["--no-ocr", "--out", str(out), str(tmp_path / "in")])
