"""What a channel that can draw shows beside the text: the facts of the results as typed data, labelled, never HTML.

Every card has ``title`` and ``sources`` (``[{source, as_of}]``); the rest depends on its kind:

- ``kv``: ``items``, and ``meters`` that set a part against its whole. A receipt is a ``kv`` with ``done`` true.
- ``table``: ``columns``, ``rows`` of cells, ``items`` that hold for all of them.
- ``bill_breakdown``: ``whole``, the ``parts`` it comes to, ``items``.
- ``compare`` and ``product``: ``things``, each with a ``name`` and ``items``.
- ``holdings``: ``items`` of the whole, and ``things``.
- ``rate_chart`` and ``nav_chart``: ``points`` (``[day, value]`` as ISO date and decimal text), ``unit``, ``items``, and for
  a net asset value its ``drawdown`` (``{percent, from, to}``) and a ``note``.
- ``plan``: ``payments`` (``[{on, amount, text}]``).
- ``confirm``: ``items``, ``expires_at``, and the two ``buttons`` (``{title, payload}``).
- ``code``: ``length``, ``phone_tail`` and ``tries_left`` where they are known.

An item or cell has ``text`` as the reply would write it and ``value`` as canonical text; an item its ``name``, ``label`` and
``kind`` beside. A backend may hand over a card of one of these kinds itself: it is shown as it is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict

from backends.result import Card, Fact, Result, Row
from backends.values import BEIJING, Money, write
from responses.reply import Language

BOOK = Path(__file__).with_name("cards.yml")
RAW = frozenset({"product", "comparison", "rate_history", "nav_history", "instalments"})
"""Kinds of a backend's card that are not drawn as they are: their rows are facts of the result, or they are series."""
AWAITS_CODE = frozenset({"code_sent", "code_wrong", "ask_code"})
"""Outcomes after which the next message may be the one-time code."""
CODE_LENGTH = 6
"""Digits of a code where the result does not say."""
RANGES = {"benchmark_low": "benchmark_high", "rate_low": "rate_high", "past_low": "past_high", "hours_from": "hours_to"}
"""Facts that are the two ends of one figure, the lower first."""
MAX_ROWS = 20
"""A longer table is cut: the text says how many there are."""

Words = tuple[str, str]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Drawing(_Strict):
    """How an outcome is drawn: facts by name, in their order."""

    kind: Literal["kv", "table", "bill_breakdown", "rate_chart", "compare", "product", "holdings"]
    title: Words
    items: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    meters: tuple[tuple[str, str], ...] = ()
    name: str | None = None
    whole: str | None = None
    parts: tuple[str, ...] = ()


class Series(_Strict):
    """How a backend's series is drawn."""

    kind: Literal["rate_chart", "nav_chart", "plan"]
    title: Words
    note: Words | None = None


class Confirmation(_Strict):
    """The words of a card that is confirmed; ``buttons`` are yes and no, zh and en."""

    title: Words
    buttons: tuple[Words, Words]


class Book(_Strict):
    """All of ``cards.yml``."""

    labels: dict[str, Words]
    labels_of: dict[str, dict[str, Words]]
    confirm: Confirmation
    receipt: Words
    drawn: dict[str, Drawing]
    series: dict[str, Series]

    def label(self, capability: str, name: str, language: Language) -> str | None:
        """What the fact is called; ``None`` where it is not drawn."""
        words = self.labels_of.get(capability, {}).get(name) or self.labels.get(name)
        return None if words is None else words[language == "en"]


@cache
def book() -> Book:
    """How results are drawn, read once."""
    return Book.model_validate(yaml.safe_load(BOOK.read_text("utf-8")))


def cards_of(result: Result, language: Language) -> tuple[Card, ...]:
    """The cards of one result, empty where nothing is worth drawing. A secret fact is in none of them."""
    own = result.card
    if own is not None and own.kind not in RAW:
        return (own,)
    drawer = _Drawer(result, language)
    drawn = [drawer.series(own)] if own is not None and own.kind in book().series else []
    if result.quote is not None:
        return (*drawn, drawer.confirm(result.quote.expires_at))
    if result.outcome in AWAITS_CODE:
        return (drawer.code(),)
    if result.completed:
        return (*drawn, drawer.receipt())
    drawing = book().drawn.get(f"{result.capability}.{result.outcome}")
    if drawing is not None and drawing.kind != "rate_chart":
        drawn.insert(0, drawer.draw(drawing))
    return tuple(drawn)


