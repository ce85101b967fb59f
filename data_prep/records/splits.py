"""Which records belong together, and which split they go to.

What must not be torn apart is a *site*: every page of one web site or one package, every made
section of one author or, without such, of one seed. A model that has seen a site's other pages
knows its style.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from urllib.parse import urlsplit

from publicsuffixlist import PublicSuffixList

from xojl_jax.errors import BadUsage
from xojl_jax.xojl.record import Record

SPLITS = ("train", "val", "test")
_MADE = re.compile(r"synth:(-?\d+)/")
_HOST = re.compile(r"[\w-]+(\.[\w-]+)+")
_PACKAGE = re.compile(r"npm:((?:@[^@/]+/)?[^@/]+)")


def site_of(record: Record, folder: str) -> str:
    """The site of a record, in lower case: what its source calls its site, else the seed of a made
    one (`synth:1`), else the host or package of its address, else the folder.

    Subdomains go by the public suffix list: `docs.a.co.uk` is `a.co.uk`, `a.github.io` is itself.
    """
    source = record.source or {}
    named = source.get("site")
    if isinstance(named, str) and named.strip():
        return _without_subdomains(named.strip().lower())
    uri = source.get("uri") if isinstance(source.get("uri"), str) else ""
    if made := _MADE.match(uri):
        return f"synth:{made[1]}"
    if package := _PACKAGE.match(uri):
        return package[1].lower()
    return _without_subdomains(_host(uri) or uri.lower() or folder.lower())


def _host(uri: str) -> str | None:
    try:
        return urlsplit(uri).hostname
    except ValueError:  # such as http://[broken
        return None


def _without_subdomains(name: str) -> str:
    """The registrable domain of a host name; anything else, such as `owl.carousel`, is kept."""
    return (_HOST.fullmatch(name) and _suffixes().privatesuffix(name)) or name


@cache
def _suffixes() -> PublicSuffixList:
    # An unknown ending (`.internal`) has no registrable domain: such a name is kept whole.
    return PublicSuffixList(accept_unknown=False)


def assign_sites(
    sites: Mapping[str, int],
    shares: Sequence[float],
    seed: int,
    *,
    how: str = "shares",
    fixed: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str]:
    """The split of every site.

    Args:
      sites: how many records each has.
      shares: parts for train, val and test; a part of 0 leaves a split out.
      seed: decides between sites of one size ("shares"), or all of it ("hash").
      how: "shares": the largest site first, each to the split that lacks most, which comes as near
        to the shares as whole sites can; another record may move other sites. "hash": by a hash of
        seed and site alone, so that a site never moves when records or sites are added; the shares
        hold on average over many sites.
      fixed: sites whose split is given; one that no site is called, but for capitals, is a
        BadUsage.
    """
    given = {
        name: [name] if name in sites else [site for site in sites if site.lower() == name.lower()]
        for name in fixed
    }
    if missing := sorted(name for name, found in given.items() if not found):
        known = ", ".join(sorted(sites)[:20]) + (", …" if len(sites) > 20 else "")
        raise BadUsage(f"--{fixed[missing[0]]}-sites: no record is of {missing[0]!r}; of: {known}")
    fixed = {site: fixed[name] for name, found in given.items() for site in found}
    wanted = {split: share for split, share in zip(SPLITS, shares, strict=True) if share > 0}
    free = {site: count for site, count in sites.items() if site not in fixed}
    chosen = _by_hash(free, wanted, seed) if how == "hash" else _by_size(sites, fixed, wanted, seed)
    return fixed | chosen


def _by_hash(sites: Mapping[str, int], wanted: Mapping[str, float], seed: int) -> dict[str, str]:
    total, chosen = sum(wanted.values()), {}
    for site in sites:
        # 48 bits: a float holds them exactly.
        place = int.from_bytes(_digest(seed, site)[:6]) / 2**48 * total
        for split, share in wanted.items():
            chosen[site] = split
            if place < share:
                break
            place -= share
    return chosen


def _by_size(
    sites: Mapping[str, int], fixed: Mapping[str, str], wanted: Mapping[str, float], seed: int
) -> dict[str, str]:
    total = sum(wanted.values())
    lacking = {split: share / total * sum(sites.values()) for split, share in wanted.items()}
    # It may go below zero: then no other site goes there.
    for site, split in fixed.items():
        lacking[split] = lacking.get(split, 0) - sites[site]
    chosen = {}
    free = [site for site in sites if site not in fixed]
    for site in sorted(free, key=lambda site: (-sites[site], _digest(seed, site))):
        chosen[site] = max(wanted, key=lacking.__getitem__)
        lacking[chosen[site]] -= sites[site]
    return chosen


def _digest(seed: int, site: str) -> bytes:
    return hashlib.sha256(f"{seed}/{site}".encode()).digest()
