"""The bank's rules of repaying in instalments: what may be, for how long, what it costs, and what is left of a plan."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from backends.action import Refused, Terms
from backends.card import transactions
from backends.card.interest import annual_percent
from backends.card.service import Bill, card_name
from backends.card.tables import Card, InstalmentPlan, Statement, Transaction
from backends.facts import Said, Words
from backends.inputs import exact_money, read_amount
from backends.rules import money_rule, percent_rule
from backends.search import Search, amount_bounds
from backends.values import Money, Period, Term

OFFERED = (3, 6, 12, 18, 24)
"""Numbers of instalments that have a rule of their own, ``instalment_interest_<number>``: per cent of the sum, a term."""
EVEN = 72_000_00
"""A sum that every one of those numbers divides, and its interest too."""
_MONTHS = {"instalment": 1, "month": 1, "year": 12}

# -- what it costs ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Schedule:
    """*principal* and *interest*, in minor units, in *terms* monthly parts: equal ones, the last with what is over."""

    principal: int
    interest: int
    terms: int

    @property
    def principals(self) -> tuple[int, ...]:
        """The principal in each payment; they add up to the principal."""
        return _parts(self.principal, self.terms)

    @property
    def payments(self) -> tuple[int, ...]:
        """The payments; they add up to principal and interest."""
        return tuple(map(sum, zip(self.principals, _parts(self.interest, self.terms), strict=True)))

    @property
    def annual_rate(self) -> Decimal:
        """What it costs a year, in per cent."""
        return annual_percent(self.principal, self.payments)


def _parts(total: int, count: int) -> tuple[int, ...]:
    each = total // count
    return (*[each] * (count - 1), total - each * (count - 1))


def schedule_of(principal: int, terms: int, today: dt.date) -> Schedule:
    """The schedule of *principal* (minor units) over one of the ``OFFERED`` terms, at the interest of *today*.

    A fraction of a cent is waived, and what does not divide is paid last: so no sum costs more a year than an even one.
    """
    percent = percent_rule(f"instalment_interest_{terms}", today).value
    return Schedule(principal, int(principal * terms * percent / 100), terms)


def rates(today: dt.date) -> dict[int, Decimal]:
    """What each of the ``OFFERED`` terms costs a year at most, in per cent: that of a sum that divides evenly."""
    return {terms: schedule_of(EVEN, terms, today).annual_rate for terms in OFFERED}


def offered_term(asked: Term) -> int | None:
    """The number of instalments that *asked* means, where it is offered: a year is twelve."""
    count = asked.count * _MONTHS.get(asked.unit, 0)
    return count if count in OFFERED else None


def months_after(day: dt.date, months: int) -> dt.date:
    """The same day *months* later, or the last of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


# -- what may be put into instalments -----------------------------------------------------


