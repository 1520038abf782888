"""To whom a reply is said: what wording may depend on, and nothing that could change a figure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Literal

from backends.result import Fact
from backends.values import BEIJING, Count
from responses.reply import Frozen, Language

Mood = Literal["calm", "anxious", "angry", "hurried", "cheerful", "puzzled"]
Tone = Literal["warm", "brief", "formal", "elder"]
PartOfDay = Literal["morning", "forenoon", "noon", "afternoon", "evening", "night"]
Room = Literal["web", "wechat"]

ELDER_FROM = 60
"""Age from which the simpler wording is used: 老年人权益保障法, art. 2."""
FORMAL_TIERS = frozenset({"platinum", "private"})
SMALL_CHANNELS = frozenset({"wechat", "wechat-kf", "wecom"})
"""Where a message is a small bubble on a telephone."""
_PARTS: tuple[tuple[int, PartOfDay], ...] = (
    (5, "night"), (9, "morning"), (11, "forenoon"), (13, "noon"), (18, "afternoon"), (23, "evening"),
)  # fmt: skip
"""The hours at which each part of the day is over."""


class Audience(Frozen):
    """The customer as far as wording goes. ``honorific`` is a personal fact: shown, never sent to a model.

    ``variation`` seeds the choice among equivalent wordings: the same audience gets the same reply. ``said`` are the
    phrases that the conversation has heard (``responses.phrases``), the latest last; ``greeted`` is true once it has had
    its greeting, ``mood_answered`` once a reply has met the mood it is in. ``customer`` is what was written, and
    ``names`` what the customer goes by: neither leaves as it is, ``responses.words`` takes out what is theirs.
    """

    language: Language = "zh"
    honorific: Fact | None = None
    tier: str = "standard"
    age: int | None = None
    channel: str = "web"
    mood: Mood = "calm"
    mood_answered: bool = False
    greeted: bool = True
    now: dt.datetime
    variation: int = 0
    said: tuple[str, ...] = ()
    customer: str = ""
    names: tuple[str, ...] = ()

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
        mood: Mood = "calm",
        mood_answered: bool = False,
        said: tuple[str, ...] = (),
        customer: str = "",
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
            mood_answered=mood_answered,
            greeted=greeted,
            now=now,
            variation=variation,
            said=said,
            customer=customer,
            names=tuple(facts[name].value for name in ("name", "honorific") if name in facts),
        )

    @property
    def elder(self) -> bool:
        """Whether the simpler wording for older customers is used."""
        return self.age is not None and self.age >= ELDER_FROM

    @property
    def tone(self) -> Tone:
        """How it is said: simply to the old, briefly to whoever is in a hurry, formally in private banking, else warmly."""
        if self.elder:
            return "elder"
        if self.mood == "hurried":
            return "brief"
        return "formal" if self.tier in FORMAL_TIERS else "warm"

    @property
    def room(self) -> Room:
        """How much room the channel gives a text."""
        return "wechat" if self.channel in SMALL_CHANNELS else "web"

    @property
    def part_of_day(self) -> PartOfDay:
        """The part of the day in Beijing."""
        hour = self.now.astimezone(BEIJING).hour
        return next((part for end, part in _PARTS if hour < end), "night")
