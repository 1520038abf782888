"""Repaying a credit card: how much, out of which account, once, and never more than there is or is owed."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from backends.account.tables import Account, Balance
from backends.action import Refused
from backends.card.repayments import Debt, terms_of, to_pay
from backends.card.tables import Card, Repayment, Statement
from backends.result import Result
from backends.values import Money
from tests.bank import ME, Bank, caller, commit_of, open_bank, said


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as bank:
        yield bank


async def pay(bank: Bank, customer_id: str = ME, **given: Any) -> Result:
    return await bank.ask("card_repay", customer_id, "prepare", **given)


async def books(bank: Bank, card_id: str = "C1001-1", account_id: str = "C1001-6217") -> tuple[int, int, int, int]:
    """What the card has used, what its latest statement has been paid, the account's CNY, and how many repayments."""
    async with AsyncSession(bank.engine) as db:
        card = await db.get_one(Card, card_id)
        statements = select(Statement).where(Statement.card_id == card_id).order_by(Statement.issued_on.desc())
        statement = (await db.scalars(statements)).first()
        balance = await db.get_one(Balance, (account_id, "CNY"))
        count = await db.scalar(select(func.count()).select_from(Repayment).where(Repayment.card_id == card_id))
    assert statement is not None
    return card.used or 0, statement.paid, balance.minor, count or 0


async def change(bank: Bank, table: type[Any], where: Any, **values: Any) -> None:
    async with AsyncSession(bank.engine) as db, db.begin():
        await db.execute(update(table).where(where).values(**values))


# -- how much -----------------------------------------------------------------------------


async def test_a_payment_reads_back_everything_that_is_confirmed(bank: Bank) -> None:
    ready = await pay(bank, part="full")
    assert (ready.outcome, said(ready)) == (
        "ready",
        {
            "card_name": "云杉白金信用卡",
            "card_tail": "8888",
            "payment": "6842.37",
            "account_tail": "6217",
            "left_due": "0.00",
            "expires_at": "2026-11-21T02:45:12Z",
        },
    )


async def test_who_does_not_say_how_much_chooses_between_all_and_the_minimum(bank: Bank) -> None:
    asked = await pay(bank)
    assert asked.outcome == "choose_part"
    assert [(choice.slot, choice.value, choice.facts[1].value) for choice in asked.choices] == [
        ("part", "full", "6842.37"),
        ("part", "minimum", "684.24"),
    ]


async def test_the_minimum_is_what_is_missing_to_it_and_no_choice_once_it_is_met(bank: Bank) -> None:
    await change(bank, Statement, (Statement.card_id == "C1001-1") & (Statement.balance == 684237), paid=60000)
    assert said(await pay(bank, part="minimum"))["payment"] == "84.24"
    await change(bank, Statement, (Statement.card_id == "C1001-1") & (Statement.balance == 684237), paid=68424)
    assert (await pay(bank, part="minimum")).outcome == "minimum_paid"
    assert [choice.value for choice in (await pay(bank)).choices] == ["full"]


async def test_more_than_the_statement_pays_what_is_not_billed_yet_up_to_all_that_is_owed(bank: Bank) -> None:
    ready = await pay(bank, amount="9215.60")
    assert (said(ready)["left_due"], said(ready)["unbilled_paid"]) == ("0.00", "2373.23")
    assert (await bank.commit(ready)).outcome == "done"
    assert await books(bank) == (0, 684237, 18650000 - 921560, 2)
    more = await pay(bank, amount="9215.61")
    assert (more.outcome, said(more)) == ("nothing_due", {"card_name": "云杉白金信用卡", "card_tail": "8888"})


async def test_a_cent_more_than_is_owed_is_not_taken(bank: Bank) -> None:
    refused = await pay(bank, amount="9215.61")
    assert (refused.outcome, said(refused)["owed"]) == ("over_owed", "9215.60")


@pytest.mark.parametrize("amount", ["0", "-5", "0.001", "100 USD", "1e3", "2000000000"])
async def test_an_amount_that_cannot_be_paid_is_refused(bank: Bank, amount: str) -> None:
    assert (await pay(bank, amount=amount)).outcome == "invalid_amount"


async def test_a_paid_statement_leaves_only_what_is_not_billed(bank: Bank) -> None:
    for part in (None, "full", "minimum"):
        refused = await pay(bank, "C1008", part=part)
        assert (refused.outcome, said(refused)["owed"]) == ("nothing_due", "640.00")


MINOR = st.integers(0, 10**9)


@given(MINOR, MINOR, MINOR, MINOR, st.integers(1, 10**11))
def test_a_payment_never_pays_a_statement_or_a_card_more_than_it_owes(
    balance: int, paid: int, minimum: int, unbilled: int, asked: int
) -> None:
    card = Card(card_id="c", tail="1111", name="卡", name_en="card")
    statement = Statement(card_id="c", issued_on=dt.date(2026, 11, 7), balance=balance, minimum=minimum, paid=paid)
    remaining = max(balance - paid, 0)
    debt = Debt(card, statement, Money(remaining), Money(min(minimum, remaining)), Money(remaining + unbilled))
    said_so = str(Money(asked).number)
    if asked > debt.owed.minor:
        with pytest.raises(Refused) as refused:
            to_pay(debt, None, said_so)
        assert refused.value.outcome == ("over_owed" if debt.owed.minor else "nothing_due")
        return
    amount = to_pay(debt, None, said_so)
    assert amount == Money(asked)
    terms = terms_of(debt, amount, Account(account_id="a", tail="2222"))
    assert 0 <= terms.to_statement <= remaining
    assert terms.amount - terms.to_statement <= unbilled


