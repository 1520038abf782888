"""Where one sentence ends and the next begins, in Chinese and English, in a whole text and in one that still comes."""

from __future__ import annotations

import re

_ABBREVIATIONS = ("Mr", "Ms", "Mrs", "Dr", "No", "St", "vs", "e.g", "i.e", "approx")
_NOT_AN_END = "".join(rf"(?<!\b{re.escape(word)})" for word in _ABBREVIATIONS)
_CLOSING = r"[”’\"」』）)\]]*"
_END = re.compile(rf"[。！？!?…]+{_CLOSING}\s*|{_NOT_AN_END}\.{_CLOSING}(?:\s+|\Z)|\n+")


def first(text: str) -> str:
    """The first sentence of *text*, with what separates it from the next."""
    match = _END.search(text)
    return text[: match.end()] if match else text


def split(text: str) -> list[str]:
    """The sentences of *text* with what separates them; one behind the other they are *text*. A line is one at least."""
    found, last = [], 0
    for match in _END.finditer(text):
        found.append(text[last : match.end()])
        last = match.end()
    return [*found, text[last:]] if last < len(text) else found


class Incoming:
    """Sentences out of a text that comes in pieces."""

    def __init__(self) -> None:
        self._held = ""

    def take(self, piece: str) -> list[str]:
        """The sentences that are surely whole by now: another character has come behind each of them."""
        self._held += piece
        *whole, open_ = split(self._held) or [""]
        self._held = open_
        return whole

    def rest(self) -> str:
        """What is left when nothing more comes."""
        held, self._held = self._held, ""
        return held
