"""A draft as the gates read it: folded, each placeholder one mark, with the way back to the raw text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from backends.values.folding import fold
from responses.draft import PLACEHOLDER
from responses.gates.refusal import Refusal

MARK = "\ufffc"
"""Stands for a placeholder: no letter, no figure, no space."""
_APOSTROPHES = str.maketrans("’‘", "''")


@dataclass(frozen=True, slots=True, eq=False)
class Bare:
    """``text`` is folded (NFKC, lower case, simplified, straight apostrophes); its character *i* was ``raw[starts[i]:ends[i]]``.

    ``tokens`` name the placeholders by the position of their mark in ``text``.
    """

    raw: str
    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    tokens: dict[int, str]

    def refusal(self, rule: str, start: int, end: int) -> Refusal:
        """A refusal of ``text[start:end]``, told in the raw text."""
        if start >= end:
            return Refusal(rule, len(self.raw), len(self.raw), "")
        begin, finish = self.starts[start], self.ends[end - 1]
        return Refusal(rule, begin, finish, self.raw[begin:finish])


@lru_cache(maxsize=64)
def bare(raw: str) -> Bare:
    """*raw* as the gates read it."""
    return marked(raw, [(match.start(), match.end(), match[1]) for match in PLACEHOLDER.finditer(raw)])


def marked(raw: str, places: Iterable[tuple[int, int, str]]) -> Bare:
    """*raw* with a mark for each of *places* (start, end, token; in order, none overlapping)."""
    text = ""
    starts: list[int] = []
    ends: list[int] = []
    tokens: dict[int, str] = {}
    last = 0

    def take(begin: int, finish: int) -> None:
        nonlocal text
        folded = fold(raw[begin:finish])
        text += folded.text.translate(_APOSTROPHES)
        starts.extend(begin + start for start in folded.starts)
        ends.extend(begin + end for end in folded.ends)

    for start, end, token in places:
        take(last, start)
        tokens[len(text)] = token
        text += MARK
        starts.append(start)
        ends.append(end)
        last = end
    take(last, len(raw))
    return Bare(raw, text, tuple(starts), tuple(ends), tokens)
