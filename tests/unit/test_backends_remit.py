"""Remittances: which are meant, stage by stage, what is missing, and what was taken on the way."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backends.account.tables import Account
from backends.fx.tables import Remittance, RemittanceStep
from backends.result import Result
from backends.values import write
from tests.bank import BANK_NOW, Bank, open_bank, said


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as bank:
        yield bank


def column(result: Result, name: str) -> list[str]:
    return [next(fact.value for fact in row if fact.name == name) for row in result.rows]


async def test_one_on_its_way_is_told_stage_by_stage_with_its_times(bank: Bank) -> None:
    result = await bank.ask("remit_status")
    assert result.outcome == "outgoing"
    assert column(result, "remit_stage") == ["remit_accepted", "remit_checked", "remit_sent"]
    assert column(result, "stage_at") == ["2026-11-19T02:12:00Z", "2026-11-19T07:40:00Z", "2026-11-20T01:05:00Z"]
    facts = said(result)
    assert (facts["remit_stage"], facts["fee"], facts["expected_on"]) == ("remit_sent", "130.00", "2026-11-23")
    assert "credited_amount" not in facts


async def test_what_banks_abroad_took_is_told_once_the_rest_has_arrived(bank: Bank) -> None:
    result = await bank.ask("remit_status", "C1004", country="美国")
    facts = said(result)
    assert (result.outcome, facts["remit_stage"]) == ("outgoing", "remit_credited")
    assert (facts["amount"], facts["abroad_fee"], facts["credited_amount"]) == ("5000.00", "25.00", "4975.00")
    assert "expected_on" not in facts
    bank.now = BANK_NOW - dt.timedelta(days=6)
    early = said(await bank.ask("remit_status", "C1004", country="美国"))
    assert early["remit_stage"] == "remit_sent"
    assert not {"abroad_fee", "credited_amount"} & early.keys()


async def test_money_that_waits_for_documents_says_which(bank: Bank) -> None:
    result = await bank.ask("remit_status", "C1002")
    assert (result.outcome, said(result)["documents"]) == ("documents", "亲属关系证明")
    assert said(result)["counterparty"] == "*晓梅"


async def test_before_the_documents_were_asked_for_none_are_named(bank: Bank) -> None:
    bank.now = BANK_NOW - dt.timedelta(days=2, hours=1)
    result = await bank.ask("remit_status", "C1002")
    assert result.outcome == "incoming"
    assert "documents" not in said(result)


async def test_one_that_came_back_says_why_and_where_the_money_is(bank: Bank) -> None:
    result = await bank.ask("remit_status", "C1004", country="日本")
    facts = said(result)
    assert result.outcome == "returned"
    assert (facts["return_reason"], facts["remit_stage"]) == ("name_mismatch", "remit_refunded")
    bank.now = BANK_NOW - dt.timedelta(days=10)
    before = await bank.ask("remit_status", "C1004", country="日本")
    assert before.outcome == "outgoing"
    assert "return_reason" not in said(before)


async def test_several_are_listed_newest_first_each_at_its_stage(bank: Bank) -> None:
    result = await bank.ask("remit_status", "C1004")
    assert (result.outcome, said(result)) == ("found_many", {"transfer_count": "3"})
    assert column(result, "direction") == ["remit_in", "remit_out", "remit_out"]
    assert column(result, "remit_stage") == ["remit_entered", "remit_credited", "remit_refunded"]
    assert column(result, "sent_at") == sorted(column(result, "sent_at"), reverse=True)


@pytest.mark.parametrize(
    ("given", "country"),
    [
        ({"country": "美国"}, "美国"),
        ({"country": "the US"}, "美国"),
        ({"country": "香港"}, "中国香港"),
        ({"bank": "汇丰"}, "中国香港"),
        ({"bank": "花旗"}, "美国"),
        ({"currency": "JPY"}, "日本"),
        ({"amount": "500000"}, "日本"),
        ({"amount": "5000 USD"}, "美国"),
        ({"amount": "4975", "currency": "USD"}, "美国"),
        ({"purpose": "trade"}, "中国香港"),
        ({"date": "2026-11-13"}, "美国"),
        ({"period": "2026-11-09/2026-11-09"}, "日本"),
    ],
)
async def test_country_bank_sum_purpose_or_day_finds_the_one_that_is_meant(
    bank: Bank, given: dict[str, str], country: str
) -> None:
    result = await bank.ask("remit_status", "C1004", **given)
    assert said(result)["country"] == country


@pytest.mark.parametrize(
    ("customer", "given", "outcome"),
    [
        ("C1003", {}, "none"),
        ("C1008", {"country": "美国"}, "none"),
        ("C1001", {"country": "日本"}, "no_match"),
        ("C1001", {"amount": "2000 USD"}, "no_match"),
        ("C1001", {"amount": "1999"}, "no_match"),
        ("C1001", {"date": "2026-11-20"}, "no_match"),
        ("C1001", {"amount": "很多"}, "invalid_amount"),
    ],
)
async def test_what_is_not_there_is_said(bank: Bank, customer: str, given: dict[str, str], outcome: str) -> None:
    result = await bank.ask("remit_status", customer, **given)
    assert (result.outcome, result.rows) == (outcome, ())


async def test_another_customers_remittance_reads_like_one_that_is_not_there(bank: Bank) -> None:
    theirs = await bank.ask("remit_status", "C1001", country="加拿大")
    nobodys = await bank.ask("remit_status", "C1001", country="冰岛")
    assert theirs.model_dump_json().replace("加拿大", "国") == nobodys.model_dump_json().replace("冰岛", "国")


async def test_no_answer_holds_the_full_name_of_a_person(bank: Bank) -> None:
    async with AsyncSession(bank.engine) as db:
        people = (await db.scalars(select(Remittance).where(Remittance.is_person))).all()
        owners = {row.account_id: row.customer_id for row in await db.scalars(select(Account))}
    assert people
    for each in people:
        answers = [
            await bank.ask("remit_status", owners[each.account_id]),
            await bank.ask("remit_status", owners[each.account_id], country=each.country),
        ]
        text = "".join(answer.model_dump_json() for answer in answers)
        assert each.counterparty not in text
        assert each.counterparty_en not in text


async def test_stages_follow_each_other_in_time_and_have_words(bank: Bank) -> None:
    async with AsyncSession(bank.engine) as db:
        steps = (
            await db.scalars(select(RemittanceStep).order_by(RemittanceStep.reference, RemittanceStep.number))
        ).all()
    for before, after in itertools.pairwise(steps):
        assert before.reference != after.reference or before.at < after.at
    assert all(write(step.stage, "en", "enum") != step.stage for step in steps)
