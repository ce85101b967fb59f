"""Like records are found, unlike ones are not, in time that grows with the number of records."""

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from data_prep.build import command as build
from data_prep.validate import command as validate
from data_prep.validate import duplicates
from data_prep.validate.duplicates import Fingerprint, find_pairs, fingerprint_of, hash_picture
from tests.data_prep.validate.test_validate import check, problems
from tests.data_prep.validate.validate_data import page, record, write
from xojl_jax.data.shards import ShardSource, write_manifest, write_shards
from xojl_jax.xojl.record import parse_record


def mark(seed: int, image: Image.Image | None = None, **changes) -> Fingerprint:
    picture = hash_picture(np.asarray(image if image is not None else page(seed)))
    return fingerprint_of(parse_record(record(seed, **changes)), picture)


def kinds(*marks: Fingerprint | None) -> list[tuple[int, int, str]]:
    return [(pair.one, pair.other, pair.kind) for pair in find_pairs(marks)]


def test_the_same_record_again():
    """Protects against counting twice: ids of content and the record's own id do not matter."""
    assert kinds(mark(1), None, mark(2), mark(1, id="z")) == [(3, 0, "duplicate")]


def test_other_labels_are_told_apart():
    """Protects against annotations that contradict each other on one and the same picture."""
    layout = {"section.section@d_grid": ""}
    again = mark(1, section_layout=layout, layout_nodes=None, used_elements=["section"])
    assert kinds(mark(1), again) == [(1, 0, "labels")]


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image.resize((330, 186), Image.Resampling.BICUBIC),
        lambda image: ImageEnhance.Brightness(image).enhance(0.9),
        lambda image: image.quantize(4).convert("RGB"),
    ],
    ids=["scaled", "darker", "fewer colors"],
)
def test_a_picture_that_hardly_differs_is_near(change):
    """Protects splits from copies that were scaled, darkened or compressed."""
    for seed in range(5):
        assert kinds(mark(seed), mark(seed, change(page(seed)))) == [(1, 0, "near")]


def test_one_picture_with_two_trees_is_suspicious():
    """Protects against screenshots that were mixed up."""
    assert kinds(mark(1), mark(2, page(1))) == [(1, 0, "shared")]


def test_records_that_differ_are_left_alone():
    """Protects against alarm: other pictures, or a template's tree with another picture."""
    assert kinds(*(mark(seed) for seed in range(40))) == []
    assert kinds(mark(1), mark(1, page(99))) == []


def test_blank_pictures_do_not_make_records_alike():
    """Protects against the hash of nothing: white pages have trees of their own."""
    white = Image.new("RGB", (320, 180), "white")
    assert kinds(mark(1, white), mark(2, white)) == []
    assert kinds(mark(1, white), mark(1, white)) == [(1, 0, "duplicate")]


def test_records_without_pictures_are_compared_by_tree():
    """Protects shards, which may hold HTML alone."""
    bare = [mark(seed)._replace(picture=None) for seed in (1, 2, 1)]
    assert kinds(*bare) == [(2, 0, "duplicate")]


def test_crowds_cost_no_more_than_their_number(monkeypatch):
    """Protects large data sets: a template's thousand footers are not compared pair by pair."""
    base, rng = mark(1), np.random.default_rng(0)
    compare, calls = duplicates._compare, []

    def counted(*arguments):
        calls.append(1)
        return compare(*arguments)

    def crowd(size: int) -> list[Fingerprint]:
        hashes = rng.integers(0, 2**63, size).tolist()
        pictures = [base.picture._replace(hash=h, pixels=h.to_bytes(8, "big")) for h in hashes]
        return [base._replace(picture=picture) for picture in pictures]

    monkeypatch.setattr(duplicates, "_compare", counted)
    assert find_pairs(crowd(200)) == []
    small = len(calls)
    assert find_pairs(crowd(1600)) == []
    assert len(calls) - small < 12 * small  # all with all would be 64 times as many


def test_likes_of_other_sites_are_named(tmp_path):
    """Protects splits by site, which a copy on another site would undermine."""
    write(tmp_path, record(1), record(1, id="z", source={"site": "elsewhere"}))
    ((where, kind, text),) = problems(check(tmp_path))
    assert (where, kind) == ("records.jsonl:2", "duplicate") and "of another site" in text


def test_a_like_in_another_split_is_a_leak(tmp_path):
    """Protects every score: what was trained on must not be tested on."""
    folder, shards = tmp_path / "raw", tmp_path / "shards"
    folder.mkdir()
    write(folder, *(record(i) for i in range(4)))
    build.main(["--records", str(folder), "--out", str(shards), "--splits", "50,25,25"])
    copy_train_to_test(shards)
    data = check(shards)
    leaks = [(where, text) for where, kind, text in problems(data) if kind == "leak"]
    assert data["bad"] == len(leaks) >= 1
    assert all(where.startswith("test:") and "train:" in text for where, text in leaks)
    assert validate.main([str(shards)]) == 1


def copy_train_to_test(shards) -> None:
    """Writes the shards again with a test split that repeats the training split."""
    samples = [tuple(sample) for sample in ShardSource(shards, "train")]
    for file in shards.iterdir():
        file.unlink()
    summaries = [write_shards(samples, shards, split) for split in ("train", "test")]
    write_manifest(shards, summaries)
