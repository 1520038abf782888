"""How alike a question and a known wording are in their letters: BM25 over n-grams, as a share of a perfect match.

Written out rather than taken from a library: the collections are one intent's wordings (some dozens), they are filtered
by date before they are scored, and the libraries at hand bring SciPy (bm25s) or are no longer kept (rank-bm25).
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]+")
_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
_LETTERS_OF_A_WORD = 4
_ASKING = re.compile(r"怎么办|怎么|为什么|什么|可以|能不能|请问|如何|多少|为啥|咋|啥|哪里|哪儿|[我你您的了吗呢啊吧]")
_SAYING_NOTHING = frozenset(
    [
        "a",
        "an",
        "the",
        "to",
        "of",
        "in",
        "on",
        "for",
        "is",
        "are",
        "do",
        "does",
        "i",
        "my",
        "me",
        "can",
        "it",
        "how",
        "what",
        "when",
        "and",
        "or",
        "be",
        "with",
        "from",
        "at",
        "will",
        "if",
        "you",
        "your",
        "this",
        "that",
    ]
)
"""Words that every question has: with so few texts their frequency alone does not give them away."""


def ngrams(text: str) -> list[str]:
    """What *text* is compared by: single characters and pairs of Chinese, words and their four-letter pieces of Latin."""
    folded = _ASKING.sub(" ", unicodedata.normalize("NFKC", text).casefold())
    grams: list[str] = []
    for run in _HAN.findall(folded):
        grams += run
        grams += (run[at : at + 2] for at in range(len(run) - 1))
    for word in _WORD.findall(folded):
        if word in _SAYING_NOTHING:
            continue
        grams.append(f"{word} ")
        padded = f"^{word}$"
        grams += (padded[at : at + _LETTERS_OF_A_WORD] for at in range(max(1, len(padded) - _LETTERS_OF_A_WORD + 1)))
    return grams


def overlap(one: str, other: str) -> float:
    """The share of their n-grams that two texts have in common (Jaccard), 0 to 1; of two that say nothing, 1."""
    mine, theirs = frozenset(ngrams(one)), frozenset(ngrams(other))
    return len(mine & theirs) / len(mine | theirs) if mine | theirs else 1.0


class Bm25:
    """A collection of texts, scored after Robertson & Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond"
    (2009), eq. 3.15, with the inverse document frequency that cannot be negative (ln(1 + …), as Lucene has it)."""

    def __init__(self, texts: Sequence[str], *, k1: float = 1.2, b: float = 0.5) -> None:
        self._counts = [Counter(ngrams(text)) for text in texts]
        self._k1, self._b = k1, b
        self._mean = sum(counts.total() for counts in self._counts) / max(1, len(texts)) or 1.0
        within = Counter(gram for counts in self._counts for gram in counts)
        total = len(texts)
        self._idf = {gram: math.log(1 + (total - n + 0.5) / (n + 0.5)) for gram, n in within.items()}
        self._unseen = math.log(1 + (total + 0.5) / 0.5)

    def likeness(self, question: str) -> list[float]:
        """How alike *question* is to each text, 0 to 1: its score over the score of a text that is the question itself."""
        asked = Counter(ngrams(question))
        perfect = self._score(asked, asked)
        return [min(1.0, self._score(asked, counts) / perfect) if perfect else 0.0 for counts in self._counts]

    def _score(self, asked: Counter[str], counts: Counter[str]) -> float:
        length = 1 - self._b + self._b * counts.total() / self._mean
        return sum(
            self._idf.get(gram, self._unseen) * times * (self._k1 + 1) / (times + self._k1 * length)
            for gram in asked
            if (times := counts.get(gram, 0))
        )
