"""The bank's rules of repaying a credit card: what is owed, how much of it a payment is, and the payment itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from backends.account import service as account
from backends.account.tables import Account
from backends.action import Refused, Terms
from backends.card import plans, service
from backends.card.service import card_name
from backends.card.tables import Card, Repayment, Statement
from backends.facts import Said
from backends.inputs import exact_money, read_amount
from backends.values import Money


class RepayTerms(Terms):
    """A payment as it was quoted, in minor units of CNY. ``to_statement`` of it goes to the statement issued on
    ``issued_on``, of which ``paid_before`` was paid; the rest to what is not billed yet."""

    card_id: str
    account_id: str
    account_tail: str
    amount: int
    to_statement: int
    issued_on: dt.date | None
    paid_before: int


@dataclass(frozen=True, slots=True)
class Debt:
    """What a credit card owes. ``owed`` is all of it but what plans repay; the statement's part is in it."""

    card: Card
    statement: Statement | None
    remaining: Money
    minimum_left: Money
    owed: Money


async def debt_of(db: AsyncSession, card: Card, today: dt.date) -> Debt:
    """What *card* owes on *today*."""
    bill = await service.bill(db, card, None, today)
    remaining = bill.remaining if bill else Money(0)
    statement = bill.statement if bill else None
    minimum = 0 if statement is None else min(max(statement.minimum - statement.paid, 0), remaining.minor)
    in_plans = await plans.unbilled_principal(db, card, today)
    owed = max((card.used or 0) - in_plans.minor, remaining.minor)
    return Debt(card, statement, remaining, Money(minimum), Money(owed))


async def named_in(db: AsyncSession, customer_id: str, tails: Sequence[str]) -> tuple[list[Card], str | None]:
    """Which credit cards, and the tail of which account, *tails* mean: a card that owes and an account that pays.

    Refused as ``no_card`` where they have no credit card, ``not_found`` where a tail is neither.
    """
    cards = await service.credit_cards(db, customer_id, None)
    accounts = {each.tail for each in await account.accounts(db, customer_id)}
    chosen, payer = cards, None
    for tail in tails:
        ending = [card for card in cards if card.tail == tail]
        if ending:
            chosen = ending
        elif tail in accounts:
            payer = tail
        else:
            raise Refused("not_found", card_tail=Said(tail))
    return chosen, payer


def to_pay(debt: Debt, part: str | None, asked: str | None) -> Money:
    """How much of *debt* is to be paid: the ``full`` statement, its ``minimum``, or the sum *asked*.

    Refused as ``nothing_due`` where the statement is paid, ``minimum_paid`` where only the rest of it is due,
    ``invalid_amount``, or ``over_owed`` for more than is owed in all.
    """
    name, tail = card_name(debt.card), debt.card.tail
    if asked is None:
        if debt.remaining.minor == 0:
            raise Refused("nothing_due", card_name=name, card_tail=tail, owed=debt.owed if debt.owed.minor else None)
        if part == "minimum" and debt.minimum_left.minor == 0:
            raise Refused("minimum_paid", card_name=name, card_tail=tail, remaining_due=debt.remaining)
        return debt.minimum_left if part == "minimum" else debt.remaining
    amount = read_amount(asked)
    if amount.currency not in (None, "CNY"):
        raise Refused("invalid_amount", amount_asked=Said(asked))
    money = exact_money(amount.number, "CNY", asked)
    if debt.owed.minor == 0:
        raise Refused("nothing_due", card_name=name, card_tail=tail)
    if money > debt.owed:
        raise Refused("over_owed", card_name=name, card_tail=tail, payment=money, owed=debt.owed)
    return money


def terms_of(debt: Debt, amount: Money, payer: Account) -> RepayTerms:
    """The terms of paying *amount*: the statement comes first."""
    statement = debt.statement
    return RepayTerms(
        card_id=debt.card.card_id,
        account_id=payer.account_id,
        account_tail=payer.tail,
        amount=amount.minor,
        to_statement=min(amount.minor, debt.remaining.minor),
        issued_on=None if statement is None else statement.issued_on,
        paid_before=0 if statement is None else statement.paid,
    )


def insufficient(terms: RepayTerms, balance: Money) -> Refused:
    """The refusal of a payment that the account cannot make."""
    return Refused("insufficient_funds", payment=Money(terms.amount), balance=balance, account_tail=terms.account_tail)


async def pay(db: AsyncSession, customer_id: str, terms: RepayTerms, *, reference: str, now: dt.datetime) -> Money:
    """Pays on the quoted terms and returns the account's balance after.

    Refused as ``insufficient_funds``, or as ``changed`` where the statement was paid on, or less is owed, meanwhile; the
    caller undoes what was done before the refusal.
    """
    if terms.to_statement:
        paid = await db.execute(
            update(Statement)
            .where(
                Statement.card_id == terms.card_id,
                Statement.issued_on == terms.issued_on,
                Statement.paid == terms.paid_before,
                Statement.balance - Statement.paid - Statement.instalments >= terms.to_statement,
            )
            .values(paid=Statement.paid + terms.to_statement)
            .returning(Statement.card_id)
            .execution_options(synchronize_session=False)
        )
        if paid.first() is None:
            raise Refused("changed")
    freed = await db.execute(
        update(Card)
        .where(Card.card_id == terms.card_id, Card.customer_id == customer_id, Card.used >= terms.amount)
        .values(used=Card.used - terms.amount)
        .returning(Card.card_id)
        .execution_options(synchronize_session=False)
    )
    if freed.first() is None:
        raise Refused("changed")
    balance = await account.withdraw(db, terms.account_id, Money(terms.amount))
    if balance is None:
        raise insufficient(terms, await account.balance(db, terms.account_id, "CNY"))
    db.add(
        Repayment(
            reference=reference,
            customer_id=customer_id,
            card_id=terms.card_id,
            account_id=terms.account_id,
            amount=terms.amount,
            paid_at=now,
        )
    )
    return balance


async def latest(db: AsyncSession, customer_id: str) -> tuple[Repayment, Card, Account] | None:
    """The customer's last repayment, with its card and the account that paid."""
    query = (
        select(Repayment, Card, Account)
        .join(Card, Card.card_id == Repayment.card_id)
        .join(Account, Account.account_id == Repayment.account_id)
        .where(Repayment.customer_id == customer_id)
        .order_by(Repayment.paid_at.desc())
        .limit(1)
    )
    found = (await db.execute(query)).first()
    return None if found is None else (found[0], found[1], found[2])
