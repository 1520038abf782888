"""The bank's rules about loans: what is owed and when, what paying early costs and saves, what a loan would cost."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar, cast

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backends.action import Refused
from backends.facts import Said
from backends.inputs import exact_money, read_amount
from backends.loan import schedule
from backends.loan.schedule import Instalment, Method
from backends.loan.tables import Loan, LoanApplication
from backends.rules import count_rule, money_rule, percent_rule
from backends.values import BEIJING, Money, Term

KINDS = ("mortgage", "car", "consumer", "business")
_MONTHS_OF = {"year": 12, "month": 1, "instalment": 1}
Debt = TypeVar("Debt", Loan, LoanApplication)

# -- whose loans ----------------------------------------------------------------------------


async def loans(db: AsyncSession, customer_id: str, kind: str | None) -> list[Loan]:
    """What the customer still repays, the oldest first, or those of *kind*.

    Refused as ``none`` where they repay nothing, ``not_found`` where nothing of that kind.
    """
    query = select(Loan).where(Loan.customer_id == customer_id, Loan.paid < Loan.months)
    return _of_kind(list(await db.scalars(query.order_by(Loan.started_on, Loan.loan_id))), kind)


async def applications(db: AsyncSession, customer_id: str, kind: str | None) -> list[LoanApplication]:
    """What the customer applied for, the latest first, or those of *kind*; refused as ``loans`` does."""
    query = select(LoanApplication).where(LoanApplication.customer_id == customer_id)
    ordered = query.order_by(LoanApplication.submitted_at.desc(), LoanApplication.application_id)
    return _of_kind(list(await db.scalars(ordered)), kind)


def _of_kind(held: list[Debt], kind: str | None) -> list[Debt]:
    if not held:
        raise Refused("none")
    chosen = [each for each in held if kind in (None, each.kind)]
    if not chosen:
        raise Refused("not_found", loan_asked=Said(kind or ""))
    return chosen


# -- what is owed ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Owed:
    """A loan as it stands on a day: what was paid is paid, and ``ahead`` are the instalments still to come."""

    loan: Loan
    ahead: tuple[Instalment, ...]
    today: dt.date

    @property
    def principal(self) -> Money:
        """The principal still owed."""
        return Money(sum(each.principal for each in self.ahead))

    @property
    def next_amount(self) -> Money:
        """The next instalment."""
        return Money(self.ahead[0].payment)

    @property
    def next_due(self) -> dt.date:
        """The day of the next instalment; before today where it was not paid."""
        return months_after(self.loan.first_due_on, self.loan.paid)

    @property
    def last_due(self) -> dt.date:
        """The day of the last instalment."""
        return months_after(self.loan.first_due_on, self.loan.months - 1)

    @property
    def overdue_days(self) -> int:
        """For how many days the next instalment has been overdue: zero where it is not."""
        return max((self.today - self.next_due).days, 0)


def owed(loan: Loan, today: dt.date) -> Owed:
    """The loan as it stands on *today*."""
    whole = schedule.schedule(loan.principal, loan.rate, loan.months, cast(Method, loan.method))
    return Owed(loan, whole[loan.paid :], today)


def months_after(day: dt.date, months: int) -> dt.date:
    """The same day so many months later; the last of the month where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def days_after(moment: dt.datetime, days: int) -> dt.date:
    """The bank's calendar day so many days after that of *moment*."""
    return moment.astimezone(BEIJING).date() + dt.timedelta(days=days)


# -- paying early ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Payoff:
    """Paying all of a loan today: its principal, the interest since the last due day, and the fee by rule."""

    principal: Money
    accrued: Money
    fee: Money
    interest_saved: Money

    @property
    def total(self) -> Money:
        """What is to be paid today."""
        return self.principal + self.accrued + self.fee


def payoff(of: Owed) -> Payoff:
    """What it takes to pay the loan off today, and the interest that then never falls due."""
    loan = of.loan
    since = months_after(loan.first_due_on, loan.paid - 1) if loan.paid else loan.started_on
    days = max((of.today - since).days, 0)
    accrued = schedule.interest_for_days(of.principal.minor, loan.rate, days)
    return Payoff(
        principal=of.principal,
        accrued=Money(accrued),
        fee=early_fee(loan, of.principal, of.today),
        interest_saved=Money(max(schedule.interest_of(of.ahead) - accrued, 0)),
    )


