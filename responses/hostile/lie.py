"""What a lie is: a hostile draft, and how to see that it was shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lie:
    """A hostile draft. Shown, it is wrong where ``says`` stands in it, or where ``lacks`` does not."""

    text: str
    says: str | None = None
    lacks: str | None = None
