"""The bank's rules about foreign banknotes: which it keeps, how many a day, from when on, at which branch, and until when."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from backends.action import Refused, Terms
from backends.facts import Said, Words
from backends.fx import rates, service
from backends.fx.holdings import Held
from backends.fx.tables import CashDay, CashReservation, NoteKind
from backends.inputs import exact_money, folded, read_amount
from backends.result import Frozen
from backends.rules import count_rule, money_rule, ruled
from backends.service.service import branches_at
from backends.service.tables import BranchOffice
from backends.values import Money
from backends.wealth.calendar import is_trading_day, trading_days_after

Status = Literal["notes_ordered", "notes_ready", "notes_cancelled", "notes_lapsed"]


class Reserving(Frozen):
    """What is to be put aside, in minor units, and where and when it can be collected."""

    account_id: str
    account_tail: str
    branch_id: int
    currency: str
    amount: int
    amount_usd: int
    pickup_on: dt.date

    @property
    def money(self) -> Money:
        """The banknotes."""
        return Money(self.amount, self.currency)

    @property
    def counted(self) -> Money:
        """What counts against the day's maximum."""
        return Money(self.amount_usd, "USD")


class CashTerms(Terms):
    """A reservation to make, or the reference of one to cancel: one of the two."""

    reserve: Reserving | None = None
    cancel: str | None = None


# -- which notes --------------------------------------------------------------------------


async def note_kinds(db: AsyncSession) -> dict[str, Money]:
    """The currencies whose notes the bank keeps, and in which multiples."""
    kept = {row.currency: Money(row.step, row.currency) for row in await db.scalars(select(NoteKind))}
    return {code: kept[code] for code in rates.CURRENCIES if code in kept}


def require_kept(currency: str, kinds: dict[str, Money]) -> Money:
    """The multiple in which notes of *currency* are given out; refused as ``unsupported`` where none are kept."""
    if currency not in kinds:
        raise Refused("unsupported", currency_asked=Said(currency))
    return kinds[currency]


def to_reserve(asked: str, step: Money) -> Money:
    """The sum to put aside; refused as ``invalid_amount``, or ``wrong_step`` where notes cannot make it up."""
    amount = read_amount(asked)
    if amount.currency not in (None, step.currency):
        raise Refused("invalid_amount", amount_asked=Said(asked))
    money = exact_money(amount.number, step.currency, asked)
    if money.minor % step.minor:
        raise Refused("wrong_step", amount=money, amount_step=step)
    return money


# -- how much -----------------------------------------------------------------------------


async def free_balance(db: AsyncSession, customer_id: str, holding: Held, today: dt.date) -> Money:
    """What *holding* has beyond what is already put aside out of it; never below zero."""
    open_now = await open_reservations(db, customer_id, today)
    aside = sum(
        each.amount
        for each in open_now
        if (each.account_id, each.currency) == (holding.account.account_id, holding.balance.currency)
    )
    return Money(max(holding.balance.minor - aside, 0), holding.balance.currency)


async def in_usd(db: AsyncSession, money: Money, now: dt.datetime) -> Money:
    """*money* in US dollars by the middle prices of *now*."""
    quoted = await service.prices(db, now)
    return rates.in_usd(money, quoted[money.currency].mid, quoted["USD"].mid)


async def room_on(db: AsyncSession, customer_id: str, day: dt.date, today: dt.date) -> Money:
    """What the maximum of *day* still leaves the customer, in US dollars, by the rule of *today*."""
    counted = await db.get(CashDay, (customer_id, day), populate_existing=True)
    return money_rule("fx_cash_daily_limit", today) - Money(counted.reserved_usd if counted else 0, "USD")


async def require_within_day(db: AsyncSession, customer_id: str, reserving: Reserving, today: dt.date) -> None:
    """Refused as ``over_daily`` where the day's maximum leaves no room for *reserving*."""
    if await room_on(db, customer_id, reserving.pickup_on, today) < reserving.counted:
        raise _over_daily(reserving, today)


def _over_daily(reserving: Reserving, today: dt.date) -> Refused:
    return Refused(
        "over_daily",
        amount=reserving.money,
        amount_usd=reserving.counted,
        daily_limit=ruled("fx_cash_daily_limit", today),
        pickup_on=reserving.pickup_on,
    )


# -- where and when -----------------------------------------------------------------------


async def branches(db: AsyncSession, place: str) -> list[BranchOffice]:
    """The branches at *place*, or the one of that name; refused as ``not_found`` where there is none."""
    wanted = folded(place)
    every = await db.scalars(select(BranchOffice).order_by(BranchOffice.branch_id))
    named = [office for office in every if wanted in (folded(office.name), folded(office.name_en))]
    found = named or await branches_at(db, place)
    if not found:
        raise Refused("not_found", place_asked=Said(place))
    return found


async def cities(db: AsyncSession) -> list[Words]:
    """The cities that have a branch."""
    offices = await db.scalars(select(BranchOffice).order_by(BranchOffice.branch_id))
    return list(dict.fromkeys(Words(office.city, office.city_en) for office in offices))


