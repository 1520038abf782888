"""Fields of typed inputs: canonical text, as the catalogue's slots arrive, read strictly."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, StringConstraints

from backends import values
from backends.action import Refused
from backends.facts import Said
from backends.values import Amount, Money, Period, Term

MAX_AMOUNT = Decimal(10) ** 9
"""No single amount of a customer is above this many major units."""

_AMOUNT = re.compile(r"(-?[0-9]{1,30}(?:\.[0-9]{1,30})?)(?: ([A-Z]{3}))?", re.ASCII)


def _blank_is_none(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


def _one_is_a_list(value: Any) -> Any:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def _read_period(value: Any) -> Any:
    return values.from_canonical("period", value, None) if isinstance(value, str) else value


def _read_date(value: Any) -> Any:
    return values.from_canonical("date", value, None) if isinstance(value, str) else value


def _read_term(value: Any) -> Any:
    return values.from_canonical("term", value, None) if isinstance(value, str) else value


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
OptionalText = Annotated[Text | None, BeforeValidator(_blank_is_none)]
RiskLevel = Literal["R1", "R2", "R3", "R4", "R5"]
OptionalRiskLevel = Annotated[RiskLevel | None, BeforeValidator(_blank_is_none)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_one_is_a_list)]
OptionalPeriod = Annotated[Period | None, BeforeValidator(_read_period), BeforeValidator(_blank_is_none)]
OptionalDate = Annotated[dt.date | None, BeforeValidator(_read_date), BeforeValidator(_blank_is_none)]
OptionalTerm = Annotated[Term | None, BeforeValidator(_read_term), BeforeValidator(_blank_is_none)]


def folded(text: str) -> str:
    """*text* as names are compared: without spaces, width or case."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def read_amount(text: str) -> Amount:
    """``"500"`` or ``"500 USD"`` as an amount; refused as ``invalid_amount`` where it is neither, or not above zero."""
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        raise Refused("invalid_amount", amount_asked=Said(text))
    number = Decimal(match[1])
    if not 0 < number <= MAX_AMOUNT:
        raise Refused("invalid_amount", amount_asked=Said(text))
    return Amount(number, match[2])


def exact_money(number: Decimal, currency: str, asked: str) -> Money:
    """*number* of *currency*; refused as ``invalid_amount`` where it is finer than the currency's smallest unit."""
    money = Money.of(number, currency)
    if money.number != number:
        raise Refused("invalid_amount", amount_asked=Said(asked))
    return money
