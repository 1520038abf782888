"""The stock phrases of a text, and the choice among equivalent ones: seeded, so that a replay says the same, and never
what a conversation has heard already while there is another way to say it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Protocol, TypeVar
from zlib import crc32

from responses.sentences import split

T = TypeVar("T")

KEPT = 96
"""Phrases that a conversation remembers, the latest of them."""
_LEAD = re.compile(r"[^{}⟦⟧，。：！？、,.:;!?\s][^{}⟦⟧，。：！？、,.:;!?\n]{0,23}(?=[，。：！,.:;!])")
_SLOT = re.compile(r"[{⟦]")


class Memory(Protocol):
    """What a choice depends on: the phrases that were said, the latest last, and the seed."""

    @property
    def said(self) -> tuple[str, ...]: ...

    @property
    def variation(self) -> int: ...


def key(phrase: str) -> str:
    """What stands for *phrase* in a conversation's memory."""
    return f"{crc32(phrase.strip().encode()):08x}"


@lru_cache(maxsize=1 << 14)
def keys_of(text: str) -> tuple[str, ...]:
    """The phrases of a text or template: all of it, the words it opens with, each sentence that states no fact."""
    plain = text.replace("[[", "").replace("]]", "")
    stock = [sentence for sentence in split(plain) if sentence.strip() and not _SLOT.search(sentence)]
    return tuple(dict.fromkeys(map(key, [text, *lead(plain), *stock])))


def lead(text: str) -> tuple[str, ...]:
    """The words before the first stop where they state no fact: “查到了” of “查到了：…”."""
    found = _LEAD.match(text.lstrip())
    return (found[0],) if found else ()


def choose(
    options: Sequence[T], memory: Memory, keys: Callable[[T], Sequence[str]], cost: Callable[[T], float] = lambda _: 0
) -> T:
    """The option that does not open as the reply before did; that was not said, or longest ago; of whose phrases least was
    said; then the cheapest; then as the seed says. The first of an option's *keys* stands for all of it."""
    heard = {phrase: place for place, phrase in enumerate(memory.said, 1)}

    def rank(place: int) -> tuple[bool, int, int, float, int]:
        whole, *phrases = keys(options[place])
        told = [heard[phrase] for phrase in phrases if phrase in heard]
        opens_alike = bool(heard) and len(heard) in told
        turn = (place - memory.variation) % len(options)
        return (opens_alike, heard.get(whole, 0), len(told), cost(options[place]), turn)

    return options[min(range(len(options)), key=rank)]


def remembered(said: tuple[str, ...], now: Iterable[str]) -> tuple[str, ...]:
    """*said* with the phrases of one more reply."""
    new = tuple(dict.fromkeys(now))
    return (*(phrase for phrase in said if phrase not in new), *new)[-KEPT:]
