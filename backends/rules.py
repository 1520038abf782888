"""Rules that change (limits, terms, phone numbers) as data with a source: ``backends/rules.yml``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import yaml
from pydantic import Field

from backends import values
from backends.facts import Ruled, Words, facts
from backends.result import Fact, Frozen, Kind
from backends.values import BEIJING, Count, Money, Percent, Value

RULES_FILE = Path(__file__).with_name("rules.yml")
REVIEW_EVERY = dt.timedelta(days=365)
"""How long a review holds."""
STANDING = ("hotline", "police_line", "antifraud_line")
"""The rules that a reply may state whatever the bank was asked."""


class Rule(Frozen):
    """One rule: a typed value in canonical text, in force from and to given days, and where it is written down."""

    rule_id: str
    kind: Kind
    value: str
    unit: str | None = None
    english: str | None = None
    effective_from: dt.date
    effective_to: dt.date | None = None
    citation: str = Field(min_length=8)
    reviewed_on: dt.date
    needs_review: bool = False

    def holds_on(self, day: dt.date) -> bool:
        """Whether the rule is in force on *day*."""
        return self.effective_from <= day and (self.effective_to is None or day <= self.effective_to)

    def typed(self) -> Value:
        """The value as its type."""
        return values.from_canonical(self.kind, self.value, self.unit)

    def ruled(self) -> Ruled:
        """The value, ready to be stated as a rule's."""
        value = self.typed()
        return Ruled(Words(value, self.english) if isinstance(value, str) else value)

    def fact(self, as_of: dt.datetime) -> Fact:
        """The value as a fact under the rule's own id, as of an aware UTC time."""
        return Fact.of(self.rule_id, self.typed(), source="rule", as_of=as_of, kind=self.kind, english=self.english)


def read_rules(path: Path) -> tuple[Rule, ...]:
    """The rules of a file; ``ValueError`` where one has no source, no day or no readable value."""
    found = tuple(Rule.model_validate(entry) for entry in yaml.safe_load(path.read_text("utf-8")))
    for each in found:
        each.typed()
    return found


def overdue(rules: Iterable[Rule], today: dt.date) -> list[str]:
    """The ids of the rules whose last review is more than ``REVIEW_EVERY`` ago, or was dated ahead."""
    return [each.rule_id for each in rules if not dt.timedelta(0) <= today - each.reviewed_on <= REVIEW_EVERY]


@cache
def _rules() -> tuple[Rule, ...]:
    return read_rules(RULES_FILE)


def rule(rule_id: str, day: dt.date) -> Rule:
    """The rule as it stands on *day*; ``LookupError`` where none is in force, or more than one."""
    standing = [each for each in _rules() if each.rule_id == rule_id and each.holds_on(day)]
    if len(standing) != 1:
        raise LookupError(f"{len(standing)} rules called {rule_id!r} are in force on {day}")
    return standing[0]


def ruled(rule_id: str, day: dt.date) -> Ruled:
    """The rule's value, ready to be stated as a rule's."""
    return rule(rule_id, day).ruled()


def standing_facts(now: dt.datetime) -> dict[str, Fact]:
    """The facts of ``STANDING`` by name, as the rules have them on the bank's day of *now* (aware); one that is not in
    force is left out."""
    day = now.astimezone(BEIJING).date()
    holding = {each.rule_id: each.ruled() for each in _rules() if each.rule_id in STANDING and each.holds_on(day)}
    return {fact.name: fact for fact in facts("rule", now, "public", dict(holding))}


def money_rule(rule_id: str, day: dt.date) -> Money:
    """The amount that a rule sets."""
    value = rule(rule_id, day).typed()
    assert isinstance(value, Money)
    return value


def percent_rule(rule_id: str, day: dt.date) -> Percent:
    """The share that a rule sets."""
    value = rule(rule_id, day).typed()
    assert isinstance(value, Percent)
    return value


def time_rule(rule_id: str, day: dt.date) -> dt.time:
    """The time of day that a rule sets."""
    value = rule(rule_id, day).typed()
    assert isinstance(value, dt.time)
    return value


def count_rule(rule_id: str, day: dt.date) -> Count:
    """The number that a rule sets."""
    value = rule(rule_id, day).typed()
    assert isinstance(value, Count)
    return value


def minutes_rule(rule_id: str, day: dt.date) -> dt.timedelta:
    """The length of time that a rule sets in minutes."""
    value = count_rule(rule_id, day)
    assert value.unit == "minute"
    return dt.timedelta(minutes=value.number)
