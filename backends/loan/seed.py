"""The demo bank's loans and applications, told relative to the day of the seeding."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from backends.loan.service import months_after
from backends.loan.tables import Loan, LoanApplication
from backends.tables import Base
from backends.values import BEIJING, Money


def rows(told: dict[str, Any], now: dt.datetime) -> Iterator[tuple[type[Base], dict[str, Any]]]:
    """The rows of what ``demo_bank/loans.yml`` tells, as of *now*."""
    for number, entry in enumerate(told["loans"], start=1):
        yield Loan, _loan(f"L{number:04d}", entry, now.astimezone(BEIJING).date())
    for number, entry in enumerate(told["applications"], start=1):
        yield LoanApplication, _application(f"A{number:04d}", entry, now)


def _loan(loan_id: str, entry: list[Any], today: dt.date) -> dict[str, Any]:
    customer_id, tail, kind, principal, rate, months, method, paid, due_day = entry
    next_due = today.replace(day=due_day) if today.day < due_day else months_after(today.replace(day=due_day), 1)
    return {
        "loan_id": loan_id,
        "customer_id": customer_id,
        "account_id": f"{customer_id}-{tail}",
        "kind": kind,
        "principal": Money.of(principal).minor,
        "rate": Decimal(rate),
        "months": months,
        "method": method,
        "started_on": months_after(next_due, -paid - 1),
        "first_due_on": months_after(next_due, -paid),
        "paid": paid,
    }


def _application(application_id: str, entry: dict[str, Any], now: dt.datetime) -> dict[str, Any]:
    reason = entry.get("reason", {})
    expected = entry.get("expected")
    return {
        "application_id": application_id,
        "customer_id": entry["customer"],
        "kind": entry["kind"],
        "amount": Money.of(entry["amount"]).minor,
        "submitted_at": now - dt.timedelta(days=entry["submitted"]),
        "stage": entry["stage"],
        "stage_at": now - dt.timedelta(days=entry["since"]),
        "expected_on": None if expected is None else (now.astimezone(BEIJING) + dt.timedelta(days=expected)).date(),
        "reason": reason.get("zh"),
        "reason_en": reason.get("en"),
        "account_id": f"{entry['customer']}-{entry['account']}" if "account" in entry else None,
    }