class PlanTerms(Terms):
    """A plan as it was quoted, in minor units of CNY: of the statement issued on ``issued_on``, of which
    ``remaining_before`` was still due, or of one purchase."""

    card_id: str
    issued_on: dt.date | None
    transaction_id: str | None
    remaining_before: int
    name: str
    name_en: str
    principal: int
    interest: int
    terms: int
    first_on: dt.date


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be put into instalments: up to ``most`` of a statement, or a whole purchase."""

    bill: Bill | None
    purchase: Transaction | None
    most: Money
    first_on: dt.date


def of_statement(bill: Bill | None, card: Card, today: dt.date) -> Subject:
    """The statement as a subject. Refused as ``nothing``, ``already`` where it has a plan, ``overdue`` once it is late."""
    name = card_name(card)
    if bill is not None and bill.statement.instalments:
        raise Refused("already", card_name=name, card_tail=card.tail, principal=Money(bill.statement.instalments))
    if bill is None or bill.remaining.minor == 0:
        raise Refused("nothing", card_name=name, card_tail=card.tail)
    if bill.overdue_days is not None:
        raise Refused("overdue", card_name=name, card_tail=card.tail, due_date=bill.statement.due_on)
    share = percent_rule("instalment_share", today).value
    most = Money(int(bill.remaining.minor * share / 100) // 100 * 100)
    return Subject(bill, None, most, months_after(bill.statement.due_on, 1))


def of_purchase(purchase: Transaction, bill: Bill | None, today: dt.date) -> Subject:
    """One purchase as a subject."""
    first_on = months_after(today if bill is None else bill.statement.due_on, 1)
    return Subject(None, purchase, Money(purchase.amount), first_on)


async def purchases(
    db: AsyncSession,
    cards: Sequence[Card],
    *,
    merchant: str | None,
    amount: str | None,
    day: dt.date | None,
    now: dt.datetime,
) -> list[Transaction]:
    """The purchases that are meant and can still be put into instalments: not billed, and without a plan.

    Refused as ``no_match`` where there is none.
    """
    least, most = (None, None) if amount is None else amount_bounds(amount)
    search = Search(None if day is None else Period(day, day), merchant, least, most)
    found = await transactions.transactions(db, cards, search, now)
    planned = set(
        await db.scalars(select(InstalmentPlan.transaction_id).where(InstalmentPlan.transaction_id.is_not(None)))
    )
    unbilled = transactions.unbilled(found, await transactions.last_statements(db, cards))
    open_ones = [each for each in unbilled if each.amount > 0 and each.transaction_id not in planned]
    if not open_ones:
        raise Refused(
            "no_match",
            merchant_asked=None if merchant is None else Said(merchant),
            day=day,
            amount=None if least is None else Said(least),
        )
    return open_ones


def principal_of(subject: Subject, asked: str | None, today: dt.date) -> Money:
    """How much is put into instalments: what was *asked* for of a statement, else all that may be.

    Refused as ``invalid_amount``, ``below_minimum`` or ``over_limit``.
    """
    principal = subject.most
    if asked is not None and subject.purchase is None:
        amount = read_amount(asked)
        if amount.currency not in (None, "CNY"):
            raise Refused("invalid_amount", amount_asked=Said(asked))
        principal = exact_money(amount.number, "CNY", asked)
    least = money_rule("instalment_minimum", today)
    if principal < least:
        raise Refused("below_minimum", amount=principal, min_amount=least)
    if subject.most < principal:
        raise Refused("over_limit", amount=principal, most=subject.most)
    return principal


# -- plans --------------------------------------------------------------------------------


async def make(db: AsyncSession, customer_id: str, terms: PlanTerms, *, reference: str, now: dt.datetime) -> None:
    """Makes the plan on the quoted terms; refused as ``changed`` where the statement or the purchase is not as it was."""
    if terms.issued_on is not None:
        taken = await db.execute(
            update(Statement)
            .where(
                Statement.card_id == terms.card_id,
                Statement.issued_on == terms.issued_on,
                Statement.instalments == 0,
                Statement.balance - Statement.paid == terms.remaining_before,
            )
            .values(instalments=terms.principal)
            .returning(Statement.card_id)
            .execution_options(synchronize_session=False)
        )
        if taken.first() is None:
            raise Refused("changed")
    else:
        made = select(InstalmentPlan.reference).where(InstalmentPlan.transaction_id == terms.transaction_id)
        if await db.scalar(made) is not None:
            raise Refused("changed")
    db.add(
        InstalmentPlan(
            reference=reference,
            card_id=terms.card_id,
            issued_on=terms.issued_on,
            transaction_id=terms.transaction_id,
            name=terms.name,
            name_en=terms.name_en,
            principal=terms.principal,
            interest=terms.interest,
            terms=terms.terms,
            first_on=terms.first_on,
            own_limit=False,
            made_at=now,
        )
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """A plan as it stands on a day: a payment counts as made on its day."""

    plan: InstalmentPlan
    card: Card
    today: dt.date

    @property
    def schedule(self) -> Schedule:
        """Its payments."""
        return Schedule(self.plan.principal, self.plan.interest, self.plan.terms)

    @property
    def repaid(self) -> int:
        """How many payments have been made."""
        dates = (months_after(self.plan.first_on, number) for number in range(self.plan.terms))
        return sum(date <= self.today for date in dates)

    @property
    def left(self) -> int:
        """How many payments are still to come."""
        return self.plan.terms - self.repaid

    @property
    def principal_left(self) -> Money:
        """The principal in the payments to come."""
        return Money(sum(self.schedule.principals[self.repaid :]))

    @property
    def settle_fee(self) -> Money:
        """What settling today costs on top of the principal left; the interest to come is waived."""
        percent = percent_rule("instalment_settle_fee", self.today).value
        return Money.of(self.principal_left.number * percent / 100)

    @property
    def name(self) -> Words:
        """What was put into instalments."""
        return Words(self.plan.name, self.plan.name_en)


async def standing(db: AsyncSession, customer_id: str, tail: str | None, today: dt.date) -> list[Standing]:
    """The customer's plans that still run, of the card that ends in *tail* or of all, the latest first."""
    query = (
        select(InstalmentPlan, Card)
        .join(Card, Card.card_id == InstalmentPlan.card_id)
        .where(Card.customer_id == customer_id)
        .order_by(InstalmentPlan.made_at.desc(), InstalmentPlan.reference)
    )
    found = [Standing(plan, card, today) for plan, card in await db.execute(query)]
    return [each for each in found if each.left and tail in (None, each.card.tail)]


async def unbilled_principal(db: AsyncSession, card: Card, today: dt.date) -> Money:
    """The principal of the card's plans that uses its limit and is not due yet."""
    plans = await standing(db, card.customer_id, card.tail, today)
    return Money(
        sum(
            each.principal_left.minor for each in plans if each.card.card_id == card.card_id and not each.plan.own_limit
        )
    )
