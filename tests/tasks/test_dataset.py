"""A split of shards as samples: what fits is in, what is damaged is reported, drops are seeded."""

import io
import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from data_prep.build.layout_records import measure
from xojl_jax.data import images, shards
from xojl_jax.data.images import decode_image
from xojl_jax.data.loader import batches, one_epoch
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.tasks.layout.dataset import SIZES, LayoutDataset
from xojl_jax.tasks.layout.sample_spec import FeatureSpec, sample_spec
from xojl_jax.tasks.layout.task import SAMPLE_DATA
from xojl_jax.xojl.record import parse_record
from xojl_jax.xojl.vocabulary import PAD, Vocabulary

SPEC = FeatureSpec(48, 64, 16, max_nodes=12, max_classes=4, max_target=40)


def augmentation(**chances):
    """What `config.data` says of it, with nothing but the light unless asked for."""
    drops = ("drop_html", "drop_image", "drop_boxes", "drop_classes", "drop_tags")
    nothing = dict.fromkeys((*drops, "rotate_share", "balance"), 0.0)
    return SimpleNamespace(rotate=2.0, **nothing | chances)


def stored(i, *, items=3, image=True):
    """A section with `items` list items, each two tokens longer than the last record's."""
    list_items = [[f"li@fs_{i}x#{k + 1}", {"text": f"t{k}"}] for k in range(items)]
    record = {
        "screenshot": "a.png",
        "html": {"section@pt_1r": dict(list_items)},
        "section_layout": {"section.section@pt_1r": {f"paragraph.{k}": v for k, v in list_items}},
        "category": "hero",
        "html_boxes": [[0, 0, 60, 40, k] for k in range(items + 1)],
    }
    buffer = io.BytesIO()
    pixels = np.random.default_rng(i).integers(60, 190, (40, 60, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return json.dumps(record), buffer.getvalue() if image else b""


def write(folder, entries, *, measured=False, weights=()):
    sizes = (lambda text: measure(parse_record(text))) if measured else None
    summary = shards.write_shards(entries, folder, "train", shard_size=4, sizes=sizes)
    note = {"codebook": Vocabulary.load().codebook.digest} if measured else None
    shards.write_manifest(folder, [replace(summary, weights=list(weights))], note=note)
    return folder


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_the_sample_data_are_measured_with_this_codebook(split):
    """Protects every start without data of one's own: with sizes of an older codebook all records
    are read and tokenized each time. After a change of the codebook, build the sample data anew."""
    source = shards.ShardSource(SAMPLE_DATA, split)
    digest = Vocabulary.load().codebook.digest
    card = json.loads((SAMPLE_DATA / "card.json").read_text())
    assert source.manifest.note["codebook"] == card["codebook"] == digest
    for number in range(0, len(source), 37):
        for name, size in measure(parse_record(source[number].record)).items():
            assert source.info.sizes[name][number] == size, (number, name)


def test_samples_are_those_of_the_records(tmp_path):
    """Shapes as promised, the screenshot's own pixels, and the same when read from memory."""
    entries = [stored(i) for i in range(6)]
    dataset = LayoutDataset(write(tmp_path, entries), "train", SPEC)
    assert len(dataset) == 6
    for i in (5, 0, 5):
        sample = dataset[i]
        wanted = {n: (s, np.dtype(d)) for n, (s, d) in sample_spec(SPEC).items()}
        assert {n: (a.shape, a.dtype) for n, a in sample.items()} == wanted
        np.testing.assert_array_equal(sample["image"][:40, :60], decode_image(entries[i][1]))
        assert sample["index"] == i and dataset.record(i) == parse_record(entries[i][0])
    for room in (0, 9000):  # nothing is kept; one picture is
        other = LayoutDataset(tmp_path, "train", SPEC, cache_bytes=room, picture_bytes=room)
        for i in (3, 4, 3, 4):
            for name, array in other[i].items():
                np.testing.assert_array_equal(array, dataset[i][name])


@pytest.mark.parametrize("measured", [False, True])
def test_records_that_are_too_large_are_left_out_and_counted(tmp_path, measured, caplog):
    """Whether their sizes are in the manifest or are found by reading."""
    entries = [stored(0), stored(1, items=12), stored(2), stored(3, items=11), stored(4, items=10)]
    spec = FeatureSpec(48, 64, 16, max_nodes=12, max_classes=4, max_target=34)
    dataset = LayoutDataset(write(tmp_path, entries, measured=measured), "train", spec)
    assert dataset.numbers.tolist() == [0, 2, 4]
    assert sum(dataset.left_out.values()) == 2 and dataset.left_out["HTML nodes"] == 1
    assert dataset[2]["index"] == 4
    assert "records too large are left out: 1 for their HTML nodes" in caplog.text


def test_sizes_of_another_codebook_are_not_trusted(tmp_path):
    """Token counts depend on the codebook: without its digest the records are read."""
    summary = shards.write_shards(
        [stored(0)], tmp_path, "train", sizes=lambda text: dict.fromkeys(SIZES, 10**6)
    )
    shards.write_manifest(tmp_path, [summary], note={"codebook": "another"})
    assert len(LayoutDataset(tmp_path, "train", SPEC)) == 1


def test_balance_draws_rare_records_more_often(tmp_path):
    """By their weight to the power of `balance`, the records that are left out left out; 0 is off,
    and evaluation never sees it."""
    entries = [stored(0), stored(1, items=12), stored(2)]
    folder = write(tmp_path / "weighted", entries, measured=True, weights=(4.0, 9.0, 1.0))
    half = LayoutDataset(folder, "train", SPEC, augmentation(balance=0.5))
    assert half.numbers.tolist() == [0, 2] and half.weights.tolist() == [2.0, 1.0]
    with batches(half, seed=0, batch_size=3, num_threads=0) as stream:
        drawn = np.concatenate([next(stream)["index"] for _ in range(40)])
    counts = np.bincount(drawn)
    assert counts.sum() == 120 and counts[1] == 0 and abs(counts[0] - 80) < 12
    assert LayoutDataset(folder, "train", SPEC, augmentation()).weights is None
    assert LayoutDataset(folder, "train", SPEC).weights is None
    bare = write(tmp_path / "bare", entries)
    with pytest.raises(BadUsage, match=r"has no weights.*data_prep\.build"):
        LayoutDataset(bare, "train", SPEC, augmentation(balance=0.5))


def test_damaged_records_are_replaced_by_the_loader(tmp_path):
    """A record that is no record keeps its place when the data set is opened, and is reported."""
    entries = [stored(0), ('{"html": 1}', b""), stored(2)]
    dataset = LayoutDataset(write(tmp_path, entries), "train", SPEC)
    assert len(dataset) == 3
    with pytest.raises(BadInput, match=r"\(train\) record 1"):
        dataset[1]
    with one_epoch(dataset, batch_size=3, num_threads=2) as stream:
        batch, valid = next(stream)
        assert batch["index"].tolist() == [0, 2, 2] and valid.all()
        assert list(stream.bad) == [1]


def test_augmentation_drops_one_modality_at_most(tmp_path):
    """About as often as asked for, never both, and only as the generator says."""
    chances = augmentation(drop_html=0.3, drop_image=0.3, drop_boxes=0.5, rotate_share=0.5)
    folder = write(tmp_path, [stored(0), stored(1, image=False)])
    dataset = LayoutDataset(folder, "train", SPEC, chances)
    seen = np.zeros(3)
    for seed in range(300):
        sample = dataset.augment(dataset[0], np.random.default_rng(seed))
        no_html, no_image = not sample["html_mask"].any(), not sample["image_mask"]
        assert not (no_html and no_image)
        if no_html:
            assert (sample["detail_tokens"] < Vocabulary.load().size).all()
            assert not sample["html_box_input_mask"].any()
            assert sample["semantic_tokens"].any()
        seen += no_html, no_image, not sample["html_box_input_mask"].any()
        blind = dataset.augment(dataset[1], np.random.default_rng(seed))
        assert blind["html_mask"].any()  # it has nothing else
    assert np.abs(seen[:2] / 300 - 0.3).max() < 0.1
    one, two = (dataset.augment(dataset[0], np.random.default_rng(5)) for _ in range(2))
    for name, array in one.items():
        np.testing.assert_array_equal(array, two[name])


def test_augmentation_changes_brightness_a_little(tmp_path):
    """Training sees slightly other pixels; a data set without drops gives them as they are."""
    folder = write(tmp_path, [stored(0)])
    training = LayoutDataset(folder, "train", SPEC, augmentation())
    plain = LayoutDataset(folder, "train", SPEC)
    sample = plain[0]
    changed = training.augment(sample, np.random.default_rng(1))["image"].astype(int)
    assert 0 < np.abs(changed - sample["image"]).mean() < 20
    assert plain.augment(sample, np.random.default_rng(1)) is sample


def test_a_turned_sample_keeps_its_boxes_on_the_picture(tmp_path):
    """The model must see boxes and patches where the turned picture has them."""
    folder = write(tmp_path, [stored(0)])
    dataset = LayoutDataset(folder, "train", SPEC, augmentation(rotate_share=1.0))
    plain = dataset[0]
    turned = dataset.augment(plain, np.random.default_rng(3))
    assert (turned["image"] != plain["image"]).any()
    boxes, before = (s["html_boxes"][s["html_box_mask"]] for s in (turned, plain))
    assert len(boxes) and (boxes != before).any()
    assert np.abs(boxes - before).max() < 0.1 and boxes.min() >= 0 and boxes.max() <= 1
    assert (turned["html_boxes"][~turned["html_box_mask"]] == 0).all()
    painted = (turned["image"] != images.PAD_GRAY).any(-1)
    for row, column in zip(*np.nonzero(painted), strict=True):
        patch = row // SPEC.patch * -(-SPEC.image_width // SPEC.patch) + column // SPEC.patch
        assert turned["patch_mask"][patch]


def test_what_is_too_long_to_spell_is_no_target(tmp_path):
    """Without HTML every node must be spelled; past the limit the row has no detail target."""
    chances = augmentation(drop_html=1.0)
    dataset = LayoutDataset(write(tmp_path, [stored(0, items=8)]), "train", SPEC, chances)
    sample = dataset.augment(dataset[0], np.random.default_rng(0))
    assert (sample["detail_tokens"] == PAD).all() and (sample["semantic_tokens"] != PAD).any()


def test_dropping_html_reads_no_shard(tmp_path):
    """Protects the loader: the spelled-out targets are kept with the record, within the bound of
    its memory; past that bound they are the same, read again."""
    folder = write(tmp_path, [stored(0)])
    chances = augmentation(drop_html=1.0)
    dataset = LayoutDataset(folder, "train", SPEC, chances)
    sample = dataset[0]
    assert dataset[0]["label_mask"]
    record, reads = dataset.record(0), []
    dataset.source = SimpleNamespace(__getitem__=reads.append)
    kept = dataset.augment(sample, np.random.default_rng(0))
    assert not reads and not kept["html_mask"].any()
    tokens = Vocabulary.load().tokenize_detail(record.layout)
    assert kept["detail_tokens"][: len(tokens)].tolist() == tokens
    unkept = LayoutDataset(folder, "train", SPEC, chances, cache_bytes=0)
    again = unkept.augment(unkept[0], np.random.default_rng(0))
    for name, array in kept.items():
        np.testing.assert_array_equal(again[name], array)


def test_batches_resume_with_real_samples(tmp_path):
    """Pixels and drops included, a resumed stream gives what the uninterrupted one gave."""
    chances = augmentation(drop_html=0.3, drop_image=0.3, drop_boxes=0.5, rotate_share=0.5)
    folder = write(tmp_path, [stored(i) for i in range(7)])
    options = {"seed": 4, "batch_size": 4, "num_threads": 3}
    with batches(LayoutDataset(folder, "train", SPEC, chances), **options) as stream:
        whole = [next(stream) for _ in range(6)]
    with batches(LayoutDataset(folder, "train", SPEC, chances), start_step=3, **options) as stream:
        for expected in whole[3:]:
            batch = next(stream)
            for name, array in expected.items():
                np.testing.assert_array_equal(batch[name], array, err_msg=name)
