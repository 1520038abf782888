"""Dates and times of day as written in full: 2026年11月21日 15:04, 21 November 2026, 五月三号, 下午3点半.

A date without its year has no value of its own; it is given as text, ``--05-03`` or ``---03`` (ISO 8601).
"""

from __future__ import annotations

import calendar
import datetime as dt
import re

from backends.values.chinese import small_number

BEIJING = dt.timezone(dt.timedelta(hours=8), "Asia/Shanghai")
"""Beijing time. A fixed offset: China has kept it all year since 1992, and a bare machine may have no zone files."""

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
MONTH_NUMBERS = {name.lower(): number for number, name in enumerate(MONTHS, 1)}
MONTH_NUMBERS |= {name[:3].lower(): number for number, name in enumerate(MONTHS, 1)} | {"sept": 9}

SMALL = r"(?:[0-9]{1,2}|[二三]?十[一二三四五六七八九]?|廿[一二三四五六七八九]?|卅一?|[一二三四五六七八九])"
YEAR = r"(?:[12][0-9]{3}|[一二][零一二三四五六七八九]{3})"
MONTH_NAME = rf"(?:{'|'.join(sorted(MONTH_NUMBERS, key=len, reverse=True))})\.?(?![a-z])"
_DAY_EN = r"(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?(?![0-9a-z])"

_FULL = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?P<year>{YEAR}|[0-9]{{2}}) ?年 ?(?P<month>{SMALL}) ?月 ?(?P<day>{SMALL}) ?[日号]",
        r"(?P<year>[0-9]{4})(?P<sep>[-/.])(?P<month>[0-9]{1,2})(?P=sep)(?P<day>[0-9]{1,2})(?![0-9])",
        rf"{_DAY_EN}(?: of)?[ -](?P<name>{MONTH_NAME}),?[ -](?P<year>[0-9]{{4}})(?![0-9])",
        rf"(?P<name>{MONTH_NAME}) {_DAY_EN},? (?P<year>[0-9]{{4}})(?![0-9])",
    )
)
_PARTIAL = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?P<month>{SMALL}) ?月 ?(?P<day>{SMALL})(?: ?[日号])?(?![0-9])",
        r"(?P<month>[0-9]{1,2})/(?P<day>[0-9]{1,2})(?![0-9/])",
        rf"(?:the )?{_DAY_EN}(?: of)? (?P<name>{MONTH_NAME})",
        rf"(?P<name>{MONTH_NAME}) (?:the )?{_DAY_EN}",
        rf"(?P<day>{SMALL}) ?(?:日(?![内后前以期])|号(?![线楼口店院馆]))",
    )
)
_CLOCK = re.compile(
    rf"(?P<part>凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|晚|早)? ?"
    r"(?:(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?(?![0-9])"
    r"(?: ?(?P<half>[ap])\.?m\b\.?)?"
    r"|(?P<hour_en>[0-9]{1,2}) ?(?P<half_en>[ap])\.?m\b\.?"
    rf"|(?P<hour_zh>{SMALL}|两) ?(?:点钟?|时)(?:(?P<half_past>半)|整|(?P<quarter>[一三])刻|(?P<minute_zh>零?{SMALL})分?)?)"
)
_MONTH_ALONE = re.compile(rf"(?P<month>{SMALL}) ?月份?(?! ?{SMALL} ?[日号])")
_GAP = re.compile(r",? ?|t")
_ZONE = re.compile(r" ?\((?:beijing time|北京时间)\)")


def scan_date(text: str, start: int) -> tuple[int, dt.date | str] | None:
    """End and value of the date that begins at *start* of folded *text*: text where it is partial or does not exist."""
    for pattern in _FULL:
        found = pattern.match(text, start)
        if found:
            parts = found.groupdict()
            year = full_year(parts["year"])
            month, day = _month(parts), small_number(parts["day"])
            try:
                return found.end(), dt.date(year, month, day)
            except ValueError:
                return found.end(), found[0]
    for pattern in _PARTIAL:
        found = pattern.match(text, start)
        if found:
            return found.end(), partial(found)
    return None


def partial(found: re.Match[str]) -> str:
    """``--MM-DD`` or ``---DD``, or the words themselves where the calendar has no such day."""
    parts = found.groupdict()
    day = small_number(parts["day"])
    if parts.get("month") is None and parts.get("name") is None:
        return f"---{day:02}" if 1 <= day <= 31 else found[0]
    month = _month(parts)
    # 2024 is a leap year: 29 February is a day of some year.
    exists = 1 <= month <= 12 and 1 <= day <= calendar.monthrange(2024, month)[1]
    return f"--{month:02}-{day:02}" if exists else found[0]


def full_year(text: str) -> int:
    """The year of a numeral of four digits, or of two: 26 is 2026."""
    return small_number(text) + (2000 if len(text) == 2 else 0)


def scan_month(text: str, start: int) -> tuple[int, str] | None:
    """End and value, ``--05``, of a month without its year."""
    found = _MONTH_ALONE.match(text, start)
    month = small_number(found["month"]) if found else 0
    return (found.end(), f"--{month:02}") if found and 1 <= month <= 12 else None


def scan_clock(text: str, start: int, *, slot: bool = False) -> tuple[int, dt.time | str] | None:
    """End and value of the time of day that begins at *start*: text where there is no such time (24:00).

    In a ``slot`` 三点 is one; in running text it may as well be "three points".
    """
    found = _CLOCK.match(text, start)
    if found is None:
        return None
    if found["hour_zh"] and not (slot or found["part"] or _unmistakable(found)):
        return None
    hour = small_number(found["hour"] or found["hour_en"] or found["hour_zh"])
    if found["half_past"]:
        minute = 30
    elif found["quarter"]:
        minute = 15 * small_number(found["quarter"])
    else:
        minute = small_number((found["minute"] or found["minute_zh"] or "0").removeprefix("零") or "0")
    half = found["half"] or found["half_en"]
    late = half == "p" or found["part"] in ("下午", "傍晚", "晚上", "晚")
    if (late or (found["part"] == "中午" and hour < 11)) and hour < 12:
        hour += 12
    elif half == "a" and hour == 12:
        hour = 0
    try:
        return found.end(), dt.time(hour, minute, int(found["second"] or 0))
    except ValueError:
        return found.end(), found[0]


def scan_datetime(text: str, start: int) -> tuple[int, dt.datetime] | None:
    """End and value, in UTC, of a full date followed by a time of day in Beijing."""
    day = scan_date(text, start)
    if day is None or not isinstance(day[1], dt.date):
        return None
    gap = _GAP.match(text, day[0])
    clock = scan_clock(text, gap.end() if gap else day[0])
    if clock is None or not isinstance(clock[1], dt.time):
        return None
    zone = _ZONE.match(text, clock[0])
    moment = dt.datetime.combine(day[1], clock[1], BEIJING).astimezone(dt.UTC)
    return zone.end() if zone else clock[0], moment


def _month(parts: dict[str, str | None]) -> int:
    name = parts.get("name")
    return MONTH_NUMBERS[name.rstrip(".")] if name else small_number(parts["month"] or "")


def _unmistakable(found: re.Match[str]) -> bool:
    """三点 may be "three points"; 9点, 三点半, 三点十分 and 三点钟 are times, and 三点五 is a number."""
    words = found[0]
    if "." in words:
        return False
    timed = found["half_past"] or found["quarter"] or words.endswith(("分", "钟", "整"))
    return bool(timed) or (words[0].isdigit() and (found["minute_zh"] is None or len(found["minute_zh"]) == 2))
