"""The bank's rules of disputing a card transaction: which one is meant, how long it may be, and once only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backends.action import Refused, Terms
from backends.card import transactions
from backends.card.service_tables import Dispute
from backends.card.tables import Card, Transaction
from backends.facts import Vouched, Words
from backends.rules import count_rule, ruled
from backends.search import Search
from backends.values import BEIJING, Money

REASONS = ("unauthorised", "duplicate", "refund_missing", "wrong_amount", "not_delivered")
MOST_OFFERED = 5
"""Among how many transactions a customer is asked to choose: the newest that fit."""


class DisputeTerms(Terms):
    """A dispute as it was read back."""

    transaction_id: str
    reason: str
    answer_by: dt.date


def answer_by(today: dt.date) -> dt.date:
    """By when a dispute registered on *today* is answered."""
    return today + dt.timedelta(days=count_rule("dispute_answer_days", today).number)


def is_too_old(spent_at: dt.datetime, today: dt.date) -> bool:
    """Whether a transaction can no longer be disputed on *today*."""
    return (today - spent_at.astimezone(BEIJING).date()).days > count_rule("dispute_days", today).number


async def disputable(db: AsyncSession, cards: Sequence[Card], search: Search, now: dt.datetime) -> list[Transaction]:
    """The purchases of *cards* that fit *search*, the newest first; a refund is nothing to dispute."""
    return [each for each in await transactions.transactions(db, cards, search, now) if each.amount > 0]


def the_one(found: Sequence[Transaction], chosen: str | None, reason: str | None) -> Transaction | None:
    """Which of *found* is meant; ``None`` where that has to be asked.

    Of two that are alike, as a double charge is, the later one is.
    """
    for each in found:
        if each.transaction_id == chosen:
            return each
    alike = {(each.merchant, each.amount) for each in found}
    return found[0] if len(found) == 1 or (reason == "duplicate" and len(alike) == 1) else None


async def of_transactions(db: AsyncSession, found: Sequence[Transaction]) -> dict[str, Dispute]:
    """The disputes there are about *found*, by transaction."""
    ids = [each.transaction_id for each in found]
    disputes = await db.scalars(select(Dispute).where(Dispute.transaction_id.in_(ids)))
    return {each.transaction_id: each for each in disputes}


async def latest(db: AsyncSession, customer_id: str) -> tuple[Dispute, Transaction] | None:
    """The customer's last dispute and what it is about."""
    query = (
        select(Dispute, Transaction)
        .join(Transaction, Transaction.transaction_id == Dispute.transaction_id)
        .where(Dispute.customer_id == customer_id)
        .order_by(Dispute.registered_at.desc())
        .limit(1)
    )
    found = (await db.execute(query)).first()
    return None if found is None else (found[0], found[1])


def described(each: Transaction) -> dict[str, Vouched]:
    """The values by which a customer knows a transaction."""
    return {
        "merchant": Words(each.merchant, each.merchant_en),
        "amount": Money(each.amount),
        "spent_at": each.spent_at,
    }


def already(each: Transaction, dispute: Dispute) -> Refused:
    """The refusal of a second dispute about the same transaction."""
    return Refused(
        "already",
        **described(each),
        dispute_state=dispute.state,
        registered_at=dispute.registered_at,
        answer_by=dispute.answer_by,
        reference=dispute.reference,
    )


def too_old(each: Transaction, today: dt.date) -> Refused:
    """The refusal of a dispute that comes too late."""
    return Refused("too_old", **described(each), dispute_days=ruled("dispute_days", today))


async def register(
    db: AsyncSession, customer_id: str, terms: DisputeTerms, *, reference: str, now: dt.datetime
) -> tuple[Transaction, Card]:
    """Registers the dispute, once a transaction.

    Refused as ``not_found`` where the transaction is not theirs, as ``already`` where it is disputed. Two that race end
    in one ``IntegrityError``: the call is tried again, and finds the other.
    """
    found = await db.get(Transaction, terms.transaction_id)
    card = None if found is None else await db.get(Card, found.card_id)
    if found is None or card is None or card.customer_id != customer_id:
        raise Refused("not_found")
    earlier = (await of_transactions(db, [found])).get(found.transaction_id)
    if earlier is not None:
        raise already(found, earlier)
    db.add(
        Dispute(
            reference=reference, customer_id=customer_id, transaction_id=found.transaction_id, reason=terms.reason,
            state="investigating", registered_at=now, answer_by=terms.answer_by,
        )
    )  # fmt: skip
    return found, card
