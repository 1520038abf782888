"""The bank's rules of changing a credit card's limit: how far, for how long, at once or after a review."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from backends.action import Refused, Terms
from backends.card.service import card_name, limits
from backends.card.tables import Card, LimitChange, LimitOffer
from backends.facts import Said
from backends.inputs import exact_money, read_amount
from backends.rules import count_rule, money_rule
from backends.values import Money, Period


class LimitTerms(Terms):
    """A change of the limit as it was quoted, in minor units of CNY. ``kind`` ``temporary`` sets the temporary limit to
    ``after`` until ``until`` (ends it where there is none); ``reviewed`` asks the bank and changes nothing yet."""

    card_id: str
    kind: str
    credit_before: int
    temporary_before: int | None
    after: int
    until: dt.date | None
    reviewed: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """What a customer asked for. ``direction`` is ``raise``, ``lower`` or ``restore``; ``measure`` ``to`` the amount or
    ``by`` it; each ``None`` where they did not say. A raise of no more than there is already must be one *by* it."""

    direction: str | None
    kind: str | None
    amount: str | None
    measure: str | None
    period: Period | None


class AmountNeeded(Exception):
    """It depends on an amount that was not named; ``most`` is the highest that can be had, where there is one."""

    def __init__(self, kind: str, most: Money | None) -> None:
        super().__init__(kind)
        self.kind = kind
        self.most = most


class KindNeeded(Exception):
    """It depends on whether a temporary or a permanent limit is meant."""


async def terms_of(db: AsyncSession, card: Card, asked: Asked, today: dt.date) -> LimitTerms:
    """What *asked* comes to for *card*.

    Raises ``KindNeeded`` or ``AmountNeeded`` where that must be said first, and ``Refused``: ``frozen``, ``in_review``,
    ``invalid_amount``, ``same_limit``, ``below_used``, ``below_lowest``, ``no_offer``, ``over_offer``, ``nothing_to_restore``.
    """
    assert card.credit_limit is not None
    if card.frozen_at is not None:
        raise Refused("frozen", card_name=card_name(card), card_tail=card.tail, frozen_at=card.frozen_at)
    target = None if asked.amount is None else _target(asked.amount, _base(card, asked, today), asked)
    if asked.direction == "restore":
        return await _restored(db, card, asked.kind, target, today)
    if _lowers(asked, target, card):
        if target is None:
            raise AmountNeeded("permanent", None)
        return _lowered(card, target, today)
    return await _raised(db, card, asked, target, today)


def _base(card: Card, asked: Asked, today: dt.date) -> Money:
    """The limit that a difference is counted from."""
    now = limits(card, today)
    return now.temporary if asked.kind == "temporary" and now.temporary is not None else now.credit


def _target(said: str, base: Money, asked: Asked) -> Money:
    amount = read_amount(said)
    if amount.currency not in (None, "CNY") or amount.number % Decimal(100):
        raise Refused("invalid_amount", amount_asked=Said(said))
    money = exact_money(amount.number, "CNY", said)
    if asked.direction == "lower" and asked.measure == "by":
        if base <= money:
            raise Refused("invalid_amount", amount_asked=Said(said))
        return base - money
    more = asked.measure == "by" or (asked.measure is None and money <= base)
    return base + money if asked.direction == "raise" and more else money


def _lowers(asked: Asked, target: Money | None, card: Card) -> bool:
    if asked.direction is not None:
        return asked.direction == "lower"
    return target is not None and asked.kind is None and target < Money(card.credit_limit or 0)


# -- lower --------------------------------------------------------------------------------


def _lowered(card: Card, target: Money, today: dt.date) -> LimitTerms:
    now = limits(card, today)
    if now.credit <= target:
        raise _same(card, target)
    lowest = money_rule("limit_lowest", today)
    if target < lowest:
        raise Refused("below_lowest", amount=target, lowest=lowest)
    if target < now.used:
        raise Refused("below_used", amount=target, used=now.used)
    return _terms(card, "permanent", target.minor, None, reviewed=False)


def _same(card: Card, target: Money) -> Refused:
    return Refused(
        "same_limit",
        card_name=card_name(card),
        card_tail=card.tail,
        amount=target,
        credit_limit=Money(card.credit_limit or 0),
    )


# -- raise --------------------------------------------------------------------------------


async def _raised(db: AsyncSession, card: Card, asked: Asked, target: Money | None, today: dt.date) -> LimitTerms:
    offer = await db.get(LimitOffer, card.card_id, populate_existing=True)
    if offer is None or offer.valid_until < today:
        raise Refused("no_offer", card_name=card_name(card), card_tail=card.tail)
    if asked.kind is None:
        raise KindNeeded
    if asked.kind == "permanent":
        waiting = await in_review(db, card)
        if waiting is not None:
            raise Refused(
                "in_review",
                card_name=card_name(card),
                card_tail=card.tail,
                new_limit=Money(waiting.after),
                asked_at=waiting.asked_at,
                reference=waiting.reference,
            )
    most = Money(offer.temporary if asked.kind == "temporary" else offer.permanent)
    if target is None:
        raise AmountNeeded(asked.kind, most)
    if target <= _base(card, asked, today):
        raise _same(card, target)
    if most < target:
        raise Refused(
            "over_offer",
            card_name=card_name(card),
            card_tail=card.tail,
            limit_kind=asked.kind,
            amount=target,
            offered_limit=most,
        )
    until = _until(asked.period, today) if asked.kind == "temporary" else None
    return _terms(card, asked.kind, target.minor, until, reviewed=asked.kind == "permanent")


def _until(period: Period | None, today: dt.date) -> dt.date:
    """The last day of a temporary limit: that of *period*, never later than the rule allows, which also stands for none."""
    latest = today + dt.timedelta(days=count_rule("temporary_limit_days", today).number)
    return latest if period is None or not today <= period.end <= latest else period.end


async def in_review(db: AsyncSession, card: Card) -> LimitChange | None:
    """The raise of this card that the bank is still looking at."""
    query = select(LimitChange).where(LimitChange.card_id == card.card_id, LimitChange.state == "in_review")
    return (await db.scalars(query.order_by(LimitChange.asked_at.desc()).limit(1))).first()


# -- restore ------------------------------------------------------------------------------


async def _restored(db: AsyncSession, card: Card, kind: str | None, target: Money | None, today: dt.date) -> LimitTerms:
    """The end of a temporary limit, else the limit (or *target* below it) that the customer had before they lowered it."""
    now = limits(card, today)
    if now.temporary is not None and kind != "permanent" and target in (None, now.credit):
        if now.credit < now.used:
            raise Refused("below_used", amount=now.credit, used=now.used)
        return _terms(card, "temporary", now.credit.minor, None, reviewed=False)
    query = (
        select(LimitChange)
        .where(LimitChange.card_id == card.card_id, LimitChange.kind == "permanent", LimitChange.state == "effective")
        .order_by(LimitChange.asked_at.desc())
        .limit(1)
    )
    last = (await db.scalars(query)).first()
    lowered = last is not None and last.after < last.before and last.after == card.credit_limit
    before = Money(last.before) if last is not None and lowered else now.credit
    wanted = target or before
    if not now.credit < wanted <= before:
        raise Refused("nothing_to_restore", card_name=card_name(card), card_tail=card.tail, credit_limit=now.credit)
    return _terms(card, "permanent", wanted.minor, None, reviewed=False)


# -- doing it -----------------------------------------------------------------------------


def _terms(card: Card, kind: str, after: int, until: dt.date | None, *, reviewed: bool) -> LimitTerms:
    return LimitTerms(
        card_id=card.card_id,
        kind=kind,
        credit_before=card.credit_limit or 0,
        temporary_before=card.temporary_limit,
        after=after,
        until=until,
        reviewed=reviewed,
    )


async def change(db: AsyncSession, customer_id: str, terms: LimitTerms, *, reference: str, now: dt.datetime) -> None:
    """Changes the limit on the quoted terms, or hands the raise to review.

    Refused as ``changed`` where the limits are not what they were, or more was spent than a lower limit allows.
    """
    ended = terms.kind == "temporary" and terms.until is None
    unchanged = (
        update(Card)
        .where(
            Card.card_id == terms.card_id,
            Card.customer_id == customer_id,
            Card.frozen_at.is_(None),
            Card.credit_limit == terms.credit_before,
            Card.temporary_limit.is_not_distinct_from(terms.temporary_before),
            *([Card.used <= terms.after] if ended or terms.after < terms.credit_before else []),
        )
        .returning(Card.card_id)
        .execution_options(synchronize_session=False)
    )
    if terms.reviewed:
        statement = unchanged.values(credit_limit=Card.credit_limit)
    elif terms.kind == "temporary":
        statement = unchanged.values(
            temporary_limit=None if ended else terms.after, temporary_until=None if ended else terms.until
        )
    else:
        statement = unchanged.values(credit_limit=terms.after)
    if (await db.execute(statement)).first() is None:
        raise Refused("changed")
    if terms.reviewed:
        card = await db.get_one(Card, terms.card_id)
        if await in_review(db, card) is not None:
            raise Refused("changed")
    db.add(
        LimitChange(
            reference=reference,
            card_id=terms.card_id,
            kind=terms.kind,
            before=terms.credit_before if terms.kind == "permanent" else terms.temporary_before or terms.credit_before,
            after=terms.after,
            until=terms.until,
            state="in_review" if terms.reviewed else "effective",
            asked_at=now,
        )
    )


async def latest(db: AsyncSession, customer_id: str) -> tuple[LimitChange, Card] | None:
    """The customer's last change of a limit, with its card."""
    query = (
        select(LimitChange, Card)
        .join(Card, Card.card_id == LimitChange.card_id)
        .where(Card.customer_id == customer_id)
        .order_by(LimitChange.asked_at.desc())
        .limit(1)
    )
    found = (await db.execute(query)).first()
    return None if found is None else (found[0], found[1])
