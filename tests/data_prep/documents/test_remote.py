"""Sources elsewhere: real requests to a server of this machine that breaks off, refuses, or is slow
to have what it should. Needs the extra `remote`."""

import contextlib
import io
import json
import os
import subprocess
import sys
import tarfile
import threading
import uuid
from pathlib import Path

import pytest

from data_prep.documents import downloads, remote
from data_prep.documents.command import main
from data_prep.documents.downloads import Downloads, bring
from data_prep.documents.remote import CannotGet, RemoteFile, without_secrets
from tests.data_prep.documents.file_server import serving
from tests.data_prep.documents.made_pdf import make_pdf, text
from tests.data_prep.documents.test_published import COCO, IDL, TABLE_WORDS, VOC, picture
from xojl_jax.documents.record import read_directory
from xojl_jax.errors import BadUsage

fsspec = pytest.importorskip("fsspec")
pytest.importorskip("aiohttp")
ROOT = Path(__file__).parents[3]


def pdf(words: str) -> bytes:
    return make_pdf(text(20, 80, words))


def shard(*stems: str) -> bytes:
    """A shard of IDL-WDS with a page for each stem."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for stem in stems:
            line = {"text": [stem], "bbox": [[0.1, 0.1, 0.5, 0.1]], "score": [1.0]}
            told = json.dumps({"pages": [IDL | line]}).encode()
            for suffix, data in [("json", told), ("tif", picture("TIFF"))]:
                member = tarfile.TarInfo(f"{stem}.{suffix}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    return file.getvalue()


def run(out, *sources, options=()) -> list:
    """The records of a run of the command."""
    assert main([*map(str, sources), "--out", str(out), "--workers", "1", *options]) == 0
    return [record for _, record in read_directory(out)]


def failed(out) -> dict[str, str]:
    lines = (out / "documents.jsonl").read_text(encoding="utf-8").splitlines()
    return {line["uri"]: line["failed"] for line in map(json.loads, lines) if line["failed"]}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(downloads, "BLOCK", 4096)
    monkeypatch.setattr(downloads, "PAUSES", (0.0, 0.0))


def test_pages_over_http_are_those_of_a_disk(tmp_path):
    """Protects records from where they came from, and secrets from the records; what was brought
    is removed, and what broke off goes on."""
    files = {"/in/b.pdf": pdf("Hello world"), "/in/s.tar": shard("one", "two")}
    for path, data in files.items():
        (tmp_path / path[1:]).parent.mkdir(exist_ok=True)
        (tmp_path / path[1:]).write_bytes(data)
    here = run(tmp_path / "here", tmp_path / "in")
    with serving(files) as server:
        server.breaks["/in/s.tar"] = 2
        secret = server.address.replace("//", "//user:secret@")
        there = run(
            tmp_path / "there", f"{secret}/in/b.pdf?sig=secret", f"{server.address}/in/*.tar"
        )
        assert server.logins == {"user:secret"}
        first, again, third = server.ranges_of("/in/s.tar")[:3]
        assert first == again == third == "bytes=0-4095"
        assert server.ranges_of("/in/s.tar")[3].startswith("bytes=4096-")
    assert [record.words for record in there] == [("Hello", "world"), ("one",), ("two",)]
    assert [record.source["uri"] for record in there] == [
        f"{server.address}/in/b.pdf",
        f"{server.address}/in/s.tar/one",
        f"{server.address}/in/s.tar/two",
    ]
    for one, other in zip(here, there, strict=True):
        assert (one.id, one.image, one.words) == (other.id, other.image, other.words)
        assert (tmp_path / "here" / one.image).read_bytes() == (
            tmp_path / "there" / other.image
        ).read_bytes()
    written = [path for path in (tmp_path / "there").rglob("*") if path.is_file()]
    assert not any(b"secret" in path.read_bytes() for path in written)
    assert not (tmp_path / "there/cache").exists()


def test_what_cannot_be_had_is_told_and_tried_again(tmp_path):
    """Protects a run from one address that does not answer: its pages are not lost."""
    with serving({"/a.pdf": pdf("Hello")}) as server:
        sources = [f"{server.address}/{name}" for name in ("late.tar", "a.pdf", "no/")]
        nowhere = "http://127.0.0.1:9/b.pdf"  # the port of a service that nobody runs
        records = run(tmp_path / "out", *sources, nowhere)
        assert [record.words for record in records] == [("Hello",)]
        why = failed(tmp_path / "out")
        assert why.pop(sources[0]) == "not there (404): check the address"
        assert why.pop(sources[2]).startswith("no file there that ends in .pdf or .tar")
        assert why.pop(nowhere).startswith("cannot be had (ClientConnectorError")
        server.files |= {"/late.tar": shard("one"), "/no/c.pdf": pdf("Found")}
        records = run(tmp_path / "out", *sources)
        assert [record.words for record in records] == [("Hello",), ("one",), ("Found",)]
        assert not failed(tmp_path / "out")


def test_a_run_that_was_stopped_does_not_ask_again(tmp_path):
    """Protects the network: of a shard that is done nothing is asked, and a shard that is half
    here goes on where it was."""
    files = {f"/{name}.tar": shard(name, f"{name}2") for name in ("a", "b", "c")}
    with serving(files) as server:
        sources = [server.address + path for path in files]
        run(tmp_path / "out", *sources, options=["--limit", "3"])
        size = len(files["/c.tar"])
        half = RemoteFile(f"{server.address}/c.tar", f"{server.address}/c.tar")
        server.breaks["/c.tar"] = 9
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(downloads, "BLOCK", size)
            with pytest.raises(CannotGet, match="the same command again goes on"):
                bring(half, tmp_path / "out/cache", 1 << 20, threading.Event())
        (part,) = (tmp_path / "out/cache").glob("*/part")
        part.write_bytes(files["/c.tar"][:5000])  # what a killed run leaves
        server.asked.clear()
        server.breaks.clear()
        records = run(tmp_path / "out", *sources)
        assert [record.words for record in records] == [
            (stem,) for stem in ("a", "a2", "b", "b2", "c", "c2")
        ]
        assert not server.ranges_of("/a.tar")
        assert server.ranges_of("/b.tar")  # one of its documents was beyond the limit
        assert server.ranges_of("/c.tar")[0].startswith("bytes=5000-")
        server.asked.clear()
        run(tmp_path / "out", *sources)
        assert not server.asked


def test_what_is_beyond_the_limit_is_not_asked_for(tmp_path, monkeypatch):
    """Protects the network from a look at a few documents of a large data set."""
    monkeypatch.setattr(downloads, "_AHEAD", 1)
    with serving({f"/{name}.tar": shard(name) for name in "abc"}) as server:
        sources = [f"{server.address}/{name}.tar" for name in "abc"]
        assert len(run(tmp_path / "out", *sources, options=["--limit", "1"])) == 1
        assert server.ranges_of("/a.tar")
        assert not server.ranges_of("/c.tar")


def test_a_server_without_ranges(tmp_path):
    """Protects against servers that send the whole: it comes from the beginning again."""
    with serving({"/a.tar": shard("one", "two")}) as server:
        server.ranges = False
        server.breaks["/a.tar"] = 1
        assert len(run(tmp_path / "out", f"{server.address}/a.tar")) == 2
        assert server.ranges_of("/a.tar")[-1] == ""


@pytest.fixture
def memory():
    """(address of a folder, a function that puts a file into it)."""
    files, folder = fsspec.filesystem("memory"), f"/{uuid.uuid4().hex}"
    yield f"memory:/{folder}", lambda name, data: files.pipe(f"{folder}/{name}", data)
    files.rm(folder, recursive=True)


def test_data_sets_in_a_bucket(tmp_path, memory):
    """Protects data sets of many files: those that belong together are brought together."""
    address, put = memory
    put("tables/train/PMC7_1_0.xml", VOC.encode())
    put("tables/images/PMC7_1_0.jpg", picture("JPEG"))
    put("tables/words/PMC7_1_0_words.json", json.dumps(TABLE_WORDS).encode())
    put("coco/val.json", json.dumps(COCO).encode())
    put("coco/val/PMC7_00001.jpg", picture("JPEG"))
    records = run(tmp_path / "out", f"{address}/tables", f"{address}/coco/val.json")
    assert [record.words for record in records] == [("a", "b", "c"), ()]
    assert [len(record.regions) for record in records] == [2, 2]
    assert records[0].source["uri"] == f"{address}/tables/train/PMC7_1_0.xml"
    ((name, reason),) = failed(tmp_path / "out").items()
    assert name.endswith("val.json/PMC8_00001.jpg")
    assert reason.startswith("no picture in val/")


def test_copies_stay_within_their_room(tmp_path, memory):
    """Protects the disk: no more is here at once than was allowed, and all of it comes in order."""
    address, put = memory
    sizes = [100, 90, 60, 101, 10, 100]
    for number, size in enumerate(sizes):
        put(f"{number}.tar", b"x" * size)
    files = remote.list_files(address, (".tar",), ())
    room = Downloads(tmp_path, most=200, largest=100)
    seen, most = [], 0
    for got in room.ahead(iter(files), lambda file: [file]):
        here = 0
        for path in list(tmp_path.rglob("*")):
            with contextlib.suppress(FileNotFoundError):  # a part that has just become a copy
                here += path.stat().st_size if path.is_file() else 0
        most = max(most, here)
        if got is not None:
            (brought,) = got[1]
            seen.append(brought.size if isinstance(brought, RemoteFile) else str(brought))
            if isinstance(brought, RemoteFile):
                room.forget(brought)
    room.close()
    assert seen[:3] + seen[4:] == [100, 90, 60, 10, 100]
    assert seen[3].startswith("larger than 0.0001 MB")
    assert 0 < most <= 200
    assert not any(tmp_path.iterdir())


def test_the_hub(tmp_path):
    """Protects hf:// through huggingface_hub's own code, against a server that speaks its
    interface; the hub itself is not asked."""
    pytest.importorskip("huggingface_hub")
    files = {"/us/set/sub/a.tar": shard("one"), "/us/set/b.pdf": pdf("Hello")}
    with serving(files) as server:
        server.breaks["/us/set/sub/a.tar"] = 1
        environment = os.environ | {"HF_ENDPOINT": server.address, "HF_HUB_DISABLE_XET": "1"}
        sources = ["hf://datasets/us/set/sub/*.tar", "hf://datasets/us/set/b.pdf"]
        command = [sys.executable, "-m", "data_prep.documents", "--workers", "1"]
        subprocess.run(
            [*command, "--out", tmp_path, *sources],
            cwd=ROOT,
            env=environment,
            check=True,
            capture_output=True,
        )
    records = [record for _, record in read_directory(tmp_path)]
    assert [record.words for record in records] == [("one",), ("Hello",)]
    assert records[0].source["uri"] == "hf://datasets/us/set/sub/a.tar/one"
    assert len(server.ranges_of("/datasets/us/set/resolve/main/sub/a.tar")) == 2


def test_addresses_without_secrets():
    """Protects passwords and signatures from records and messages."""
    for address, uri in [
        ("https://me:pw@a.org:8/x/y.pdf?sig=1#p", "https://a.org:8/x/y.pdf"),
        ("sftp://me@host/x.pdf", "sftp://host/x.pdf"),
        ("s3://bucket/a?.tar", "s3://bucket/a?.tar"),
        ("hf://datasets/o/n@v1/x.tar", "hf://datasets/o/n@v1/x.tar"),
        ("abfs://box@account/x.pdf", "abfs://box@account/x.pdf"),
    ]:
        assert without_secrets(address) == uri
    told = remote.reason_of(OSError("at https://me:pw@a.org/x?sig=1 it broke"))
    assert "pw" not in told and "sig" not in told


def test_wrong_addresses_are_told_before_anything_is_written(tmp_path, monkeypatch):
    """Protects people: an unknown protocol, a missing library, two files of one name."""
    out = str(tmp_path / "out")
    with pytest.raises(BadUsage, match=r"nosuch://x/a\.pdf: Protocol not known"):
        main(["nosuch://x/a.pdf", "--out", out])
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "fsspec", None)
        with pytest.raises(BadUsage, match=r"pip install 'xojl_jax\[remote\]'"):
            main(["s3://x/a.pdf", "--out", out])
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.pdf").write_bytes(pdf("Hello"))
    with pytest.raises(BadUsage, match=r"x\.pdf is named 2 times"):
        main([str(tmp_path / "a/x.pdf"), str(tmp_path / "b/x.pdf"), "--out", out])
    assert not Path(out).exists()
