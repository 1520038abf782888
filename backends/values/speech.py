"""How a reply writes a value, in Chinese and in English. ``figures`` reads every such text back."""

from __future__ import annotations

import calendar
import datetime as dt
from decimal import ROUND_HALF_UP, Decimal

from backends.values.canonical import Kind, exact_money, number_text
from backends.values.codes import CODES
from backends.values.currencies import currency_name
from backends.values.kinds import Amount, Count, Money, Percent, PercentPoints, Period, Rate, Term, TermUnit, Value
from backends.values.moments import BEIJING, MONTHS
from backends.values.units import COUNTED, is_calendar_year

_TERMS: dict[TermUnit, tuple[str, str]] = {
    "day": ("天", "day"),
    "week": ("周", "week"),
    "month": ("个月", "month"),
    "year": ("年", "year"),
    "instalment": ("期", "instalment"),
}
_RATE_DECIMALS = (2, 4)


def write(value: Value, language: str, kind: Kind | None = None) -> str:
    """*value* as a reply in ``zh`` or ``en`` writes it; datetimes in Beijing time to the minute.

    ``kind`` tells what a string is: a ``currency`` is named, an ``enum`` worded, any other text stays as it is.
    ``ValueError`` for another language, an unlisted currency or unit, a naive datetime.
    """
    if language not in ("zh", "en"):
        raise ValueError(f"replies are written in zh or en, not {language!r}")
    zh = language == "zh"
    match value:
        case Money(currency=currency):
            return _money(value.number, currency, zh)
        case Amount(number, currency):
            if currency is None:
                return _grouped(number)
            exact = exact_money(number, currency)
            return _money(number if exact is None else exact.number, currency, zh)
        case Rate(number):
            return _grouped(rate_number(number))
        case Percent(number):
            return f"{number_text(number)}%"
        case PercentPoints(number):
            return f"{number_text(number)}个百分点" if zh else f"{number_text(number)} percentage points"
        case Count():
            return _count(value, zh)
        case Term(number, unit):
            classifier, noun = _TERMS[unit]
            return f"{number}{classifier}" if zh else f"{number} {noun}{'' if number == 1 else 's'}"
        case Period():
            return _period(value, language)
        case dt.datetime():
            return _datetime(value, language)
        case dt.date():
            return _date(value, language)
        case dt.time():
            return value.isoformat("seconds" if value.second else "minutes")
        case str():
            return _text(value, language, kind)


def rate_number(number: Decimal) -> Decimal:
    """*number* as a rate is quoted: at most four decimals (half up), at least two."""
    least, most = _RATE_DECIMALS
    rounded = number.quantize(Decimal(1).scaleb(-most), rounding=ROUND_HALF_UP)
    fewer = rounded.quantize(Decimal(1).scaleb(-least))
    while rounded != fewer:
        least += 1
        fewer = rounded.quantize(Decimal(1).scaleb(-least))
    return fewer


def _grouped(number: Decimal) -> str:
    return format(Decimal(number_text(number)), ",f")


def _money(number: Decimal, currency: str, zh: bool) -> str:
    name = currency_name(currency, "zh" if zh else "en")
    if zh:
        return _grouped(number) + ("元" if currency == "CNY" else name)
    return f"{currency} {_grouped(number)}"


def _count(count: Count, zh: bool) -> str:
    unit = COUNTED.get(count.unit)
    if unit is None:
        raise ValueError(f"no classifier is known for {count.unit!r}")
    if is_calendar_year(count):
        return f"{count.number}年" if zh else str(count.number)
    number = format(count.number, ",d")
    if zh:
        return number + unit.classifier
    return f"{number} {unit.one if count.number == 1 else unit.many}".rstrip()


def _date(day: dt.date, language: str) -> str:
    if language == "zh":
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def _datetime(moment: dt.datetime, language: str) -> str:
    if moment.tzinfo is None:
        raise ValueError(f"a datetime has a time zone: {moment!r}")
    local = moment.astimezone(BEIJING)
    day, clock = _date(local.date(), language), local.strftime("%H:%M")
    return f"{day} {clock}" if language == "zh" else f"{day}, {clock} (Beijing time)"


def _period(period: Period, language: str) -> str:
    start, end = period.start, period.end
    last_of_month = calendar.monthrange(end.year, end.month)[1]
    if start.day == 1 and end.day == last_of_month and start.year == end.year:
        if start.month == end.month:
            return f"{start.year}年{start.month}月" if language == "zh" else f"{MONTHS[start.month - 1]} {start.year}"
        if (start.month, end.month) == (1, 12):
            return f"{start.year}年" if language == "zh" else f"the year {start.year}"
    joint = "至" if language == "zh" else " to "
    return _date(start, language) + joint + _date(end, language)


def _text(text: str, language: str, kind: Kind | None) -> str:
    if kind == "currency":
        return currency_name(text, language)
    if kind == "enum" and text in CODES:
        return CODES[text][0 if language == "zh" else 1]
    return text
