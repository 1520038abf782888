"""Hypothesis strategies for every typed value a fact can hold."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from hypothesis import strategies as st

from backends.values import CURRENCIES, Amount, Count, Money, Percent, PercentPoints, Period, Rate, Term
from backends.values.units import COUNTED

codes = st.sampled_from(sorted(CURRENCIES))
days = st.dates(dt.date(1900, 1, 2), dt.date(2199, 12, 30))
money = st.builds(Money, st.integers(-(10**14), 10**14), codes)
amounts = st.builds(
    Amount, st.decimals(-(10**9), 10**9, places=3) | st.integers(0, 10**9).map(Decimal), st.none() | codes
)
rates = st.builds(Rate, st.decimals(0, 10**5, places=6), codes, codes, st.sampled_from([1, 100]))
percents = st.builds(Percent, st.decimals(-1000, 1000, places=4) | st.decimals(0, 100, places=2))
points = st.builds(PercentPoints, st.decimals(-100, 100, places=2))
terms = st.builds(Term, st.integers(0, 999), st.sampled_from(["day", "week", "month", "year", "instalment"]))
counts = st.builds(Count, st.integers(0, 999), st.sampled_from(sorted(COUNTED))) | st.builds(
    Count,
    st.integers(0, 10**7),
    st.sampled_from(["card", "product", "branch", "transaction", "person", "currency_unit"]),
)
calendar_years = st.builds(Count, st.integers(1900, 2199), st.just("year"))
times = st.times().map(lambda time: time.replace(microsecond=0))
moments = st.builds(dt.datetime.combine, days, st.times(), st.just(dt.UTC))
months = days.map(lambda day: Period(day.replace(day=1), last_of_month(day)))
years = st.integers(1900, 2199).map(lambda year: Period(dt.date(year, 1, 1), dt.date(year, 12, 31)))
periods = st.tuples(days, days).map(lambda pair: Period(min(pair), max(pair))) | months | years

figures = (
    money | amounts | rates | percents | points | terms | counts | calendar_years | days | moments | times | periods
)
"""Every value that a reply shows as a figure."""


def last_of_month(day: dt.date) -> dt.date:
    return (day.replace(day=28) + dt.timedelta(4)).replace(day=1) - dt.timedelta(1)