class _Drawer:
    """Draws one result in one language."""

    def __init__(self, result: Result, language: Language) -> None:
        self._result = result
        self._language = language
        self._facts = _by_name(result.facts)

    def draw(self, drawing: Drawing) -> Card:
        """The card of *drawing*."""
        data: dict[str, Any] = {}
        if drawing.items:
            data["items"] = self._items(drawing.items, self._facts)
        if drawing.meters:
            data["meters"] = [
                {"part": self._item(self._facts[part]), "whole": self._item(self._facts[whole])}
                for part, whole in drawing.meters
                if part in self._facts and whole in self._facts
            ]
        if drawing.whole is not None and drawing.whole in self._facts:
            data["whole"] = self._item(self._facts[drawing.whole])
            data["parts"] = self._items(drawing.parts, self._facts)
        rows = self._result.rows[:MAX_ROWS]
        if drawing.name is not None or drawing.kind == "holdings":
            data["things"] = [self._thing(drawing, facts) for facts in (*map(_by_name, rows),) or (self._facts,)]
        elif drawing.columns:
            data |= self._table(drawing.columns, [_by_name(row) for row in rows])
        return self._card(drawing.kind, drawing.title, data)

    def series(self, own: Card) -> Card:
        """A backend's series, with the facts that sum it up."""
        told = book().series[own.kind]
        data = {**own.data}
        drawing = book().drawn.get(f"{self._result.capability}.{self._result.outcome}")
        if told.kind == "rate_chart":
            points = [[point["day"], point["mid"]] for point in own.data["points"]]
            data = {"currency": own.data["currency"], "unit": own.data["unit"], "points": points}
            data["items"] = self._items(drawing.items if drawing else (), self._facts)
            if "currency" in self._facts:
                data["name"] = self._facts["currency"].spoken(self._language)
        if told.kind == "nav_chart" and "product_name" in self._facts:
            data["name"] = self._facts["product_name"].spoken(self._language)
        if told.kind == "plan":
            data["payments"] = [
                {**payment, "text": write(Money.of(Decimal(payment["amount"])), self._language)}
                for payment in own.data["payments"]
            ]
            total = ("principal", "interest", "total_payment", "annual_rate")
            data["items"] = self._items(total, self._facts)
        if told.note is not None:
            data["note"] = self._said(told.note)
        return self._card(told.kind, told.title, data)

    def confirm(self, expires_at: dt.datetime) -> Card:
        """What is read back before a write, with its two buttons."""
        told = book().confirm
        buttons = told.buttons[self._language == "en"]
        data = {
            "capability": self._result.capability,
            "items": self._items([name for name in self._facts if name != "expires_at"], self._facts),
            "expires_at": expires_at.isoformat(),
            "buttons": [{"title": words, "payload": words} for words in buttons],
        }
        return self._card("confirm", told.title, data)

    def receipt(self) -> Card:
        """What was done."""
        return self._card("kv", book().receipt, {"done": True, "items": self._items(self._facts, self._facts)})

    def code(self) -> Card:
        """The field for a one-time code."""
        length = self._facts.get("code_length")
        data: dict[str, Any] = {"length": int(length.value) if length else CODE_LENGTH}
        for name in ("phone_tail", "tries_left"):
            if name in self._facts:
                data[name] = self._facts[name].spoken(self._language)
        return Card(kind="code", data=data)

    def _table(self, names: Sequence[str], rows: Sequence[dict[str, Fact]]) -> dict[str, Any]:
        """Columns that at least one row fills."""
        kinds = {name: next((row[name].kind for row in rows if name in row), None) for name in names}
        return {
            "columns": [
                {"name": name, "label": self._label(name), "kind": kind} for name, kind in kinds.items() if kind
            ],
            "rows": [
                [self._short(row[name]) if name in row else None for name, kind in kinds.items() if kind]
                for row in rows
            ],
        }

    def _thing(self, drawing: Drawing, facts: dict[str, Fact]) -> dict[str, Any]:
        name = drawing.name or "product_name"
        return {
            "name": facts[name].spoken(self._language) if name in facts else "",
            "items": self._items([each for each in drawing.columns if each != name], facts),
        }

    def _items(self, names: Iterable[str], facts: dict[str, Fact]) -> list[dict[str, Any]]:
        items = [self._item(facts[name]) for name in names if name in facts and self._label(name) is not None]
        return self._ranged(items) if any(item["name"] in RANGES for item in items) else items

    def _ranged(self, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """*items* in which the two ends of a range are one: an end that stood alone would be read as the whole."""
        found = {item["name"]: item for item in items}
        drawn = []
        for item in items:
            name, high = item["name"], found.get(RANGES.get(item["name"], ""))
            if name in RANGES.values() and any(found.get(low) for low, top in RANGES.items() if top == name):
                continue
            if high is not None and high["text"] != item["text"]:
                item = {**item, "text": f"{item['text']}{self._said((' 至 ', ' to '))}{high['text']}"}
            drawn.append(item)
        return drawn

    def _item(self, fact: Fact) -> dict[str, Any]:
        return {"name": fact.name, "label": self._label(fact.name), "kind": fact.kind, **self._cell(fact)}

    def _cell(self, fact: Fact) -> dict[str, str]:
        return {"text": fact.spoken(self._language), "value": fact.value}

    def _short(self, fact: Fact) -> dict[str, str]:
        """A cell of a narrow table: an instant of this year goes without its year."""
        cell = self._cell(fact)
        moment = fact.typed()
        if isinstance(moment, dt.datetime):
            local, year = moment.astimezone(BEIJING), fact.as_of.astimezone(BEIJING).year
            cell["text"] = local.strftime("%m-%d %H:%M" if local.year == year else "%Y-%m-%d %H:%M")
        return cell

    def _label(self, name: str) -> str | None:
        return book().label(self._result.capability, name, self._language)

    def _said(self, words: Words) -> str:
        return words[self._language == "en"]

    def _card(self, kind: str, title: Words, data: dict[str, Any]) -> Card:
        sources: dict[str, dt.datetime] = {}
        for fact in (*self._result.facts, *(fact for row in self._result.rows for fact in row)):
            if fact.source != "customer":
                sources[fact.source] = max(fact.as_of, sources.get(fact.source, fact.as_of))
        told = [{"source": source, "as_of": as_of.isoformat()} for source, as_of in sources.items()]
        return Card(kind=kind, data={"title": self._said(title), "sources": told, **data})


def _by_name(row: Row) -> dict[str, Fact]:
    return {fact.name: fact for fact in row if fact.sensitivity != "secret"}
