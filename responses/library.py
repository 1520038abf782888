"""The templates: one YAML a capability, ``_shared.yml`` for what all may answer; checked when they are read.

A file declares its facts (``name: kind unit``) and, for each outcome, its wordings in Chinese and English. ``{name}``
is a fact; ``[[ … ]]`` is left out when one of its facts is missing; ``{rows}`` is where the lines made from ``row`` go.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from backends.result import Kind
from responses.reply import Language

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's, where PyYAML was built with it: it reads ten times as fast."""
TEMPLATES = Path(__file__).parent / "templates"
SHARED = "_shared"
ROWS = "rows"
MIN_VARIANTS = 2
_FACT_ALONE = re.compile(r"\{[a-z_]+\}")
_MARK = re.compile(r"\{([a-z][a-z0-9_]*)\}|(\[\[)|(\]\])")


class TemplateError(LookupError):
    """No template answers a result: a part of the house is missing, which ``teller check`` would have told."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Part(_Strict):
    """A stretch of a template: words and ``{facts}`` in order. An optional part needs all of its facts to be said."""

    pieces: tuple[tuple[str, bool], ...] = Field(description="(text, False) words or (name, True) a fact")
    optional: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The facts it names, in order, as often as it names them."""
        return tuple(text for text, is_fact in self.pieces if is_fact)


@cache
def parse(template: str) -> tuple[Part, ...]:
    """The parts of a template; ``ValueError`` where a brace or an optional mark is broken."""
    parts: list[Part] = []
    pieces: list[tuple[str, bool]] = []
    optional, last = False, 0

    def close() -> None:
        if pieces:
            parts.append(Part(pieces=tuple(pieces), optional=optional))
            pieces.clear()

    for match in _MARK.finditer(template):
        if match.start() > last:
            pieces.append((template[last : match.start()], False))
        last = match.end()
        if match[1]:
            pieces.append((match[1], True))
            continue
        if optional == bool(match[2]):
            raise ValueError(f"optional parts do not nest: {template!r}")
        close()
        optional = bool(match[2])
    if last < len(template):
        pieces.append((template[last:], False))
    if optional:
        raise ValueError(f"an optional part is not closed: {template!r}")
    close()
    for part in parts:
        if part.optional and not part.names:
            raise ValueError(f"an optional part names no fact: {template!r}")
        if any(set(text) & set("{}⟦⟧") for text, is_fact in part.pieces if not is_fact):
            raise ValueError(f"a broken placeholder: {template!r}")
    return tuple(parts)


def names_in(template: str) -> set[str]:
    """Every fact a template names, optional ones too."""
    return {name for part in parse(template) for name in part.names}


class ByLanguage(_Strict):
    """One wording in each language."""

    zh: str
    en: str

    def __getitem__(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en

    @field_validator("zh", "en")
    @classmethod
    def _parses(cls, template: str) -> str:
        parse(template)
        return template


class Button(_Strict):
    """A quick reply as a template."""

    title: str
    payload: str


class Buttons(_Strict):
    """Quick replies in each language; a plain string is its own payload."""

    zh: tuple[Button, ...]
    en: tuple[Button, ...]

    @field_validator("zh", "en", mode="before")
    @classmethod
    def _plain_is_its_own_payload(cls, raw: list[object]) -> list[object]:
        return [{"title": entry, "payload": entry} if isinstance(entry, str) else entry for entry in raw]

    def __getitem__(self, language: Language) -> tuple[Button, ...]:
        return self.zh if language == "zh" else self.en


class Choice(_Strict):
    """The button of one of a result's choices, in each language."""

    zh: Button
    en: Button

    def __getitem__(self, language: Language) -> Button:
        return self.zh if language == "zh" else self.en


Variants = tuple[str, ...]


class Wording(_Strict):
    """How one outcome is said: equivalent variants a language, simpler ones for elders where it matters.

    ``completed`` marks words that say something was done: they are for completed results only.
    """

    zh: Variants
    en: Variants
    zh_elder: Variants | None = None
    en_elder: Variants | None = None
    row: ByLanguage | None = None
    choice: Choice | None = None
    quick_replies: Buttons | None = None
    completed: bool = False

    @model_validator(mode="after")
    def _is_consistent(self) -> Wording:
        for _, template in self.templates():
            if (ROWS in names_in(template)) != (self.row is not None):
                raise ValueError(f"{{rows}} and row go together: {template!r}")
        for group in (self.zh, self.en, self.zh_elder, self.en_elder):
            if group is None or (len(group) == 1 and _FACT_ALONE.fullmatch(group[0])):
                continue
            if len(set(group)) < max(MIN_VARIANTS, len(group)):
                raise ValueError(f"{MIN_VARIANTS} variants at least, all different")
        return self

    def templates(self) -> Iterator[tuple[Language, str]]:
        """Every variant with its language, the elders' too."""
        for template in (*self.zh, *(self.zh_elder or ())):
            yield "zh", template
        for template in (*self.en, *(self.en_elder or ())):
            yield "en", template

    def variants(self, language: Language, *, elder: bool) -> Variants:
        """The variants for a language and an age."""
        if language == "zh":
            return self.zh_elder if elder and self.zh_elder else self.zh
        return self.en_elder if elder and self.en_elder else self.en


class FactType(_Strict):
    """What a template file expects of a fact; *detail* is a unit, an enum's values, or an example of a text."""

    kind: Kind
    detail: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_line(cls, raw: object) -> object:
        if not isinstance(raw, str):
            return raw
        kind, _, detail = raw.partition(" ")
        if kind not in get_args(Kind):
            raise ValueError(f"no such kind: {kind!r}")
        return {"kind": kind, "detail": detail or None}


class TemplateFile(_Strict):
    """The wordings of one capability, and the facts they may name."""

    facts: dict[str, FactType] = {}
    outcomes: dict[str, Wording]

    @model_validator(mode="after")
    def _names_declared_facts(self) -> TemplateFile:
        declared = {*self.facts, ROWS}
        for outcome, wording in self.outcomes.items():
            texts = [template for _, template in wording.templates()]
            texts += [wording.row.zh, wording.row.en] if wording.row else []
            buttons = [*wording.quick_replies.zh, *wording.quick_replies.en] if wording.quick_replies else []
            buttons += [wording.choice.zh, wording.choice.en] if wording.choice else []
            texts += [text for button in buttons for text in (button.title, button.payload)]
            unknown = {name for text in texts for name in names_in(text)} - declared
            if unknown:
                raise ValueError(f"{outcome} names undeclared facts: {', '.join(sorted(unknown))}")
        return self


@cache
def library(folder: Path = TEMPLATES) -> dict[str, TemplateFile]:
    """Every template file by capability; ``ValueError`` names the file that is wrong."""
    found: dict[str, TemplateFile] = {}
    for path in sorted(folder.glob("*.yml")):
        try:
            found[path.stem] = TemplateFile.model_validate(yaml.load(path.read_text("utf-8"), _LOADER))  # noqa: S506
        except ValueError as error:
            raise ValueError(f"{path.name}: {error}") from error
    return found


@cache
def templates_version(folder: Path = TEMPLATES) -> str:
    """The content hash of every template file."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.yml")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def wording(capability: str, outcome: str) -> Wording:
    """How *outcome* is said: the capability's own wording, else the shared one; ``TemplateError`` where neither is."""
    files = library()
    for name in (capability, SHARED):
        if name in files and outcome in files[name].outcomes:
            return files[name].outcomes[outcome]
    raise TemplateError(f"{capability}.{outcome} has no template")
