"""Shards hold the good records; the same records give the same bytes, whatever else happens."""

import io
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from data_prep.build import command as build
from data_prep.build import files as build_files
from data_prep.build.files import rarity
from data_prep.build.layout_records import labels_of
from xojl_jax.data.images import image_size
from xojl_jax.data.shards import ShardSource, read_manifest
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.files import sha256
from xojl_jax.tasks.layout.dataset import LayoutDataset
from xojl_jax.tasks.layout.sample_spec import FeatureSpec
from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.record import parse_record

ROOT = Path(__file__).parents[3]


def make_records(out, count=20, *, first=0, sites=10):
    """Records of ten sites: number 7 without labels, number 5 with a broken picture."""
    out.mkdir()
    lines = []
    for i in range(first, first + count):
        data = io.BytesIO()
        Image.new("RGB", (32, 24), (10 * i % 256, 0, 0)).save(data, "PNG")
        (out / f"{i}.png").write_bytes(data.getvalue() if i != 5 else b"broken")
        record = {
            "id": str(i),
            "screenshot": f"{i}.png",
            "html": {"section": {"p": {"text": f"xv{i}"}}},
            "section_layout": {"section.section": {"paragraph.p": {"text": f"xv{i}"}}},
            "used_elements": ["paragraph", "section"],
            "category": "hero" if i % 4 == 0 else "content",
            "source": {"uri": f"https://www.site{i % sites}.org/{i}.html", "licence": "MIT"},
            "quality": {"label": i / 100},
        }
        if i == 7:
            del record["section_layout"], record["used_elements"]
        lines.append(json.dumps(record))
    (out / "records.jsonl").write_text("\n".join([*lines, "{"]) + "\n")
    return out


@pytest.fixture
def folder(tmp_path):
    return make_records(tmp_path / "raw")


def run(folder, out, *flags):
    folders = [folder] if isinstance(folder, Path) else folder
    words = ["--records", *map(str, folders), "--out", str(out), "--workers", "1", *flags]
    build.main(words)
    return out


def records_of(out, split):
    source = ShardSource(out, split)
    return [parse_record(source[i].record) for i in range(len(source))]


def hashes(out):
    return {
        path.name: sha256(path)
        for path in out.iterdir()
        if path.name not in ("card.json", "README.md")  # they hold the command
    }


def test_shards_hold_the_good_records_by_site(folder, tmp_path, capsys):
    """No site in two splits, everything left out counted; tensorflow-datasets agrees."""
    out = run(folder, tmp_path / "shards", "--splits", "60,20,20")
    manifest = read_manifest(out)
    sites, ids = {}, []
    for split in ("train", "val", "test"):
        records = records_of(out, split)
        sites[split] = {record.source["uri"].split("/")[2] for record in records}
        ids += [record.id for record in records]
        source = ShardSource(out, split, verify=True)
        assert all(source[i].image for i in range(len(source)))
        assert len(source.info.weights) == len(source.info.sizes["nodes"]) == len(source)
    assert sorted(ids, key=int) == [str(i) for i in range(20) if i not in (5, 7)]
    assert not (sites["train"] & sites["val"] or sites["train"] & sites["test"])
    assert not sites["val"] & sites["test"]
    assert manifest.note["codebook"] == Codebook.load().digest
    assert manifest.note["sites"]["val"] == sorted(s.removeprefix("www.") for s in sites["val"])
    builder = tfds.builder_from_directory(out)
    assert len(builder.as_data_source("all")) == 18
    said = capsys.readouterr().err
    assert "left out: 1 (no layout)" in said and "left out: 1 (not a record)" in said
    assert "left out: 1 (screenshot cannot be decoded)" in said
    assert f"{folder}/records.jsonl:6: the screenshot is no image" in said
    assert not list(tmp_path.glob("*.building"))


