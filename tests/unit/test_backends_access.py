"""A caller sees only what is theirs: every action, hostile slots, and another customer's keys and quotes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backends.account.tables import Account, Balance, Customer, Transfer
from backends.action import ActionCall, BackendError, BankWrite, Step
from backends.card.points import entries_of, lots_on
from backends.card.service_tables import CardApplication, Dispute
from backends.card.tables import Card, Statement, Transaction
from backends.fx.tables import Remittance
from backends.loan.service import owed
from backends.loan.tables import Loan, LoanApplication
from backends.pension.tables import PensionAccount
from backends.registry import ACTIONS, BY_NAME
from backends.result import Result
from backends.values import Money
from backends.wealth.holdings import nav_of, worth
from backends.wealth.tables import Holding, Product
from tests.bank import Bank, caller, open_bank, said

A, B = "C1001", "C1004"


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as bank:
        yield bank


async def canaries(bank: Bank, customer_id: str) -> set[str]:
    """What only this customer's answers may hold: names, numbers, balances, statements."""
    async with AsyncSession(bank.engine) as db:
        person = await db.get_one(Customer, customer_id)
        found = {person.customer_id, person.name, person.name_en, person.phone, person.phone[-4:]}
        accounts = (await db.scalars(select(Account).where(Account.customer_id == customer_id))).all()
        cards = (await db.scalars(select(Card).where(Card.customer_id == customer_id))).all()
        found |= {each.tail for each in (*accounts, *cards)}
        ids = [account.account_id for account in accounts]
        for balance in await db.scalars(select(Balance).where(Balance.account_id.in_(ids))):
            found.add(str(Money(balance.minor, balance.currency).number))
        for statement in await db.scalars(select(Statement).where(Statement.card_id.in_([c.card_id for c in cards]))):
            found.add(str(Money(statement.balance).number))
        spent = select(Transaction.amount).where(
            Transaction.card_id.in_([c.card_id for c in cards]), Transaction.amount >= 100_000
        )
        found |= {str(Money(amount).number) for amount in await db.scalars(spent)}
        moved = select(Transfer).where(Transfer.account_id.in_(ids))
        for transfer in await db.scalars(moved):
            found |= {transfer.reference, transfer.counterparty[1:]}
        sent = select(Remittance).where(Remittance.account_id.in_(ids))
        for remittance in await db.scalars(sent):
            found |= {remittance.reference, remittance.counterparty[1:]}
        for lot in await db.scalars(select(Holding).where(Holding.customer_id == customer_id)):
            found.add(str(worth(lot.units, nav_of(await db.get_one(Product, lot.code))).number))
        for loan in await db.scalars(select(Loan).where(Loan.customer_id == customer_id)):
            found.add(str(owed(loan, bank.now.date()).principal.number))
        pension = await db.get(PensionAccount, customer_id)
        if pension is not None:
            found.add(str(Money(pension.balance).number))
        points = await entries_of(db, customer_id, bank.now.date())
        found.add(str(sum(lot.points for lot in lots_on(points, bank.now.date()))))
        asked = select(CardApplication.reference).where(CardApplication.customer_id == customer_id)
        disputed = select(Dispute.reference).where(Dispute.customer_id == customer_id)
        found |= {*(await db.scalars(asked)), *(await db.scalars(disputed))}
        applied = select(LoanApplication.amount).where(LoanApplication.customer_id == customer_id)
        found |= {str(Money(amount).number) for amount in await db.scalars(applied)}
    return found


HOSTILE_SLOTS: list[dict[str, Any]] = [
    {},
    {"card_tail": "9016"},
    {"card_tail": "7701"},
    {"card_tail": "9016' OR '1'='1"},
    {"card_tail": "%"},
    {"customer_id": B, "caller": {"customer_id": B}, "account_id": "C1004-7701"},
    {"card_product": "钻石", "product_name": "沈若兰", "city": "沈若兰"},
    {"transaction": "C1004-2-5", "amount": "499", "reason": "unauthorised"},
]
BASE = {"amount": "1000", "currency": "USD", "detail": "投诉", "product_name": "云杉安心添利"}


@pytest.mark.parametrize("slots", HOSTILE_SLOTS, ids=str)
async def test_no_answer_for_one_customer_holds_anything_of_another(bank: Bank, slots: dict[str, Any]) -> None:
    echoed = str(slots)
    secrets = {secret for secret in await canaries(bank, B) - await canaries(bank, A) if secret not in echoed}
    for action in ACTIONS:
        for step in action.steps:
            given = {**BASE, **slots} if action.name != "fx_rate" else {"currency": ["USD"]}
            call = ActionCall(
                name=action.name, step=step, input=given, quote_id="q", digest="d", key=action.name + step
            )
            text = (await bank.actions.run(call, caller(A))).model_dump_json()
            assert [(action.name, step, secret) for secret in secrets if secret in text] == []


