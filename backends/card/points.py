"""Reward points: how many there are, which expire first, and what they are redeemed for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backends.action import ActionInput, BankAction, Context, Refused
from backends.card import service
from backends.card.service_tables import PointsEntry, Reward
from backends.facts import Said, Vouched, Words
from backends.inputs import OptionalPeriod, OptionalText, exact_money, read_amount
from backends.result import Result, Row
from backends.rules import count_rule, money_rule, ruled
from backends.values import Count, Money, Period

# -- the bank's rules ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Lot:
    """Points that expire together, after ``expires_on``."""

    expires_on: dt.date
    points: int


def lots_on(entries: Sequence[PointsEntry], today: dt.date) -> list[Lot]:
    """What is left of *entries* on *today*, the soonest to expire first.

    Points are spent in the order in which they expire. What is taken back beyond what is there comes off what is earned
    next, so the balance is never below zero.
    """
    left: dict[dt.date, int] = {}
    owing = 0
    for entry in sorted(entries, key=lambda each: (each.happened_on, each.points < 0)):
        if entry.happened_on > today:
            break
        if entry.points > 0:
            assert entry.expires_on is not None
            settled = min(owing, entry.points)
            owing -= settled
            left[entry.expires_on] = left.get(entry.expires_on, 0) + entry.points - settled
            continue
        owing -= entry.points
        for day in sorted(day for day in left if day >= entry.happened_on):
            taken = min(left[day], owing)
            left[day] -= taken
            owing -= taken
    return [Lot(day, points) for day, points in sorted(left.items()) if points and day >= today]


def worth(points: int, points_a_yuan: int) -> Money:
    """What *points* take off a bill, to the 分 below."""
    return Money(points * 100 // points_a_yuan)


def needed_for(amount: Money, points_a_yuan: int) -> int:
    """How many points take *amount* off a bill."""
    return -(-amount.minor * points_a_yuan // 100)


async def entries_of(db: AsyncSession, customer_id: str, today: dt.date) -> list[PointsEntry]:
    """The customer's movements up to *today*, the oldest first."""
    query = select(PointsEntry).where(PointsEntry.customer_id == customer_id, PointsEntry.happened_on <= today)
    return list(await db.scalars(query.order_by(PointsEntry.happened_on, PointsEntry.entry_id)))


async def rewards(db: AsyncSession) -> list[Reward]:
    """What is offered, the cheapest first."""
    return list(await db.scalars(select(Reward).order_by(Reward.points, Reward.reward_id)))


# -- what customers ask -------------------------------------------------------------------


class CardPointsInput(ActionInput):
    """``amount`` is a purchase, or what is to be taken off a bill: the answer says both."""

    card_tail: OptionalText = None
    amount: OptionalText = None
    period: OptionalPeriod = None


class CardPoints(BankAction[CardPointsInput]):
    """A customer's points, over all their cards: the balance, what expires, what they are worth and redeemed for."""

    name = "card_points"
    outcomes = frozenset({"found", "expiring", "earned", "none", "not_found", "invalid_amount"})
    source = "card"
    Input = CardPointsInput

    async def run(self, given: CardPointsInput, context: Context) -> Result:
        db, today = context.db, context.today
        await self._own(given.card_tail, context)
        entries = await entries_of(db, context.customer_id, today)
        if not entries:
            raise Refused(
                "none",
                spend_unit=ruled("points_spend_unit", today),
                points_per_unit=ruled("points_per_unit", today),
            )
        lots = lots_on(entries, today)
        balance = Count(sum(lot.points for lot in lots), "point")
        if given.period is not None and given.period.end < today:
            return self._moved(entries, given.period, balance, context)
        if given.period is not None:
            due = sum(lot.points for lot in lots if lot.expires_on <= given.period.end)
            due_facts = self.facts(
                context, points=balance, expires_by=given.period.end, expiring_points=Count(due, "point")
            )
            return self.answer("expiring", due_facts)
        a_yuan = count_rule("points_per_yuan_off", today).number
        offered = tuple(self._row(reward, balance.number, context) for reward in await rewards(db))
        return self.answer(
            "found",
            self.facts(
                context,
                points=balance,
                points_value=worth(balance.number, a_yuan),
                expiring_points=Count(lots[0].points, "point") if lots else None,
                expiring_on=lots[0].expires_on if lots else None,
                points_valid=ruled("points_valid", today),
                **self._last_use(entries),
                **self._for_amount(given.amount, a_yuan, today),
            ),
            rows=offered,
        )

    async def _own(self, tail: str | None, context: Context) -> None:
        """Points are the customer's, not a card's; still, a card that is named must be theirs."""
        if tail is not None:
            held = {card.tail for card in await service.cards_of(context.db, context.customer_id)}
            if tail not in held:
                raise Refused("not_found", card_tail=Said(tail))

    def _moved(self, entries: Sequence[PointsEntry], period: Period, balance: Count, context: Context) -> Result:
        """What was earned and used in a time that is over."""
        within = [entry.points for entry in entries if period.start <= entry.happened_on <= period.end]
        return self.answer(
            "earned",
            self.facts(
                context,
                period=period,
                points=balance,
                earned_points=Count(sum(points for points in within if points > 0), "point"),
                used_points=Count(-sum(points for points in within if points < 0), "point"),
            ),
        )

    def _last_use(self, entries: Sequence[PointsEntry]) -> dict[str, Vouched]:
        uses = [entry for entry in entries if entry.points < 0]
        if not uses:
            return {}
        last = uses[-1]
        return {"used_on": last.happened_on, "points_use": last.reason, "used_points": Count(-last.points, "point")}

    def _for_amount(self, asked: str | None, a_yuan: int, today: dt.date) -> dict[str, Vouched]:
        if asked is None:
            return {}
        said = read_amount(asked)
        if said.currency not in (None, "CNY"):
            raise Refused("invalid_amount", amount_asked=Said(asked))
        amount = exact_money(said.number, "CNY", asked)
        units = amount.minor // money_rule("points_spend_unit", today).minor
        earned = units * count_rule("points_per_unit", today).number
        return {
            "amount": Said(amount),
            "amount_earns": Count(earned, "point"),
            "amount_takes": Count(needed_for(amount, a_yuan), "point"),
        }

    def _row(self, reward: Reward, balance: int, context: Context) -> Row:
        short = reward.points - balance
        return self.facts(
            context,
            reward_name=Words(reward.name, reward.name_en),
            reward_points=Count(reward.points, "point"),
            points_short=Count(short, "point") if short > 0 else None,
        )
