"""Branches, the hotline, complaints, and who the customer is."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backends.account.service import age_on
from backends.action import ActionCall, BackendError
from backends.result import Result
from backends.service.tables import ComplaintRecord
from tests.bank import Bank, caller, open_bank, said


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as bank:
        yield bank


def names(result: Result) -> list[str]:
    return [row[0].value for row in result.rows]


@pytest.mark.parametrize("place", ["上海", "上海市", "上海的网点", "Shanghai", "in Shanghai", "branches near SHANGHAI"])
async def test_a_city_lists_its_branches(bank: Bank, place: str) -> None:
    result = await bank.ask("branch", None, city=place)
    assert (result.outcome, said(result)) == ("found", {"branch_count": "4"})
    assert all("上海" in name for name in names(result))


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("浦东", "云杉银行上海陆家嘴支行"),
        ("上海浦东新区", "云杉银行上海陆家嘴支行"),
        ("上海徐家汇附近", "云杉银行上海徐家汇支行"),
        ("Pudong", "云杉银行上海陆家嘴支行"),
        ("Shanghai Xuhui", "云杉银行上海徐家汇支行"),
        ("中关村", "云杉银行北京中关村支行"),
        ("广州北京路", "云杉银行广州北京路支行"),
        ("北京路", "云杉银行广州北京路支行"),
        ("解放碑", "云杉银行重庆解放碑支行"),
        ("Xi'an", "云杉银行西安高新支行"),
    ],
)
async def test_a_narrower_place_finds_its_own_branch(bank: Bank, place: str, name: str) -> None:
    assert names(await bank.ask("branch", None, city=place)) == [name]


async def test_an_unknown_street_of_a_known_city_still_shows_the_citys_branches(bank: Bank) -> None:
    assert len(names(await bank.ask("branch", None, city="上海某某路"))) == 4


async def test_a_branch_comes_with_address_hours_and_phone(bank: Bank) -> None:
    (row,) = (await bank.ask("branch", None, city="静安")).rows
    assert {fact.name: (fact.kind, fact.value) for fact in row} == {
        "branch_name": ("name", "云杉银行上海静安寺支行"),
        "address": ("text", "上海市静安区愚园路166号"),
        "hours_from": ("time", "09:00"),
        "hours_to": ("time", "17:30"),
        "phone": ("digits", "021-5000-1102"),
    }
    assert row[1].english == "166 Yuyuan Road, Jing'an, Shanghai"


@pytest.mark.parametrize("place", ["拉萨", "火星", "Paris", "%"])
async def test_a_place_without_a_branch_is_named_back_with_the_hotline(bank: Bank, place: str) -> None:
    result = await bank.ask("branch", None, city=place)
    assert (result.outcome, said(result)) == ("not_found", {"place_asked": place, "hotline": "400-820-9966"})


@pytest.mark.parametrize("given", [{}, {"channel": "phone"}, {"city": "上海", "channel": "phone"}, {"city": " "}])
async def test_no_place_or_a_wish_for_the_phone_gives_the_hotline(bank: Bank, given: dict[str, str]) -> None:
    result = await bank.ask("branch", None, **given)
    assert (result.outcome, said(result)) == ("hotline", {"hotline": "400-820-9966", "service_hours": "每天24小时"})
    assert {fact.source for fact in result.facts} == {"rule"}


async def test_a_complaint_is_kept_in_the_customers_own_words(bank: Bank) -> None:
    result = await bank.ask("complaint", detail="  柜台排队两个小时，没人管  ")
    facts = said(result)
    assert (facts["answer_within"], facts["regulator_line"], facts["reference"]) == ("15", "12378", result.reference)
    async with AsyncSession(bank.engine) as db:
        kept = (await db.scalars(select(ComplaintRecord))).one()
    assert (kept.reference, kept.owner, kept.detail) == (result.reference, "C1001", "柜台排队两个小时，没人管")


async def test_a_complaint_without_a_key_is_not_registered(bank: Bank) -> None:
    with pytest.raises(BackendError, match="idempotency key"):
        await bank.actions.run(ActionCall(name="complaint", input={"detail": "太慢"}), caller(None))


async def test_a_customer_is_addressed_by_family_name_in_both_languages(bank: Bank) -> None:
    result = await bank.ask("customer_profile", "C1007")
    assert said(result) == {
        "name": "欧阳静",
        "honorific": "欧阳女士",
        "tier": "platinum",
        "language": "zh",
        "phone_tail": "2963",
        "age": "42",
    }
    assert result.fact("honorific").english == "Ms Ouyang"
    assert {fact.sensitivity for fact in result.facts} == {"personal"}


@given(st.dates(dt.date(1900, 1, 1), dt.date(2026, 1, 1)), st.integers(0, 110))
def test_nobody_is_a_year_older_before_their_birthday(born: dt.date, years: int) -> None:
    year = born.year + years
    birthday = dt.date(year, 3, 1) if (born.month, born.day) == (2, 29) else born.replace(year=year)
    if (born.month, born.day) == (2, 29) and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0):
        birthday = dt.date(year, 2, 29)
    assert age_on(born, birthday) == years
    assert age_on(born, birthday - dt.timedelta(days=1)) == years - 1
