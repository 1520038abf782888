"""Longest match over a lexicon: at each place of a text the longest word of any class wins, and the reading goes on behind it."""

from __future__ import annotations

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
        self._by_first: dict[str, list[tuple[str, str]]] = {}
        seen: dict[str, str] = {}
        for label, words in classes.items():
            for word in words:
                if seen.setdefault(word, label) != label:
                    raise ValueError(f"{word!r} is both {seen[word]} and {label}")
                self._by_first.setdefault(word[0], []).append((word, label))
        for entries in self._by_first.values():
            entries.sort(key=lambda entry: len(entry[0]), reverse=True)

    def hits(self, text: str) -> Iterator[Hit]:
        """Every word of the lexicon in *text*, from left to right, none overlapping. *text* is folded."""
        place = 0
        while place < len(text):
            word, label = self._at(text, place)
            if word:
                yield Hit(place, place + len(word), label)
            place += len(word) or 1

    def _at(self, text: str, place: int) -> tuple[str, str]:
        for word, label in self._by_first.get(text[place], ()):
            if text.startswith(word, place) and _stands_alone(text, place, word):
                return word, label
        return "", ""


def _stands_alone(text: str, place: int, word: str) -> bool:
    end = place + len(word)
    before = text[place - 1] if place else " "
    after = text[end] if end < len(text) else " "
    return not (_latin(word[0]) and _latin(before)) and not (_latin(word[-1]) and _latin(after))


def _latin(char: str) -> bool:
    return char.isascii() and char.isalnum()
