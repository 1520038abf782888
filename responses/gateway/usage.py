"""What models took and cost, counted in this process until somebody stores it, and the budgets that it is held against."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from backends.values import CURRENCIES
from responses.gateway.port import Request, Usage

NANO = 10**9
"""Parts of a currency's unit in which costs are counted: a token costs a few millionths, and whole numbers lose nothing."""
PER = 10**6
"""Tokens that a price is for, as services quote it."""


class Price(BaseModel):
    """What a million tokens cost, in *currency*; at most three decimals, so that one token is a whole number of nanos."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$", examples=sorted(CURRENCIES))] = "CNY"
    input: Annotated[Decimal, Field(ge=0, decimal_places=3, max_digits=12)] = Decimal(0)
    output: Annotated[Decimal, Field(ge=0, decimal_places=3, max_digits=12)] = Decimal(0)

    def cost(self, usage: Usage) -> int:
        """What *usage* costs, in nanos of the currency."""
        each = (self.input * usage.tokens_in + self.output * usage.tokens_out) * (NANO // PER)
        return int(each)


FREE = Price()


class Key(NamedTuple):
    """What the ledger has a row for. ``day`` is a day in Beijing."""

    day: dt.date
    capability: str
    provider: str
    model: str
    currency: str


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over calls: how many, how many gave no usable text, of how many the tokens are an estimate, tokens, nanos of
    the currency, milliseconds."""

    calls: int = 0
    failures: int = 0
    estimated: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: int = 0
    milliseconds: int = 0

    def __add__(self, other: Totals) -> Totals:
        return Totals(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


@dataclass(slots=True)
class Meter:
    """The sums of this process. What a provider spent on a day is what is stored of all processes, as of the last look,
    and what this one has not stored yet.

    *today* is the day in Beijing. For one event loop.
    """

    today: Callable[[], dt.date]
    _counted: dict[Key, Totals] = field(default_factory=dict, init=False)
    _stored: dict[tuple[dt.date, str], int] = field(default_factory=dict, init=False)

    def record(
        self, *, capability: str, provider: str, model: str, price: Price, usage: Usage, failed: bool, seconds: float
    ) -> None:
        """Count one call."""
        key = Key(self.today(), capability, provider, model, price.currency)
        call = Totals(
            calls=1,
            failures=failed,
            estimated=usage.estimated,
            tokens_in=usage.tokens_in,
            tokens_out=usage.tokens_out,
            cost=price.cost(usage),
            milliseconds=round(seconds * 1000),
        )
        self._counted[key] = self._counted.get(key, Totals()) + call

    def spent(self, provider: str) -> int:
        """What *provider* cost today, in nanos."""
        day = self.today()
        own = sum(each.cost for key, each in self._counted.items() if (key.day, key.provider) == (day, provider))
        return own + self._stored.get((day, provider), 0)

    def counted(self) -> Mapping[Key, Totals]:
        """What is to be stored. It stays counted until ``stored``."""
        return dict(self._counted)

    def stored(self, counted: Mapping[Key, Totals], spent: Mapping[tuple[dt.date, str], int]) -> None:
        """*counted* is stored by now, and *spent* is what all processes stored, *counted* among it, by day and provider."""
        for key, each in counted.items():
            left = Totals(*(getattr(self._counted[key], name) - getattr(each, name) for name in Totals.__slots__))
            if left == Totals():
                del self._counted[key]
            else:
                self._counted[key] = left
        self._stored = dict(spent)


def estimated(request: Request, said: str) -> Usage:
    """A token a character, in and out: what tokenizers need for Chinese at most, and four times what they need for English."""
    return Usage(sum(len(each.content) for each in request.prompt.messages), len(said), estimated=True)


def at_most(request: Request, tokens_out: int) -> Usage:
    """What *request* may come to where the answer has *tokens_out* tokens."""
    return replace(estimated(request, ""), tokens_out=tokens_out)
