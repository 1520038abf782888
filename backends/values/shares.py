"""Percentages, and differences between them: 3.5%, 百分之三点五, 35‰, 两成, 九五折, 0.25个百分点, 25bp."""

from __future__ import annotations

import re
from decimal import Decimal

from backends.values.chinese import small_number
from backends.values.kinds import Percent, PercentPoints
from backends.values.numerals import scan_number

_SIGN = re.compile(r"[-+负]|(?:minus|negative) ")
_PREFIX = re.compile(r"百分之(?=百(?!分))|百分之|千分之|万分之")
_PER = {"百": Decimal(1), "千": Decimal("0.1"), "万": Decimal("0.01")}
_POINTS = re.compile(r" ?(?:个?百分点|percentage points?(?![a-z])|pp(?![a-z]))")
_BASIS_POINTS = re.compile(r" ?(?:个?基点|个?bps?(?![a-z])|basis points?(?![a-z]))")
_PERCENT = re.compile(r" ?(?:(?P<cent>%|per ?cent(?![a-z])|pct(?![a-z]))|(?P<mille>‰)|(?P<myriad>‱))")
# 3成 is 30 %, 完成 and 3成功 are not; 九折 is a discount, 100折合 is not.
_TENTHS = re.compile(r"成(?![功为立员交本长果绩年人品色])(?P<rest>[一二三四五六七八九1-9](?![0-9一-鿿]))?")
_DISCOUNT = re.compile(r"折(?![算合扣叠成旧返让现价])")
_DISCOUNT_PAIR = re.compile(r"([一二三四五六七八九])([一二三四五六七八九])折")

Share = Percent | PercentPoints


def scan_share(text: str, start: int) -> tuple[int, Share, bool] | None:
    """End, value and "is a discount" of the share that begins at *start* of folded *text*; ``None`` where none does.

    九五折 is ``Percent(95)``: what remains to be paid.
    """
    sign = _SIGN.match(text, start)
    negative = sign is not None and "+" not in sign[0]
    position = sign.end() if sign else start
    pair = _DISCOUNT_PAIR.match(text, position)
    if pair:
        return pair.end(), Percent(Decimal(small_number(pair[1]) * 10 + small_number(pair[2]))), True
    if text.startswith("百分百", position):
        return position + 3, Percent(Decimal(100)), False
    prefix = _PREFIX.match(text, position)
    if prefix:
        number = scan_number(text, prefix.end())
        if number is None or number.value is None:
            return None
        return number.end, Percent(_signed(number.value * _PER[prefix[0][0]], negative)), False
    number = scan_number(text, position)
    if number is None or number.value is None:
        return None
    return _suffixed(text, number.end, number.value, negative)


def _suffixed(text: str, end: int, value: Decimal, negative: bool) -> tuple[int, Share, bool] | None:
    points = _POINTS.match(text, end)
    if points:
        return points.end(), PercentPoints(_signed(value, negative)), False
    basis = _BASIS_POINTS.match(text, end)
    if basis:
        return basis.end(), PercentPoints(_signed(value / 100, negative)), False
    percent = _PERCENT.match(text, end)
    if percent:
        divisor = 1 if percent["cent"] else 10 if percent["mille"] else 100
        return percent.end(), Percent(_signed(value / divisor, negative)), False
    tenths = _TENTHS.match(text, end)
    if tenths and 0 < value <= 10:
        rest = small_number(tenths["rest"]) if tenths["rest"] else 0
        return tenths.end(), Percent(_signed(value * 10 + rest, negative)), False
    discount = _DISCOUNT.match(text, end)
    if discount and 0 < value < 100:
        return discount.end(), Percent(value * 10 if value < 10 else value), True
    return None


def _signed(value: Decimal, negative: bool) -> Decimal:
    return -value if negative else value
