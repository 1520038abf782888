"""The bank's persona: who speaks, what it never says, and the phrases it puts around a reply; ``persona.yml``."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, field_validator

from responses.audience import Mood, PartOfDay, Room
from responses.library import parse
from responses.reply import Language

PERSONA = Path(__file__).with_name("persona.yml")

Kind = Literal["answer", "ask", "done", "setback"]
"""How things went, as far as the words around a reply care."""
Already = Literal["greeting", "apology", "calming", "offer", "cheer"]
Phrases = dict[Language, tuple[str, ...]]
ByHour = dict[Language, dict[PartOfDay, tuple[str, ...]]]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Limits(_Strict):
    """What a channel has room for: ``longest`` in code points, ``spare`` for more than the matter itself."""

    longest: int
    spare: bool


class Persona(_Strict):
    """See ``persona.yml``: every field is one of its keys."""

    name: dict[Language, str]
    voice: dict[Language, str]
    never: Phrases
    informal: Phrases
    said_already: dict[Already, str]
    greetings: ByHour
    strangers: ByHour
    openings: dict[Mood, dict[Kind, Phrases]]
    closings: dict[Mood, dict[Kind, Phrases]]
    elder: Phrases
    partings: ByHour
    cut_off: dict[Language, str]
    channels: dict[Room, Limits]

    @field_validator("said_already")
    @classmethod
    def _compiles(cls, patterns: dict[Already, str]) -> dict[Already, str]:
        for pattern in patterns.values():
            re.compile(pattern)
        return patterns

    def phrases(self) -> Iterator[tuple[Language, str]]:
        """Every phrase that may stand in a reply, with its language."""
        for by_hour in (self.greetings, self.strangers, self.partings):
            for language, parts in by_hour.items():
                for told in parts.values():
                    yield from ((language, phrase) for phrase in told)
        for by_mood in (self.openings, self.closings):
            for kinds in by_mood.values():
                for phrases in kinds.values():
                    yield from ((language, phrase) for language, told in phrases.items() for phrase in told)
        yield from ((language, phrase) for language, told in self.elder.items() for phrase in told)
        yield from self.cut_off.items()

    def says(self, what: Already, text: str) -> bool:
        """Whether *text* says that itself."""
        return bool(_pattern(self.said_already[what]).search(text))

    def habits(self, text: str, language: Language) -> list[str]:
        """What *text* says that this persona never says, in the order of the list."""
        folded = text.lower()
        found = [phrase for phrase in self.never[language] if phrase.lower() in folded]
        if language == "en":
            return [phrase for phrase in found if _pattern(rf"(?<![a-z]){re.escape(phrase)}(?![a-z])").search(text)]
        return found

    def is_informal(self, text: str, language: Language) -> bool:
        """Whether *text* is too familiar for a formal tone."""
        folded = text.lower()
        return any(word in folded for word in self.informal[language])


@cache
def persona(path: Path = PERSONA) -> Persona:
    """The persona of a file; ``ValueError`` where a phrase cannot be read."""
    found = Persona.model_validate(yaml.safe_load(path.read_text("utf-8")))
    for _, phrase in found.phrases():
        parse(phrase)
    return found


@cache
def persona_version(path: Path = PERSONA) -> str:
    """The content hash of the file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)
