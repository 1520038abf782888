"""Thoughts that a model writes in front of its answer, which are no part of it."""

from __future__ import annotations

import re

THINK = "<think>"
_THINKING = re.compile(r"\A\s*<think>.*?</think>\s*", re.DOTALL)


class Thoughts:
    """Takes ``<think>…</think>`` off the front of a text that comes in pieces."""

    def __init__(self) -> None:
        self._held = ""
        self._over = False

    def without(self, piece: str) -> str:
        """What of the text so far may be said and was not said yet."""
        if self._over:
            return piece
        self._held += piece
        begun = self._held.lstrip()
        if THINK.startswith(begun) or (begun.startswith(THINK) and not _THINKING.match(self._held)):
            return ""
        answer = _THINKING.sub("", self._held)
        # The blanks behind the thoughts may come with the next piece.
        self._over = bool(answer)
        return answer

    def rest(self) -> str:
        """What was held back and is no thought after all."""
        return "" if self._over or THINK in self._held else self._held


def without_thoughts(text: str) -> str:
    """*text* without the thoughts in front of it; nothing where it is all thoughts."""
    thoughts = Thoughts()
    return thoughts.without(text) + thoughts.rest()
