"""Chinese numerals, ordinary and formal, alone or mixed with Arabic digits: 一万二千, 壹万贰仟, 1万2, 两亿三千万."""

from __future__ import annotations

import re
from decimal import Decimal

from backends.values.canonical import scaled

ARABIC = r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?"
LONGEST = 18
"""Digits of the longest number that is read: a longer run is an identifier, not a quantity."""

_ORDINARY = "零一二三四五六七八九"
FORMAL = "壹贰叁肆伍陆柒捌玖"
DIGITS = {char: value for value, char in enumerate(_ORDINARY)} | {"两": 2, "幺": 1}
DIGITS |= {char: value for value, char in enumerate(FORMAL, 1)}
UNITS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
MYRIADS = {"亿": 10**8, "万": 10**4}
NUMERALS = frozenset((*DIGITS, *UNITS, *MYRIADS, "廿", "卅"))
"""Every character of a Chinese numeral."""

DIGIT = f"[{''.join(DIGITS)}]"
UNIT = f"[{''.join(UNITS)}]"
_FACTOR = f"(?:{UNIT}?万?亿?)"
_SCALED = re.compile(rf"({ARABIC})({_FACTOR})")
_FRACTION = re.compile(rf"({DIGIT}+)({_FACTOR})")
_PART = re.compile(rf"{ARABIC}|.")


def chinese_number(text: str) -> Decimal | None:
    """The value of folded *text*, a run of numerals; ``None`` where it is not one well-formed number.

    A last digit without a unit is a tenth of the unit before it (一万二, 12万5), unless 零 precedes it. Three digits and
    more are read one by one (二零二六); two are "two or three" (两三, 七八) and so no number.
    """
    text = text.replace("廿", "二十").replace("卅", "三十").replace("个", "")
    if len(text) > 2 * LONGEST:
        return None
    arabic = _SCALED.fullmatch(text)
    if arabic:
        digits = arabic[1].replace(",", "")
        return scaled(Decimal(digits), _product(arabic[2])) if len(digits) <= LONGEST else None
    whole, point, fraction = text.partition("点")
    value = _integer(whole)
    if not point or value is None:
        return value
    decimals = _FRACTION.fullmatch(fraction)
    if decimals is None:
        return None
    return scaled(value + Decimal(f"0.{_spelled_out(decimals[1])}"), _product(decimals[2]))


def small_number(text: str) -> int:
    """The value of a short numeral that a pattern has already matched (a day, a month, 角); ``ValueError`` otherwise."""
    value = Decimal(text) if text.isdigit() else chinese_number(text)
    if value is None:
        raise ValueError(f"not a number: {text!r}")
    return int(value)


def _product(units: str) -> int:
    product = 1
    for unit in units:
        product *= UNITS.get(unit) or MYRIADS[unit]
    return product


def _spelled_out(text: str) -> str:
    return "".join(str(DIGITS[char]) for char in text)


def _integer(text: str) -> Decimal | None:
    if text and all(char in DIGITS for char in text):
        one_by_one = len(text) != 2 or "零" in text
        return Decimal(_spelled_out(text)) if one_by_one and len(text) <= LONGEST else None
    value = _sum(text, tuple(MYRIADS.items()), None)
    return None if value is None else Decimal(value)


def _sum(text: str, myriads: tuple[tuple[str, int], ...], above: int | None) -> int | None:
    """*text* as a sum over 亿 and 万; *above* is the unit that precedes it."""
    alone = _lone_digit(text)
    if above is not None and alone is not None:
        return alone * above // 10
    if not myriads:
        return _below_myriad(text)
    (sign, unit), smaller = myriads[0], myriads[1:]
    head, found, tail = text.rpartition(sign)
    if not found:
        return _sum(text, smaller, above)
    # 百万 and 万元 are units alone; 万一 is no number.
    left = _sum(head, smaller, None) if head else None if tail else 1
    right = _sum(tail, smaller, unit) if tail else 0
    if left is None or right is None or right >= unit:
        return None
    return left * unit + right


def _lone_digit(part: str) -> int | None:
    if len(part) != 1:
        return None
    return int(part) if part.isdigit() else DIGITS.get(part)


def _below_myriad(text: str) -> int | None:
    """A number in 千, 百 and 十, or plain Arabic digits."""
    total, last, pending, zero = 0, 10_000, "", False
    for part in _PART.findall(text):
        unit = UNITS.get(part)
        if unit is not None:
            if unit >= last or (not pending and total and unit != 10):
                return None
            total += unit * (_whole(pending) if pending else 1)
            last, pending, zero = unit, "", False
        elif pending or "." in part:
            return None
        elif part == "零":
            zero = True
        elif part in DIGITS or part[0].isdigit():
            pending = part
        else:
            return None
    if not pending:
        return total or None
    alone = _lone_digit(pending)
    if alone is not None and not zero and 100 <= last < 10_000:
        return total + alone * last // 10
    return total + _whole(pending) if last == 10_000 or _whole(pending) < last else None


def _whole(part: str) -> int:
    return DIGITS[part] if part in DIGITS else int(part.replace(",", ""))
