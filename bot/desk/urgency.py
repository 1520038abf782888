"""How urgent a customer's place in the queue is: what happened, how they write, who they are, in the order of the rules."""

from __future__ import annotations

import re
from collections.abc import Sequence

from backends.result import Fact
from backends.values import Count
from bot.desk.rules import desk_rules
from bot.moods import is_pressed
from responses.audience import ELDER_FROM

_HAN = re.compile(r"[\u3400-\u9fff]")
INCIDENTS = {"fraud": "fraud", "lost_card": "lost_card"}
"""What a ticket's reason says has happened, by the rules' name for it."""
INCIDENT_CAPABILITIES = {"fraud_security": "fraud", "card_report_lost": "lost_card"}
"""The same for a customer who asks for a person in the midst of it."""


def urgency_of(reason: str, about: str | None, text: str, profile: Sequence[Fact]) -> tuple[int, tuple[str, ...]]:
    """The priority of a ticket, and the circumstances that it is the sum of, the weightiest first.

    *reason* is the router's, *about* the capability that the customer was at, *text* their message, and *profile* the
    facts of ``customer_profile`` (none for a visitor).
    """
    rules = desk_rules()
    found = dict.fromkeys(_circumstances(reason, about, text, profile))
    weighed = sorted((name for name in found if name in rules.priority), key=lambda name: -rules.priority[name])
    return sum(rules.priority[name] for name in weighed), tuple(weighed)


def skill_of(about: str | None, text: str) -> str:
    """Who should take a ticket about the capability *about*, asked for in *text*: for English, first of all who knows it."""
    rules = desk_rules()
    return rules.skill_for(about) if _HAN.search(text) else rules.english


def _circumstances(reason: str, about: str | None, text: str, profile: Sequence[Fact]) -> list[str]:
    facts = {fact.name: fact for fact in profile}
    found = [INCIDENTS[reason]] if reason in INCIDENTS else []
    if about in INCIDENT_CAPABILITIES:
        found.append(INCIDENT_CAPABILITIES[about])
    if is_pressed(text):
        found.append("anger")
    age = facts["age"].typed() if "age" in facts else None
    if isinstance(age, Count) and age.number >= ELDER_FROM:
        found.append("elder")
    if "tier" in facts:
        found.append(facts["tier"].value)
    return found
