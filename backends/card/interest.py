"""What repaying in instalments costs a year: the internal rate of return of its monthly payments."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, localcontext

_PRECISION = 60
_HALVINGS = 160
"""Enough to tell two monthly rates apart at 48 digits; all but a rate on the very edge of a hundredth needs fewer."""


def annual_percent(principal: int, payments: Sequence[int]) -> Decimal:
    """The annualised rate, in per cent to two decimals (half up), of lending *principal* for monthly *payments*.

    The monthly rate at which the payments, the first of them due after one month, are worth the principal, compounded
    over twelve months: 复利计算方法即内部收益率法 of 中国人民银行公告〔2021〕第3号. Amounts are in minor units;
    ``ValueError`` where less is paid than was lent.
    """
    if sum(payments) < principal or principal <= 0:
        raise ValueError("payments below the principal have no rate")
    with localcontext(prec=_PRECISION):
        low, high = Decimal(0), Decimal(1)
        while _worth(payments, high) > principal:
            high *= 2
        if sum(payments) == principal:
            high = low
        for _ in range(_HALVINGS):
            if _annual(low) == _annual(high):
                break
            middle = (low + high) / 2
            if _worth(payments, middle) > principal:
                low = middle
            else:
                high = middle
        return _annual(high)


def _worth(payments: Sequence[int], rate: Decimal) -> Decimal:
    """Today's worth of *payments* at a monthly *rate*, by Horner's rule from the last to the first."""
    worth = Decimal(0)
    for payment in reversed(payments):
        worth = (worth + payment) / (1 + rate)
    return worth


def _annual(monthly: Decimal) -> Decimal:
    return (((1 + monthly) ** 12 - 1) * 100).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
