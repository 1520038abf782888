"""What a backend answers: an outcome and the facts that a reply may state."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from backends import values
from backends.values import Kind as Kind
from backends.values import Value

Sensitivity = Literal["public", "personal", "secret"]


class Frozen(BaseModel):
    """A value object of this package: immutable, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Fact(Frozen):
    """One thing a reply may state.

    ``value`` is the canonical text of a typed value (see ``values.canonical``): ``"1234.56"`` with unit ``"CNY"``,
    ``"712.34"`` with unit ``"CNY/100 USD"``, ``"2026-11-20"``. ``source`` names who vouches for it: a backend
    (``card``, ``fx`` …), ``customer`` (said in this conversation) or ``rule``. ``as_of`` is UTC.
    ``english`` is the text in English where a text fact has one.
    """

    name: str
    kind: Kind
    value: str
    unit: str | None = None
    source: str
    as_of: dt.datetime
    sensitivity: Sensitivity = "public"
    english: str | None = None

    @classmethod
    def of(
        cls,
        name: str,
        value: Value | Decimal,
        *,
        source: str,
        as_of: dt.datetime,
        kind: Kind | None = None,
        sensitivity: Sensitivity = "public",
        english: str | None = None,
    ) -> Fact:
        """A fact from a typed value; ``kind`` is needed only for strings (``text`` unless told) and currencies."""
        found, text, unit = values.canonical(value)
        return cls(
            name=name, kind=kind or found, value=text, unit=unit, source=source, as_of=as_of,
            sensitivity=sensitivity, english=english,
        )  # fmt: skip

    def typed(self) -> Value:
        """The value as its type again; the inverse of ``Fact.of``."""
        return values.from_canonical(self.kind, self.value, self.unit)

    def spoken(self, language: str) -> str:
        """The value as a reply writes it in ``zh`` or ``en``."""
        if language == "en" and self.english is not None:
            return self.english
        return values.write(self.typed(), language, kind=self.kind)


Row = tuple[Fact, ...]


class Choice(Frozen):
    """One of the customer's own objects to pick from: fills ``slot`` with ``value``; ``facts`` say what it is."""

    slot: str
    value: str
    facts: Row


class Card(Frozen):
    """Typed data for a channel that can draw (never HTML): ``kind`` such as ``kv``, ``table``, ``product``."""

    kind: str
    data: dict[str, Any]


class Quote(Frozen):
    """What ``prepare`` offers: read back to the customer, confirmed, then named by ``commit``.

    ``digest`` covers every figure that is read back; the backend refuses a commit whose digest differs.
    """

    quote_id: str
    digest: str
    expires_at: dt.datetime


class Result(Frozen):
    """A backend's answer: authoritative, or an outcome that says why not.

    ``completed`` is true only where something was really done: without it no reply may claim so.
    ``rows`` hold repeated groups of facts (cards, products, branches), each with the same fact names.
    ``disclosures`` are ids of texts that must accompany the reply.
    """

    capability: str
    outcome: str
    facts: tuple[Fact, ...] = ()
    rows: tuple[Row, ...] = ()
    disclosures: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    card: Card | None = None
    quote: Quote | None = None
    completed: bool = False
    reference: str | None = Field(default=None, description="the backend's own number for what was done")

    def fact(self, name: str) -> Fact:
        """The fact called *name*; ``KeyError`` where the result has none."""
        for fact in self.facts:
            if fact.name == name:
                return fact
        raise KeyError(name)
