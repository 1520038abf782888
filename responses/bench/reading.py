"""A second reader of figures, for the checker alone: small, of its own patterns, and none of the one that the gates read with.

It reads what a reply should hold (digits, dates, times, currencies, shares) exactly, and tells what a reply should not hold
(numbers in words, days by name, hedges) by the words themselves.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from backends.result import Fact
from backends.values import BEIJING, CURRENCIES
from responses.reply import Language

DECIMAL = re.compile(r"\d+\.\d+")
"""A number that a backend hands on as text: the shares of a fund."""
_FIRST_YEAR = 1900
"""From here on so many years are the name of one."""
HOLE = "\ufffc"
"""What stands where a name was read."""
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_MONTH = "|".join(_MONTHS)
_DATE = re.compile(
    r"(?P<y1>\d{4})年(?P<m1>\d{1,2})月(?:(?P<d1>\d{1,2})[日号])?|(?P<m2>\d{1,2})月(?P<d2>\d{1,2})[日号]"
    rf"|(?:(?<![\d.,])(?P<d3>\d{{1,2}}) )?(?P<m3>\b(?:{_MONTH})\b)(?: (?P<d4>\d{{1,2}})(?!\d))?,?(?: (?P<y3>\d{{4}})\b)?"
    r"|(?P<y5>\d{4})[-/](?P<m5>\d{1,2})[-/](?P<d5>\d{1,2})(?!\d)",
    re.IGNORECASE,
)
_TIME = re.compile(r"(?<!\d)(\d{1,2}):(\d{2})(?::\d{2})?(?!\d)")
_NUMBER = re.compile(r"(?P<sign>[-−±]|负|minus )?(?P<number>(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)(?!\d)")
_WIDTHS = str.maketrans({"，": ";", "、": ";", "；": ";"})
"""A comma between two figures is none within one."""
_WITHIN = re.compile(r"(?<=[０-９])，(?=[０-９]{3})")
_SCALES = {
    "万": 10**4,
    "亿": 10**8,
    "千": 1000,
    "百": 100,
    "k": 1000,
    "m": 10**6,
    "bn": 10**9,
    "million": 10**6,
    "thousand": 1000,
}
_SCALE = re.compile(r"\s?(万亿|万|亿|千|百|k\b|m\b|bn\b|million\b|thousand\b)", re.IGNORECASE)
_UNITS = (
    ("pp", r"个?百分点|percentage points?"), ("%", r"%|percent\b"), ("‰", r"‰"), ("workday", r"个?工作日|(?:business|working) days?\b"),
    ("month", r"个月|months?\b"), ("week", r"周|weeks?\b"), ("hour", r"个?小时|hours?\b"), ("minute", r"分钟|minutes?\b"), ("year", r"年|years?\b"),
    ("day", r"天|日|days?\b"), ("second", r"秒|seconds?\b"),
)  # fmt: skip
_UNIT = [(name, re.compile(rf"\s?(?:{pattern})", re.IGNORECASE)) for name, pattern in _UNITS]
_COUNT_UNITS = {"day": "day", "week": "week", "month": "month", "year": "year", "hour": "hour", "minute": "minute", "second": "second",
                "business_day": "workday"}  # fmt: skip
_TERM = re.compile(r"P(\d+)([DWMY])")
_TERM_UNITS = {"D": "day", "W": "week", "M": "month", "Y": "year"}

_HEDGES: dict[Language, tuple[re.Pattern[str], re.Pattern[str]]] = {
    "zh": (
        re.compile(
            r"(约|大概|大致|差不多|接近|将近|(?<![附最])近|不到|不足|(?<!不)超过|多于|少于|低于|高于|不是|并非|原|每月|人均|日均|双份|第|新|老|[-−±]|负|[$€£])"
            r"[为是有]?(?:[A-Z]{3})?$"
        ),
        re.compile(
            r"^ ?(左右|上下|以上|以下|开外|出头|多(?!少)|余(?!额)|起步|或更多|的?(?:两倍|一半|[前次]一?[天日]|升级版)|/月|前后|再过|凌晨|中午|24点|乘以|"
            r"[（(]含|二店|\d号|旗舰店|万|亿|千(?!万)|百(?!分)|倍|%|天|个月)"
        ),
    ),
    "en": (
        re.compile(
            r"(\b(?:about|around|roughly|approximately|nearly|almost|over|under|more than|less than|formerly|"
            r"twice|half of|double|daily|early|the day after|two days before|the week of|new|old|minus)\s|[-−±$€£])(?:[A-Z]{3}\s)?$",
            re.IGNORECASE,
        ),
        re.compile(
            r"^\s?(?:points?\s|items?\s)?(or so|or more|or less|and more|or even more|a month|/month|at noon|midnight|times|\(fees included\)|"
            r"II\b|No\. ?\d|Two\b|Premium|Flagship|k\b|m\b|bn\b|%|days\b|weeks\b)",
            re.IGNORECASE,
        ),
    ),
}

_ZH_NUMBER = r"[〇零一二三四五六七八九十百千万亿两廿壹贰叁肆伍陆柒捌玖拾佰仟]"
_IN_WORDS: dict[Language, re.Pattern[str]] = {
    "zh": re.compile(
        rf"百分之{_ZH_NUMBER}+|{_ZH_NUMBER}+点{_ZH_NUMBER}+|(?<![万统唯单第])(?!一块(?:的|，|。|内))(?!一[个笔张下家项种次款条份位天年点])"
        rf"{_ZH_NUMBER}+(?:元|块(?!儿)|圆|美元|美金|天|个|年|月|号|期|笔|张|款|%|折|成|倍|周|小时|分钟|工作日)|[几数][十百千万亿]"
    ),
    "en": re.compile(
        r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|"
        r"nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|billion|dozen|half|twice|double)\b",
        re.IGNORECASE,
    ),
}
_DAYS: dict[Language, re.Pattern[str]] = {
    "zh": re.compile(
        r"今天(?!想|要|有什么|怎么|需要|先|顺|愉|过得)|[明昨后前]天|[今明后前去]年|[上下本这]个?(?:周|星期|礼拜|月|季度)|(?:周|星期|礼拜)[一二三四五六日天末]|当[天日]|次日|隔天|"
        r"T\+\d|[年月季][底初末中](?!间)|[一二三四上下]半?季度|春节|国庆|中秋|元旦|端午|[正腊]月|[春夏秋冬]天|[半一两三几]个?(?:小时|钟头|刻钟)|"
        r"[一二三四五六七八九十]点(?:钟|整|半)?(?=前|后|之|截|开|关|恢|到|以)|午饭|傍晚|三天两头|前儿|后儿"
    ),
    "en": re.compile(
        r"\b(?:today|tomorrow|yesterday|tonight|(?:next|last|this|before last|after next) (?:week|month|year|quarter|spring|summer|autumn|winter)|"
        r"monday|tuesday|wednesday|thursday|friday|saturday|sunday|overnight|fortnight|christmas|new year's|o'clock|noon|midnight|"
        r"(?:an|half an|quarter of an) hour|(?:same|next) day(?= |\.)|on the day(?= |\.)|(?:mid-|early |late )(?=(?-i:[A-Z])))\b|T\+\d",
        re.IGNORECASE,
    ),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """A figure of a text: what it is, what it comes to, and the hedge that stands beside it, if any."""

    kind: str
    value: str
    hedge: str = ""
    turn: str = ""
    """Of a date: ``until`` or ``from``, where a word beside it says so."""

    @property
    def atom(self) -> tuple[str, str]:
        """What it states, whatever stands beside it."""
        return self.kind, self.value

    @property
    def said(self) -> str:
        """For people."""
        return f"{self.hedge} {self.value} {self.kind}".strip()


def folded(text: str) -> str:
    """*text* in one width, without what nobody sees."""
    wide = unicodedata.normalize("NFKC", _WITHIN.sub(",", text).translate(_WIDTHS))
    return "".join(char for char in wide if unicodedata.category(char) not in ("Cf", "Mn"))


def without(text: str, names: Iterable[str]) -> str:
    """*text* (folded) with a hole where one of *names* stands, the longest first."""
    for name in sorted({folded(name) for name in names if name.strip()}, key=len, reverse=True):
        text = text.replace(name, HOLE)
    return text


def figures(text: str, language: Language) -> Iterator[Seen]:
    """The figures of *text* (folded, names taken out) that are written in digits or as a date."""
    taken = bytearray(len(text))

    def free(match: re.Match[str]) -> bool:
        if any(taken[match.start() : match.end()]):
            return False
        taken[match.start() : match.end()] = b"\1" * (match.end() - match.start())
        return True

    for match in _DATE.finditer(text):
        if (date := _date(match)) is not None and free(match):
            yield Seen(*date, _day_hedge(text, match, language), _turn(text, match, language))
    for match in _TIME.finditer(text):
        if free(match):
            yield Seen("time", f"{int(match[1]):02}:{match[2]}", _day_hedge(text, match, language))
    for match in _NUMBER.finditer(text):
        if free(match):
            yield _number(text, match, language)


def _date(match: re.Match[str]) -> tuple[str, str] | None:
    groups = {name[0]: value for name, value in match.groupdict().items() if value is not None}
    month = groups.get("m", "")
    number = int(month) if month.isdigit() else _MONTHS.index(month.lower()) + 1
    year, day = groups.get("y"), groups.get("d")
    if day is not None:
        return ("date", f"{year}-{number:02}-{int(day):02}") if year else ("day of year", f"{number:02}-{int(day):02}")
    return ("month of year", f"{year}-{number:02}") if year else None


def _number(text: str, match: re.Match[str], language: Language) -> Seen:
    value = Decimal(match["number"].replace(",", ""))
    end = match.end()
    if scale := _SCALE.match(text, end):
        value *= 10**12 if scale[1] == "万亿" else _SCALES[scale[1].lower()]
        end = scale.end()
    unit = _currency_before(text[: match.start()]) or _unit_behind(text[end:])
    if unit == "year" and value >= _FIRST_YEAR:
        unit = ""
    sign = "-" if match["sign"] and _is_sign(text, match) else ""
    return Seen(unit, sign + plain(value), _hedge(text, match, language))


def _is_sign(text: str, match: re.Match[str]) -> bool:
    """A hyphen behind a word or a figure is none."""
    return match.start() == 0 or not (re.match(r"[0-9A-Za-z]", text[match.start() - 1]) and match["sign"] in "-−")


def plain(value: Decimal) -> str:
    """*value* without the noughts that say nothing."""
    text = format(value.normalize(), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


_BEFORE = [
    (re.compile(rf"(?:{'|'.join(map(re.escape, sorted([code, *each.signs, each.zh], key=len, reverse=True)))})\s?$", re.IGNORECASE), code)
    for code, each in sorted(CURRENCIES.items(), key=lambda item: -max(map(len, (item[0], *item[1].signs))))
]  # fmt: skip
_BEHIND = sorted(
    ((name, code) for code, each in CURRENCIES.items() for name in (code, each.zh, each.en, *each.also) if len(name) > 1 or name in "元块"),
    key=lambda pair: -len(pair[0]),
)  # fmt: skip


def _currency_before(text: str) -> str:
    tail = text[-12:]
    found = [(match.start(), code) for pattern, code in _BEFORE if (match := pattern.search(tail))]
    return min(found)[1] if found else ""


def _unit_behind(text: str) -> str:
    head = text[:24].lstrip().lower()
    for name, code in _BEHIND:
        if head.startswith(name.lower()) and not (name.isascii() and head[len(name) : len(name) + 1].isalnum()):
            return code
    return next((name for name, pattern in _UNIT if pattern.match(text)), "")


def _hedge(text: str, match: re.Match[str], language: Language) -> str:
    before, behind = _HEDGES[language]
    return beside(text, match.start(), match.end(), before, behind)


def _day_hedge(text: str, match: re.Match[str], language: Language) -> str:
    """A hyphen before a day or a time stands between two of them, and “over” says how long."""
    hedge = _hedge(text, match, language).lstrip("-− ")
    return "" if hedge.lower() in ("over", "under") else hedge


_TURNS: dict[Language, tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str], re.Pattern[str]]] = {
    "zh": (re.compile(r"(?:最晚|截至|截止到?)$"), re.compile(r"^(?:之?前|以前)"), re.compile(r"(?:最早|自|从)$"), re.compile(r"^(?:之?后|起|以后)")),
    "en": (re.compile(r"\b(?:by|before|until|till) $", re.I), re.compile(r"^ at the latest"),
           re.compile(r"\b(?:from|after|since) $", re.I), re.compile(r"^ (?:onwards|at the earliest)")),
}  # fmt: skip


def _turn(text: str, match: re.Match[str], language: Language) -> str:
    head, rest = text[: match.start()], text[match.end() :]
    rest = re.sub(r"^,? ?\d{1,2}:\d{2}(?: \(Beijing time\))?", "", rest)
    early, early_behind, late, late_behind = _TURNS[language]
    if early.search(head) or early_behind.match(rest):
        return "until"
    return "from" if late.search(head) or late_behind.match(rest) else ""


def beside(text: str, start: int, end: int, before: re.Pattern[str], behind: re.Pattern[str]) -> str:
    """What of *before* and *behind* stands at ``text[start:end]``, directly or behind its unit; a second unit is one of those."""
    head = before.search(text[max(0, start - 24) : start])
    rest = text[end:]
    tail = None
    if HOLE not in text[start:end]:
        unit = _unit_length(rest)
        tail = behind.match(rest[unit:]) if unit else behind.match(rest)
        if unit and tail is None and (more := _currency_length(rest[unit:])):
            return rest[: unit + more].strip()
        if unit and tail is None and _currency_before(text[:start]):
            return rest[:unit].strip()
    return " ".join(found[1].strip() for found in (head, tail) if found is not None)


def _unit_length(text: str) -> int:
    """How far the unit at the beginning of *text* goes."""
    return _currency_length(text) or next((found.end() for _, unit in _UNIT if (found := unit.match(text))), 0)


def _currency_length(text: str) -> int:
    bare = text.lstrip(" ")
    head = bare[:24].lower()
    for name, _ in _BEHIND:
        if head.startswith(name.lower()) and not (name.isascii() and head[len(name) : len(name) + 1].isalnum()):
            return len(text) - len(bare) + len(name)
    return 0


def hedges(text: str, start: int, end: int, language: Language) -> str:
    """The hedge beside ``text[start:end]``, which is a name."""
    return beside(text, start, end, *_HEDGES[language])


def in_words(text: str, language: Language) -> set[str]:
    """The numbers in words and the days by name of *text* (folded, names taken out)."""
    return {match[0].lower() for pattern in (_IN_WORDS, _DAYS) for match in pattern[language].finditer(text)}


def currencies(text: str, language: Language) -> set[str]:
    """The codes of the currencies that *text* (folded) names in full."""
    found = set()
    for code, each in sorted(CURRENCIES.items(), key=lambda item: -len(item[1].zh)):
        name = each.zh if language == "zh" else each.en
        if name.lower() in text.lower() and code != "CNY":
            found.add(code)
            text = text.replace(name, "")
    return found


def figures_of(fact: Fact) -> Counter[tuple[str, str]]:
    """What a text that states *fact* must show, from its stored value alone; nothing for names and codes."""
    match fact.kind:
        case "money":
            return Counter([(fact.unit or "CNY", plain(Decimal(fact.value)))])
        case "percent":
            return Counter([("%", plain(Decimal(fact.value)))])
        case "points":
            return Counter([("pp", plain(Decimal(fact.value)))])
        case "rate":
            return Counter([("", plain(round(Decimal(fact.value), 4)))])
        case "count":
            unit = "" if Decimal(fact.value) >= _FIRST_YEAR else _COUNT_UNITS.get(fact.unit or "", "")
            return Counter([(unit, plain(Decimal(fact.value)))])
        case "digits" if DECIMAL.fullmatch(fact.value):
            return Counter([("", plain(Decimal(fact.value)))])
        case "term":
            found = _TERM.fullmatch(fact.value)
            return Counter([(_TERM_UNITS[found[2]], found[1])] if found else [])
        case "date":
            return Counter([("date", fact.value)])
        case "datetime":
            local = dt.datetime.fromisoformat(fact.value).astimezone(BEIJING)
            return Counter([("date", local.date().isoformat()), ("time", f"{local:%H:%M}")])
        case "time":
            return Counter([("time", fact.value[:5])])
        case "period":
            return Counter(_ends(fact.value))
        case _:
            return Counter()


def _ends(value: str) -> list[tuple[str, str]]:
    start, end = map(dt.date.fromisoformat, value.split("/"))
    whole = start.day == 1 and (end + dt.timedelta(days=1)).day == 1 and start.year == end.year
    if whole and start.month == end.month:
        return [("month of year", f"{start:%Y-%m}")]
    if whole and (start.month, end.month) == (1, 12):
        return [("", f"{start.year}")]
    return [("date", start.isoformat()), ("date", end.isoformat())]
