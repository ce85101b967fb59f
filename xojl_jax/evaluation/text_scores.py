"""How close a text is to another, for any task.

BLEU (Papineni et al. 2002), ROUGE-L (Lin 2004), METEOR (Banerjee and Lavie 2005); of short answers
F1 of words (Rajpurkar et al. 2016) and ANLS (Biten et al. 2019).
"""

import re
import string
from collections import Counter
from collections.abc import Sequence

import numpy as np
from rapidfuzz.distance import Levenshtein
from sacrebleu.metrics import BLEU
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

from xojl_jax.evaluation.counts import overlap

_ORDERS = 4  # of BLEU's n-grams
ANLS_THRESHOLD = 0.5  # an answer that is less alike counts as wrong
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_TOKENIZE = Tokenizer13a()

# --- sentences -------------------------------------------------------------------------------


def sentence_words(text: str) -> list[str]:
    """Lower-case words and punctuation marks, as sacrebleu tokenizes ("13a")."""
    return _TOKENIZE(text.lower()).split()


def bleu_row(predicted: Sequence[str], *references: Sequence[str]) -> np.ndarray:
    """float64[10]: words, words of the reference that is nearest in length, and per order the
    n-grams that match one of the references, and all."""
    score = _BLEU.sentence_score(" ".join(predicted), [" ".join(r) for r in references])
    return np.array([len(predicted), score.ref_len, *score.counts, *score.totals], np.float64)


# The words are tokens already.
_BLEU = BLEU(tokenize="none", force=True, effective_order=True)


def bleu_scores(sums: np.ndarray) -> np.ndarray:
    """Corpus BLEU in [0, 1] of summed rows [..., 10], smoothed as sacrebleu does by default."""
    length, reference = sums[..., 0], sums[..., 1]
    correct, total = sums[..., 2 : 2 + _ORDERS], sums[..., 2 + _ORDERS :]
    # The k-th order without a match counts as 1 / 2^k matches.
    missing = np.cumsum(correct == 0, axis=-1)
    smoothed = np.where(correct == 0, 0.5**missing, correct)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(np.where(total > 0, smoothed / total, 0)).mean(-1)
        brevity = np.exp(np.minimum(0, 1 - reference / length))
    return np.where(correct[..., 0] > 0, brevity * np.exp(logs), 0.0)


def rouge_l(predicted: Sequence[str], reference: Sequence[str]) -> float:
    """F1 of the longest common subsequence of two word lists."""
    if not predicted or not reference:
        return float(not predicted and not reference)
    # One row of the classic table at a time: row[j] is the answer for reference[:j].
    vocabulary = {word: i for i, word in enumerate(dict.fromkeys((*predicted, *reference)))}
    columns = np.array([vocabulary[word] for word in reference])
    row = np.zeros(len(columns) + 1, np.int64)
    for word in predicted:
        diagonal = row[:-1] + (columns == vocabulary[word])
        row[1:] = np.maximum.accumulate(np.maximum(row[1:], diagonal))
    return 2 * float(row[-1]) / (len(predicted) + len(reference))


def meteor(predicted: Sequence[str], reference: Sequence[str]) -> float:
    """METEOR in [0, 1], by nltk. Words match that are equal or have one stem; the synonyms of the
    original, which come from WordNet's files, do not."""
    from nltk.translate.meteor_score import single_meteor_score  # takes a second to import

    if not predicted or not reference:
        return float(not predicted and not reference)
    return single_meteor_score(reference, predicted, wordnet=_NoSynonyms())


class _NoSynonyms:
    def synsets(self, word: str) -> list:
        return []


# --- short answers ---------------------------------------------------------------------------


def squad_words(text: str) -> list[str]:
    """Lower-case words without punctuation and articles, as SQuAD's evaluation has them."""
    return _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split()


def squad_f1(predicted: str, reference: str) -> float:
    """F1 of the bags of words; of two answers without words 1."""
    shared, extra, missing = overlap(*(Counter(squad_words(t)) for t in (predicted, reference)))
    total = 2 * shared + extra + missing
    return 2 * shared / total if total else 1.0


def anls(predicted: str, reference: str) -> float:
    """1 less the edit distance over the longer length, without regard to case and spaces at the
    ends; 0 where that is below `ANLS_THRESHOLD`. A mean over questions is the published score."""
    texts = (" ".join(text.lower().split()) for text in (predicted, reference))
    return Levenshtein.normalized_similarity(*texts, score_cutoff=ANLS_THRESHOLD)
