"""Which days funds and wealth products trade on, and which of them an application counts for."""

from __future__ import annotations

import datetime as dt
from functools import cache
from pathlib import Path

import yaml
from pydantic import Field, model_validator

from backends.result import Frozen
from backends.values import BEIJING

FILE = Path(__file__).with_name("trading_days.yml")


class Year(Frozen):
    """The weekdays of a year without trading, and where that is written down."""

    closed: frozenset[dt.date]
    citation: str = Field(min_length=8)
    reviewed_on: dt.date
    needs_review: bool = False

    @model_validator(mode="after")
    def _names_weekdays_only(self) -> Year:
        weekends = sorted(day for day in self.closed if day.weekday() >= 5)
        if weekends:
            raise ValueError(f"a weekend never trades: {', '.join(map(str, weekends))}")
        return self


@cache
def years(path: Path = FILE) -> dict[int, Year]:
    """The calendar by year; ``ValueError`` where a day is listed under another year, or is of a weekend."""
    found = {number: Year.model_validate(entry) for number, entry in yaml.safe_load(path.read_text("utf-8")).items()}
    for number, year in found.items():
        if any(day.year != number for day in year.closed):
            raise ValueError(f"{path.name}: a day of another year under {number}")
    return found


def is_trading_day(day: dt.date) -> bool:
    """Whether *day* trades; ``LookupError`` for a year the calendar does not hold."""
    if day.year not in years():
        raise LookupError(f"no trading calendar for {day.year}")
    return day.weekday() < 5 and day not in years()[day.year].closed


def trading_day_from(day: dt.date) -> dt.date:
    """*day*, or the first trading day after it."""
    while not is_trading_day(day):
        day += dt.timedelta(days=1)
    return day


def trading_day_until(day: dt.date) -> dt.date:
    """*day*, or the last trading day before it."""
    while not is_trading_day(day):
        day -= dt.timedelta(days=1)
    return day


def trading_days_after(day: dt.date, count: int) -> dt.date:
    """The day that is *count* trading days after *day*: T+2 of a Friday is the Tuesday."""
    for _ in range(count):
        day = trading_day_from(day + dt.timedelta(days=1))
    return day


def counts_for(now: dt.datetime, cutoff: dt.time) -> dt.date:
    """The trading day that an application made at *now* counts for: today where it trades and *cutoff* is still ahead."""
    local = now.astimezone(BEIJING)
    today = local.date()
    return trading_day_from(today if local.time() < cutoff else today + dt.timedelta(days=1))


def closes_at(day: dt.date, cutoff: dt.time) -> dt.datetime:
    """The moment from which an application no longer counts for *day*, in UTC."""
    return dt.datetime.combine(day, cutoff, BEIJING).astimezone(dt.UTC)
