"""The tokenizer of words that comes with shards of documents, learned from their training split."""

import heapq
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from xojl_jax.data.shards import decode_sample, open_reader
from xojl_jax.documents.record import parse_record
from xojl_jax.documents.word_pieces import BYTES, NAME, SPECIAL, START, WordPieces
from xojl_jax.files import write_text

# Pages whose words are counted, evenly over the split, and different words, the commonest: more
# costs time and changes little.
MOST_PAGES = 50_000
MOST_WORDS = 200_000
# A character in fewer of the counted words becomes bytes.
LEAST_COUNT = 2


def write_pieces(folder: Path, size: int, files: Iterable[Path]) -> None:
    """Writes `tokenizer.json` with at most `size` pieces, from these ArrayRecord files."""
    write_text(folder / NAME, learn(count_words(list(files)), size).to_json())


def count_words(files: list[Path]) -> Counter[str]:
    readers = [open_reader(path) for path in files]
    places = [(reader, i) for reader in readers for i in range(reader.num_records())]
    words: Counter[str] = Counter()
    for reader, i in places[:: max(1, -(-len(places) // MOST_PAGES))]:
        (entry,) = reader.read([i])
        words.update(parse_record(decode_sample(entry).record).words)
    for reader in readers:
        reader.close()
    return words


def learn(words: Mapping[str, int], size: int) -> WordPieces:
    """Byte-pair encoding of at most `size` pieces, from how often each word occurs.

    Ties go to what comes first in Unicode, so the same words give the same pieces.
    """
    kept = sorted(words.items(), key=lambda item: (-item[1], item[0]))[:MOST_WORDS]
    letters: Counter[str] = Counter()
    for word, count in kept:
        letters.update(dict.fromkeys(START + word, count))
    alphabet = sorted(letter for letter, count in letters.items() if count >= LEAST_COUNT)
    alphabet = sorted({START, *alphabet[: max(0, size - len(SPECIAL) - len(BYTES) - 1)]})
    known = set(alphabet)
    spelled = [
        [c if c in known else "" for c in START + word] for word, _ in kept
    ]  # what becomes bytes merges with nothing
    pieces, merges = [*SPECIAL, *BYTES, *alphabet], []
    there = set(pieces)
    for pair in _merges(spelled, [count for _, count in kept]):
        joined = "".join(pair)
        if joined not in there:  # two ways to spell one piece
            if len(pieces) >= size:
                break
            pieces.append(joined)
            there.add(joined)
        merges.append(pair)
    return WordPieces(pieces, merges)


def _merges(spelled: list[list[str]], counts: list[int]) -> Iterable[tuple[str, str]]:
    """The pair that occurs most, again and again, until none occurs twice."""
    totals: Counter[tuple[str, str]] = Counter()
    where: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    for number, parts in enumerate(spelled):
        for pair in itertools.pairwise(parts):
            if all(pair):
                totals[pair] += counts[number]
                where[pair].add(number)
    heap = [(-count, pair) for pair, count in totals.items()]
    heapq.heapify(heap)
    while heap:
        count, pair = heapq.heappop(heap)
        if -count != totals[pair]:
            if totals[pair] > 1:  # it lost some since it was put there
                heapq.heappush(heap, (-totals[pair], pair))
            continue
        if -count < 2:
            return
        yield pair
        changed = set()
        for number in where.pop(pair):
            parts, weight = spelled[number], counts[number]
            for old in itertools.pairwise(parts):
                totals[old] -= weight
            spelled[number] = parts = _join(parts, pair)
            for new in itertools.pairwise(parts):
                if all(new):
                    totals[new] += weight
                    where[new].add(number)
                    changed.add(new)
        totals[pair] = 0
        for new in sorted(changed):
            heapq.heappush(heap, (-totals[new], new))


def _join(parts: list[str], pair: tuple[str, str]) -> list[str]:
    joined, at = [], 0
    while at < len(parts):
        if tuple(parts[at : at + 2]) == pair:
            joined.append(parts[at] + parts[at + 1])
            at += 2
        else:
            joined.append(parts[at])
            at += 1
    return joined
