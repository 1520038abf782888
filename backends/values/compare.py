"""When two values are the same: as a customer would say, not as the types would."""

from __future__ import annotations

import datetime as dt

from backends.values.currencies import CURRENCIES
from backends.values.kinds import Amount, Count, Money, Percent, PercentPoints, Period, Rate, Term, Value
from backends.values.moments import BEIJING
from backends.values.speech import rate_number
from backends.values.units import COUNTED, is_calendar_year

_Key = tuple[object, ...]


def same_value(a: Value, b: Value) -> bool:
    """Whether *a* and *b* say the same.

    Numbers compare by value (3.50 % is 3.5 %), datetimes to the minute, as replies state them. A value equals what
    its written form reads as: a rate the bare number (or the money) that a reply shows, ``Count(3, "day")`` the term
    of three days. A percentage never equals percentage points, and no amount equals one of another currency.
    """
    return _key(a) == _key(b) or _key(b) in _readings(a) or _key(a) in _readings(b)


def _key(value: Value) -> _Key:
    match value:
        case Money(currency=currency):
            return "amount", value.number, currency
        case Amount(number, currency):
            return "amount", number, currency
        case Rate(number, base, quote, per):
            return "rate", rate_number(number), base, quote, per
        case Percent(number):
            return "percent", number
        case PercentPoints(number):
            return "points", number
        case Count(number, unit):
            return "count", number, COUNTED[unit].classifier if unit in COUNTED else unit
        case Term(number, unit):
            return "term", number, unit
        case Period(start, end):
            return "period", start, end
        case dt.datetime():
            return "datetime", value.astimezone(BEIJING).replace(second=0, microsecond=0)
        case dt.date():
            return "date", value
        case dt.time():
            return "time", value
        case str():
            return "text", value


def _readings(value: Value) -> tuple[_Key, ...]:
    """What else the written form of *value* may be read as."""
    match value:
        case Rate(number, quote=quote):
            shown = rate_number(number)
            return ("amount", shown, None), ("amount", shown, quote)
        case Count(number, "currency_unit"):
            # "per 100 US dollars": the name of the currency that follows makes it money to a reader.
            return tuple(("amount", number, currency) for currency in (None, *CURRENCIES))
        case Count(number, "year") if is_calendar_year(value):
            year = Period(dt.date(number, 1, 1), dt.date(number, 12, 31))
            return ("amount", number, None), _key(year)
        case Count(number, "day" | "week" | "month" | "year" | "instalment" as unit):
            return (("term", number, unit),)
    return ()
