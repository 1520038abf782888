"""Days, stretches of days and lengths of time as customers name them."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.values import Period, Term, read_date, read_period, read_term, write
from tests.unit.values_strategies import days, periods, terms

TODAY = dt.date(2026, 11, 21)
"""A Saturday."""


@given(days, days, st.sampled_from(["zh", "en"]))
def test_a_day_that_a_reply_writes_is_read_whatever_the_day_is(day: dt.date, today: dt.date, language: str) -> None:
    assert read_date(write(day, language), today) == day
    assert read_date(day.isoformat(), today) == day
    assert read_period(write(day, language), today) == Period(day, day)


@given(periods, days, st.sampled_from(["zh", "en"]))
def test_a_period_that_a_reply_writes_is_read(period: Period, today: dt.date, language: str) -> None:
    assert read_period(write(period, language), today) == period


@given(terms, st.sampled_from(["zh", "en"]))
def test_a_term_that_a_reply_writes_is_read(term: Term, language: str) -> None:
    assert read_term(write(term, language)) == term


@given(days, st.integers(0, 400))
def test_so_many_days_ago_and_ahead_are_counted_from_today(today: dt.date, number: int) -> None:
    assert read_date(f"{number}天前", today) == read_date(f"{number} days ago", today) == today - dt.timedelta(number)
    assert read_date(f"{number}天后", today) == read_date(f"in {number} days", today) == today + dt.timedelta(number)


@given(days, st.integers(1, 400))
def test_the_last_so_many_days_end_today_and_are_so_many(today: dt.date, number: int) -> None:
    for text in (f"最近{number}天", f"近{number}天", f"the past {number} days", f"last {number} days"):
        period = read_period(text, today)
        assert period is not None
        assert period.end == today
        assert (period.end - period.start).days + 1 == number


@given(days, st.sampled_from("一二三四五六日"))
def test_weekdays_lie_in_the_week_that_is_named(today: dt.date, char: str) -> None:
    monday = today - dt.timedelta(today.weekday())
    this, next_one, last = (read_date(f"{which}周{char}", today) for which in ("这", "下", "上"))
    assert this is not None
    assert monday <= this < monday + dt.timedelta(7)
    assert next_one == this + dt.timedelta(7)
    assert last == this - dt.timedelta(7)


@given(days)
def test_every_relative_period_is_whole_and_holds_or_adjoins_today(today: dt.date) -> None:
    last, this, following = (read_period(text, today) for text in ("上个月", "本月", "下个月"))
    assert last
    assert this
    assert following
    assert this.start <= today <= this.end
    assert last.end + dt.timedelta(1) == this.start
    assert this.end + dt.timedelta(1) == following.start


@given(st.text(max_size=40), days)
def test_any_text_is_borne(text: str, today: dt.date) -> None:
    read_date(text, today)
    read_period(text, today)
    read_term(text)


@given(
    st.text(
        alphabet="0123456789一二三十年月日号周天上下个本今明后前最近至到-~半季度期末底初 lastnexdywkmoh", max_size=20
    ),
    days,
)
def test_any_text_of_date_words_is_borne(text: str, today: dt.date) -> None:
    read_date(text, today)
    read_period(text, today)
    read_term(text)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("今天", "2026-11-21"), ("昨天", "2026-11-20"), ("前天", "2026-11-19"), ("大前天", "2026-11-18"),
        ("明天", "2026-11-22"), ("后天", "2026-11-23"), ("大后天", "2026-11-24"), ("昨晚", "2026-11-20"), ("刚才", "2026-11-21"),
        ("周六", "2026-11-21"), ("周日", "2026-11-22"), ("星期天", "2026-11-22"), ("下周一", "2026-11-23"),
        ("上周五", "2026-11-13"), ("下下周三", "2026-12-02"), ("本周二", "2026-11-17"), ("礼拜三", "2026-11-18"),
        ("5月3号", "2026-05-03"), ("五月三号", "2026-05-03"), ("5 月 3 日", "2026-05-03"), ("7月29", "2026-07-29"),
        ("十一月二十一号", "2026-11-21"), ("1/5", "2026-01-05"), ("10.15", "2026-10-15"), ("12月25日", "2026-12-25"),
        ("3号", "2026-11-03"), ("廿八号", "2026-11-28"), ("上个月15号", "2026-10-15"), ("下月3日", "2026-12-03"),
        ("去年5月3号", "2025-05-03"), ("明年1月5日", "2027-01-05"), ("2026年1月5日", "2026-01-05"), ("26年1月5日", "2026-01-05"),
        ("二〇二六年一月五日", "2026-01-05"), ("20260105", "2026-01-05"), ("2026.1.5", "2026-01-05"), ("２０２６－０１－０５",
        "2026-01-05"),
        ("月底", "2026-11-30"), ("月初", "2026-11-01"), ("下月底", "2026-12-31"), ("上个月末", "2026-10-31"), ("年底", "2026-12-31"),
        ("明年初", "2027-01-01"), ("三天前", "2026-11-18"), ("两周后", "2026-12-05"), ("半个月前", "2026-11-06"),
        ("半年前", "2026-05-21"), ("一年后", "2027-11-21"), ("昨天下午三点", "2026-11-20"), ("5月3号上午10点", "2026-05-03"),
        ("周六下午", "2026-11-21"), ("昨晚十一点", "2026-11-20"),
        ("today", "2026-11-21"), ("Yesterday", "2026-11-20"), ("the day before yesterday", "2026-11-19"),
        ("last night", "2026-11-20"), ("this morning", "2026-11-21"), ("tomorrow at 3pm", "2026-11-22"),
        ("next Monday", "2026-11-23"), ("last Friday", "2026-11-20"), ("last Saturday", "2026-11-14"), ("on Friday",
        "2026-11-20"),
        ("May 3rd", "2026-05-03"), ("3 May", "2026-05-03"), ("the third of May", "2026-05-03"), ("May third",
        "2026-05-03"),
        ("May 3, 2025", "2025-05-03"), ("3rd May 2025", "2025-05-03"), ("Sept. 9", "2026-09-09"), ("the 3rd",
        "2026-11-03"),
        ("the 15th of last month", "2026-10-15"), ("a week ago", "2026-11-14"), ("three days ago", "2026-11-18"),
        ("in two weeks", "2026-12-05"), ("end of the month", "2026-11-30"), ("end of next month", "2026-12-31"),
        ("yesterday morning", "2026-11-20"),
    ],
)  # fmt: skip
def test_days_are_read_as_customers_name_them(text: str, day: str) -> None:
    assert read_date(text, TODAY) == dt.date.fromisoformat(day)


@pytest.mark.parametrize(
    "text",
    ["", "2月30号", "31号", "13月1日", "最近", "5月", "2026年", "三天", "几天前", "周末", "过年", "5月前", "12期", "Smarch 5",
     "每月1号", "someday", "in", "下午三点", "20261301"],
)  # fmt: skip
def test_what_is_not_one_day_is_not_read(text: str) -> None:
    assert read_date(text, TODAY) is None


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("上个月", "2026-10-01", "2026-10-31"), ("本月", "2026-11-01", "2026-11-30"), ("这个月", "2026-11-01", "2026-11-30"),
        ("本期", "2026-11-01", "2026-11-30"), ("上期", "2026-10-01", "2026-10-31"), ("上上个月", "2026-09-01", "2026-09-30"),
        ("最近三天", "2026-11-19", "2026-11-21"), ("近一周", "2026-11-15", "2026-11-21"), ("近半年", "2026-05-22", "2026-11-21"),
        ("近一年", "2025-11-22", "2026-11-21"), ("过去90天", "2026-08-24", "2026-11-21"), ("三个月内", "2026-08-22",
        "2026-11-21"),
        ("半年", "2026-05-22", "2026-11-21"), ("这两天", "2026-11-20", "2026-11-21"), ("前三天", "2026-11-18", "2026-11-20"),
        ("前两个月", "2026-09-01", "2026-10-31"), ("去年", "2025-01-01", "2025-12-31"), ("今年", "2026-01-01", "2026-12-31"),
        ("上周", "2026-11-09", "2026-11-15"), ("上周末", "2026-11-14", "2026-11-15"), ("10月", "2026-10-01", "2026-10-31"),
        ("十月份", "2026-10-01", "2026-10-31"), ("12月", "2025-12-01", "2025-12-31"), ("去年10月", "2025-10-01", "2025-10-31"),
        ("2026年10月", "2026-10-01", "2026-10-31"), ("2026-10", "2026-10-01", "2026-10-31"), ("25年3月", "2025-03-01",
        "2025-03-31"),
        ("2025年", "2025-01-01", "2025-12-31"), ("上半年", "2026-01-01", "2026-06-30"), ("去年下半年", "2025-07-01",
        "2025-12-31"),
        ("三季度", "2026-07-01", "2026-09-30"), ("上季度", "2026-07-01", "2026-09-30"), ("2025年第一季度", "2025-01-01",
        "2025-03-31"),
        ("今年以来", "2026-01-01", "2026-11-21"), ("月初至今", "2026-11-01", "2026-11-21"), ("昨天", "2026-11-20", "2026-11-20"),
        ("10月1日到10月15日", "2026-10-01", "2026-10-15"), ("10月1日至15日", "2026-10-01", "2026-10-15"),
        ("2025年12月1日至2026年1月5日", "2025-12-01", "2026-01-05"), ("9月到10月", "2026-09-01", "2026-10-31"),
        ("10.1-10.15", "2026-10-01", "2026-10-15"), ("从上个月到今天", "2026-10-01", "2026-11-21"),
        ("last month", "2026-10-01", "2026-10-31"), ("this year", "2026-01-01", "2026-12-31"), ("last week",
        "2026-11-09", "2026-11-15"),
        ("past 3 days", "2026-11-19", "2026-11-21"), ("the past half year", "2026-05-22", "2026-11-21"),
        ("the past year", "2025-11-22", "2026-11-21"), ("last year", "2025-01-01", "2025-12-31"),
        ("last three months", "2026-08-22", "2026-11-21"), ("October", "2026-10-01", "2026-10-31"),
        ("in October 2025", "2025-10-01", "2025-10-31"), ("Q3", "2026-07-01", "2026-09-30"), ("Q1 2025",
        "2025-01-01", "2025-03-31"),
        ("from 1 Oct to 15 Oct", "2026-10-01", "2026-10-15"), ("year to date", "2026-01-01", "2026-11-21"),
        ("last weekend", "2026-11-14", "2026-11-15"), ("last statement", "2026-10-01", "2026-10-31"),
    ],
)  # fmt: skip
def test_periods_are_read_as_customers_name_them(text: str, start: str, end: str) -> None:
    assert read_period(text, TODAY) == Period(dt.date.fromisoformat(start), dt.date.fromisoformat(end))


@pytest.mark.parametrize(
    "text", ["", "最近", "recently", "13月", "12期", "500元", "至", "至至至至", "10月5日到10月1日", "2026年13月"]
)
def test_what_is_no_stretch_of_days_is_not_read(text: str) -> None:
    assert read_period(text, TODAY) is None


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("12期", Term(12, "instalment")), ("分十二期", Term(12, "instalment")), ("18 installments", Term(18, "instalment")),
        ("三个月", Term(3, "month")), ("十二个月", Term(12, "month")), ("12 months", Term(12, "month")),
        ("12-month", Term(12, "month")),
        ("一年", Term(1, "year")), ("一年期", Term(1, "year")), ("a year", Term(1, "year")), ("one year", Term(1, "year")),
        ("半年", Term(6, "month")), ("half a year", Term(6, "month")), ("一年半", Term(18, "month")),
        ("1.5年", Term(18, "month")),
        ("one and a half years", Term(18, "month")), ("1年3个月", Term(15, "month")), ("90天", Term(90, "day")),
        ("7日", Term(7, "day")),
        ("半个月", Term(15, "day")), ("两周", Term(2, "week")), ("一个星期", Term(1, "week")), ("2 weeks", Term(2, "week")),
        ("a fortnight", Term(14, "day")), ("一个季度", Term(3, "month")), ("two quarters", Term(6, "month")),
        ("１２期", Term(12, "instalment")),
    ],
)  # fmt: skip
def test_terms_are_read_as_customers_name_them(text: str, term: Term) -> None:
    assert read_term(text) == term


@pytest.mark.parametrize(
    "text", ["", "活期", "长期", "两三天", "一年多", "12", "2026年", "期货", "三周年", "1.3天", "第12期", "-3天"]
)
def test_what_is_no_term_is_not_read(text: str) -> None:
    assert read_term(text) is None
