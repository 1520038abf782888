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
        self._pattern = _longest_of(self._labels)

    def hits(self, text: str) -> Iterator[Hit]:
        """Every word of the lexicon in *text*, from left to right, none overlapping. *text* is folded."""
        for match in self._pattern.finditer(text):
            yield Hit(*match.span(), self._labels[match[0]])


def _longest_of(words: Iterable[str]) -> re.Pattern[str]:
    """The longest of *words* at a place. Branched by the first character, so that few are tried at each."""
    by_first: defaultdict[str, list[str]] = defaultdict(list)
    for word in words:
        by_first[word[0]].append(word)
    branches = ("|".join(map(_standing_alone, sorted(same, key=len, reverse=True))) for same in by_first.values())
    firsts = "".join(map(re.escape, by_first)) or re.escape("\0")
    return re.compile(f"(?=[{firsts}])(?:{'|'.join(f'(?:{branch})' for branch in branches)})")


def _standing_alone(word: str) -> str:
    before = "(?<![0-9A-Za-z])" if _latin(word[0]) else ""
    after = "(?![0-9A-Za-z])" if _latin(word[-1]) else ""
    return before + re.escape(word) + after


def _latin(char: str) -> bool:
    return char.isascii() and char.isalnum()
