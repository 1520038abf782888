"""Autopay: switched on, changed and off, for a card or a loan, out of an own account, and why it took nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backends.card.tables import AutopayMandate
from backends.loan.tables import Loan
from backends.result import Result
from tests.bank import ME, Bank, open_bank, said


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as bank:
        yield bank


async def ask(at: Bank, customer_id: str = ME, **given: Any) -> Result:
    return await at.ask("autopay", customer_id, "prepare", **given)


async def mandate(bank: Bank, card_id: str) -> tuple[bool, str, str | None] | None:
    query = select(AutopayMandate).where(AutopayMandate.card_id == card_id)
    async with AsyncSession(bank.engine) as db:
        row = (await db.scalars(query)).one_or_none()
    return None if row is None else (row.active, row.account_id, row.scope)


# -- on -----------------------------------------------------------------------------------


async def test_switching_on_reads_back_account_scope_and_the_next_debit(bank: Bank) -> None:
    ready = await ask(bank, "C1009", change="open")
    assert (ready.outcome, said(ready)) == (
        "ready",
        {
            "autopay_change": "switch_on",
            "repaid_name": "云杉车主信用卡",
            "card_tail": "4502",
            "account_tail": "2468",
            "autopay_scope": "pay_full",
            "next_on": "2026-12-01",
            "expires_at": "2026-11-21T02:45:12Z",
        },
    )
    done = await bank.commit(ready, "C1009")
    assert done.completed
    assert await bank.commit(ready, "C1009", key="another") == done
    assert await mandate(bank, "C1009-1") == (True, "C1009-2468", "pay_full")
    assert (await ask(bank, "C1009", change="open")).outcome == "already_on"


async def test_account_and_part_are_the_customers_choice(bank: Bank) -> None:
    ready = await ask(bank, "C1009", change="open", card_tail="1357", part="minimum")
    assert (said(ready)["account_tail"], said(ready)["autopay_scope"]) == ("1357", "pay_minimum")


async def test_what_is_off_is_switched_on_whatever_word_was_used_but_off(bank: Bank) -> None:
    for change in (None, "open", "move"):
        assert said(await ask(bank, change=change))["autopay_change"] == "switch_on"
    assert (await ask(bank, change="close")).outcome == "already_off"


async def test_the_next_debit_is_next_month_once_this_ones_statement_is_paid(bank: Bank) -> None:
    assert said(await ask(bank))["next_on"] == "2026-11-27"
    await bank.commit(await bank.ask("card_repay", ME, "prepare", part="full"))
    assert said(await ask(bank))["next_on"] == "2026-12-27"


async def test_two_that_switch_on_at_once_make_one_mandate(bank: Bank) -> None:
    quotes = [await ask(bank, "C1009", change="open", card_tail=tail) for tail in ("2468", "1357")]
    answers = await asyncio.gather(
        *(bank.commit(ready, "C1009", key=f"key {number}") for number, ready in enumerate(quotes))
    )
    assert sorted(answer.outcome for answer in answers) == ["changed", "done"]


# -- changed and off ----------------------------------------------------------------------


async def test_who_has_it_and_does_not_say_what_is_asked_what(bank: Bank) -> None:
    asked = await ask(bank, "C1005")
    assert (asked.outcome, [choice.value for choice in asked.choices]) == ("choose_change", ["move", "close"])


async def test_the_part_is_changed_and_changed_back(bank: Bank) -> None:
    ready = await ask(bank, "C1005", part="minimum")
    assert said(ready)["autopay_change"] == "switch_over"
    await bank.commit(ready, "C1005", key="1")
    assert await mandate(bank, "C1005-1") == (True, "C1005-4093", "pay_minimum")
    await bank.commit(await ask(bank, "C1005", part="full"), "C1005", key="2")
    assert await mandate(bank, "C1005-1") == (True, "C1005-4093", "pay_full")


async def test_another_account_is_chosen_among_ones_own(bank: Bank) -> None:
    await bank.commit(await ask(bank, "C1009", change="open"), "C1009", key="1")
    asked = await ask(bank, "C1009", change="move")
    assert (asked.outcome, [(choice.slot, choice.value) for choice in asked.choices]) == (
        "choose_account",
        [("card_tail", "1357")],
    )
    await bank.commit(await ask(bank, "C1009", change="move", card_tail="1357"), "C1009", key="2")
    assert await mandate(bank, "C1009-1") == (True, "C1009-1357", "pay_full")
    assert (await ask(bank, "C1005", change="move")).outcome == "already_on"


async def test_switching_off_needs_no_account_and_can_be_taken_back(bank: Bank) -> None:
    ready = await ask(bank, "C1005", change="close")
    assert "account_tail" not in said(ready)
    await bank.commit(ready, "C1005", key="1")
    assert await mandate(bank, "C1005-1") == (False, "C1005-4093", "pay_full")
    await bank.commit(await ask(bank, "C1005", change="open"), "C1005", key="2")
    assert await mandate(bank, "C1005-1") == (True, "C1005-4093", "pay_full")


async def test_a_mandate_that_changed_meanwhile_is_quoted_anew(bank: Bank) -> None:
    off, other = await ask(bank, "C1005", change="close"), await ask(bank, "C1005", part="minimum")
    assert (await bank.commit(other, "C1005", key="1")).outcome == "done"
    assert (await bank.commit(off, "C1005", key="2")).outcome == "changed"
    assert await mandate(bank, "C1005-1") == (True, "C1005-4093", "pay_minimum")


async def test_what_is_switched_off_already_is_not_switched_off_again(bank: Bank) -> None:
    first, second = await ask(bank, "C1005", change="close"), await ask(bank, "C1005", change="close")
    assert (await bank.commit(first, "C1005", key="1")).outcome == "done"
    assert (await bank.commit(second, "C1005", key="2")).outcome == "changed"
    assert (await ask(bank, "C1005", change="close")).outcome == "already_off"


# -- loans --------------------------------------------------------------------------------


async def test_a_loan_that_is_named_is_meant(bank: Bank) -> None:
    ready = await ask(bank, loan_kind="mortgage", change="close")
    assert (said(ready)["autopay_change"], said(ready)["repaid_name"]) == ("switch_off", "住房贷款")
    assert ready.fact("repaid_name").english == "mortgage"
    assert "card_tail" not in said(ready)
    assert (await ask(bank, loan_kind="car", change="close")).outcome == "no_loan"
    done = await bank.commit(ready)
    assert (done.outcome, said(done)["repaid_name"]) == ("done", "住房贷款")


async def test_every_loan_of_the_demo_bank_is_repaid_by_itself_out_of_its_account(bank: Bank) -> None:
    mandates = select(AutopayMandate.customer_id, AutopayMandate.loan_kind, AutopayMandate.account_id)
    async with AsyncSession(bank.engine) as db:
        repaid = (await db.execute(mandates.where(AutopayMandate.loan_kind.is_not(None)))).all()
        loans = (await db.execute(select(Loan.customer_id, Loan.kind, Loan.account_id))).all()
    assert {tuple(row) for row in repaid} == {tuple(row) for row in loans}


# -- whose --------------------------------------------------------------------------------


@pytest.mark.parametrize("tail", ["9016", "7701", "0000"])
@pytest.mark.parametrize("loan_kind", [None, "mortgage"])
async def test_another_customers_card_or_account_is_not_found(bank: Bank, tail: str, loan_kind: str | None) -> None:
    refused = await ask(bank, change="open", card_tail=tail, loan_kind=loan_kind)
    assert (refused.outcome, said(refused)) == ("not_found", {"card_tail": tail})


async def test_another_banks_account_is_told_apart_from_ours(bank: Bank) -> None:
    assert (await ask(bank, change="open", bank="工行")).outcome == "other_bank"
    assert (await ask(bank, change="open", bank="云杉银行")).outcome == "ready"


async def test_who_has_no_card_or_no_account_is_told_so(bank: Bank) -> None:
    assert (await ask(bank, "C1002", change="open")).outcome == "no_card"
    assert (await ask(bank, "C1008", change="open")).outcome == "no_account"


async def test_of_several_cards_one_is_chosen(bank: Bank) -> None:
    assert [choice.value for choice in (await ask(bank, "C1004", change="close")).choices] == ["9016", "2375"]
    assert said(await ask(bank, "C1004", change="close", card_tail="2375"))["card_tail"] == "2375"


# -- why it took nothing ------------------------------------------------------------------


async def test_the_status_says_what_was_due_what_was_taken_and_why(bank: Bank) -> None:
    facts = said(await bank.ask("autopay", "C1006", "status"))
    assert (facts["debit_due"], facts["debit_taken"], facts["debit_outcome"]) == ("4480.12", "1000.00", "debit_short")
    several = await bank.ask("autopay", "C1004", "status")
    assert (several.outcome, len(several.rows)) == ("status_many", 4)
    assert (await bank.ask("autopay", "C1003", "status")).outcome == "no_record"
