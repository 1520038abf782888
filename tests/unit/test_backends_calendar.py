"""Which day an application counts for: cut-off, weekends, holidays, and years nobody has announced."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from backends.wealth import calendar
from backends.wealth.calendar import closes_at, counts_for, is_trading_day, trading_days_after, years

CUTOFF = dt.time(15)
DAYS = st.dates(dt.date(2026, 1, 1), dt.date(2027, 11, 30))


def beijing(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"{text}+08:00")


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2026-11-20T14:59:59", "2026-11-20"),
        ("2026-11-20T15:00:00", "2026-11-23"),
        ("2026-11-21T10:30:00", "2026-11-23"),
        ("2026-11-23T00:00:00", "2026-11-23"),
        ("2026-09-24T16:00:00", "2026-09-28"),
        ("2026-09-30T15:00:01", "2026-10-08"),
        ("2026-10-10T10:00:00", "2026-10-12"),
        ("2026-12-31T15:30:00", "2027-01-04"),
        ("2027-02-04T15:30:00", "2027-02-11"),
    ],
)
def test_an_application_counts_for_today_before_the_cutoff_and_else_for_the_next_trading_day(
    now: str, day: str
) -> None:
    assert counts_for(beijing(now), CUTOFF) == dt.date.fromisoformat(day)


def test_a_saturday_that_offices_work_is_no_trading_day() -> None:
    assert not is_trading_day(dt.date(2026, 10, 10))


@given(DAYS, st.integers(0, 12))
def test_so_many_trading_days_later_there_were_so_many_trading_days(day: dt.date, count: int) -> None:
    later = trading_days_after(day, count)
    between = [day + dt.timedelta(days=n) for n in range(1, (later - day).days + 1)]
    assert sum(map(is_trading_day, between)) == count
    assert count == 0 or is_trading_day(later)


@given(DAYS, st.times())
def test_what_counts_for_a_day_was_applied_for_before_it_closed(day: dt.date, clock: dt.time) -> None:
    now = dt.datetime.combine(day, clock, dt.timezone(dt.timedelta(hours=8)))
    counted = counts_for(now, CUTOFF)
    assert is_trading_day(counted)
    assert now < closes_at(counted, CUTOFF)
    assert all(
        not is_trading_day(day + dt.timedelta(days=n)) or now >= closes_at(day + dt.timedelta(days=n), CUTOFF)
        for n in range((counted - day).days)
    )


@pytest.mark.parametrize("day", [dt.date(2025, 12, 31), dt.date(2028, 1, 3)])
def test_a_year_without_a_calendar_is_an_error_and_not_a_guess(day: dt.date) -> None:
    with pytest.raises(LookupError, match=str(day.year)):
        is_trading_day(day)


def test_every_year_says_where_its_days_are_written_down_and_was_reviewed() -> None:
    for year in years().values():
        assert year.citation
        assert year.reviewed_on <= dt.date(2026, 11, 21)
    assert [number for number, year in years().items() if year.needs_review] == [2027]


@pytest.mark.parametrize(
    ("closed", "message"), [([dt.date(2026, 11, 21)], "weekend"), ([dt.date(2025, 1, 1)], "another year")]
)
def test_a_calendar_with_a_slip_is_refused_when_it_is_read(tmp_path: Path, closed: list[dt.date], message: str) -> None:
    path = tmp_path / "days.yml"
    entry = {"citation": "某通知（2025年）", "reviewed_on": dt.date(2026, 1, 1), "closed": closed}
    path.write_text(yaml.safe_dump({2026: entry}, allow_unicode=True), "utf-8")
    with pytest.raises((ValueError, ValidationError), match=message):
        calendar.years(path)
