"""What replies may state on the bank's own authority (``rules.yml``), and what must accompany some (``disclosures.yml``)."""

from __future__ import annotations

import datetime as dt
from functools import cache
from pathlib import Path

import yaml
from pydantic import Field

from backends.result import Fact, Kind
from responses.reply import Frozen, Language

HERE = Path(__file__).parent
REVIEW_EVERY = dt.timedelta(days=365)
"""How long a review holds."""


class Sourced(Frozen):
    """What every rule says about itself: where it is written down, since when, and when it was last looked at."""

    citation: str = Field(min_length=8)
    effective_from: dt.date
    effective_to: dt.date | None = None
    reviewed_on: dt.date
    needs_review: bool = False

    def holds_on(self, day: dt.date) -> bool:
        """Whether it is in force on *day*."""
        return self.effective_from <= day and (self.effective_to is None or day <= self.effective_to)


class RuleFact(Sourced):
    """A fact that any template may name without a backend having returned it."""

    name: str
    kind: Kind
    value: str
    unit: str | None = None


class Disclosure(Sourced):
    """A text that must accompany results carrying its id."""

    zh: str
    en: str

    def text(self, language: Language) -> str:
        """The wording in *language*."""
        return self.zh if language == "zh" else self.en


class UnknownDisclosure(LookupError):
    """A result demands a text that is not in force or does not exist: it must not be shown without."""


@cache
def rule_list() -> tuple[RuleFact, ...]:
    """Every rule of ``rules.yml``, in force or not."""
    return tuple(RuleFact.model_validate(entry) for entry in yaml.safe_load((HERE / "rules.yml").read_text("utf-8")))


@cache
def disclosures() -> dict[str, Disclosure]:
    """Every disclosure by its id."""
    raw = yaml.safe_load((HERE / "disclosures.yml").read_text("utf-8"))
    return {name: Disclosure.model_validate(entry) for name, entry in raw.items()}


def rule_facts(now: dt.datetime) -> dict[str, Fact]:
    """The facts that rules state on the day of *now*, by name."""
    return {
        rule.name: Fact(name=rule.name, kind=rule.kind, value=rule.value, unit=rule.unit, source="rule", as_of=now)
        for rule in rule_list()
        if rule.holds_on(now.date())
    }


def disclosure(name: str, day: dt.date) -> Disclosure:
    """The disclosure *name* as in force on *day*; ``UnknownDisclosure`` where there is none."""
    found = disclosures().get(name)
    if found is None or not found.holds_on(day):
        raise UnknownDisclosure(name)
    return found