def early_fee(loan: Loan, prepaid: Money, day: dt.date) -> Money:
    """The charge for paying *prepaid* of the principal early on *day*: a share of it within the loan's first months."""
    free_from = months_after(loan.started_on, count_rule("loan_early_fee_months", day).number)
    if day >= free_from:
        return Money(0)
    return Money.of(prepaid.number * percent_rule("loan_early_fee", day).value / 100)


@dataclass(frozen=True, slots=True)
class PartPayment:
    """Paying a part early on the next due day, after that day's instalment, and the two ways the loan can then go on."""

    amount: Money
    on: dt.date
    fee: Money
    principal_after: Money
    lower_payment: Money
    lower_saves: Money
    shorter_by: int
    shorter_saves: Money


def part_payment(of: Owed, asked: str) -> PartPayment:
    """What paying the sum *asked* early does: smaller instalments over the same term, or the same over a shorter one.

    Refused as ``invalid_amount``, ``arrears`` where an instalment is overdue, ``more_than_owed`` where after the next
    instalment no more than that is owed.
    """
    amount = _yuan(asked)
    if of.overdue_days:
        raise Refused("arrears", next_due=of.next_due, next_amount=of.next_amount)
    left = Money(of.ahead[0].left)
    if left <= amount:
        whole = payoff(of)
        raise Refused("more_than_owed", amount=amount, remaining_principal=of.principal, payoff_amount=whole.total)
    loan, after, rest = of.loan, (left - amount).minor, of.ahead[1:]
    before = schedule.interest_of(rest)
    lower = schedule.schedule(after, loan.rate, len(rest), cast(Method, loan.method))
    shorter = _kept(loan, after)
    return PartPayment(
        amount=amount,
        on=of.next_due,
        fee=early_fee(loan, amount, of.next_due),
        principal_after=Money(after),
        lower_payment=Money(lower[0].payment),
        lower_saves=Money(before - schedule.interest_of(lower)),
        shorter_by=len(rest) - len(shorter),
        shorter_saves=Money(before - schedule.interest_of(shorter)),
    )


def _kept(loan: Loan, principal: int) -> Sequence[Instalment]:
    """The instalments of what is left where each stays as the loan had it."""
    if loan.method == "equal_principal":
        return schedule.with_payments_kept(principal, loan.rate, loan.principal // loan.months, None)
    payment = schedule.level_payment(loan.principal, loan.rate, loan.months)
    return schedule.with_payments_kept(principal, loan.rate, None, payment)


# -- what a loan would cost -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sketch:
    """A loan nobody has taken yet, worked out both ways at the bank's present rate for its kind."""

    kind: str
    amount: Money
    months: int
    rate: Decimal
    level: tuple[Instalment, ...]
    falling: tuple[Instalment, ...]


def sketch(asked: str, term: Term, kind: str | None, day: dt.date) -> Sketch:
    """What borrowing the sum *asked* for *term* would cost; without a kind, a home loan where no other runs so long.

    Refused as ``invalid_amount`` (too little as well), ``invalid_term`` where it is no number of months, ``too_long``.
    """
    amount = _yuan(asked)
    if amount < money_rule("loan_least", day):
        raise Refused("invalid_amount", amount_asked=Said(asked))
    months = term.count * _MONTHS_OF.get(term.unit, 0)
    if months <= 0:
        raise Refused("invalid_term", term=Said(term))
    chosen = kind or ("consumer" if months <= longest("consumer", day) else "mortgage")
    if months > longest(chosen, day):
        raise Refused("too_long", loan_kind=chosen, term=Said(term), longest_term=Term(longest(chosen, day), "month"))
    rate = percent_rule(f"loan_rate_{chosen}", day).value
    return Sketch(
        kind=chosen,
        amount=amount,
        months=months,
        rate=rate,
        level=schedule.schedule(amount.minor, rate, months, "equal_instalment"),
        falling=schedule.schedule(amount.minor, rate, months, "equal_principal"),
    )


def longest(kind: str, day: dt.date) -> int:
    """The most months that a loan of *kind* may run."""
    return count_rule(f"loan_longest_{kind}", day).number


def _yuan(asked: str) -> Money:
    amount = read_amount(asked)
    if amount.currency not in (None, "CNY"):
        raise Refused("invalid_amount", amount_asked=Said(asked))
    return exact_money(amount.number, "CNY", asked)
