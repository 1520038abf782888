"""Slot words as canonical text, by the catalogue's slot types and the readers of ``backends.values``."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from decimal import Decimal

from backends import values
from intents.capability import SlotType, slot_types
from intents.lexicon import read_enum

_HAN_DIGITS = str.maketrans("零〇一二三四五六七八九幺两", "0012345678912")
_NOT_DIGITS = re.compile(r"[^0-9]")
_LEADING = re.compile(r"^(?:on|in|at|by|the|for|from|of|到|在|从|于|近)\s+", re.IGNORECASE)


def normalise(slot: str, words: str, today: dt.date) -> str | None:
    """The canonical text of *words* as a value of *slot* (see ``SlotValue``); ``None`` where they cannot be read.

    *today* is the customer's day, from which 昨天 and "last month" are counted.
    """
    spec = slot_types()[slot]
    if spec.type == "enum":
        value = read_enum(slot, words)
        return value if value in spec.values else None
    return _read(spec, words.strip(), today)


def _read(spec: SlotType, words: str, today: dt.date) -> str | None:
    match spec.type:
        case "digits4":
            digits = _digits(words)
            return digits if len(digits) == 4 else None
        case "phone":
            return _digits(words) or None
        case "money":
            return _amount(words)
        case "currency":
            return values.read_currency(words)
        case "duration":
            term = values.read_term(words)
            return None if term is None else values.canonical(term)[1]
        case "date":
            return _date(words, today) or _date(_LEADING.sub("", words), today)
        case "period":
            period = values.read_period(words, today) or values.read_period(_LEADING.sub("", words), today)
            return None if period is None else values.canonical(period)[1]
        case _:
            return words or None


def _digits(words: str) -> str:
    """Every digit of *words*, full-width and Chinese ones too, read one by one (六六八八 is 6688)."""
    return _NOT_DIGITS.sub("", unicodedata.normalize("NFKC", words).translate(_HAN_DIGITS))


def _amount(words: str) -> str | None:
    amount = values.read_amount(words)
    if amount is None:
        return None
    number = plain_number(amount.number)
    return number if amount.currency is None else f"{number} {amount.currency}"


def _date(words: str, today: dt.date) -> str | None:
    day = values.read_date(words, today)
    return None if day is None else day.isoformat()


def plain_number(number: Decimal) -> str:
    """*number* without an exponent and without zeros at the end of its fraction."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