SEEN = (
    "card_bill",
    "card_limit",
    "card_report_lost",
    "fx_buy",
    "account_balance",
    "customer_profile",
    "card_transactions",
    "wealth_holdings",
    "wealth_buy",
    "card_repay",
    "card_installment",
    "autopay",
    "card_limit_change",
    "account_transactions",
    "transfer_status",
    "fx_sell",
    "remit_status",
    "loan_status",
    "loan_repay",
    "pension",
    "card_points",
    "card_annual_fee",
    "card_application_status",
    "card_declined",
    "card_replace",
)


async def test_the_canaries_would_be_seen(bank: Bank) -> None:
    secrets = await canaries(bank, B)
    for name in SEEN:
        step: Step = "prepare" if isinstance(BY_NAME[name], BankWrite) else "run"
        given = BASE if step == "prepare" else {}
        text = (await bank.ask(name, B, step, **given)).model_dump_json()
        assert [secret for secret in secrets if secret in text] != [], name


@pytest.mark.parametrize(
    "name",
    [
        "card_bill",
        "card_limit",
        "card_report_lost",
        "fx_buy",
        "account_balance",
        "card_transactions",
        "wealth_buy",
        "card_repay",
        "card_installment",
        "autopay",
        "card_limit_change",
        "account_transactions",
        "transfer_status",
        "fx_sell",
        "card_points",
        "card_annual_fee",
        "card_declined",
        "card_replace",
        "card_dispute",
    ],
)
async def test_another_customers_card_reads_exactly_like_a_missing_one(bank: Bank, name: str) -> None:
    step: Step = "prepare" if isinstance(BY_NAME[name], BankWrite) else "run"
    answers = []
    for tail in ("7701", "0000"):
        answer = (await bank.ask(name, A, step, **BASE, card_tail=tail)).model_dump_json()
        answers.append(answer.replace(tail, "tail"))
    assert answers[0] == answers[1]


PERSONAL = [action for action in ACTIONS if action.access == "customer"]


async def test_a_visitor_is_asked_to_sign_in_before_any_data_is_read(bank: Bank) -> None:
    for action in PERSONAL:
        for step in action.steps:
            call = ActionCall(name=action.name, step=step, input=BASE, key="key")
            result = await bank.actions.run(call, caller(None))
            if step == "explain":
                assert {fact.source for fact in result.facts} == {"rule"}
            else:
                assert result == Result(capability=action.name, outcome="sign_in")


NOTHING = {"not_open", "tax_table", "no_card", "no_account", "not_found", "assessment_missing", "none", "not_held"}


async def test_a_customer_nobody_knows_has_nothing(bank: Bank) -> None:
    for action in PERSONAL:
        if action.name == "fx_quota":  # an unused quota is everyone's
            continue
        step: Step = "prepare" if isinstance(action, BankWrite) else "run"
        outcome = (await bank.ask(action.name, "C9999", step, **BASE)).outcome
        assert outcome in NOTHING, action.name


async def test_another_customers_quote_reads_like_one_that_ran_out(bank: Bank) -> None:
    ready = await bank.ask("fx_buy", B, "prepare", **BASE)
    assert (await bank.commit(ready, A, key="a")).outcome == "expired"
    assert (await bank.commit(ready, B, key="b")).outcome == "done"


async def test_another_customers_key_shows_nothing_and_blocks_nothing(bank: Bank) -> None:
    theirs = await bank.commit(await bank.ask("fx_buy", B, "prepare", **BASE), B, key="same")
    mine = await bank.commit(await bank.ask("fx_buy", A, "prepare", **BASE), A, key="same")
    assert (theirs.outcome, mine.outcome) == ("done", "done")
    assert mine.reference != theirs.reference
    assert said(mine)["account_tail"] == "6217"


async def test_another_customers_committed_quote_shows_nothing(bank: Bank) -> None:
    ready = await bank.ask("fx_buy", B, "prepare", **BASE)
    await bank.commit(ready, B)
    stolen = await bank.commit(ready, A)
    assert (stolen.outcome, stolen.facts) == ("expired", ())


@pytest.mark.parametrize(("name", "step"), [("greet", "run"), ("card_bill", "commit"), ("fx_buy", "run"), ("", "run")])
async def test_what_no_action_answers_is_an_error(bank: Bank, name: str, step: Step) -> None:
    with pytest.raises(BackendError, match="no action answers") as raised:
        await bank.ask(name, A, step)
    assert not raised.value.unknown


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("fx_quote", {}),
        ("card_bill", {"period": "last month"}),
        ("card_bill", {"card_tail": "8" * 1000}),
        ("card_transactions", {"date": "yesterday"}),
        ("risk_assessment", {"risk_level": "C3"}),
        ("wealth_product", {"term": "a year"}),
        ("wealth_product", {"risk_level": "R9"}),
        ("complaint", {"detail": " "}),
        ("fx_rate", {"currency": 5}),
    ],
)
async def test_input_of_the_wrong_type_is_an_error_that_does_not_repeat_it(
    bank: Bank, name: str, given: dict[str, Any]
) -> None:
    with pytest.raises(BackendError) as raised:
        await bank.ask(name, A, **given)
    assert not raised.value.unknown
    assert not any(str(value) in str(raised.value) for value in given.values() if str(value).strip())
