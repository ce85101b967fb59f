"""Equal and nearly equal records: fingerprints, and a search that never compares all with all.

A picture's hash is perceptual: the signs of 64 low frequencies of its small gray copy. A
tree's `sketch` is a MinHash: two sketches agree in about the share of node triples that the trees
have in common. Both are cut into bands; records that share a band are compared, each with a few
representatives of that band, so that time and memory grow with the number of records.
"""

import hashlib
import zlib
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy.fft import dctn

from xojl_jax.xojl.record import Record
from xojl_jax.xojl.tree import preorder, print_layout, to_semantic

# Bits of 64 in which two hashes may differ: alone, and where the trees are alike, too.
SAME_LOOK, LIKE_LOOK = 2, 10
# Share of node triples that two trees have in common: alike, and as good as equal.
LIKE_TREE, SAME_TREE = 0.8, 0.95
# Two pictures with one wrong tree between them: their trees have less than this in common.
_OTHER_TREE = 0.3
# A tree of fewer nodes says too little: any two links are alike.
_LEAST_NODES = 5
_ASPECT = 0.06  # by how much width / height of two like pictures may differ, relatively
_SMALL = 32  # side of the gray copy
_ROWS = 64  # hash functions of a sketch
_LOOK_BANDS, _TREE_BANDS = 4, 16
# Representatives a band keeps. More makes crowded bands (a template's hundred footers) slower.
_KEPT = 16

_RANDOM = np.random.default_rng(20)
_MULTIPLIERS = _RANDOM.integers(1, 2**63, (_ROWS, 1), np.uint64) | np.uint64(1)
_OFFSETS = _RANDOM.integers(0, 2**63, (_ROWS, 1), np.uint64)


class PictureHash(NamedTuple):
    """What tells pictures apart, and like ones together."""

    pixels: bytes  # digest of size and pixels
    hash: int  # 64 bits
    aspect: float  # width / height
    even: bool  # hardly anything on it, so that `hash` means little
    blank: bool  # one color


class Fingerprint(NamedTuple):
    picture: PictureHash | None  # None without a screenshot
    html: bytes  # digest
    layout: bytes  # digest of the semantic view; b"" without one
    sketch: np.ndarray  # uint32[_ROWS]
    nodes: int  # of html


class Pair(NamedTuple):
    """Record `one` is the like of the earlier record `other`."""

    one: int
    other: int
    kind: str  # duplicate, labels, near or shared: see checks.KINDS
    bits: int | None  # of 64, in which the hashes differ
    tree: float  # share of node triples in common


def hash_picture(pixels: np.ndarray) -> PictureHash:
    """Of uint8[H, W, 3]."""
    height, width = pixels.shape[:2]
    digest = hashlib.sha256(np.ascontiguousarray(pixels))
    digest.update(f"{width}x{height}".encode())
    image = Image.fromarray(pixels)
    blank = all(least == most for least, most in image.getextrema())
    # Whole blocks first: it takes most of the time of a resize away.
    image = image.reduce((max(1, width // 256), max(1, height // 256))).convert("L")
    small = np.asarray(image.resize((_SMALL, _SMALL), Image.Resampling.BOX), np.float32)
    waves = dctn(small, norm="ortho")[:8, :8].ravel()
    bits = np.append(waves[1:] > np.median(waves[1:]), False)  # without the mean gray: 63 bits
    value = int.from_bytes(np.packbits(bits).tobytes(), "big")
    return PictureHash(digest.digest(), value, width / height, bool(small.std() < 2), blank)


def fingerprint_of(record: Record, picture: PictureHash | None) -> Fingerprint:
    """Content is left out of the tree: its ids differ from capture to capture."""
    visits = preorder(record.html)
    names = [f"{v.depth}{v.node.tag}@{'@'.join(v.node.classes)}" for v in visits]
    triples = {"\n".join(names[i : i + 3]) for i in range(max(1, len(names) - 2))}
    hashes = np.array([zlib.crc32(t.encode()) for t in triples], np.uint64)
    with np.errstate(over="ignore"):
        mixed = hashes * _MULTIPLIERS + _OFFSETS
    sketch = (mixed >> np.uint64(32)).min(axis=1).astype(np.uint32)
    html = hashlib.blake2b("\n".join(names).encode("utf-8", "replace"), digest_size=16).digest()
    layout = b""
    if record.layout is not None:
        text = print_layout(to_semantic(record.layout))
        layout = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return Fingerprint(picture, html, layout, sketch, len(visits))


def find_pairs(fingerprints: Iterable[Fingerprint | None]) -> list[Pair]:
    """Each record with the earlier record that is most like it, where there is one.

    None is a record that cannot be read. A record that is like an earlier one represents
    no band of its own: groups do not grow into chains of ever less likeness.
    """
    known: list[Fingerprint | None] = []
    bands: dict[tuple, list[int]] = {}
    pairs = []
    for number, one in enumerate(fingerprints):
        known.append(one)
        if one is None:
            continue
        keys = list(_bands(one))
        others = sorted({other for key in keys for other in bands.get(key, ())})
        found = [p for other in others if (p := _compare(number, one, other, known[other]))]
        if found:
            pairs.append(min(found, key=lambda p: (_RANK[p.kind], -p.tree, p.bits or 0)))
        if not found or pairs[-1].kind == "shared":
            for key in keys:
                kept = bands.setdefault(key, [])
                if len(kept) < _KEPT:
                    kept.append(number)
        else:
            known[number] = None  # nobody will be compared with it
    return pairs


_RANK = {"duplicate": 0, "labels": 1, "near": 2, "shared": 3}


def _bands(one: Fingerprint):
    if one.picture is not None and not one.picture.even:
        yield "pixels", one.picture.pixels
        for band in range(_LOOK_BANDS):
            yield "hash", band, one.picture.hash >> (16 * band) & 0xFFFF
    rows = _ROWS // _TREE_BANDS
    for band in range(_TREE_BANDS):
        yield "tree", band, one.sketch[band * rows : (band + 1) * rows].tobytes()


def _compare(number: int, one: Fingerprint, other_number: int, other: Fingerprint) -> Pair | None:
    tree = 1.0 if one.html == other.html else float((one.sketch == other.sketch).mean())
    bits = None
    if one.picture and other.picture:
        bits = (one.picture.hash ^ other.picture.hash).bit_count()
    kind = _kind(one, other, tree, bits)
    return kind and Pair(number, other_number, kind, bits, tree)


def _kind(one: Fingerprint, other: Fingerprint, tree: float, bits: int | None) -> str | None:
    if (one.picture is None) != (other.picture is None):
        return None
    same_picture = one.picture is None or one.picture.pixels == other.picture.pixels
    if same_picture and one.html == other.html:
        return "duplicate" if one.layout == other.layout else "labels"
    trees_tell = min(one.nodes, other.nodes) >= _LEAST_NODES
    if bits is None or one.picture.even or other.picture.even:
        return "near" if same_picture and trees_tell and tree >= SAME_TREE else None
    if same_picture and trees_tell and tree < _OTHER_TREE:
        return "shared"
    if abs(one.picture.aspect / other.picture.aspect - 1) > _ASPECT:
        return None
    alike = bits <= SAME_LOOK or (trees_tell and tree >= LIKE_TREE and bits <= LIKE_LOOK)
    return "near" if alike else None
