"""Days as customers name them, against today: 昨天, 下周一, 5月3号, 月底, three days ago, May 3rd."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Callable

from backends.values.folding import plain
from backends.values.moments import SMALL, scan_clock, scan_date
from backends.values.numerals import scan_number, small_number

_NAMED_DAYS = {
    "今天": 0, "今日": 0, "今儿": 0, "今儿个": 0, "当天": 0, "当日": 0, "现在": 0, "刚才": 0, "刚刚": 0, "今早": 0, "今晚": 0,
    "昨天": -1, "昨日": -1, "昨儿": -1, "昨儿个": -1, "昨晚": -1, "前天": -2, "前日": -2, "大前天": -3,
    "明天": 1, "明日": 1, "明儿": 1, "明儿个": 1, "明早": 1, "明晚": 1, "后天": 2, "大后天": 3,
    "today": 0, "now": 0, "right now": 0, "just now": 0, "tonight": 0, "this morning": 0, "this afternoon": 0,
    "this evening": 0, "yesterday": -1, "last night": -1, "the day before yesterday": -2,
    "day before yesterday": -2, "tomorrow": 1, "the day after tomorrow": 2, "day after tomorrow": 2,
}  # fmt: skip
_PART_OF_DAY = re.compile(
    r"(?:的?(?:凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|夜里)| (?:morning|afternoon|evening|night))$"
)
_NUMERAL = re.compile("[0-9:一二三四五六七八九十]")
_WEEKDAYS = {char: number for number, char in enumerate("一二三四五六日")} | {"天": 6}
_DAY_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKDAYS |= {day[:length]: number for number, day in enumerate(_DAY_NAMES) for length in (3, len(day))}
_WEEKDAYS |= {"tues": 1, "weds": 2, "thur": 3, "thurs": 3}
_WEEKDAY_ZH = re.compile(r"(?P<which>上上|下下|上个?|下个?|这个?|本)?(?:周|星期|礼拜)(?P<day>[一二三四五六日天])")
_WEEKDAY_EN = re.compile(r"(?:on )?(?:(?P<which>last|next|this|coming) )?(?P<day>[a-z]+)\.?")
_STEPS = {
    "上上": -2, "上上个": -2, "上": -1, "上个": -1, "这": 0, "这个": 0, "本": 0, "当": 0, "该": 0, "下": 1, "下个": 1,
    "下下": 2, "下下个": 2, "今": 0, "去": -1, "前": -2, "明": 1, "后": 2, "last": -1, "this": 0, "next": 1, "coming": 0,
}  # fmt: skip
_YEAR_MONTH = re.compile(rf"(?:(?P<year>今|本|去|上|前|明|后)年)(?:的)?(?=(?:{SMALL})月)")
_MONTH_DAY = re.compile(rf"(?P<which>上上个?|下下个?|上个?|下个?|这个?|本|当)月的?(?P<day>{SMALL})[日号]?")
_DAY_ONLY = re.compile(rf"(?P<day>{SMALL})[日号]")
_MONTH_EDGE = re.compile(
    r"(?:(?P<which>上上个?|下下个?|上个?|下个?|这个?|本|当)?月)的?(?P<edge>[底末初]|最后一天|第一天|中旬?)"
)
_YEAR_EDGE = re.compile(r"(?P<which>今|本|去|上|前|明|后)?年的?(?P<edge>[底末初]|最后一天|第一天)")
_MONTH_EDGE_EN = re.compile(
    r"(?:at )?(?:the )?(?P<edge>end|start|beginning|first|last day|first day) of (?:(?P<which>this|next|last|the) )?month|month[- ]end"
)
_YEAR_EDGE_EN = re.compile(r"(?:at )?(?:the )?(?P<edge>end|start|beginning) of (?:(?P<which>this|next|last|the) )?year")
_ORDINAL_EN = re.compile(r"(?:on )?the (?P<day>[0-9]{1,2})(?:st|nd|rd|th)(?: of (?P<which>this|next|last) month)?")
_AGO = re.compile(r"(?P<unit>天|个?星期|个?礼拜|周|个月|年)(?:之|以)?(?P<sense>前|后)")
_AGO_EN = re.compile(r" (?P<unit>day|week|month|year)s?(?: (?P<sense>ago|later|from now|from today))?")
_DOTTED = re.compile(r"(?P<month>[0-9]{1,2})\.(?P<day>[0-9]{1,2})")
_COMPACT = re.compile(r"((?:19|20)[0-9]{2})([0-9]{2})([0-9]{2})")
_ORDINAL_WORDS = {
    word: str(number)
    for number, word in enumerate(
        [
            "first",
            "second",
            "third",
            "fourth",
            "fifth",
            "sixth",
            "seventh",
            "eighth",
            "ninth",
            "tenth",
            "eleventh",
            "twelfth",
            "thirteenth",
            "fourteenth",
            "fifteenth",
            "sixteenth",
            "seventeenth",
            "eighteenth",
            "nineteenth",
            "twentieth",
        ],
        1,
    )
}
_ORDINAL_WORDS |= {f"twenty-{word}": str(20 + int(number)) for word, number in list(_ORDINAL_WORDS.items())[:9]}
_ORDINAL_WORDS |= {"thirtieth": "30", "thirty-first": "31"}
_ORDINAL_WORD = re.compile(
    rf"\b(?:{'|'.join(sorted(_ORDINAL_WORDS, key=len, reverse=True))})\b(?! (?:day|of (?:the|this|next|last)))"
)


def read_date(text: str, today: dt.date) -> dt.date | None:
    """The day that the whole of *text* names, as seen from *today*; ``None`` where it names none, or not exactly one.

    A day without a year is in this year, a day without a month in this month. Weeks begin on Monday: 周五 and
    "Friday" are in this week, 下周五 and "next Friday" in the next, "last Friday" is the latest one before today.
    A time of day is passed over (昨天下午三点).
    """
    said = plain(text)
    try:
        for words in (said, _without_clock(said)):
            for reader in _READERS:
                found = reader(words, today)
                if found is not None:
                    return found
    except (ValueError, OverflowError):
        return None
    return None


def add_months(day: dt.date, months: int) -> dt.date:
    """The same day *months* later (earlier when negative), or the last of a month that is too short."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def month_end(day: dt.date) -> dt.date:
    """The last day of *day*'s month."""
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def step(which: str | None) -> int:
    """How many units away 上个, 本, next … is; none is this one."""
    return _STEPS[which] if which and which != "the" else 0


