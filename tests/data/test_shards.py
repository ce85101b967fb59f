"""Shards give back what was put in, and say which file is wrong when they cannot."""

import io
import json
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from xojl_jax.data import shards
from xojl_jax.data.images import decode_image
from xojl_jax.errors import BadInput, BadUsage


def screenshot(level):
    buffer = io.BytesIO()
    noise = np.random.default_rng(level).integers(0, 50, (30, 40, 3))
    Image.fromarray((noise + level).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def pairs(count, start=0):
    for i in range(start, start + count):
        text = json.dumps({"id": f"r{i}", "html": {"p": {"text": "é𝄞" * i}}}, ensure_ascii=False)
        yield text, b"" if i % 5 == 4 else screenshot(i)


def measure(record):
    return {"length": len(record)}


@pytest.fixture
def folder(tmp_path):
    summaries = [
        shards.write_shards(pairs(25), tmp_path, "train", shard_size=10, sizes=measure),
        shards.write_shards(pairs(4, 100), tmp_path, "val", sizes=measure),
        shards.write_shards([], tmp_path, "test"),
    ]
    shards.write_manifest(tmp_path, summaries, note={"made_by": "test"})
    return tmp_path


def test_records_come_back_in_order_and_at_random(folder):
    """Every byte returns, by any thread, also after the source was pickled."""
    expected = list(pairs(25))
    source = shards.ShardSource(folder, "train", verify=True)
    assert len(source) == 25
    assert [tuple(source[i]) for i in range(25)] == expected
    assert source[24].record == expected[24][0]
    with ThreadPoolExecutor(8) as pool:
        order = np.random.default_rng(0).integers(0, 25, 400).tolist()
        assert list(pool.map(source.__getitem__, order)) == [expected[i] for i in order]
    assert pickle.loads(pickle.dumps(source))[13] == expected[13]
    assert len(shards.ShardSource(folder, "test")) == 0
    for outside in (-1, 25):
        with pytest.raises(IndexError):
            source[outside]


def test_the_manifest_tells_what_is_there(folder):
    """File names, counts, sizes and the statistics of the training pixels."""
    manifest = shards.read_manifest(folder)
    train = manifest.splits["train"]
    assert [f.name for f in train.files] == [
        f"xojl_sections-train.array_record-0000{k}-of-00003" for k in range(3)
    ]
    assert [f.count for f in train.files] == [10, 10, 5]
    assert list(train.sizes["length"]) == [len(record) for record, _ in pairs(25)]
    assert manifest.note == {"made_by": "test"}
    assert len((folder / shards.MANIFEST).read_text().splitlines()) < 100
    pixels = np.concatenate(
        [np.asarray(Image.open(io.BytesIO(data))).reshape(-1, 3) for _, data in pairs(25) if data]
    )
    np.testing.assert_allclose(manifest.channel_mean, pixels.mean(0) / 255, atol=1e-9)
    np.testing.assert_allclose(manifest.channel_std, pixels.std(0) / 255, atol=1e-9)


def test_writing_is_reproducible(folder, tmp_path):
    """The same records give the same bytes."""
    again = shards.write_shards(pairs(25), tmp_path / "again", "train", shard_size=10)
    assert again.files == shards.read_manifest(folder).splits["train"].files


def test_a_bad_screenshot_leaves_its_record_out(tmp_path):
    """It is named in the summary and in the manifest; sizes stay in step with the records."""
    records = [*pairs(2), ('{"id": "bad"}', screenshot(1)[:-30]), *pairs(1, 50)]
    summary = shards.write_shards(records, tmp_path, "train", sizes=measure)
    assert summary.count == 3 == len(summary.sizes["length"])
    assert summary.skipped[0].startswith("record 2: the screenshot is a truncated PNG")
    shards.write_manifest(tmp_path, [summary])
    assert shards.read_manifest(tmp_path).splits["train"].skipped == summary.skipped
    assert "bad" not in "".join(shards.ShardSource(tmp_path, "train")[i].record for i in range(3))


def test_tensorflow_datasets_reads_the_same_files(folder):
    """`as_data_source`, as its documentation says, gives our records, and the pictures decoded.

    Without TensorFlow, which is not among the requirements; its own serializer agrees with ours.
    """
    builder = tfds.builder_from_directory(folder)
    assert {name: split.num_examples for name, split in builder.info.splits.items()} == {
        "train": 25,
        "val": 4,
    }
    raw = builder.as_data_source("train", decoders={"image": tfds.decode.SkipDecoding()})
    source = shards.ShardSource(folder, "train")
    assert len(raw) == len(source) == 25
    for i in (0, 4, 11, 24):
        assert (raw[i]["record"].decode(), raw[i]["image"]) == source[i]
        if source[i].image:
            again = builder.info.features.serialize_example(source[i]._asdict())
            assert shards.decode_sample(again) == source[i]
    picture = builder.as_data_source("train[50%:]")[0]["image"]
    np.testing.assert_array_equal(picture, decode_image(source[12].image))
    assert "tensorflow" not in sys.modules


def test_nothing_is_left_to_import_once_a_source_is_open(folder):
    """Protects programs that compile beside the first reads: while tensorflow-datasets is imported,
    imports in other threads fail, and with them a training at its start."""
    shards._example.cache_clear()
    shards.ShardSource(folder, "train")
    assert shards._example.cache_info().currsize == 1


def test_existing_shards_are_not_overwritten(folder):
    """A second write of a split is refused, and an odd split name too."""
    with pytest.raises(BadUsage, match="exists"):
        shards.write_shards(pairs(1), folder, "train")
    with pytest.raises(BadUsage, match="split"):
        shards.write_shards(pairs(1), folder, "../train")


def test_an_interrupted_write_is_no_data_set(tmp_path):
    """Without its manifest a folder is not read."""
    shards.write_shards(pairs(3), tmp_path, "train")
    with pytest.raises(BadInput, match=r"manifest\.json is missing"):
        shards.ShardSource(tmp_path, "train")


def damage_missing(path):
    path.unlink()


def damage_truncated(path):
    path.write_bytes(path.read_bytes()[:-7])


def damage_footer(path):
    """Zeroes the index of the file: ArrayRecord itself would read it as empty."""
    data = bytearray(path.read_bytes())
    data[-65536:] = bytes(65536)
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [damage_missing, damage_truncated, damage_footer])
def test_damaged_files_are_found_when_opened(folder, damage):
    """The message names the file."""
    name = "xojl_sections-train.array_record-00001-of-00003"
    damage(folder / name)
    with pytest.raises(BadInput, match=name):
        shards.ShardSource(folder, "train")
    assert len(shards.ShardSource(folder, "val")) == 4


