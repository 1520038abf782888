"""A reply that is heard while it is made: sentence by sentence, each verified before it leaves, none ever taken back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from responses.reply import Evidence


@dataclass(frozen=True, slots=True)
class Heard:
    """What the customer has of a reply: its beginning, and what that rests on. Offsets are code points of ``text``."""

    text: str = ""
    evidence: tuple[Evidence, ...] = ()

    def and_then(self, text: str, evidence: tuple[Evidence, ...]) -> Heard:
        """This, and *text* right behind it; *evidence* counts from the beginning of the whole."""
        return Heard(self.text + text, (*self.evidence, *evidence))


class Listener(Protocol):
    """Whoever hears a reply while it is made."""

    @property
    def heard(self) -> Heard:
        """What they have already: not nothing where this turn was begun before, and broke off."""
        ...

    async def hear(self, text: str, evidence: tuple[Evidence, ...]) -> bool:
        """Let them have *text* behind what they heard; ``False`` where they no longer listen, and it did not leave."""
        ...
