"""Stretches of days: 上个月, 最近三天, 近半年, 10月, 2026年10月1日至31日, last month, the past 3 days, Q3."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Callable

from backends.values.chinese import small_number
from backends.values.dates import add_months, month_end, read_date, shift, step
from backends.values.folding import plain
from backends.values.kinds import Period, Term
from backends.values.moments import MONTH_NAME, MONTH_NUMBERS, SMALL, YEAR, full_year, scan_date
from backends.values.terms import read_term

_MONTH_SCAN = re.compile(
    rf"(?P<year>{YEAR}|[0-9]{{2}}) ?年 ?(?P<month>{SMALL}) ?月份?(?! ?{SMALL} ?[日号])"
    r"|(?P<year_iso>(?:19|20)[0-9]{2})-(?P<month_iso>0[1-9]|1[0-2])(?![-0-9])"
    rf"|(?P<name>{MONTH_NAME}),? (?P<year_en>[12][0-9]{{3}})(?![0-9])"
)
_YEAR_SCAN = re.compile(rf"(?P<year>{YEAR}) ?年(?:度|全年)?|the year (?P<year_en>[12][0-9]{{3}})(?![0-9])")
_TO = re.compile(r" ?(?:至|到|~|-{1,2}| to | through | until ) ?| (?:to|through|until) ")
_RELATIVE = re.compile(
    r"(?P<which>上上个?|下下个?|上个?|下个?|这个?|本|当|该|今|去|前|明|后)(?P<unit>月|年|周|星期|礼拜|季度|期)(?:份|度|账单|全年|里)?"
)
_RELATIVE_EN = re.compile(
    r"(?:the )?(?P<which>last|this|next|previous|current) "
    r"(?P<unit>month|year|week|quarter|statement|billing cycle|bill)(?:'s)?"
)
_LAST = re.compile(r"(?:最近|近|过去|这|前|过去的|最近的|这最近)(?:的)?(?P<term>.+?)(?:以内|之内|以来|内|来)?")
_WITHIN = re.compile(r"(?P<term>.+?)(?:以内|之内|内|以来|来)")
_LAST_EN = re.compile(r"(?:in |over |during |for )?(?:the )?(?:past|last|previous|recent) (?P<term>.+)")
_BEFORE = re.compile(r"(?:上|前)(?P<count>[两二三四五六2-6])个月")
_MONTH_ONLY = re.compile(rf"(?P<month>{SMALL})月(?:份|账单)?|(?P<name>{MONTH_NAME})")
_YEAR_MONTH = re.compile(rf"(?P<year>今|本|去|上|前|明)年的?(?P<rest>{SMALL}月份?|[上下]半年|第?[一二三四1-4]季度?)")
_HALF_YEAR = re.compile(r"(?P<half>[上下])半年")
_QUARTER = re.compile(
    rf"(?:(?P<year>{YEAR}|[0-9]{{2}})年?)? ?(?:第?(?P<zh>[一二三四1-4])季度?|q(?P<en>[1-4]))(?:,? (?P<year_en>[12][0-9]{{3}}))?"
)
_YEAR_SHORT = re.compile(r"(?P<year>[0-9]{2})年(?:度|全年)?|(?P<year_en>20[0-9]{2})")
_TO_DATE = re.compile(
    r"(?:今年|本年|年初|今年年初|今年初)(?:以来|至今|到现在|到今天)|year to date|ytd|so far this year"
    r"|since (?:the )?(?:start|beginning) of (?:the|this) year"
)
_MONTH_TO_DATE = re.compile(r"(?:本月|这个月|月初|当月)(?:以来|至今|到现在|到今天)|month to date|mtd|so far this month")
_WEEKEND = re.compile(r"(?P<which>上个?|下个?|这个?|本)?周末|(?:(?P<which_en>last|next|this) )weekend")


def scan_period(text: str, start: int) -> tuple[int, Period] | None:
    """End and value of the period written in full at *start* of folded *text*: a month, a year, or two dates."""
    first = scan_date(text, start)
    if first and isinstance(first[1], dt.date):
        joint = _TO.match(text, first[0])
        last = scan_date(text, joint.end()) if joint else None
        if last:
            end = _completed(last[1], first[1])
            if end is not None and first[1] <= end:
                return last[0], Period(first[1], end)
        return None
    month, year = _MONTH_SCAN.match(text, start), _YEAR_SCAN.match(text, start)
    if month:
        name = month["name"]
        number = MONTH_NUMBERS[name.rstrip(".")] if name else small_number(month["month"] or month["month_iso"])
        if 1 <= number <= 12:
            return month.end(), _month(full_year(month["year"] or month["year_iso"] or month["year_en"]), number)
        return None
    return (year.end(), _whole_year(full_year(year["year"] or year["year_en"]))) if year else None


def read_period(text: str, today: dt.date) -> Period | None:
    """The stretch of days that the whole of *text* names, as seen from *today*; ``None`` where it names none.

    最近三天, "the past 3 days" and a bare 三天 end today and count it; 近半年 begins six months before tomorrow. A month
    without a year is the latest one that is not in the future. 本期 is this month and 上期 the last: a card's own
    cycle is for its backend to know. A single day is a period of one.
    """
    words = re.sub(r"\s+", " ", plain(text)).removeprefix("in ").removeprefix("from ").removeprefix("从")
    try:
        return _single(words, today) or _range(words, today) or _lasting(read_term(words), today)
    except (ValueError, OverflowError):
        return None


def _month(year: int, month: int) -> Period:
    first = dt.date(year, month, 1)
    return Period(first, month_end(first))


def _whole_year(year: int) -> Period:
    return Period(dt.date(year, 1, 1), dt.date(year, 12, 31))


def _months(first: dt.date, count: int) -> Period:
    return Period(first, month_end(add_months(first, count - 1)))


def _completed(day: dt.date | str, start: dt.date) -> dt.date | None:
    """The end of a range whose year, or year and month, were said with its start."""
    if isinstance(day, dt.date):
        return day
    try:
        if day.startswith("---"):
            return start.replace(day=int(day[3:]))
        return dt.date.fromisoformat(f"{start.year:04}{day[1:]}") if day.startswith("--") else None
    except ValueError:
        return None


def _written(words: str, today: dt.date) -> Period | None:
    found = scan_period(words, 0)
    return found[1] if found and found[0] == len(words) else None


def _single(words: str, today: dt.date) -> Period | None:
    """A period that is not itself a range of two."""
    for reader in _READERS:
        found = reader(words, today)
        if found is not None:
            return found
    day = read_date(words, today)
    return None if day is None else Period(day, day)


def _range(words: str, today: dt.date) -> Period | None:
    for joint in _TO.finditer(words):
        left, right = words[: joint.start()], words[joint.end() :]
        if left and right:
            start = _single(left, today)
            end = _single(right, start.start if start and re.fullmatch(rf"{SMALL}[日号]", right) else today)
            if start and end and start.start <= end.end:
                return Period(start.start, end.end)
    return None


def _relative(words: str, today: dt.date) -> Period | None:
    found = _RELATIVE.fullmatch(words) or _RELATIVE_EN.fullmatch(words)
    if found is None:
        return None
    which = {"previous": "last", "current": "this"}.get(found["which"], found["which"])
    unit, steps = found["unit"], step(which)
    if unit in ("年", "year"):
        return _whole_year(today.year + steps)
    if which in ("今", "去", "前", "明", "后"):
        return None
    if unit in ("周", "星期", "礼拜", "week"):
        monday = today - dt.timedelta(today.weekday()) + dt.timedelta(weeks=steps)
        return Period(monday, monday + dt.timedelta(6))
    if unit in ("季度", "quarter"):
        first = dt.date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
        return _months(add_months(first, 3 * steps), 3)
    return _months(add_months(today.replace(day=1), steps), 1)


def _last(words: str, today: dt.date) -> Period | None:
    before = _BEFORE.fullmatch(words)
    if before:
        count = small_number(before["count"].replace("两", "二"))
        return _months(add_months(today.replace(day=1), -count), count)
    found = _LAST.fullmatch(words) or _LAST_EN.fullmatch(words) or _WITHIN.fullmatch(words)
    if found is None:
        return None
    # 前三天 are the three days before today, 最近三天 end with it.
    end = today - dt.timedelta(1) if words.startswith("前") else today
    return _lasting(read_term(found["term"]) or read_term(f"one {found['term']}"), end)


def _lasting(term: Term | None, end: dt.date) -> Period | None:
    if term is None or term.count < 1:
        return None
    start = shift(end + dt.timedelta(1), term, -1)
    return None if start is None else Period(start, end)


def _month_only(words: str, today: dt.date) -> Period | None:
    found = _MONTH_ONLY.fullmatch(words)
    if found is None:
        return None
    month = MONTH_NUMBERS[found["name"].rstrip(".")] if found["name"] else small_number(found["month"])
    return _month(today.year if month <= today.month else today.year - 1, month)


def _part_of_year(words: str, today: dt.date) -> Period | None:
    shifted = _YEAR_MONTH.fullmatch(words)
    if shifted:
        year = today.year + step(shifted["year"])
        month = re.fullmatch(rf"({SMALL})月份?", shifted["rest"])
        if month:
            return _month(year, small_number(month[1]))
        return _part_of_year(shifted["rest"], dt.date(year, 12, 31))
    half = _HALF_YEAR.fullmatch(words)
    if half:
        return _months(dt.date(today.year, 1 if half["half"] == "上" else 7, 1), 6)
    quarter = _QUARTER.fullmatch(words)
    if quarter:
        number = small_number(quarter["zh"] or quarter["en"])
        said = quarter["year"] or quarter["year_en"]
        return _months(dt.date(full_year(said) if said else today.year, 3 * number - 2, 1), 3)
    short = _YEAR_SHORT.fullmatch(words)
    return _whole_year(full_year(short["year"] or short["year_en"])) if short else None


def _to_date(words: str, today: dt.date) -> Period | None:
    if _TO_DATE.fullmatch(words):
        return Period(today.replace(month=1, day=1), today)
    return Period(today.replace(day=1), today) if _MONTH_TO_DATE.fullmatch(words) else None


def _weekend(words: str, today: dt.date) -> Period | None:
    found = _WEEKEND.fullmatch(words)
    if found is None:
        return None
    saturday = today + dt.timedelta(
        calendar.SATURDAY - today.weekday(), weeks=step(found["which"] or found["which_en"])
    )
    return Period(saturday, saturday + dt.timedelta(1))


_READERS: tuple[Callable[[str, dt.date], Period | None], ...] = (
    _written, _relative, _to_date, _part_of_year, _month_only, _weekend, _last,
)  # fmt: skip
