"""A site is never in two splits, and whole sites come near to the wanted parts."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.records.splits import SPLITS, assign_sites, site_of
from xojl_jax.errors import BadUsage
from xojl_jax.xojl.record import Record


def totals(sites, chosen):
    return {split: sum(n for s, n in sites.items() if chosen[s] == split) for split in SPLITS}


def test_splits_are_near_their_shares_and_whole():
    """Many small sites give the shares nearly exactly; a giant one stays in one piece."""
    shares = (80, 10, 10)
    many = {f"s{i}": 1 + i % 3 for i in range(200)}
    for how, near in (("shares", 0.02), ("hash", 0.08)):
        counts = totals(many, assign_sites(many, shares, 0, how=how))
        for split, share in zip(SPLITS, shares, strict=True):
            assert abs(counts[split] / sum(many.values()) - share / 100) < near, (how, split)
    few = {"giant": 90, "b": 6, "c": 4}
    assert assign_sites(few, shares, 0) == {"giant": "train", "b": "val", "c": "test"}
    assert assign_sites({"only": 5}, shares, 0) == {"only": "train"}
    assert set(assign_sites({"a": 5, "b": 1}, (1, 0, 1), 0).values()) == {"train", "test"}


def test_the_seed_alone_decides():
    """Not the order in which sites are met."""
    sites = {f"s{i}": 1 for i in range(50)}
    backwards = dict(reversed(sites.items()))
    for how in ("shares", "hash"):
        first, again, other = (
            assign_sites(these, (80, 10, 10), seed, how=how)
            for these, seed in ((sites, 0), (backwards, 0), (sites, 1))
        )
        assert first == again != other


SITES = st.dictionaries(st.text(min_size=1, max_size=8), st.integers(1, 50), min_size=1)


@settings(deadline=None)
@given(SITES, SITES, st.integers(0, 5))
def test_by_hash_no_site_ever_moves(sites, more, seed):
    """Whatever records and sites are added."""
    before = assign_sites(sites, (70, 20, 10), seed, how="hash")
    after = assign_sites(more | sites, (70, 20, 10), seed, how="hash")
    assert before.items() <= after.items()


@settings(deadline=None)
@given(SITES, st.data(), st.sampled_from(["shares", "hash"]))
def test_every_site_has_a_split_and_given_ones_are_kept(sites, data, how):
    """Also where all of them are given."""
    fixed = data.draw(st.dictionaries(st.sampled_from(sorted(sites)), st.sampled_from(SPLITS)))
    chosen = assign_sites(sites, (1, 0, 1), 3, how=how, fixed=fixed)
    assert chosen.keys() == sites.keys() and fixed.items() <= chosen.items()
    assert "val" not in {chosen[site] for site in sites if site not in fixed}


def test_given_sites_count_as_their_splits_part():
    """The rest is shared out as if they had been chosen."""
    sites = {"a": 10, **{f"s{i}": 1 for i in range(90)}}
    counts = totals(sites, assign_sites(sites, (80, 10, 10), 0, fixed={"a": "test"}))
    assert counts == {"train": 80, "val": 10, "test": 10}
    with pytest.raises(BadUsage, match=r"--val-sites: no record is of 'x'"):
        assign_sites(sites, (1, 1, 1), 0, fixed={"x": "val"})


def test_a_site_is_named_however_records_write_it():
    """Protects --test-sites: sites of documents may have capitals, flags are read without."""
    assert assign_sites({"Some/Repo": 2, "b": 1}, (1, 0, 1), 0, fixed={"some/repo": "test"}) == {
        "Some/Repo": "test",
        "b": "train",
    }


@pytest.mark.parametrize(
    ("source", "site"),
    [
        ({"site": "Theme", "uri": "npm:theme@1/a.html"}, "theme"),
        ({"uri": "npm:theme@1/a.html"}, "theme"),
        ({"uri": "npm:@scope/theme@2.1/b.html"}, "@scope/theme"),
        ({"uri": "https://a.org/b"}, "a.org"),
        ({"uri": "https://docs.A.co.uk:8080/b"}, "a.co.uk"),
        ({"site": "www.a.co.uk"}, "a.co.uk"),
        ({"uri": "https://a.github.io/"}, "a.github.io"),
        ({"uri": "http://127.0.0.1:80/x"}, "127.0.0.1"),
        ({"uri": "http://[broken"}, "http://[broken"),
        ({"site": "owl.carousel"}, "owl.carousel"),
        ({"uri": "synth:1/7", "site": "synth:1.a/2"}, "synth:1.a/2"),
        ({"uri": "synth:1/8"}, "synth:1"),
        ({"site": " "}, "folder"),
        ({}, "folder"),
    ],
)
def test_site_of_a_record(source, site):
    """Subdomains, versions of a package and sections of one seed are one site."""
    assert site_of(Record("a.png", (), source=source or None), "folder") == site
