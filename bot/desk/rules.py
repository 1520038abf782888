"""What the desk goes by, read from ``rules.yml``: skills, service levels, priorities, dispositions, tags."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml
from pydantic import Field

from bot.desk.accounts import Role
from bot.message import Frozen

FILE = Path(__file__).with_name("rules.yml")
GENERAL = "general"
"""The skill of what asks for none."""


class Label(Frozen):
    """A word in both languages."""

    zh: str
    en: str

    def said(self, language: str) -> str:
        """The word in *language*."""
        return self.en if language == "en" else self.zh


class DemoRep(Frozen):
    """A rep whom only the demo makes; the password is printed on its sign-in page."""

    name: str
    display_name: str
    display_name_en: str
    role: Role
    skills: tuple[str, ...]
    password: str
    password_hash: str


class ServiceLevel(Frozen):
    """Seconds: until a customer who waits is taken, until the first reply, between replies, and in all."""

    wait: int = Field(gt=0)
    first_reply: int = Field(gt=0)
    reply: int = Field(gt=0)
    handle: int = Field(gt=0)


class DeskRules(Frozen):
    """All of them. ``skills`` lists the beginnings of capabilities' names, ``english`` names the skill of that language;
    ``priority`` is what each circumstance adds."""

    demo_reps: tuple[DemoRep, ...]
    skills: dict[str, tuple[str, ...]]
    english: str
    service_level: ServiceLevel
    priority: dict[str, int]
    dispositions: dict[str, Label]
    tags: dict[str, Label]

    def skill_for(self, capability: str | None) -> str:
        """The skill that *capability* asks for; ``general`` where none is named for it."""
        fits = [
            (len(beginning), skill)
            for skill, beginnings in self.skills.items()
            for beginning in beginnings
            if capability is not None and capability.startswith(beginning)
        ]
        return max(fits)[1] if fits else GENERAL

    def all_skills(self) -> tuple[str, ...]:
        """Every skill that a rep may have."""
        return (*self.skills, self.english)


@cache
def desk_rules() -> DeskRules:
    """The rules as they are shipped or as the bank changed them."""
    return DeskRules.model_validate(yaml.safe_load(FILE.read_text("utf-8")))
