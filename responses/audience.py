"""To whom a reply is said: what wording may depend on, and nothing that could change a figure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Literal

from backends.result import Fact
from backends.values import Count
from responses.reply import Frozen, Language

Mood = Literal["neutral", "anxious", "angry", "pleased"]

ELDER_FROM = 60
"""Age from which the simpler wording is used: 老年人权益保障法, art. 2."""


class Audience(Frozen):
    """The customer as far as wording goes. ``honorific`` is a personal fact: shown, never sent to a model.

    ``variation`` chooses among equivalent wordings; the same value gives the same reply. ``greeted`` is true once the
    conversation has had its greeting.
    """

    language: Language = "zh"
    honorific: Fact | None = None
    tier: str = "standard"
    age: int | None = None
    channel: str = "web"
    mood: Mood = "neutral"
    greeted: bool = True
    now: dt.datetime
    variation: int = 0

    @classmethod
    def of(
        cls,
        profile: Sequence[Fact],
        *,
        language: Language,
        channel: str,
        greeted: bool,
        now: dt.datetime,
        variation: int,
        mood: Mood = "neutral",
    ) -> Audience:
        """An audience from the facts of ``customer_profile``; a visitor's profile is empty."""
        facts = {fact.name: fact for fact in profile}
        age = facts["age"].typed() if "age" in facts else None
        return cls(
            language=language,
            honorific=facts.get("honorific"),
            tier=facts["tier"].value if "tier" in facts else "standard",
            age=age.number if isinstance(age, Count) else None,
            channel=channel,
            mood=mood,
            greeted=greeted,
            now=now,
            variation=variation,
        )

    @property
    def elder(self) -> bool:
        """Whether the simpler wording for older customers is used."""
        return self.age is not None and self.age >= ELDER_FROM
