"""Longest match over a lexicon: at each place of a text the longest word of any class wins, and the reading goes on behind it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hit:
    """``text[start:end]`` is a word of class *label*."""

    start: int
    end: int
    label: str


class Lexicon:
    """Words by class. Latin words match whole words only; a word may belong to one class."""

    def __init__(self, classes: Mapping[str, Iterable[str]]) -> None:
        self._labels: dict[str, str] = {}
        for label, words in classes.items():
            for word in words:
                if self._labels.setdefault(word, label) != label:
                    raise ValueError(f"{word!r} is both {self._labels[word]} and {label}")
        by_first: defaultdict[str, list[str]] = defaultdict(list)
        for word in self._labels:
            by_first[word[0]].append(word)
        self._at = {first: re.compile(_longest_of(words)) for first, words in by_first.items()}
        self._first = re.compile(f"[{''.join(map(re.escape, by_first))}]" if by_first else "(?!)")

    def hits(self, text: str) -> Iterator[Hit]:
        """Every word of the lexicon in *text*, from left to right, none overlapping. *text* is folded."""
        place = 0
        # From one first letter to the next: one pattern of all words would try a thousand of them at every letter.
        while candidate := self._first.search(text, place):
            word = self._at[candidate[0]].match(text, candidate.start())
            place = word.end() if word else candidate.end()
            if word:
                yield Hit(*word.span(), self._labels[word[0]])


def _longest_of(words: Iterable[str]) -> str:
    return "|".join(map(_standing_alone, sorted(words, key=len, reverse=True)))


def _standing_alone(word: str) -> str:
    before = "(?<![0-9A-Za-z])" if _latin(word[0]) else ""
    after = "(?![0-9A-Za-z])" if _latin(word[-1]) else ""
    return before + re.escape(word) + after


def _latin(char: str) -> bool:
    return char.isascii() and char.isalnum()
