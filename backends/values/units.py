"""What is counted, with its Chinese classifier and its English noun."""

from __future__ import annotations

from dataclasses import dataclass

from backends.values.kinds import Count


@dataclass(frozen=True, slots=True)
class Counted:
    """``3`` + ``classifier`` in Chinese; ``1`` + ``one``, ``3`` + ``many`` in English."""

    classifier: str
    one: str
    many: str


def _counted(classifier: str, one: str, many: str | None = None) -> Counted:
    return Counted(classifier, one, f"{one}s" if many is None else many)


COUNTED: dict[str, Counted] = {
    "item": _counted("个", "item"),
    "account": _counted("个", "account"),
    "card": _counted("张", "card"),
    "product": _counted("款", "product"),
    "branch": _counted("家", "branch", "branches"),
    "transaction": _counted("笔", "transaction"),
    "application": _counted("份申请", "application"),
    "point": _counted("积分", "point"),
    "person": _counted("位", "person", "people"),
    "digit": _counted("位", "digit"),
    "try": _counted("次", "attempt"),
    "second": _counted("秒", "second"),
    "minute": _counted("分钟", "minute"),
    "hour": _counted("小时", "hour"),
    "day": _counted("天", "day"),
    "business_day": _counted("个工作日", "business day"),
    "week": _counted("周", "week"),
    "month": _counted("个月", "month"),
    "year": _counted("年", "year"),
    "instalment": _counted("期", "instalment"),
    "currency_unit": _counted("", "", ""),
}
"""Unit of a ``Count`` → how it is written. ``currency_unit`` is the bare 100 of "per 100 US dollars"."""


def is_calendar_year(count: Count) -> bool:
    """Whether a count of years rather names one: ``Count(2026, "year")`` is the year 2026."""
    return count.unit == "year" and 1900 <= count.number < 2200