def test_pictures_are_shrunk_as_the_loader_would(tmp_path):
    """With --fit a model of that canvas sees the same: pixels nearly, boxes to a hundredth."""
    folder = tmp_path / "raw"
    folder.mkdir()
    rows, columns = np.mgrid[:300, :400]
    picture = np.stack([rows * 0.8, columns * 0.6, 90 + 60 * ((rows // 30) % 2)], -1)
    Image.fromarray(picture.astype(np.uint8)).save(folder / "0.png")
    boxes = [[0, 0, 400, 300, 0], [40.5, 20, 120, 33, 1]]
    html = {"section": {"p": {"text": "xv1"}}}
    layout = {"section.section": {"paragraph.p": {"text": "xv1"}}}
    source = {"uri": "https://a.org", "licence": "MIT"}
    record = {"screenshot": "0.png", "html": html, "section_layout": layout, "source": source}
    record |= {"html_boxes": boxes, "category": "hero"}
    (folder / "records.jsonl").write_text(json.dumps(record) + "\n")
    run(folder, tmp_path / "large")
    run(folder, tmp_path / "small", "--fit", "90x200")
    spec = FeatureSpec(90, 200, 16, 128, 256, 16)
    large, small = (LayoutDataset(tmp_path / name, "train", spec)[0] for name in ("large", "small"))
    assert image_size(ShardSource(tmp_path / "small", "train")[0].image) == (90, 120)
    assert list(read_manifest(tmp_path / "small").splits["train"].sizes["image_height"]) == [90]
    for name in large.keys() - {"image", "html_boxes"}:
        np.testing.assert_array_equal(small[name], large[name])
    np.testing.assert_allclose(small["html_boxes"], large["html_boxes"], atol=2e-4)
    difference = small["image"].astype(int) - large["image"]
    assert np.abs(difference).mean() < 2
    assert np.percentile(np.abs(difference.mean(-1)), 99) < 10  # WebP has half as many colors


def test_the_same_records_give_the_same_bytes(tmp_path):
    """From one folder or two, in any order, by any number of workers, and from older shards."""
    whole = run(make_records(tmp_path / "a", 40), tmp_path / "one", "--shard-mib", "0.003")
    halves = [make_records(tmp_path / f"half{i}", 20, first=20 * i) for i in (1, 0)]
    two = run(halves, tmp_path / "two", "--shard-mib", "0.003", "--workers", "2")
    files = {name: sha for name, sha in hashes(whole).items() if "array_record" in name}
    assert len(files) > 5
    assert files.items() <= hashes(two).items()
    sites = [
        word
        for split, names in read_manifest(whole).note["sites"].items()
        for word in (f"--{split}-sites", ",".join(names))
    ]
    again = run(whole, tmp_path / "again", "--shard-mib", "0.003", *sites)
    assert files.items() <= hashes(again).items()
    card, other = (json.loads((out / "card.json").read_text()) for out in (whole, two))
    assert card["hash"] == other["hash"] == read_manifest(whole).note["hash"]


def test_what_quality_and_size_leave_out(folder, tmp_path, capsys):
    """Each filter, and each reason with its count."""
    out = run(folder, tmp_path / "a", "--least", "label=0.1", "--splits", "1,0,0")
    assert {int(record.id) for record in records_of(out, "train")} == set(range(10, 20))
    assert read_manifest(out).note["left_out"] == {
        "no layout": 1,
        "not a record": 1,
        "quality label under 0.1": 9,
    }
    assert run(folder, tmp_path / "b", "--most", "nodes=2", "--unlabelled", "--splits", "1,0,0")
    assert read_manifest(tmp_path / "b").splits["train"].count == 19
    for flags, reason in (
        (("--least", "other=0"), "19 no quality other"),
        (("--most", "detail_tokens=3"), "19 more than 3 detail tokens"),
        (("--least-nodes", "3"), "19 fewer than 3 labeled nodes"),
    ):
        with pytest.raises(BadInput, match=f"no record to build from .* left out: .*{reason}"):
            run(folder, tmp_path / "c", *flags)


def test_a_record_given_twice_is_stored_once(folder, tmp_path):
    """Such as one that is in two of the folders."""
    manifest = read_manifest(run([folder, folder], tmp_path / "o", "--splits", "1,0,0"))
    assert manifest.splits["train"].count == 18
    assert manifest.note["left_out"]["given twice"] == 19  # the broken picture, too


def test_of_two_labels_of_one_section_the_first_is_stored(folder, tmp_path):
    """Read by somebody, and named by a labeler in the folder that it was captured to: both would
    teach, and one of them is wrong. The first folder of --records wins, whatever its name."""
    read = tmp_path / "zzz"
    shutil.copytree(folder, read)
    path = read / "records.jsonl"
    path.write_text(path.read_text().replace('"quality": {', '"quality": {"reader": 1.0, '))
    for name, folders, wanted in (("a", [read, folder], True), ("b", [folder, read], False)):
        out = run(folders, tmp_path / name, "--splits", "1,0,0")
        stored = records_of(out, "train")
        assert len(stored) == 18
        assert all(("reader" in (record.quality or {})) is wanted for record in stored)
        left_out = read_manifest(out).note["left_out"]
        assert left_out["given with another label before"] == 19  # the broken picture, too


def test_a_killed_build_goes_on_and_leaves_nothing_that_looks_whole(tmp_path, monkeypatch):
    """Killed for real while it writes; finished files are kept, the result is the same."""
    folder = make_records(tmp_path / "raw", 60)
    flags = ("--shard-mib", "0.002", "--splits", "1,0,0")
    whole = run(folder, tmp_path / "whole", *flags)
    out = tmp_path / "killed"
    words = ["--records", str(folder), "--out", str(out), "--workers", "1", *flags]
    process = subprocess.Popen([sys.executable, "-m", "data_prep.build", *words], cwd=ROOT)
    building = tmp_path / "killed.building"
    while process.poll() is None and not list(building.glob("*.part.json")):
        time.sleep(0.001)
    process.kill()
    process.wait()
    if not out.exists():  # else it was faster than the kill, and must be whole
        for folder_name in (out, building):
            with pytest.raises(BadInput, match="no shard folder"):
                ShardSource(folder_name, "train")
        finished = {p.name.removesuffix(".json") for p in building.glob("*.part.json")}
        written = []
        write = build_files.write_shard
        monkeypatch.setattr(
            build_files, "write_shard", lambda path, s: written.append(path.name) or write(path, s)
        )
        build.main(words)
        assert finished and not finished & set(written)
    assert hashes(out) == hashes(whole)


def test_a_file_that_was_damaged_meanwhile_is_written_again(folder, tmp_path, monkeypatch):
    """What an earlier try left is believed only where its checksum agrees."""
    whole = run(folder, tmp_path / "whole", "--shard-mib", "0.002")

    def fail(*unused):
        raise BadUsage("stopped before the end")

    monkeypatch.setattr(build, "finish", fail)
    with pytest.raises(BadUsage, match="stopped"):
        run(folder, tmp_path / "again", "--shard-mib", "0.002")
    monkeypatch.undo()
    building = tmp_path / "again.building"
    first, second = sorted(building.glob("*.part"))[:2]
    first.write_bytes(first.read_bytes()[:-1] + b"x")
    second.with_name(second.name + ".json").write_text("{")
    (building / "train-00099.part").write_text("of another plan")
    assert hashes(run(folder, tmp_path / "again", "--shard-mib", "0.002")) == hashes(whole)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_full_disk_is_one_clear_line(folder, tmp_path, workers):
    """A real one: no file may grow beyond 64 KiB, which a shard of any size does."""
    program = (
        "import resource, sys; from data_prep.build.command import main;"
        "from xojl_jax import command;"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16)); command.run(main)"
    )
    words = ["--records", str(folder), "--out", str(tmp_path / "o"), "--workers", workers]
    ran = subprocess.run(
        [sys.executable, "-c", program, *words], cwd=ROOT, capture_output=True, text=True
    )
    assert ran.returncode == 2
    (line,) = [line for line in ran.stderr.splitlines() if line.startswith("error: ")]
    assert "cannot be written: write() failed: File too large" in line
    assert "Traceback" not in ran.stderr
    assert not (tmp_path / "o").exists() and not list(tmp_path.glob("o.building/*.tmp"))


def test_the_card_tells_what_is_in_it(folder, tmp_path):
    """Figures per split that add up, the licence, the command; the reading example runs."""
    out = run(folder, tmp_path / "o", "--about", "Test | pages.", "--splits", "60,20,20")
    card = json.loads((out / "card.json").read_text())
    assert card["about"] == "Test | pages." and "--splits 60,20,20" in card["made_by"]
    counts = {split: figures["records"] for split, figures in card["splits"].items()}
    assert sum(counts.values()) == 18
    assert card["licences"] == {"MIT": counts} and card["elements"]["section"] == counts
    assert sum(card["categories"]["hero"].values()) == 5
    assert card["quality"]["label"] == {
        "records": 18,
        "least": 0,
        "5 %": 0.01,
        "median": 0.1,
        "95 %": 0.18,
        "most": 0.19,
    }
    text = (out / "README.md").read_text()
    assert "| train | " in text and "### Licences" in text and card["hash"] in text
    example = text.split("```python\n")[1].split("```")[0]
    ran = subprocess.run(
        [sys.executable, "-c", example],
        cwd=out,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr


def test_rarity_is_that_of_the_rarest_label():
    """Be it the category or an element."""
    facts = [{"category": "content", "elements": ["section"]} for _ in range(6)]
    facts += [{"category": "content", "elements": ["map", "section"]}]
    facts += [{"category": "hero", "elements": ["section"]} for _ in range(2)]
    facts += [{"category": "other", "elements": []}]
    assert rarity(map(labels_of, facts)) == [pytest.approx(10 / 7, abs=1e-3)] * 6 + [10, 5, 5, 10]


def test_mistakes_are_one_clear_line(folder, tmp_path, capsys):
    used = tmp_path / "used"
    used.mkdir()
    (used / "x").write_text("x")
    with pytest.raises(BadUsage, match="not an empty folder"):
        run(folder, used)
    with pytest.raises(BadInput, match="not a directory"):
        run(tmp_path / "none", tmp_path / "o")
    (used / "records.jsonl").write_text("")
    with pytest.raises(BadInput, match="no record to build from"):
        run(used, tmp_path / "o")
    with pytest.raises(BadUsage, match=r"--test-sites: no record is of 'site11\.org'; of: site0"):
        run(folder, tmp_path / "o", "--test-sites", "site11.org")
    with pytest.raises(BadUsage, match="wanted in val and in test"):
        run(folder, tmp_path / "o", "--test-sites", "site1.org", "--val-sites", "site1.org")
    for flags in (
        ("--splits", "a"),
        ("--splits", "0,1,1"),
        ("--least", "3"),
        ("--least", "label=2"),
        ("--most", "width=3"),
        ("--fit", "384"),
    ):
        with pytest.raises(SystemExit) as wrong:
            run(folder, tmp_path / "o", *flags)
        assert wrong.value.code == 2
    assert "--least-nodes" in capsys.readouterr().err
    run(folder, tmp_path / "one", "--train-sites", ",".join(f"site{i}.org" for i in range(10)))
    assert "val: no record: 10 sites are too few" in capsys.readouterr().err
