"""Days as customers name them, against today: 昨天, 下周一, 5月3号, 月底, three days ago, May 3rd."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Callable, Iterator

from backends.values.chinese import small_number
from backends.values.folding import plain
from backends.values.kinds import Term
from backends.values.moments import SMALL, scan_clock, scan_date
from backends.values.terms import read_term

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
    r"(?:at )?(?:the )?(?P<edge>end|start|beginning|last day|first day) of (?:(?P<which>this|next|last|the) )?month"
    r"|month[- ]end"
)
_YEAR_EDGE_EN = re.compile(r"(?:at )?(?:the )?(?P<edge>end|start|beginning) of (?:(?P<which>this|next|last|the) )?year")
_ORDINAL_EN = re.compile(r"(?:on )?the (?P<day>[0-9]{1,2})(?:st|nd|rd|th)(?: of (?P<which>this|next|last) month)?")
_AGO = re.compile(r"(?P<length>.+?)(?:之|以)?(?P<sense>前|后)")
_AGO_EN = re.compile(r"(?P<length>.+) (?P<sense>ago|later|from now|from today)|in (?P<in>.+)")
_MONTH_ITSELF = re.compile("(?<!个)月$")
_DOTTED = re.compile(r"(?P<month>[0-9]{1,2})\.(?P<day>[0-9]{1,2})")
_COMPACT = re.compile(r"((?:19|20)[0-9]{2})([0-9]{2})([0-9]{2})")
_ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
    "twentieth", "twenty-first", "twenty-second", "twenty-third", "twenty-fourth", "twenty-fifth", "twenty-sixth",
    "twenty-seventh", "twenty-eighth", "twenty-ninth", "thirtieth", "thirty-first",
)  # fmt: skip
_ORDINAL_WORD = re.compile(rf"\b(?:{'|'.join(sorted(_ORDINALS, key=len, reverse=True))})\b(?! day)")


def read_date(text: str, today: dt.date) -> dt.date | None:
    """The day that the whole of *text* names, as seen from *today*; ``None`` where it names none, or not exactly one.

    A day without a year is in this year, a day without a month in this month. Weeks begin on Monday: 周五 and
    "Friday" are in this week, 下周五 and "next Friday" in the next, "last Friday" is the latest one before today.
    A time of day is passed over (昨天下午三点).
    """
    said = plain(text)
    try:
        for words in (said, *_without_clock(said)):
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


def shift(day: dt.date, term: Term, sign: int) -> dt.date | None:
    """*day* moved by *term*, back where *sign* is -1; ``None`` for instalments, which have no length."""
    count = sign * term.count
    match term.unit:
        case "day":
            return day + dt.timedelta(count)
        case "week":
            return day + dt.timedelta(weeks=count)
        case "month":
            return add_months(day, count)
        case "year":
            return add_months(day, 12 * count)
        case "instalment":
            return None


def month_end(day: dt.date) -> dt.date:
    """The last day of *day*'s month."""
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def step(which: str | None) -> int:
    """How many units away 上个, 本, next … is; none is this one."""
    return _STEPS[which] if which and which != "the" else 0


def _without_clock(words: str) -> Iterator[str]:
    """昨天下午三点 and "tomorrow at 3 pm" without the time of day, in every way it can be told apart."""
    for start in range(1, len(words)):
        clock = scan_clock(words, start, slot=True)
        if clock and clock[0] == len(words) and not (_NUMERAL.match(words[start]) and _NUMERAL.match(words[start - 1])):
            yield words[:start].rstrip(" ,").removesuffix(" at")
    yield _PART_OF_DAY.sub("", words)


def _with_digits(words: str) -> str:
    """May third as May 3th, which reads like 3rd."""
    return _ORDINAL_WORD.sub(lambda word: f"{_ORDINALS.index(word[0]) + 1}th", words)


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
    words = _with_digits(words.removeprefix("on "))
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
    found = _AGO.fullmatch(words) or _AGO_EN.fullmatch(words)
    if found is None:
        return None
    parts = found.groupdict()
    length = parts.get("in") or parts["length"] or ""
    # 5月前 is "before May", 5个月前 five months ago.
    term = None if _MONTH_ITSELF.search(length) else read_term(length)
    return None if term is None else shift(today, term, -1 if parts["sense"] in ("前", "ago") else 1)


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
    found = _ORDINAL_EN.fullmatch(_with_digits(words))
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
        return first if edge in ("初", "第一天", "start", "beginning", "first day") else month_end(first)
    found = _YEAR_EDGE.fullmatch(words) or _YEAR_EDGE_EN.fullmatch(words)
    if found:
        year = today.year + step(found["which"])
        return dt.date(year, 1, 1) if found["edge"] in ("初", "第一天", "start", "beginning") else dt.date(year, 12, 31)
    return None


_READERS: tuple[Callable[[str, dt.date], dt.date | None], ...] = (_named, _full, _ago, _weekday, _month_day, _edge)
