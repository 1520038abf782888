"""The demo bank's deposit rates and gold price."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from backends.tables import Base
from backends.values import Money
from backends.wealth.tables import DepositRate, GoldPrice


def rows(told: dict[str, Any]) -> Iterator[tuple[type[Base], dict[str, Any]]]:
    """The rows of what ``demo_bank/deposits.yml`` tells."""
    for published in told["rates"]:
        for place, (kind, currency, term, rate, least) in enumerate(published["list"], start=1):
            yield (
                DepositRate,
                {
                    "rate_id": f"{published['from']:%Y%m%d}-{place:02d}",
                    "kind": kind,
                    "currency": currency,
                    "term": term,
                    "rate": Decimal(rate),
                    "min_amount": Money.of(least, currency).minor,
                    "effective_from": published["from"],
                    "place": place,
                },
            )
    yield GoldPrice, {"grade": told["gold"]["grade"], "mid": Decimal(told["gold"]["mid"])}
