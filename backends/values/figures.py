"""Every figure of a running text, Chinese or English, as a typed value: what the reply verifier reads back."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from backends.values.amounts import scan_amount
from backends.values.canonical import amount
from backends.values.counts import scan_count, scan_ordinal
from backends.values.currencies import CURRENCIES
from backends.values.folding import fold
from backends.values.harmless import harmless_at
from backends.values.kinds import Amount, PercentPoints, Value
from backends.values.moments import scan_clock, scan_date, scan_datetime, scan_month
from backends.values.numerals import Number, scan_number
from backends.values.periods import scan_period
from backends.values.shares import scan_share
from backends.values.terms import scan_term

Role = Literal[
    "money", "number", "percent", "points", "discount", "term", "count", "ordinal", "fraction", "vague",
    "date", "datetime", "time", "period", "settlement", "digits",
]  # fmt: skip
"""What a figure is: ``discount`` 九五折, ``settlement`` T+1, ``vague`` 五百多元, ``digits`` what counts nothing."""


@dataclass(frozen=True, slots=True)
class Figure:
    """``text == raw[start:end]`` says ``value``.

    The value is text where no type can hold it: a vague or malformed number, a date without its year
    (``--05-03``), a fraction (``1/3``), ``T+1``, a card tail or phone number.
    """

    start: int
    end: int
    text: str
    value: Value
    role: Role


class _Found(NamedTuple):
    end: int
    value: Value
    role: Role


_NUMERALS = "零一二两三四五六七八九十百千万亿廿卅壹贰叁肆伍陆柒捌玖拾佰仟幺"
_RUN = re.compile(f"[{_NUMERALS}]+")
_LATIN = re.compile(r"[a-z]+")
_STARTS = frozenset(_NUMERALS + "半几数好上第负早凌清中下傍晚") | {currency.zh[0] for currency in CURRENCIES.values()}
_RANGE = re.compile(r" ?[-~] ?|至|到| to ")
_MAGNITUDE = re.compile("[百千万亿]")
_DETERMINERS = frozenset("上下每这那某哪新另同单唯统其之")
_SETTLEMENT = re.compile(r"t ?\+ ?([0-9]{1,2})(?![0-9])")
_FRACTION = re.compile(
    r"([0-9]{1,4}|[一二三四五六七八九十]{1,3})分之([0-9]{1,4}|[一二三四五六七八九十]{1,3})|([0-9]+)⁄([0-9]+)"
)
_PHONE = re.compile(r"(?:\+?86[- ]?)?(?:[0-9]{3}-[0-9]{3,4}-[0-9]{4}|0[0-9]{2,3}-[0-9]{7,8})(?![0-9])")
_CODE = re.compile(r"[a-z]+-?[0-9][a-z0-9]*(?:-[a-z0-9]{3,})*|[0-9]+(?:\.[0-9]+){2,}|[0-9]+[*x•]+[0-9]+")
_DIGITS = re.compile(r"[0-9]+(?![0-9])")
_IDENTIFIER = re.compile(
    r"(?:尾号|末四位|后四位|卡号|单号|编号|账号|流水号|受理号|号码|手机号?|电话|热线|客服|致电|拨打|验证码|代码|ending(?: in| with)?|ends in"
    r"|hotline|phone|reference|number|no\.|code|call|dial)(?:是|为|:|#| is)? ?$"
)
_LONGEST_QUANTITY = 9
"""Digits of the longest bare run that still counts as a number; a longer one identifies something."""


def find_figures(text: str) -> list[Figure]:
    """The figures of *text* in order, none overlapping, with offsets into *text* as it was given.

    Of the readings that begin at a place the longest wins. Relative days (今天, next week) are words, not figures.
    Time is linear in the length of *text*.
    """
    folded = fold(text)
    words = folded.text
    figures: list[Figure] = []
    position, after = 0, -1
    while position < len(words):
        harmless = harmless_at(words, position)
        found = _at(words, position, after)
        longest = max((each.end for _, each in found), default=position)
        if found and not (harmless and harmless.end() >= longest):
            for begin, each in found:
                raw_start, raw_end = folded.span(begin, each.end)
                figures.append(Figure(raw_start, raw_end, text[raw_start:raw_end], each.value, each.role))
            position = after = longest
        elif harmless:
            position = harmless.end()
        else:
            position = _skip(words, position)
    return figures


def _skip(words: str, position: int) -> int:
    """Past the word or the run of numerals that no figure begins with, so that none is read from its middle."""
    found = _LATIN.match(words, position) or _RUN.match(words, position)
    return found.end() if found else position + 1


def _at(words: str, start: int, after: int) -> list[tuple[int, _Found]]:
    """The figure, or the two of a range, that begin at *start*; *after* is where the last figure ended."""
    char = words[start]
    if char in "+-":
        # After a figure it joins two of them; between letters it is a hyphen.
        before = words[start - 1 : start]
        if start == after or before in ("-", "+") or (before.isascii() and before.isalnum()):
            return []
    elif "a" <= char <= "z" or char.isdigit():
        before = words[start - 1 : start]
        if "a" <= before <= "z" and "a" <= char <= "z":
            return []
    elif (char >= "\u2e80" and char not in _STARTS) or not char.strip():
        return []
    both = _range(words, start)
    if both:
        return both
    candidates = [found for scan in _SCANS if (found := scan(words, start)) is not None]
    if not candidates:
        return []
    # 第 makes a figure of what follows an ordinal; it is no part of it.
    begin = start + 1 if char == "第" else start
    return [(begin, max(candidates, key=lambda found: found.end))]


def _range(words: str, start: int) -> list[tuple[int, _Found]]:
    """3–5万, 100到200元, 3-5%: the first number has the unit, and the magnitude, of the second."""
    first = scan_number(words, start)
    joint = _RANGE.match(words, first.end) if first and first.value is not None else None
    if first is None or joint is None:
        return []
    number = scan_number(words, joint.end())
    last = _measured(words, joint.end())
    if number is None or number.value is None:
        return []
    if last is None and number.core_end < number.end:
        last = _number(words, joint.end())
    if last is None:
        return []
    shared = number.end if _MAGNITUDE.search(words, start, first.end) else number.core_end
    alone = words[start : first.end] + words[shared : last.end]
    begun = _measured(alone, 0) or _number(alone, 0)
    if begun is None or begun.end != len(alone):
        return []
    return [(start, begun._replace(end=first.end)), (joint.end(), last)]


def _measured(words: str, start: int) -> _Found | None:
    """The longest reading at *start* that has a unit."""
    scans = (_share, _term, _money, _count)
    candidates = [found for scan in scans if (found := scan(words, start)) is not None]
    return max(candidates, key=lambda found: found.end, default=None)


def _money(words: str, start: int) -> _Found | None:
    found = scan_amount(words, start)
    if found is None or found.currency is None:
        return None
    if found.number is None:
        return _Found(found.end, words[start : found.end], "vague")
    return _Found(found.end, amount(found.number, found.currency), "money")


def _number(words: str, start: int) -> _Found | None:
    found = scan_amount(words, start)
    if found is None or found.currency is not None:
        return None
    run = words[start : found.end]
    digits = _DIGITS.fullmatch(run)
    if digits and (
        len(run) > _LONGEST_QUANTITY
        or (run[0] == "0" and len(run) > 1)
        or _IDENTIFIER.search(words[max(0, start - 16) : start])
    ):
        return _Found(found.end, run, "digits")
    if not any(char.isdigit() for char in run) and not _says_a_number(run):
        return None
    if found.number is None:
        return _Found(found.end, run, "vague")
    return _Found(found.end, Amount(found.number), "number")


def _says_a_number(run: str) -> bool:
    """Whether spelled-out numerals without a unit are a figure: 五百 is, the 三 of 三方 and the 五一 of a holiday are not."""
    if "a" <= run[0] <= "z":
        return run != "one"
    if len(run) == 1:
        return False
    if all(char in "零一二两三四五六七八九幺壹贰叁肆伍陆柒捌玖" for char in run):
        return len(run) > 2
    return True


def _share(words: str, start: int) -> _Found | None:
    found = scan_share(words, start)
    if found is None:
        return None
    end, value, discount = found
    if isinstance(value, PercentPoints):
        return _Found(end, value, "points")
    return _Found(end, value, "discount" if discount else "percent")


def _term(words: str, start: int) -> _Found | None:
    found = scan_term(words, start)
    if found is None or _determined(words, start):
        return None
    return _Found(found[0], found[1], "vague" if isinstance(found[1], str) else "term")


def _determined(words: str, start: int) -> bool:
    """每一天, 下一年, 同一期: the 一 after a determiner counts nothing."""
    return words[start] == "一" and words[start - 1 : start] in _DETERMINERS


def _count(words: str, start: int) -> _Found | None:
    found = scan_count(words, start)
    return None if found is None else _Found(found[0], found[1], "vague" if isinstance(found[1], str) else "count")


def _ordinal(words: str, start: int) -> _Found | None:
    found = scan_ordinal(words, start)
    return None if found is None else _Found(found[0], found[1], "ordinal")


def _datetime(words: str, start: int) -> _Found | None:
    found = scan_datetime(words, start)
    return None if found is None else _Found(found[0], found[1], "datetime")


def _date(words: str, start: int) -> _Found | None:
    found = scan_date(words, start) or scan_month(words, start)
    return None if found is None else _Found(found[0], found[1], "date")


def _period(words: str, start: int) -> _Found | None:
    found = scan_period(words, start)
    return None if found is None else _Found(found[0], found[1], "period")


def _clock(words: str, start: int) -> _Found | None:
    found = scan_clock(words, start)
    return None if found is None else _Found(found[0], found[1], "time")


def _settlement(words: str, start: int) -> _Found | None:
    found = _SETTLEMENT.match(words, start)
    return _Found(found.end(), f"T+{int(found[1])}", "settlement") if found else None


def _fraction(words: str, start: int) -> _Found | None:
    found = _FRACTION.match(words, start)
    if found is None:
        return None
    below, above = (found[1], found[2]) if found[1] else (found[4], found[3])
    parts = [scan_number(part, 0) for part in (above, below)]
    return _Found(found.end(), "/".join(_plain(part) for part in parts), "fraction")


def _plain(number: Number | None) -> str:
    return "?" if number is None or number.value is None else str(number.value)


def _identifier(words: str, start: int) -> _Found | None:
    found = _PHONE.match(words, start) or _CODE.match(words, start)
    return _Found(found.end(), found[0].upper(), "digits") if found else None


_SCANS: tuple[Callable[[str, int], _Found | None], ...] = (
    _datetime, _period, _date, _clock, _share, _term, _money, _count, _ordinal, _settlement, _fraction, _number,
    _identifier,
)  # fmt: skip
"""Every reading, the preferred first where two are equally long."""