def test_a_flipped_byte_is_found(folder):
    """With verify when opened, without it when the entry is read; the others stay readable."""
    path = folder / "xojl_sections-train.array_record-00000-of-00003"
    data = bytearray(path.read_bytes())
    data[5000] ^= 1
    path.write_bytes(data)
    with pytest.raises(BadInput, match=f"{path.name} does not match its checksum"):
        shards.ShardSource(folder, "train", verify=True)
    source = shards.ShardSource(folder, "train")
    wrong, expected = [], list(pairs(25))
    for i in range(25):
        try:
            assert tuple(source[i]) == expected[i]
        except BadInput as error:
            assert path.name in str(error)
            wrong.append(i)
    assert len(wrong) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.update(version=99), "version 99"),
        (
            lambda m: m.update(version=1),
            r"version 1, this program reads 2: build .* data_prep.build",
        ),
        (lambda m: m.update(format="other"), "no manifest"),
        (lambda m: m.pop("splits"), "damaged"),
        (lambda m: m["splits"]["train"].update(count=3), "disagree"),
        (lambda m: m["splits"]["train"]["files"][0].update(name="../x"), "outside"),
        (lambda m: m.update(channel_mean=[0.5]), "three channels"),
        (lambda m: m.update(splits=[]), "damaged"),
    ],
)
def test_a_wrong_manifest_is_refused(folder, change, message):
    """Version, format, and every field that the reader relies on."""
    path = folder / shards.MANIFEST
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))
    with pytest.raises(BadInput, match=message) as caught:
        shards.ShardSource(folder, "train")
    assert str(path) in str(caught.value)


def test_an_unreadable_manifest_or_split_is_named(folder):
    """Broken JSON and an unknown split are one-line messages."""
    with pytest.raises(BadInput, match="no split 'dev': it has test, train, val"):
        shards.ShardSource(folder, "dev")
    (folder / shards.MANIFEST).write_bytes(b"{\xff")
    with pytest.raises(BadInput, match=r"manifest\.json cannot be read"):
        shards.ShardSource(folder, "train")