def _without_clock(words: str) -> str:
    """昨天下午三点 and "tomorrow at 3 pm" without the time of day."""
    for start in range(1, len(words)):
        clock = scan_clock(words, start)
        if clock and clock[0] == len(words) and not (_NUMERAL.match(words[start]) and _NUMERAL.match(words[start - 1])):
            words = words[:start].rstrip(" ,").removesuffix(" at")
            break
    return _PART_OF_DAY.sub("", words) or words


def _full(words: str, today: dt.date) -> dt.date | None:
    compact = _COMPACT.fullmatch(words)
    if compact:
        return dt.date(int(compact[1]), int(compact[2]), int(compact[3]))
    dotted = _DOTTED.fullmatch(words)
    if dotted:
        return dt.date(today.year, int(dotted["month"]), int(dotted["day"]))
    shifted = _YEAR_MONTH.match(words)
    if shifted:
        base = today.replace(year=today.year + step(shifted["year"]), month=1, day=1)
        return _full(words[shifted.end() :], base)
    words = _ORDINAL_WORD.sub(lambda word: _ORDINAL_WORDS[word[0]] + "th", words.removeprefix("on "))
    found = scan_date(words, 0)
    if found is None or found[0] != len(words):
        return None
    if isinstance(found[1], dt.date):
        return found[1]
    if found[1].startswith("---"):
        return today.replace(day=int(found[1][3:]))
    return dt.date.fromisoformat(f"{today.year:04}{found[1][1:]}") if found[1].startswith("--") else None


def _named(words: str, today: dt.date) -> dt.date | None:
    days = _NAMED_DAYS.get(words)
    return None if days is None else today + dt.timedelta(days)


def _ago(words: str, today: dt.date) -> dt.date | None:
    if words.startswith("半个月") and words[3:] in ("前", "后", "以前", "以后", "之前", "之后"):
        return today + dt.timedelta(-15 if words.endswith("前") else 15)
    forward = words.startswith("in ")
    words = words.removeprefix("in ")
    if words.startswith("半年") and words[2:] in ("前", "后", "以前", "以后", "之前", "之后"):
        return add_months(today, -6 if words.endswith("前") else 6)
    words = re.sub(r"^an? ", "one ", words)
    number = scan_number(words, 0)
    if number is None or number.value is None or number.value != number.value.to_integral_value():
        return None
    found = _AGO.fullmatch(words, number.end) or _AGO_EN.fullmatch(words, number.end)
    if found is None or (forward == bool(found["sense"])):
        return None
    count = int(number.value) * (-1 if found["sense"] in ("前", "ago") else 1)
    unit = found["unit"]
    if unit in ("天", "day"):
        return today + dt.timedelta(count)
    if unit in ("年", "year"):
        return add_months(today, 12 * count)
    return add_months(today, count) if unit in ("个月", "month") else today + dt.timedelta(weeks=count)


def _weekday(words: str, today: dt.date) -> dt.date | None:
    found = _WEEKDAY_ZH.fullmatch(words) or _WEEKDAY_EN.fullmatch(words)
    if found is None or found["day"] not in _WEEKDAYS:
        return None
    number, which = _WEEKDAYS[found["day"]], found["which"]
    if which == "last":
        return today - dt.timedelta((today.weekday() - number - 1) % 7 + 1)
    if which == "coming":
        return today + dt.timedelta((number - today.weekday() - 1) % 7 + 1)
    return today + dt.timedelta(number - today.weekday(), weeks=step(which))


def _month_day(words: str, today: dt.date) -> dt.date | None:
    found = _MONTH_DAY.fullmatch(words)
    if found:
        return add_months(today.replace(day=1), step(found["which"])).replace(day=small_number(found["day"]))
    found = _DAY_ONLY.fullmatch(words)
    if found:
        return today.replace(day=small_number(found["day"]))
    found = _ORDINAL_EN.fullmatch(_ORDINAL_WORD.sub(lambda word: _ORDINAL_WORDS[word[0]] + "th", words))
    if found:
        return add_months(today.replace(day=1), step(found["which"])).replace(day=int(found["day"]))
    return None


def _edge(words: str, today: dt.date) -> dt.date | None:
    found = _MONTH_EDGE.fullmatch(words) or _MONTH_EDGE_EN.fullmatch(words)
    if found:
        first = add_months(today.replace(day=1), step(found["which"]))
        edge = found["edge"] or "end"
        if edge in ("中", "中旬"):
            return first.replace(day=15)
        return first if edge in ("初", "第一天", "start", "beginning", "first", "first day") else month_end(first)
    found = _YEAR_EDGE.fullmatch(words) or _YEAR_EDGE_EN.fullmatch(words)
    if found:
        year = today.year + step(found["which"])
        return dt.date(year, 1, 1) if found["edge"] in ("初", "第一天", "start", "beginning") else dt.date(year, 12, 31)
    return None


_READERS: tuple[Callable[[str, dt.date], dt.date | None], ...] = (_named, _full, _ago, _weekday, _month_day, _edge)
