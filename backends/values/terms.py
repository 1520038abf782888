"""Lengths of time and numbers of instalments: 12期, 三个月, 一年半, 90天, half a year, 12-month."""

from __future__ import annotations

import re
from decimal import Decimal

from backends.values.folding import plain
from backends.values.kinds import Term, TermUnit
from backends.values.numerals import scan_number

_UNIT = re.compile(
    r" ?(?:"
    r"(?P<year>年(?![级纪代龄轻少货])期?)"
    r"|(?P<month>个月期?)"
    r"|(?P<quarter>个季度)"
    r"|(?P<week>个?(?:星期|礼拜)(?![一二三四五六日天])|周(?![年岁末一二三四五六日]))"
    r"|(?P<day>天期?)"
    r"|(?P<instalment>期(?![货权限间待望末初]))"
    r")"
    r"|[ -]?(?:(?P<year_en>years?|yrs?)|(?P<month_en>months?)|(?P<quarter_en>quarters?)|(?P<fortnight>fortnights?)"
    r"|(?P<week_en>weeks?)|(?P<day_en>days?)|(?P<instalment_en>instal?lments?))(?![a-z])"
)
_DAYS_RI = re.compile(r" ?日(?=[内后前以期]|年化)期?")
_HALF = re.compile(
    r"(?P<year>半年期?|half a year|half[ -]year)|(?P<month>半个月|half a month)|(?P<fortnight>a fortnight)"
)
_ARTICLE = re.compile(r"an? (?P<unit>year|month|quarter|week|day)(?P<half> and a half)?(?![a-z])")
_AND_HALF = re.compile(r"半(?![年月天])")
_AND_MONTHS = re.compile(r"(?:零|又)?(?P<months>[0-9]{1,2}|[一二两三四五六七八九十]{1,2})个月")
_MORE = re.compile("多|余(?!额)")
_NOT_A_NUMBER = frozenset(("零", "百", "千", "万", "亿"))
_LONGEST = 10_000
_UNITS_OF: dict[str, tuple[int, tuple[TermUnit, ...]]] = {
    "year": (1, ("year", "month")),
    "quarter": (3, ("month",)),
    "month": (1, ("month",)),
    "fortnight": (14, ("day",)),
    "week": (1, ("week", "day")),
    "day": (1, ("day",)),
    "instalment": (1, ("instalment",)),
}
"""Unit as said → how many of the first unit it is, and the units it may be told in, the larger first."""


def scan_term(text: str, start: int, *, slot: bool = False) -> tuple[int, Term | str] | None:
    """End and value of the term that begins at *start* of folded *text*: text where it is vague (两三天, 一年多).

    In a ``slot`` a bare 日 or 月 counts (7日, 6月) and "a year" is one; in running text those are days and months of
    the calendar, and "a year" mostly means every year.
    """
    found = _half(text, start, slot) or _numbered(text, start, slot)
    more = _MORE.match(text, found[0]) if found else None
    return (more.end(), text[start : more.end()]) if more else found


def read_term(text: str) -> Term | None:
    """The term that the whole of *text* is; ``None`` where it is anything else. 半个月 is 15 days, 一年半 18 months."""
    words = plain(text)
    words = words.removeprefix("分").removeprefix("for ").removesuffix("的")
    found = scan_term(words, 0, slot=True)
    return found[1] if found and found[0] == len(words) and isinstance(found[1], Term) else None


def _half(text: str, start: int, slot: bool) -> tuple[int, Term] | None:
    half = _HALF.match(text, start)
    if half:
        term = {"year": Term(6, "month"), "month": Term(15, "day"), "fortnight": Term(14, "day")}
        return half.end(), term[half.lastgroup or ""]
    article = _ARTICLE.match(text, start) if slot else None
    found = _term(Decimal("1.5") if article["half"] else Decimal(1), article["unit"]) if article else None
    return (article.end(), found) if article and found else None


def _numbered(text: str, start: int, slot: bool) -> tuple[int, Term | str] | None:
    found = scan_number(text, start)
    if found is None or text[start : found.end] in _NOT_A_NUMBER:
        return None
    unit = _UNIT.match(text, found.end)
    if found.value is None:
        return (unit.end(), text[start : unit.end()]) if unit else None
    if unit is None or unit.lastgroup is None:
        return _days(text, found.end, found.value, slot)
    return _compound(text, unit.end(), found.value, unit.lastgroup.removesuffix("_en"))


def _days(text: str, end: int, number: Decimal, slot: bool) -> tuple[int, Term] | None:
    unit = _DAYS_RI.match(text, end)
    word, tail = ("day", unit.end()) if unit else ("", end)
    if slot and text[end:].strip() in ("日", "月"):
        word, tail = ("day" if text.endswith("日") else "month"), len(text)
    term = _term(number, word) if word else None
    return None if term is None else (tail, term)


def _compound(text: str, end: int, number: Decimal, unit: str) -> tuple[int, Term] | None:
    if unit == "year" and number < 1000:
        half, months = _AND_HALF.match(text, end), _AND_MONTHS.match(text, end)
        if half:
            return half.end(), Term(int(number * 12 + 6), "month")
        if months:
            more = scan_number(months["months"], 0)
            if more and more.value is not None:
                return months.end(), Term(int(number * 12 + more.value), "month")
    term = _term(number, unit)
    return None if term is None else (end, term)


def _term(number: Decimal, unit: str) -> Term | None:
    """A whole number of the unit, or of the next smaller one where that comes out even: 1.5 years are 18 months."""
    if unit == "year" and number >= 1000:
        return None
    factor, units = _UNITS_OF[unit]
    number *= factor
    for smaller, each in zip(units, (1, 12 if unit == "year" else 7), strict=False):
        count = number * each
        if count == count.to_integral_value() and 0 <= count < _LONGEST:
            return Term(int(count), smaller)
    return None
