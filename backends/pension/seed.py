"""The demo bank's pension accounts, told relative to the year of the seeding."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from backends.pension.tables import PensionAccount, PensionPayment
from backends.tables import Base
from backends.values import Money

PAID_ON = 10
"""The day of the month on which the demo's customers pay in."""


def rows(told: list[dict[str, Any]], today: dt.date) -> Iterator[tuple[type[Base], dict[str, Any]]]:
    """The rows of what ``demo_bank/pension.yml`` tells, as of *today*."""
    for entry in told:
        customer_id = entry["customer"]
        yield (
            PensionAccount,
            {
                "customer_id": customer_id,
                "opened_on": entry["opened_on"],
                "balance": Money.of(entry["balance"]).minor,
            },
        )
        payments = [(today.year, *each) for each in entry["this_year"]]
        payments += [(today.year - 1, *each) for each in entry["last_year"]]
        for number, (year, month, amount) in enumerate(payments, start=1):
            yield (
                PensionPayment,
                {
                    "payment_id": f"{customer_id}-P{number}",
                    "customer_id": customer_id,
                    "paid_on": min(dt.date(year, month, PAID_ON), today),
                    "amount": Money.of(amount).minor,
                },
            )
