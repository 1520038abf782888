"""The bank's rules of replacing a card: what it costs, where it is sent, how long it takes; one at a time a card."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from backends.account import service as account
from backends.account.tables import Account
from backends.action import Refused, Terms
from backends.card.service import card_name
from backends.card.service_tables import MailingAddress, Plastic, Replacement
from backends.card.tables import Card, Transaction
from backends.facts import Words
from backends.rules import count_rule, money_rule
from backends.values import BEIJING, Money

FEE_NAME = Words("补换卡工本费", "Card replacement fee")


class ReplaceTerms(Terms):
    """A replacement as it was quoted: ``fee`` in minor units of CNY, taken from ``account_id`` where a debit card pays."""

    card_id: str
    reason: str
    fee: int
    account_id: str | None
    mailed_on: dt.date
    expected_by: dt.date


@dataclass(frozen=True, slots=True)
class Stage:
    """How far a replacement is. ``late``: it should have come, and the courier has not said that it did."""

    code: str
    late: bool


def stage_of(replacement: Replacement, today: dt.date) -> Stage:
    """Where *replacement* is on *today*: being made, mailed, or delivered."""
    if replacement.delivered_on is not None:
        return Stage("stage_delivered", late=False)
    if replacement.mailed_on > today:
        return Stage("stage_making", late=False)
    return Stage("stage_mailed", late=replacement.expected_by < today)


def masked(address: MailingAddress) -> Words:
    """The address as it may be read out: down to the district."""
    return Words(f"{address.area}***", f"{address.area_en} ***")


def fee_for(reason: str, day: dt.date) -> Money:
    """What a replacement for *reason* (``damaged``, ``expired`` or ``lost``) costs."""
    return money_rule(f"card_replace_fee_{reason}", day)


def days_of(today: dt.date) -> tuple[dt.date, dt.date]:
    """When a card asked for on *today* is mailed, and by when it arrives."""
    mailed = today + dt.timedelta(days=count_rule("card_replace_making_days", today).number)
    return mailed, mailed + dt.timedelta(days=count_rule("card_replace_mailing_days", today).number)


def renewable_from(plastic: Plastic, day: dt.date) -> dt.date:
    """From when on a card that expires may be replaced for it."""
    return plastic.valid_until - dt.timedelta(days=count_rule("card_renew_days_ahead", day).number)


async def latest(db: AsyncSession, customer_id: str, card_id: str | None = None) -> Replacement | None:
    """The customer's last replacement, of that card where one is named."""
    query = select(Replacement).where(Replacement.customer_id == customer_id)
    if card_id is not None:
        query = query.where(Replacement.card_id == card_id)
    return (await db.scalars(query.order_by(Replacement.asked_at.desc()).limit(1))).first()


async def own_account(db: AsyncSession, card: Card) -> Account | None:
    """The account that a debit card draws on; ``None`` for a credit card."""
    if card.kind != "debit":
        return None
    held = await account.accounts(db, card.customer_id)
    return next((each for each in held if each.tail == card.tail), None)


def insufficient(fee: Money, balance: Money, tail: str) -> Refused:
    """The refusal of a fee that the account cannot pay."""
    return Refused("insufficient_funds", fee=fee, balance=balance, account_tail=tail)


async def order(db: AsyncSession, customer_id: str, terms: ReplaceTerms, *, reference: str, now: dt.datetime) -> Card:
    """Orders the new card on the quoted terms and takes the fee.

    Refused as ``changed`` where the card was frozen or released meanwhile, ``already`` where one is under way,
    ``insufficient_funds``, or ``not_found`` where the card is not theirs; the caller undoes what was done before.
    """
    today = now.astimezone(BEIJING).date()
    card = await db.get(Card, terms.card_id, populate_existing=True)
    if card is None or card.customer_id != customer_id:
        raise Refused("not_found")
    if (card.frozen_at is not None) != (terms.reason == "lost"):
        raise Refused("changed")
    started = await db.execute(
        update(Plastic)
        .where(
            Plastic.card_id == terms.card_id,
            or_(Plastic.replacing_until.is_(None), Plastic.replacing_until < today),
        )
        .values(replacing_until=terms.expected_by)
        .returning(Plastic.card_id)
        .execution_options(synchronize_session=False)
    )
    if started.first() is None:
        raise await under_way(db, card)
    if terms.fee:
        await _take(db, card, terms, reference, now)
    db.add(
        Replacement(
            reference=reference, customer_id=customer_id, card_id=terms.card_id, reason=terms.reason, fee=terms.fee,
            asked_at=now, mailed_on=terms.mailed_on, expected_by=terms.expected_by, delivered_on=None,
        )
    )  # fmt: skip
    return card


async def under_way(db: AsyncSession, card: Card) -> Refused:
    """The refusal of a second replacement while the first is on its way."""
    earlier = await latest(db, card.customer_id, card.card_id)
    return Refused(
        "already",
        card_name=card_name(card),
        card_tail=card.tail,
        expected_by=None if earlier is None else earlier.expected_by,
        reference=None if earlier is None else earlier.reference,
    )


async def _take(db: AsyncSession, card: Card, terms: ReplaceTerms, reference: str, now: dt.datetime) -> None:
    """A debit card's fee comes out of its account, a credit card's is put on its books like a purchase."""
    fee = Money(terms.fee)
    if terms.account_id is not None:
        if await account.withdraw(db, terms.account_id, fee) is None:
            raise insufficient(fee, await account.balance(db, terms.account_id, "CNY"), card.tail)
        return
    await db.execute(
        update(Card)
        .where(Card.card_id == card.card_id)
        .values(used=Card.used + terms.fee)
        .execution_options(synchronize_session=False)
    )
    db.add(
        Transaction(
            transaction_id=f"fee-{reference}", card_id=card.card_id, spent_at=now,
            posted_on=now.astimezone(BEIJING).date(), merchant=FEE_NAME.zh, merchant_en=FEE_NAME.en or FEE_NAME.zh, amount=terms.fee,
        )
    )  # fmt: skip
