"""Amortisation in whole minor units: what each instalment of a loan is, and what paying early leaves and saves.

The interest of a month is the balance times a twelfth of the yearly rate, rounded half up to the minor unit; the last
instalment pays what is left, so that the principal of all instalments is the loan, to the last cent. Rates are exact
fractions: nothing is rounded but amounts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

Method = Literal["equal_instalment", "equal_principal"]
"""等额本息: the same sum every month; 等额本金: the same principal every month, and so less interest each time."""

MONTHS = 12
DAYS = 360
"""Days of a year where interest is reckoned by the day (人民币存贷款计结息问题的通知, 银发〔2005〕129号)."""


@dataclass(frozen=True, slots=True)
class Instalment:
    """One month's payment, in minor units: principal, interest, and the principal that is left after it."""

    principal: int
    interest: int
    left: int

    @property
    def payment(self) -> int:
        """What is paid that month."""
        return self.principal + self.interest


def schedule(principal: int, annual: Decimal, months: int, method: Method) -> tuple[Instalment, ...]:
    """The instalments of *principal* (above zero) at *annual* per cent a year over *months* (above zero)."""
    rate = Fraction(annual) / 100 / MONTHS
    if method == "equal_principal":
        return _paying(principal, rate, months, part=principal // months, payment=None)
    return _paying(principal, rate, months, part=None, payment=level_payment(principal, annual, months))


def level_payment(principal: int, annual: Decimal, months: int) -> int:
    """The monthly sum that pays *principal* and its interest off in *months*, half up to the minor unit."""
    rate = Fraction(annual) / 100 / MONTHS
    if rate == 0:
        return _half_up(Fraction(principal, months))
    grown = (1 + rate) ** months
    return _half_up(principal * rate * grown / (grown - 1))


def with_payments_kept(
    principal: int, annual: Decimal, part: int | None, payment: int | None
) -> tuple[Instalment, ...]:
    """The instalments of *principal* where each stays what it was: the *payment*, or the *part* of principal in it.

    Raises ``ValueError`` where it would never be paid off.
    """
    rate = Fraction(annual) / 100 / MONTHS
    if (part is not None and part <= 0) or (payment is not None and payment <= _half_up(principal * rate)):
        raise ValueError("such instalments never pay the loan off")
    return _paying(principal, rate, None, part=part, payment=payment)


def _paying(
    principal: int, rate: Fraction, months: int | None, *, part: int | None, payment: int | None
) -> tuple[Instalment, ...]:
    """Instalments until nothing is left; of so many *months* the last pays the rest, whatever it is."""
    left, found = principal, list[Instalment]()
    while left > 0:
        interest = _half_up(left * rate)
        wanted = part if payment is None else payment - interest
        assert wanted is not None
        paid = left if months is not None and len(found) + 1 == months else min(max(wanted, 0), left)
        left -= paid
        found.append(Instalment(paid, interest, left))
    return tuple(found)


def interest_for_days(principal: int, annual: Decimal, days: int) -> int:
    """The interest of *days* on *principal*, half up to the minor unit."""
    return _half_up(principal * Fraction(annual) / 100 * days / DAYS)


def interest_of(instalments: Sequence[Instalment]) -> int:
    """The interest of all of *instalments*."""
    return sum(each.interest for each in instalments)


def _half_up(number: Fraction) -> int:
    return (number + Fraction(1, 2)).__floor__()
