"""The typed values a fact can hold. Money is integer minor units; rates and percentages are ``Decimal``; never float."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

MINOR_DIGITS = {"JPY": 0, "KRW": 0, "VND": 0}
"""Digits after the point, by ISO 4217; two where a currency is not listed."""


def minor_digits(currency: str) -> int:
    """Digits after the point of *currency* (an ISO 4217 code)."""
    return MINOR_DIGITS.get(currency, 2)


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount of one currency: ``minor`` in its smallest unit (分, cent), ``currency`` an ISO 4217 code."""

    minor: int
    currency: str = "CNY"

    @classmethod
    def of(cls, number: Decimal | int | str, currency: str = "CNY") -> Money:
        """Money from a number of major units; more decimals than the currency has are rounded half up."""
        digits = minor_digits(currency)
        scaled = (Decimal(number) * (10**digits)).quantize(Decimal(1), rounding=ROUND_HALF_UP)
        return cls(int(scaled), currency)

    @property
    def number(self) -> Decimal:
        """The amount in major units, with exactly the currency's decimals."""
        digits = minor_digits(self.currency)
        return Decimal(self.minor).scaleb(-digits)

    def _same(self, other: Money) -> None:
        if other.currency != self.currency:
            raise ValueError(f"cannot combine {self.currency} with {other.currency}")

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        self._same(other)
        return self.minor < other.minor

    def __le__(self, other: Money) -> bool:
        self._same(other)
        return self.minor <= other.minor


@dataclass(frozen=True, slots=True)
class Amount:
    """What a customer said: a number that may not name its currency ("800", "八千块", "500 USD")."""

    number: Decimal
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """A price of one currency in another: ``value`` units of ``quote`` for ``per`` units of ``base``."""

    value: Decimal
    base: str
    quote: str = "CNY"
    per: int = 100


@dataclass(frozen=True, slots=True)
class Percent:
    """``value`` per cent: ``Percent(Decimal("3.5"))`` is 3.5 %."""

    value: Decimal


@dataclass(frozen=True, slots=True)
class PercentPoints:
    """A difference of two percentages; 25 bp is ``PercentPoints(Decimal("0.25"))``. Never equal to a ``Percent``."""

    value: Decimal


TermUnit = Literal["day", "week", "month", "year", "instalment"]


@dataclass(frozen=True, slots=True)
class Term:
    """A length of time or a number of instalments."""

    count: int
    unit: TermUnit


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of days, both ends included."""

    start: dt.date
    end: dt.date


@dataclass(frozen=True, slots=True)
class Count:
    """A number of things; ``unit`` names what is counted (``"item"``, ``"card"``, ``"day"``, ``"try"`` …)."""

    number: int
    unit: str = "item"


Value = Money | Amount | Rate | Percent | PercentPoints | Term | Period | Count | dt.date | dt.datetime | dt.time | str