# -- out of which account, to which card --------------------------------------------------


async def test_a_tail_is_the_card_that_owes_or_the_account_that_pays(bank: Bank) -> None:
    ready = await pay(bank, "C1009", part="full", card_tail=["4502", "1357"])
    assert (said(ready)["card_tail"], said(ready)["account_tail"]) == ("4502", "1357")
    assert said(await pay(bank, "C1009", part="full", card_tail="1357"))["account_tail"] == "1357"
    assert said(await pay(bank, "C1009", part="full"))["account_tail"] == "2468"


async def test_several_cards_are_put_to_the_customer_with_what_each_owes(bank: Bank) -> None:
    asked = await pay(bank, "C1004", amount="100")
    assert (asked.outcome, [choice.value for choice in asked.choices]) == ("choose", ["9016", "2375"])
    assert [row[-1].value for row in asked.rows] == ["62318.44", "2865.90"]


@pytest.mark.parametrize("tail", ["9016", "7701", "0000"])
async def test_another_customers_card_or_account_is_not_found(bank: Bank, tail: str) -> None:
    refused = await pay(bank, part="full", card_tail=tail)
    assert (refused.outcome, said(refused)) == ("not_found", {"card_tail": tail})


async def test_an_account_that_holds_too_little_is_told_before_anything_is_confirmed(bank: Bank) -> None:
    refused = await pay(bank, "C1006", part="full")
    assert said(refused) == {"payment": "4480.12", "balance": "1860.35", "account_tail": "5581"}
    assert (await pay(bank, "C1006", amount="1860.36")).outcome == "insufficient_funds"
    assert (await pay(bank, "C1006", amount="1860.35")).outcome == "ready"


async def test_without_an_account_there_is_nothing_to_pay_from(bank: Bank) -> None:
    assert (await pay(bank, "C1008", amount="100")).outcome == "no_account"


async def test_what_reached_the_card_is_not_taken_back_here(bank: Bank) -> None:
    assert (await pay(bank, part="back")).outcome == "final"


# -- doing it -----------------------------------------------------------------------------


async def test_a_payment_moves_balance_statement_and_limit_once(bank: Bank) -> None:
    ready = await pay(bank, amount="1000")
    done = await bank.commit(ready)
    assert (done.completed, said(done)["balance"], said(done)["left_due"]) == (True, "185500.00", "5842.37")
    assert said(done)["available"] == "71784.40"
    assert await books(bank) == (821560, 100000, 18550000, 2)
    assert await bank.commit(ready) == done
    assert (await bank.commit(ready, key="another")).reference == done.reference
    assert await books(bank) == (821560, 100000, 18550000, 2)
    assert said(await bank.ask("card_repay", step="status"))["reference"] == done.reference


async def test_a_statement_that_was_paid_meanwhile_is_quoted_anew(bank: Bank) -> None:
    first, second = await pay(bank, part="full"), await pay(bank, part="full")
    assert (await bank.commit(first, key="1")).outcome == "done"
    assert (await bank.commit(second, key="2")).outcome == "changed"
    assert await books(bank) == (237323, 684237, 18650000 - 684237, 2)


async def test_a_second_payment_never_goes_by_what_was_left_before_the_first(bank: Bank) -> None:
    first, second = await pay(bank, amount="1000"), await pay(bank, amount="1000")
    assert said(second)["left_due"] == "5842.37"
    assert (await bank.commit(first, key="1")).outcome == "done"
    assert (await bank.commit(second, key="2")).outcome == "changed"
    assert said(await pay(bank, amount="1000"))["left_due"] == "4842.37"


async def test_money_that_left_the_account_meanwhile_is_not_spent_and_nothing_is_booked(bank: Bank) -> None:
    ready = await pay(bank, amount="1000")
    await change(bank, Balance, Balance.account_id == "C1001-6217", minor=99999)
    assert (await bank.commit(ready)).outcome == "insufficient_funds"
    assert await books(bank) == (921560, 0, 99999, 1)


async def test_a_card_that_owes_less_meanwhile_is_not_overpaid(bank: Bank) -> None:
    ready = await pay(bank, amount="9000")
    await change(bank, Card, Card.card_id == "C1001-1", used=899999)
    assert (await bank.commit(ready)).outcome == "changed"
    assert await books(bank) == (899999, 0, 18650000, 1)


async def test_many_payments_at_once_pay_the_statement_once(bank: Bank) -> None:
    quotes = [await pay(bank, part="full") for _ in range(4)]
    answers = await asyncio.gather(*(bank.commit(ready, key=f"key {number}") for number, ready in enumerate(quotes)))
    assert sorted(answer.outcome for answer in answers) == ["changed", "changed", "changed", "done"]
    assert (await books(bank))[:3] == (237323, 684237, 18650000 - 684237)


async def test_a_payment_needs_its_code_and_its_own_quote(bank: Bank) -> None:
    ready = await pay(bank, amount="1000")
    assert (await bank.commit(ready, "C1004")).outcome == "expired"
    assert (await bank.commit(ready, key="2", digest="0" * 64)).outcome == "changed"
    bank.now += dt.timedelta(minutes=15)
    assert (await bank.commit(ready, key="3")).outcome == "expired"
    with pytest.raises(Exception, match="one-time code"):
        await bank.actions.run(commit_of(ready, "4"), caller(ME).model_copy(update={"assurance": "signed_in"}))


async def test_a_customer_who_never_paid_here_has_no_record(bank: Bank) -> None:
    assert (await bank.ask("card_repay", "C1003", "status")).outcome == "no_record"
