"""Values as canonical text: what a fact stores, a slot carries and an event keeps."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Literal

from backends.values.kinds import (
    Amount,
    Count,
    Money,
    Percent,
    PercentPoints,
    Period,
    Rate,
    Term,
    TermUnit,
    Value,
    minor_digits,
)

Kind = Literal[
    "money", "rate", "percent", "points", "count", "term", "period", "date", "datetime", "time",
    "currency", "text", "name", "digits", "enum", "passage",
]  # fmt: skip
"""How a value is read and spoken. ``digits`` (card tail, phone, reference) is text that looks like a number; a ``passage``
is text that names other facts of its result in braces, each said where it is named."""

_TERM_LETTERS: dict[TermUnit, str] = {"day": "D", "week": "W", "month": "M", "year": "Y", "instalment": "I"}
_TERM_UNITS: dict[str, TermUnit] = {letter: unit for unit, letter in _TERM_LETTERS.items()}
_TERM = re.compile(r"P([0-9]+)([DWMYI])")
_RATE_UNIT = re.compile(r"([A-Z]{3})/([1-9][0-9]*) ([A-Z]{3})")


def canonical(value: Value | Decimal) -> tuple[Kind, str, str | None]:
    """Kind, canonical text and unit of *value*.

    A bare ``Decimal`` is an amount without a currency. An ``Amount`` that its currency can hold exactly is that
    ``Money``. ``ValueError`` for a naive datetime, a time with a zone, a negative term, a number that is not finite.
    """
    match value:
        case Money(currency=currency):
            return "money", number_text(value.number), currency
        case Amount(number, currency):
            exact = exact_money(number, currency)
            return "money", number_text(number if exact is None else exact.number), currency
        case Decimal():
            return "money", number_text(value), None
        case Rate(number, base, quote, per):
            return "rate", number_text(number), f"{quote}/{per} {base}"
        case Percent(number):
            return "percent", number_text(number), "%"
        case PercentPoints(number):
            return "points", number_text(number), None
        case Count(number, unit):
            return "count", str(number), unit
        case Term(number, unit):
            if number < 0:
                raise ValueError(f"a term is not negative: {value!r}")
            return "term", f"P{number}{_TERM_LETTERS[unit]}", None
        case Period(start, end):
            return "period", f"{start.isoformat()}/{end.isoformat()}", None
        case dt.datetime():
            if value.tzinfo is None:
                raise ValueError(f"a datetime has a time zone: {value!r}")
            return "datetime", value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z"), None
        case dt.date():
            return "date", value.isoformat(), None
        case dt.time():
            if value.tzinfo is not None:
                raise ValueError(f"a time of day has no zone of its own: {value!r}")
            short = value.second == value.microsecond == 0
            return "time", value.isoformat("minutes" if short else "auto"), None
        case str():
            return "text", value, None


def from_canonical(kind: Kind, text: str, unit: str | None) -> Value:
    """The value that ``canonical`` wrote; ``ValueError`` where the text is not of that kind."""
    match kind:
        case "money":
            number = decimal(text)
            return exact_money(number, unit) or Amount(number, unit)
        case "rate":
            found = _RATE_UNIT.fullmatch(unit or "")
            if not found:
                raise ValueError(f"not the unit of a rate: {unit!r}")
            return Rate(decimal(text), base=found[3], quote=found[1], per=int(found[2]))
        case "percent":
            return Percent(decimal(text))
        case "points":
            return PercentPoints(decimal(text))
        case "count":
            return Count(int(text), unit or "item")
        case "term":
            found = _TERM.fullmatch(text)
            if not found:
                raise ValueError(f"not a term: {text!r}")
            return Term(int(found[1]), _TERM_UNITS[found[2]])
        case "period":
            start, _, end = text.partition("/")
            return Period(dt.date.fromisoformat(start), dt.date.fromisoformat(end))
        case "date":
            return dt.date.fromisoformat(text)
        case "datetime":
            moment = dt.datetime.fromisoformat(text)
            if moment.tzinfo is None:
                raise ValueError(f"a datetime has a time zone: {text!r}")
            return moment.astimezone(dt.UTC)
        case "time":
            return dt.time.fromisoformat(text)
        case "currency" | "text" | "name" | "digits" | "enum" | "passage":
            return text


def exact_money(number: Decimal, currency: str | None) -> Money | None:
    """*number* of *currency* as ``Money``; ``None`` without a currency or with more decimals than it has."""
    if currency is None:
        return None
    minor = number.scaleb(minor_digits(currency))
    return Money(int(minor), currency) if minor == minor.to_integral_value() else None


def amount(number: Decimal, currency: str | None) -> Money | Amount:
    """``Money`` where the currency holds the number exactly, else an ``Amount`` that keeps every decimal."""
    return exact_money(number, currency) or Amount(number, currency)


def decimal(text: str) -> Decimal:
    """A plain decimal number, no exponent; ``ValueError`` otherwise."""
    if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text):
        raise ValueError(f"not a number: {text!r}")
    return Decimal(text)


def number_text(number: Decimal) -> str:
    """*number* in plain digits with the decimals it has; ``ValueError`` for NaN and infinity."""
    if not number.is_finite():
        raise ValueError(f"not a finite number: {number}")
    return format(abs(number) if number.is_zero() else number, "f")


def scaled(value: Decimal, unit: int) -> Decimal:
    """*value* units, without the zeros that the decimals leave: 1.2 of 10,000 is 12000, not 12000.0."""
    product = value * unit
    return product.quantize(Decimal(1)) if unit > 1 and product == product.to_integral_value() else product
