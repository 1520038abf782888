"""Amounts as people write them: 500刀, 一万二千元, ¥1,200.50, 三块五, USD 800, five hundred dollars."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from backends.values.chinese import small_number
from backends.values.currencies import CODE, GENERIC, NAMED, SIGN, UNIT, code_of
from backends.values.folding import plain
from backends.values.kinds import Amount
from backends.values.numerals import Number, scan_number

_ABOUT = re.compile(r"^(?:大概|大约|约|差不多|about |around |approximately |roughly )|(?:左右|上下| or so)$")
_MINUS = re.compile(r"[-+负]|(?:minus|negative) ")
_DIGIT = "[0-9一二两三四五六七八九壹贰叁肆伍陆柒捌玖]"
_CENTS = re.compile(rf"(?:(?P<jiao>{_DIGIT})[角毛])?零?(?:(?P<fen>{_DIGIT})分(?![钟期行支之别享]))?[钱整正]?")
# 三块五: a lone digit closes the amount, so nothing that it could count may follow.
_TENTH = re.compile(rf"(?P<jiao>{_DIGIT})钱?(?![0-9a-z%‰.,:一-鿿])")
# 长三角 is a place: 角 and 毛 alone are money only where nothing but an amount can stand.
_JIAO = re.compile(rf"[角毛](?:(?P<fen>{_DIGIT})分?钱?(?![0-9一-鿿])|(?P<money>钱)|(?P<bare>))")
_HOME = "CNY"


@dataclass(frozen=True, slots=True)
class AmountScan:
    """An amount read at a place: ``number`` is ``None`` where it is vague (五百多元), ``currency`` where none is named."""

    end: int
    number: Decimal | None
    currency: str | None


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
    number = scan_number(text, position)
    if number is None:
        return None
    end, currency, cents = _suffix(text, number, prefix, slot)
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
    gap = re.compile(r"[ :]{0,2}").match(text, matched.end())
    trusted = found is not None or code_of(matched[0]) == _HOME
    return gap.end() if gap else matched.end(), code_of(matched[0]), trusted


def _suffix(text: str, number: Number, prefix: str | None, slot: bool) -> tuple[int, str | None, Decimal]:
    """Where the amount ends, its currency, and what 角 and 分 add."""
    end, value = number.end, number.value
    position = end + 1 if text[end : end + 1] == " " else end
    generic = GENERIC.match(text, position)
    if generic:
        cents_end, cents = _cents(text, generic, value)
        named = NAMED.match(text, cents_end)
        if named and prefix in (None, code_of(named[0])):
            return named.end(), code_of(named[0]), cents
        return cents_end, prefix or _HOME, cents
    jiao = _JIAO.match(text, position) if value is not None and 0 < value < 10 else None
    if jiao and value is not None and prefix in (None, _HOME) and (slot or jiao["bare"] is None or not number.spelled):
        fen = Decimal(small_number(jiao["fen"])) if jiao["fen"] else Decimal(0)
        return jiao.end(), _HOME, (value + fen / 10) / 10 - value
    named = NAMED.match(text, position) or UNIT.match(text, position) or SIGN.match(text, position)
    if named and prefix in (None, code_of(named[0])):
        return named.end(), code_of(named[0]), Decimal(0)
    return end, prefix, Decimal(0)


def _cents(text: str, generic: re.Match[str], value: Decimal | None) -> tuple[int, Decimal]:
    if value is None or value.as_tuple().exponent != 0:
        whole = re.compile("[整正]").match(text, generic.end())
        return whole.end() if whole else generic.end(), Decimal(0)
    tenth = _TENTH.match(text, generic.end()) if generic[0] == "块" else None
    if tenth:
        return tenth.end(), Decimal(small_number(tenth["jiao"])) / 10
    cents = _CENTS.match(text, generic.end())
    if cents is None or (text[cents.end() - 1] == "零" and not cents["fen"]):
        return generic.end(), Decimal(0)
    jiao, fen = (Decimal(small_number(cents[name])) if cents[name] else Decimal(0) for name in ("jiao", "fen"))
    return cents.end(), jiao / 10 + fen / 100
