"""Messages that say nearly the same: the share of two-character pieces that they have in common."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Generic, NamedTuple, TypeVar

NEAR = 0.8
"""From which likeness on a message teaches nothing that the other does not."""
_DIGITS = re.compile(r"[0-9]+(?:[.,][0-9]+)*")
_NOT_SAID = re.compile(r"[\W_]+")

Item = TypeVar("Item")


class Close(NamedTuple, Generic[Item]):
    """A known message and how like it is, 0 to 1."""

    item: Item
    likeness: float


class Nearness(Generic[Item]):
    """Known messages, found again by those that are like them: *known* are texts and what they stand for."""

    def __init__(self, known: Iterable[tuple[str, Item]]) -> None:
        self._items: list[Item] = []
        self._sizes: list[int] = []
        self._with_piece: dict[str, list[int]] = defaultdict(list)
        for text, item in known:
            found = pieces(text)
            for piece in found:
                self._with_piece[piece].append(len(self._items))
            self._items.append(item)
            self._sizes.append(len(found))

    def near(self, text: str, least: float = NEAR) -> list[Close[Item]]:
        """The known messages that are at least *least* like *text*, the likest first."""
        found = pieces(text)
        shared = Counter(at for piece in found for at in self._with_piece.get(piece, ()))
        close = (Close(self._items[at], 2 * count / (len(found) + self._sizes[at])) for at, count in shared.items())
        return sorted((each for each in close if each.likeness >= least), key=lambda each: -each.likeness)


def pieces(text: str) -> frozenset[str]:
    """Every two neighbouring characters of *text*, whatever its case, width and punctuation; any number is one figure."""
    said = unicodedata.normalize("NFKC", text).casefold()
    said = _NOT_SAID.sub("", _DIGITS.sub("0", said))
    return frozenset(said[at : at + 2] for at in range(len(said) - 1)) or frozenset({said} if said else ())


def likeness(one: str, other: str) -> float:
    """Sørensen and Dice's coefficient of the two texts' pieces: 1 where they are the same, 0 where none is shared."""
    first, second = pieces(one), pieces(other)
    return 2 * len(first & second) / (len(first) + len(second)) if first or second else 1.0
