"""Amounts as people write them: 500刀, 一万二千元, ¥1,200.50, 三块五, USD 800, five hundred dollars."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from backends.values.chinese import small_number
from backends.values.currencies import CODE, GENERIC, NAMED, SIGN, UNIT, code_of
from backends.values.folding import plain
from backends.values.kinds import Amount
from backends.values.numerals import READINGS, Number, scan_number

_ABOUT = re.compile(r"^(?:大概|大约|约|差不多|about |around |approximately |roughly )|(?:左右|上下| or so)$")
_MINUS = re.compile(r"[-+负]|(?:minus|negative) ")
_DIGIT = "[0-9一二两三四五六七八九壹贰叁肆伍陆柒捌玖]"
_CHANGE = re.compile(
    rf"(?:(?P<jiao>{_DIGIT})[角毛])?"
    rf"(?:零?(?P<fen>{_DIGIT})(?:分(?![钟期行支之别享])|(?<=[角毛].)(?![0-9一-鿿])))?(?P<closed>[钱整正])?"
)
_CLOSED = re.compile("[整正]?")
_GAP = re.compile("[ :]{0,2}")
# 三块五: a lone digit closes the amount, so nothing that it could count may follow.
_TENTH = re.compile(rf"(?P<jiao>{_DIGIT})钱?(?![0-9a-z%‰一-鿿]|[.,:][0-9])")
_HOME = "CNY"


@dataclass(frozen=True, slots=True)
class AmountScan:
    """An amount read at a place: ``number`` is ``None`` where it is vague (五百多元), ``currency`` where none is named."""

    end: int
    number: Decimal | None
    currency: str | None


@lru_cache(maxsize=READINGS)
def scan_amount(text: str, start: int, *, slot: bool = False) -> AmountScan | None:
    """The amount, signed or not, that begins at *start* of folded *text*; ``None`` where no number does.

    In a ``slot`` a Chinese currency name may come first (美元500). In running text it may not, because there it
    rather belongs to what precedes (美元 712.34), unless 元 or 块 follows the number (港币500元) or it is 人民币.
    """
    position, negative = _sign(text, start)
    position, prefix, trusted = _prefix(text, position)
    if prefix:
        signed, after = _sign(text, position)
        position, negative = signed, negative or after
    change = _change(text, position, slot) if not prefix and not negative else None
    if change:
        return change
    number = scan_number(text, position)
    if number is None:
        return None
    end, currency, cents = _suffix(text, number, prefix)
    if prefix and not trusted and not slot and end == number.end:
        return None
    value = number.value
    if value is not None:
        value = -(value + cents) if negative else value + cents
    return AmountScan(end, value, currency)


def read_amount(text: str) -> Amount | None:
    """The amount that the whole of *text* is; ``None`` where it is anything else, vague, or a range.

    元 and 块 are read as CNY, $ as USD and ¥ as CNY; a word of approximation (大概, 左右, about) is passed over.
    """
    words = _ABOUT.sub("", plain(text)).strip()
    found = scan_amount(words, 0, slot=True)
    if found is None or found.end != len(words) or found.number is None:
        return None
    return Amount(found.number, found.currency)


def _sign(text: str, start: int) -> tuple[int, bool]:
    sign = _MINUS.match(text, start)
    return (sign.end(), "+" not in sign[0]) if sign else (start, False)


def _prefix(text: str, start: int) -> tuple[int, str | None, bool]:
    """Where the number begins, the currency named before it, and whether that name certainly belongs to it."""
    glued = start > 0 and text[start - 1].isascii() and text[start - 1].isalnum()
    found = SIGN.match(text, start) or CODE.match(text, start) if not glued else None
    named = None if found else NAMED.match(text, start)
    matched = found or named
    if not matched:
        return start, None, False
    trusted = found is not None or code_of(matched[0]) == _HOME
    return _past(_GAP, text, matched.end()), code_of(matched[0]), trusted


def _suffix(text: str, number: Number, prefix: str | None) -> tuple[int, str | None, Decimal]:
    """Where the amount ends, its currency, and what 角 and 分 add."""
    end = number.end
    position = end + 1 if text[end : end + 1] == " " else end
    generic = GENERIC.match(text, position)
    if generic:
        cents_end, cents = _cents(text, generic, number.value)
        named = NAMED.match(text, cents_end)
        if named and prefix in (None, code_of(named[0])):
            return named.end(), code_of(named[0]), cents
        return cents_end, prefix or _HOME, cents
    named = NAMED.match(text, position) or UNIT.match(text, position) or SIGN.match(text, position)
    if named and prefix in (None, code_of(named[0])):
        return named.end(), code_of(named[0]), Decimal(0)
    return end, prefix, Decimal(0)


def _cents(text: str, generic: re.Match[str], value: Decimal | None) -> tuple[int, Decimal]:
    """Where 角 and 分 after 元 end, and what they add; nothing where the number has decimals of its own."""
    start = generic.end()
    if value is None or value.as_tuple().exponent != 0:
        return _past(_CLOSED, text, start), Decimal(0)
    change = _CHANGE.match(text, start)
    tenth = _TENTH.match(text, start) if generic[0] == "块" else None
    if tenth:
        return tenth.end(), Decimal(small_number(tenth["jiao"])) / 10
    return (change.end(), _worth(change)) if change else (start, Decimal(0))


def _change(text: str, start: int, slot: bool) -> AmountScan | None:
    """五毛, 5角, 八分钱: an amount below one yuan. In running text 三角 and 五分 alone are other words."""
    change = _CHANGE.match(text, start)
    if change is None or not (change["jiao"] or change["fen"]):
        return None
    jiao, fen = change["jiao"], change["fen"]
    if not (slot or change["closed"] or (jiao and fen) or (jiao and jiao.isdigit())):
        return None
    return AmountScan(change.end(), _worth(change), _HOME)


def _past(pattern: re.Pattern[str], text: str, start: int) -> int:
    """Where *pattern* ends at *start*, or *start*."""
    found = pattern.match(text, start)
    return found.end() if found else start


def _worth(change: re.Match[str]) -> Decimal:
    jiao, fen = (Decimal(small_number(change[name])) if change[name] else Decimal(0) for name in ("jiao", "fen"))
    return jiao / 10 + fen / 100
