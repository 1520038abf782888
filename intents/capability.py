"""The catalogue: one YAML a capability under ``intents/catalog``, checked when it is read."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from intents.understanding import Act, Language

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's, where PyYAML was built with it: it reads ten times as fast."""
CATALOG = Path(__file__).parent / "catalog"
_ENTITY = re.compile(r"\[([^\]]+)\]\(([a-z_]+)\)")
_DENIED = re.compile(r"(?:不是|不要|不用|而不是|别|\bnot|\brather than|\binstead of)\s*(?:the )?$", re.IGNORECASE)


class SlotType(BaseModel):
    """A slot of the catalogue: how its words are read, and the values of an enum."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    type: Literal["digits4", "enum", "text", "money", "currency", "duration", "date", "period", "phone"]
    values: tuple[str, ...] = ()
    zh: str


class SlotUse(BaseModel):
    """How a capability uses a slot."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    required: bool = False
    many: bool = False


class Cue(BaseModel):
    """An input field that needs no training: the words in a message that say which value it has.

    A message that brings a value takes back what was said for ``instead_of``, and the other way round: a customer who
    asked to pay 2,000 and then says "the minimum" no longer means 2,000.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    instead_of: str | None = None
    values: dict[str, tuple[str, ...]]

    def read(self, text: str) -> str | None:
        """The first value, in the order of the file, of which *text* says a word without denying it; else ``None``."""
        return next((value for value, words in self.values.items() if _says_one(words, text)), None)

    def is_all_of(self, text: str) -> bool:
        """Whether *text* is one of the words and nothing more, as a button's is."""
        said = text.strip(" .,!?。，！？").casefold()
        return any(said == word.casefold() for words in self.values.values() for word in words)


@cache
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    parts = [rf"(?<![a-z]){re.escape(word)}(?![a-z])" if word.isascii() else re.escape(word) for word in words]
    return re.compile("|".join(parts), re.IGNORECASE)


def _says_one(words: tuple[str, ...], text: str) -> bool:
    return any(not _DENIED.search(text[: found.start()]) for found in _pattern(words).finditer(text))


class Example(BaseModel):
    """A training message: plain text and its spans ``(start, end, slot)`` in code points."""

    model_config = ConfigDict(frozen=True)
    text: str
    language: Language
    act: Act
    spans: tuple[tuple[int, int, str], ...] = ()


class Capability(BaseModel):
    """One intent: what it means, how it is served, and how customers say it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    kind: Literal["query", "write", "knowledge", "dialogue"]
    access: Literal["public", "customer"]
    status: Literal["served", "planned"]
    zh: str
    en: str
    label: dict[Language, str] = Field(default={}, description="what a reply calls it: 积分, reward points")
    shown: bool = Field(default=False, description="named when a customer asks what can be done here")
    words: str | None = Field(default=None, description="the input field that takes the customer's own words")
    boundary: str = Field(default="", description="what belongs to a neighbour instead")
    written: bool = Field(
        default=False, description="whether the knowledge base has answers beside what its backend says"
    )
    backend: str | None = Field(default=None, description="module and class of the action, e.g. card.CardBill")
    protective: bool = False
    channels: tuple[str, ...] = ()
    slots: dict[str, SlotUse] = {}
    cues: dict[str, Cue] = Field(default={}, description="input fields that plain words decide, beside the slots")
    examples: dict[Language, dict[Act, str]]

    @model_validator(mode="after")
    def _is_consistent(self) -> Capability:
        if self.status == "served" and self.kind in ("query", "write") and not self.backend:
            raise ValueError(f"{self.name}: a served {self.kind} names its backend")
        if self.protective and self.kind != "write":
            raise ValueError(f"{self.name}: only a write can be protective")
        if self.cues.keys() & self.slots.keys():
            raise ValueError(f"{self.name}: a field is a slot or a cue, not both")
        return self

    def read_cues(self, text: str) -> dict[str, str]:
        """The cues that *text* says, with their values."""
        read = {name: cue.read(text) for name, cue in self.cues.items()}
        return {name: value for name, value in read.items() if value is not None}

    def parsed_examples(self) -> list[Example]:
        """The examples as training rows, Rasa-style ``[words](slot)`` marks turned into spans."""
        return [
            parse_example(line, language, act)
            for language, acts in self.examples.items()
            for act, block in acts.items()
            for line in block.splitlines()
            if line.strip()
        ]


def parse_example(line: str, language: Language, act: Act) -> Example:
    """One ``- text with [words](slot)`` line; ``ValueError`` where a mark is broken."""
    line = line.strip()
    if not line.startswith("- "):
        raise ValueError(f"an example starts with '- ': {line!r}")
    marked = line[2:].strip()
    text, spans, last = "", [], 0
    for match in _ENTITY.finditer(marked):
        text += marked[last : match.start()]
        spans.append((len(text), len(text) + len(match[1]), match[2]))
        text += match[1]
        last = match.end()
    text += marked[last:]
    if not text or "](" in text:
        raise ValueError(f"a broken entity mark: {line!r}")
    return Example(text=text, language=language, act=act, spans=tuple(spans))


@cache
def slot_types(folder: Path = CATALOG) -> dict[str, SlotType]:
    """Every slot of the catalogue by name."""
    raw = yaml.safe_load((folder / "_slots.yml").read_text("utf-8"))
    return {name: SlotType.model_validate(spec) for name, spec in raw.items()}


@cache
def catalog(folder: Path = CATALOG) -> dict[str, Capability]:
    """Every capability by name, in the order of file names; ``ValueError`` names the file that is wrong."""
    found: dict[str, Capability] = {}
    for path in sorted(folder.glob("[a-z]*.yml")):
        try:
            capability = Capability.model_validate(yaml.load(path.read_text("utf-8"), _LOADER))  # noqa: S506
        except ValueError as error:
            raise ValueError(f"{path.name}: {error}") from error
        if capability.name != path.stem:
            raise ValueError(f"{path.name}: named {capability.name!r} inside")
        found[capability.name] = capability
    return found
