"""What must accompany some results, by the id that a result carries (``disclosures.yml``)."""

from __future__ import annotations

import datetime as dt
from functools import cache
from pathlib import Path

import yaml
from pydantic import Field

from responses.reply import Frozen, Language

FILE = Path(__file__).with_name("disclosures.yml")


class Disclosure(Frozen):
    """A text, in force from and to given days, where it is written down, and when it was last looked at."""

    zh: str
    en: str
    citation: str = Field(min_length=8)
    effective_from: dt.date
    effective_to: dt.date | None = None
    reviewed_on: dt.date
    needs_review: bool = False

    def holds_on(self, day: dt.date) -> bool:
        """Whether it is in force on *day*."""
        return self.effective_from <= day and (self.effective_to is None or day <= self.effective_to)

    def text(self, language: Language) -> str:
        """The wording in *language*."""
        return self.zh if language == "zh" else self.en


class UnknownDisclosure(LookupError):
    """A result demands a text that is not in force or does not exist: it must not be shown without."""


@cache
def disclosures() -> dict[str, Disclosure]:
    """Every disclosure by its id."""
    raw = yaml.safe_load(FILE.read_text("utf-8"))
    return {name: Disclosure.model_validate(entry) for name, entry in raw.items()}


def disclosure(name: str, day: dt.date) -> Disclosure:
    """The disclosure *name* as in force on *day*; ``UnknownDisclosure`` where there is none."""
    found = disclosures().get(name)
    if found is None or not found.holds_on(day):
        raise UnknownDisclosure(name)
    return found
