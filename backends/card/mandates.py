"""The bank's rules of autopay: what is repaid by itself, out of which account, and how that is changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from backends.account.tables import Account
from backends.action import Refused, Terms
from backends.card import plans, service
from backends.card.repayments import named_in
from backends.card.service import card_name
from backends.card.tables import AutopayDebit, AutopayMandate, Card
from backends.facts import Words
from backends.values import write

SCOPES = {"full": "pay_full", "minimum": "pay_minimum"}
"""What a customer says of a card's statement → the code of it."""


class AutopayTerms(Terms):
    """A change of autopay as it was quoted: from what it was (nothing, where there was none) to what it is to be."""

    autopay_id: str
    card_id: str | None
    loan_kind: str | None
    was_active: bool
    was_account: str | None
    was_scope: str | None
    active: bool
    account_id: str
    account_tail: str
    scope: str | None


@dataclass(frozen=True, slots=True)
class Repaid:
    """A card or a loan that can be repaid by itself, and how it is today."""

    card: Card | None
    row: AutopayMandate | None

    @property
    def name(self) -> Words:
        """What the customer calls it."""
        if self.card is not None:
            return card_name(self.card)
        assert self.row is not None
        assert self.row.loan_kind is not None
        kind = self.row.loan_kind
        return Words(write(kind, "zh", kind="enum"), write(kind, "en", kind="enum"))

    @property
    def tail(self) -> str | None:
        """The card's last digits; a loan has none."""
        return None if self.card is None else self.card.tail

    @property
    def active(self) -> bool:
        """Whether autopay is on."""
        return self.row is not None and self.row.active


async def all_of(db: AsyncSession, customer_id: str) -> list[Repaid]:
    """Everything of the customer's that autopay is or was set up for, cards first."""
    query = (
        select(AutopayMandate, Card)
        .outerjoin(Card, Card.card_id == AutopayMandate.card_id)
        .where(AutopayMandate.customer_id == customer_id)
        .order_by(AutopayMandate.loan_kind.is_not(None), AutopayMandate.autopay_id)
    )
    return [Repaid(card, row) for row, card in await db.execute(query)]


async def meant(
    db: AsyncSession, customer_id: str, tails: Sequence[str], loan_kind: str | None
) -> tuple[list[Repaid], str | None]:
    """What of the customer's is meant, and the tail of the account that is to pay, where one is named.

    A loan is meant where one is named, or where they have no credit card. Refused as ``no_loan`` or ``no_card`` where they
    have none, ``not_found`` where a tail is neither a credit card nor an account of theirs.
    """
    known = await all_of(db, customer_id)
    loans = [each for each in known if each.card is None]
    cards = await service.cards_of(db, customer_id)
    if loan_kind is not None or (loans and all(card.kind != "credit" for card in cards)):
        chosen = [each for each in loans if loan_kind is None or (each.row and each.row.loan_kind == loan_kind)]
        if not chosen:
            raise Refused("no_loan")
        return chosen, tails[-1] if tails else None
    credit, payer = await named_in(db, customer_id, tails)
    rows = {each.row.card_id: each.row for each in known if each.row is not None}
    return [Repaid(card, rows.get(card.card_id)) for card in credit], payer


async def last_debit(db: AsyncSession, row: AutopayMandate) -> AutopayDebit | None:
    """What became of the last attempt to debit."""
    query = select(AutopayDebit).where(AutopayDebit.autopay_id == row.autopay_id)
    return (await db.scalars(query.order_by(AutopayDebit.tried_at.desc()).limit(1))).first()


async def next_on(db: AsyncSession, card: Card | None, today: dt.date) -> dt.date | None:
    """When a card is debited next: on its due date, next month's where nothing of this one is left or it is past."""
    bill = None if card is None else await service.bill(db, card, None, today)
    if bill is None:
        return None
    due_on = bill.statement.due_on
    months = 0 if due_on > today and bill.remaining.minor else 1
    while plans.months_after(due_on, months) <= today:
        months += 1
    return plans.months_after(due_on, months)


def terms_of(repaid: Repaid, payer: Account, scope: str | None, *, active: bool, customer_id: str) -> AutopayTerms:
    """The change from what *repaid* has today."""
    card, row = repaid.card, repaid.row
    return AutopayTerms(
        autopay_id=row.autopay_id if row else f"{card.card_id if card else customer_id}-autopay",
        card_id=card.card_id if card else None,
        loan_kind=row.loan_kind if row else None,
        was_active=repaid.active,
        was_account=row.account_id if row else None,
        was_scope=row.scope if row else None,
        active=active,
        account_id=payer.account_id,
        account_tail=payer.tail,
        scope=scope,
    )


async def change(db: AsyncSession, customer_id: str, terms: AutopayTerms, *, reference: str, now: dt.datetime) -> None:
    """Changes autopay on the quoted terms; refused as ``changed`` where it is no longer as it was when quoted."""
    if terms.was_account is None:
        if await db.get(AutopayMandate, terms.autopay_id) is not None:
            raise Refused("changed")
        db.add(
            AutopayMandate(
                autopay_id=terms.autopay_id,
                customer_id=customer_id,
                card_id=terms.card_id,
                loan_kind=terms.loan_kind,
                account_id=terms.account_id,
                scope=terms.scope,
                active=terms.active,
                changed_at=now,
                reference=reference,
            )
        )
        return
    done = await db.execute(
        update(AutopayMandate)
        .where(
            AutopayMandate.autopay_id == terms.autopay_id,
            AutopayMandate.customer_id == customer_id,
            AutopayMandate.active.is_(terms.was_active),
            AutopayMandate.account_id == terms.was_account,
            AutopayMandate.scope.is_not_distinct_from(terms.was_scope),
        )
        .values(
            active=terms.active, account_id=terms.account_id, scope=terms.scope, changed_at=now, reference=reference
        )
        .returning(AutopayMandate.autopay_id)
        .execution_options(synchronize_session=False)
    )
    if done.first() is None:
        raise Refused("changed")