def pickup_day(asked: dt.date | None, today: dt.date) -> dt.date:
    """The day to collect: *asked*, else the first possible; refused as ``date_unavailable`` where that day is not."""
    earliest = trading_days_after(today, count_rule("fx_cash_advance_days", today).number)
    latest = today + dt.timedelta(days=count_rule("fx_cash_latest_days", today).number)
    if asked is None:
        return earliest
    if not (earliest <= asked <= latest and is_trading_day(asked)):
        raise Refused(
            "date_unavailable",
            pickup_asked=Said(asked),
            earliest_on=earliest,
            latest_on=latest,
            advance_days=ruled("fx_cash_advance_days", today),
        )
    return asked


# -- reservations -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reserved:
    """A reservation and the branch it is at."""

    reservation: CashReservation
    branch: BranchOffice

    @property
    def money(self) -> Money:
        """The banknotes."""
        return Money(self.reservation.amount, self.reservation.currency)


def status_of(reservation: CashReservation, today: dt.date) -> Status:
    """How far *reservation* is on *today*; what is not collected is kept for some days."""
    if reservation.cancelled_at is not None:
        return "notes_cancelled"
    if today < reservation.pickup_on:
        return "notes_ordered"
    return "notes_ready" if today <= kept_until(reservation, today) else "notes_lapsed"


def kept_until(reservation: CashReservation, today: dt.date) -> dt.date:
    """The last day on which the notes can be collected."""
    return reservation.pickup_on + dt.timedelta(days=count_rule("fx_cash_hold_days", today).number)


async def open_reservations(db: AsyncSession, customer_id: str, today: dt.date) -> list[CashReservation]:
    """Those that are neither cancelled nor lapsed, the one made last first."""
    query = select(CashReservation).where(
        CashReservation.customer_id == customer_id, CashReservation.cancelled_at.is_(None)
    )
    rows = await db.scalars(query.order_by(CashReservation.reserved_at.desc(), CashReservation.reference))
    return [row for row in rows if today <= kept_until(row, today)]


async def latest(db: AsyncSession, customer_id: str) -> Reserved | None:
    """The reservation made last, whatever became of it."""
    query = select(CashReservation).where(CashReservation.customer_id == customer_id)
    found = (await db.scalars(query.order_by(CashReservation.reserved_at.desc()).limit(1))).first()
    return None if found is None else await with_branch(db, found)


async def with_branch(db: AsyncSession, reservation: CashReservation) -> Reserved:
    """*reservation* with its branch."""
    return Reserved(reservation, await db.get_one(BranchOffice, reservation.branch_id))


async def reserve(
    db: AsyncSession, customer_id: str, reserving: Reserving, *, reference: str, now: dt.datetime, today: dt.date
) -> None:
    """Puts the notes aside. The day's maximum is taken only where it suffices, at this very moment.

    Refused as ``over_daily``. No money moves: it is drawn from the account at the counter.
    """
    limit = money_rule("fx_cash_daily_limit", today)
    if await db.get(CashDay, (customer_id, reserving.pickup_on)) is None:
        try:
            async with db.begin_nested():
                db.add(CashDay(customer_id=customer_id, day=reserving.pickup_on, reserved_usd=0))
        except IntegrityError:  # another reservation opened the day between the two statements
            pass
    counted = (
        update(CashDay)
        .where(
            CashDay.customer_id == customer_id,
            CashDay.day == reserving.pickup_on,
            CashDay.reserved_usd + reserving.amount_usd <= limit.minor,
        )
        .values(reserved_usd=CashDay.reserved_usd + reserving.amount_usd)
        .returning(CashDay.reserved_usd)
        .execution_options(synchronize_session=False)
    )
    if await db.scalar(counted) is None:
        raise _over_daily(reserving, today)
    db.add(
        CashReservation(
            reference=reference,
            customer_id=customer_id,
            account_id=reserving.account_id,
            branch_id=reserving.branch_id,
            currency=reserving.currency,
            amount=reserving.amount,
            amount_usd=reserving.amount_usd,
            pickup_on=reserving.pickup_on,
            reserved_at=now,
            cancelled_at=None,
        )
    )


async def cancel(db: AsyncSession, customer_id: str, reference: str, *, now: dt.datetime) -> Reserved:
    """Takes a reservation back, once, and gives its day what it had used; refused as ``no_reservation``."""
    undone = (
        update(CashReservation)
        .where(
            CashReservation.reference == reference,
            CashReservation.customer_id == customer_id,
            CashReservation.cancelled_at.is_(None),
        )
        .values(cancelled_at=now)
        .returning(CashReservation.reference)
        .execution_options(synchronize_session=False)
    )
    if await db.scalar(undone) is None:
        raise Refused("no_reservation")
    found = await db.get_one(CashReservation, reference, populate_existing=True)
    await db.execute(
        update(CashDay)
        .where(CashDay.customer_id == customer_id, CashDay.day == found.pickup_on)
        .values(reserved_usd=CashDay.reserved_usd - found.amount_usd)
        .execution_options(synchronize_session=False)
    )
    return await with_branch(db, found)
