"""The bank's rules about cards: whose they are, what is due on them, what they may spend, and how one is frozen."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from backends.action import Refused
from backends.card.tables import Card, Statement
from backends.facts import Said, Words
from backends.values import Money, Period

# -- whose cards --------------------------------------------------------------------------


async def cards_of(db: AsyncSession, customer_id: str) -> list[Card]:
    """The customer's cards: credit before debit, then by number."""
    query = select(Card).where(Card.customer_id == customer_id).order_by(Card.kind, Card.card_id)
    return list(await db.scalars(query))


async def credit_cards(db: AsyncSession, customer_id: str, tail: str | None) -> list[Card]:
    """Their credit cards, or the one that ends in *tail*.

    Refused as ``no_card`` where they have none, ``not_found`` where none of theirs ends so.
    """
    held = [card for card in await cards_of(db, customer_id) if card.kind == "credit"]
    if not held:
        raise Refused("no_card")
    return _ending_in(tail, held)


def _ending_in(tail: str | None, cards: list[Card]) -> list[Card]:
    if tail is None:
        return cards
    chosen = [card for card in cards if card.tail == tail]
    if not chosen:
        raise Refused("not_found", card_tail=Said(tail))
    return chosen


async def meant(
    db: AsyncSession, customer_id: str, *, tail: str | None, kind: str | None, product: str | None
) -> list[Card]:
    """The customer's cards, of either kind, that what they said can mean.

    Refused as ``no_card`` where they have none (of that kind), ``not_found`` where none ends in *tail*. A card's name
    is only a hint: where it fits none of the cards, it is disregarded, for a reply always says which card it is about.
    """
    held = await cards_of(db, customer_id)
    if kind is not None and tail is None:
        held = [card for card in held if card.kind == kind]
    if not held:
        raise Refused("no_card")
    held = _ending_in(tail, held)
    held = [card for card in held if card.kind == kind] or held
    if product is not None:
        said = product.casefold()
        held = [card for card in held if said in card.name.casefold() or said in card.name_en.casefold()] or held
    return held


def card_name(card: Card) -> Words:
    """The card's name in both languages."""
    return Words(card.name, card.name_en)


# -- statements ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bill:
    """A statement as it stands on a day. ``remaining`` is never below zero, an overpaid statement owes nothing."""

    card: Card
    statement: Statement
    today: dt.date

    @property
    def month(self) -> Period:
        """The calendar month the statement is named after: that of its date."""
        first = self.statement.issued_on.replace(day=1)
        following = (first + dt.timedelta(days=32)).replace(day=1)
        return Period(first, following - dt.timedelta(days=1))

    @property
    def remaining(self) -> Money:
        """What is still to be paid by the due date; what a plan repays is not."""
        return Money(max(self.statement.balance - self.statement.paid - self.statement.instalments, 0))

    @property
    def days_left(self) -> int | None:
        """Days until the due date, that day itself being 0; ``None`` once it has passed."""
        days = (self.statement.due_on - self.today).days
        return days if days >= 0 else None

    @property
    def overdue_days(self) -> int | None:
        """Days since the due date, where it has passed and something is still owed."""
        days = (self.today - self.statement.due_on).days
        return days if days > 0 and self.remaining.minor > 0 else None


async def bill(db: AsyncSession, card: Card, period: Period | None, today: dt.date) -> Bill | None:
    """The latest statement, or the latest issued within *period*; ``None`` where there is none.

    A period that reaches to today or beyond means the current statement, though it may date from before the period.
    """
    query = select(Statement).where(Statement.card_id == card.card_id).order_by(Statement.issued_on.desc()).limit(1)
    if period is not None and period.end < today:
        query = query.where(Statement.issued_on.between(period.start, period.end))
    elif period is not None and period.start > today:
        return None
    found = (await db.scalars(query)).first()
    return None if found is None else Bill(card, found, today)


# -- limits -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Limits:
    """What a credit card may still spend. Cash comes out of the same limit and has a lower one of its own."""

    credit: Money
    used: Money
    available: Money
    cash_available: Money
    temporary: Money | None
    temporary_until: dt.date | None


def limits(card: Card, today: dt.date) -> Limits:
    """The limits of a credit card on *today*; a temporary limit counts until and on its last day."""
    assert card.credit_limit is not None
    until = card.temporary_until if card.temporary_until and card.temporary_until >= today else None
    temporary = card.temporary_limit if until else None
    used = card.used or 0
    available = max(max(card.credit_limit, temporary or 0) - used, 0)
    return Limits(
        credit=Money(card.credit_limit),
        used=Money(used),
        available=Money(available),
        cash_available=Money(min(card.cash_limit or 0, available)),
        temporary=None if temporary is None else Money(temporary),
        temporary_until=until,
    )


# -- lost cards ---------------------------------------------------------------------------


async def possibly_lost(
    db: AsyncSession, customer_id: str, *, tail: str | None, kind: str | None, product: str | None
) -> list[Card]:
    """The customer's cards that what they said can mean (see ``meant``); where all are frozen, the one frozen last."""
    held = await meant(db, customer_id, tail=tail, kind=kind, product=product)
    usable = [card for card in held if card.frozen_at is None]
    return usable or [max(held, key=lambda card: card.frozen_at or dt.datetime.min.replace(tzinfo=dt.UTC))]


async def latest_frozen(db: AsyncSession, customer_id: str) -> Card | None:
    """The card of theirs that was frozen last."""
    query = select(Card).where(Card.customer_id == customer_id, Card.frozen_at.is_not(None))
    return (await db.scalars(query.order_by(Card.frozen_at.desc()).limit(1))).first()


async def freeze(db: AsyncSession, customer_id: str, card_id: str, reference: str, now: dt.datetime) -> Card:
    """Freezes the card; refused as ``already`` where it is frozen, ``not_found`` where it is not theirs."""
    done = await db.execute(
        update(Card)
        .where(Card.card_id == card_id, Card.customer_id == customer_id, Card.frozen_at.is_(None))
        .values(frozen_at=now, frozen_reference=reference)
        .returning(Card.card_id)
        .execution_options(synchronize_session=False)
    )
    changed = done.first() is not None
    card = await db.get(Card, card_id, populate_existing=True)
    if card is None or card.customer_id != customer_id:
        raise Refused("not_found")
    if not changed:
        raise Refused("already", card_name=card_name(card), card_tail=card.tail, frozen_at=card.frozen_at)
    return card
