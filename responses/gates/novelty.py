"""Gate 1 on sentences: one that reads like a lie and not like a reply of this outcome is refused, whatever its words are.

The other gates know words. This one has learned, from replies that people wrote and from lies by the hundred, how a sentence
of an honest reply reads beside its template: a logistic regression over hashed character and word n-grams (Weinberger et
al.: Feature Hashing for Large Scale Multitask Learning, 2009) and over what the sentence has that the template has not.
``responses.hostile.fit`` trains it.
"""

from __future__ import annotations

import itertools
import re
import zlib
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from responses.draft import Draft
from responses.gates.bare import MARK, Bare, bare
from responses.gates.refusal import Refusal
from responses.reply import Language

FILE = Path(__file__).with_name("novelty.npz")
SIZE = 1 << 15
"""Buckets that features are hashed into."""
_END = re.compile(r"[。！？!?\n；;]|\.(?=\s|$)")
_NOT_CJK = re.compile(r"[^\u4e00-\u9fff]+")
_FOREIGN = re.compile(r"[^\u4e00-\u9fffa-z#]")
_WORD = re.compile(r"[a-z']+|#")
_LATIN = re.compile(r"[a-z']+")
_DENIES = re.compile(r"[不没未无别勿]|n't\b|\b(?:not|no|nothing|never|cannot|without)\b")
_DENIAL = 1.0
"""Who denies something says less than who claims it: such a sentence must read this much likelier a lie, in logits."""
_FIFTHS = 5
_HALF = 0.5
_STEM = 4


class Doubts:
    """How much each sentence of *draft* reads like a lie, and not like a rewording of *source*."""

    def __init__(self, draft: Bare, source: Draft, language: Language) -> None:
        weights, bias, self._sure, self._doubtful, _ = _weights()
        known = _known(source.text, language)
        self._draft = draft
        self._scores = [
            (start, end, score(weights, bias, features(draft.text[start:end], known, language)))
            for start, end in sentences(draft.text)
        ]

    def refused(self) -> list[Refusal]:
        """The sentences that are refused for how they read alone."""
        return [
            self._draft.refusal("unlike", start, end)
            for start, end, found in self._scores
            if found > self._sure + (_DENIAL if _DENIES.search(self._draft.text, start, end) else 0.0)
        ]

    def doubtful(self, refusal: Refusal) -> bool:
        """Whether the sentence of *refusal* reads doubtfully enough for a weak sign to decide."""
        starts = self._draft.starts
        return any(
            found > self._doubtful and refusal.start < self._draft.ends[end - 1] and starts[start] < refusal.end
            for start, end, found in self._scores
        )


def is_vouched_for(sentence: str, source: Draft, language: Language) -> bool:
    """Whether *sentence* (folded, without a placeholder) reads honest beyond doubt: more so than three in ten of those that
    people wrote. One that is half the template's own words need not be beyond doubt."""
    weights, bias, _, doubtful, vouched = _weights()
    known = _known(source.text, language)
    for start, end in sentences(sentence):
        words = sentence[start:end]
        own = grams(words, language)
        limit = doubtful if len(own & known) >= _HALF * len(own) else vouched
        if score(weights, bias, features(words, known, language)) > limit:
            return False
    return True


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Where each sentence of folded *text* begins and ends, blanks and its full stop apart."""
    start = 0
    for end in (*(match.span() for match in _END.finditer(text)), (len(text), len(text))):
        words = text[start : end[0]]
        if words.strip():
            begin = start + len(words) - len(words.lstrip())
            yield begin, begin + len(words.strip())
        start = end[1]


def score(weights: NDArray[np.float32], bias: float, found: NDArray[np.int64]) -> float:
    """How much likelier a lie, in logits."""
    return float(weights[found].sum()) / float(np.sqrt(len(found) + 1)) + bias


def features(sentence: str, known: frozenset[str], language: Language) -> NDArray[np.int64]:
    """The buckets of a folded *sentence* beside *known*, the n-grams of its template."""
    return np.fromiter((zlib.crc32(name.encode()) % SIZE for name in _names(sentence, known, language)), np.int64)


def _names(sentence: str, known: frozenset[str], language: Language) -> list[str]:
    marked = MARK in sentence
    text = sentence.replace(MARK, "#")
    found: set[str] = set()
    if language == "zh":
        padded = f"^{_FOREIGN.sub('_', text)}$"
        for size in (1, 2, 3):
            found.update(f"z{padded[start : start + size]}" for start in range(len(padded) - size + 1))
    else:
        words = ["^", *_WORD.findall(text), "$"]
        found.update(words)
        found.update(f"{one} {other}" for one, other in itertools.pairwise(words))
        found.update(" ".join(words[start : start + 3]) for start in range(len(words) - 2))
        found.update(f"{word[:_STEM]}-" for word in words if len(word) > _STEM)
    own = grams(text, language)
    share = int(_FIFTHS * len(own & known) / max(1, len(own)))
    found.update(f"new {gram}" for gram in own - known)
    return [
        *found,
        f"{language} {share}",
        f"{language} {marked}",
        f"{language} {share} {marked}",
        f"{language} long {min(len(own), 12)}",
    ]


def grams(text: str, language: Language) -> frozenset[str]:
    """The pairs of Chinese characters, or the English words, of folded *text*."""
    if language == "en":
        return frozenset(_LATIN.findall(text))
    return frozenset(one + other for run in _NOT_CJK.split(text) for one, other in itertools.pairwise(run))


@lru_cache(maxsize=64)
def _known(source: str, language: Language) -> frozenset[str]:
    return grams(bare(source).text, language)


@cache
def _weights() -> tuple[NDArray[np.float32], float, float, float, float]:
    with np.load(FILE) as stored:
        return (
            stored["weights"].astype(np.float32), float(stored["bias"]),
            float(stored["sure"]), float(stored["doubtful"]), float(stored["vouched"]),
        )  # fmt: skip
