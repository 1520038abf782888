"""The demo bank's plans, repayments, autopay and limits: rows from ``demo_bank/repaying.yml``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from backends.card.plans import months_after
from backends.card.tables import AutopayDebit, AutopayMandate, InstalmentPlan, LimitChange, LimitOffer, Repayment
from backends.tables import Base
from backends.values import BEIJING, Money


def rows(told: dict[str, Any], now: dt.datetime) -> Iterator[tuple[type[Base], dict[str, Any]]]:
    """The rows as of *now*; *told* is what the file holds."""
    today = now.astimezone(BEIJING).date()
    for number, plan in enumerate(told["plans"], start=1):
        made_at = now - dt.timedelta(days=plan["days"])
        yield (
            InstalmentPlan,
            {
                "reference": _reference(made_at, 1000 + number),
                "card_id": plan["card"],
                "issued_on": None,
                "transaction_id": None,
                "name": plan["name"]["zh"],
                "name_en": plan["name"]["en"],
                "principal": _minor(plan["principal"]),
                "interest": _minor(plan["interest"]),
                "terms": plan["terms"],
                "first_on": months_after(made_at.astimezone(BEIJING).date(), 1),
                "own_limit": True,
                "made_at": made_at,
            },
        )
    for number, paid in enumerate(told["repayments"], start=1):
        paid_at = now - dt.timedelta(hours=paid["hours"])
        yield (
            Repayment,
            {
                "reference": _reference(paid_at, 2000 + number),
                "customer_id": paid["card"].partition("-")[0],
                "card_id": paid["card"],
                "account_id": paid["account"],
                "amount": _minor(paid["amount"]),
                "paid_at": paid_at,
            },
        )
    for number, each in enumerate(told["autopay"], start=1):
        yield from _autopay(f"autopay-{number}", each, now)
    for offer in told["limit_offers"]:
        yield (
            LimitOffer,
            {
                "card_id": offer["card"],
                "temporary": _minor(offer["temporary"]),
                "permanent": _minor(offer["permanent"]),
                "valid_until": today + dt.timedelta(days=offer["days"]),
            },
        )
    for number, change in enumerate(told["limit_changes"], start=1):
        asked_at = now - dt.timedelta(hours=change["hours"])
        yield (
            LimitChange,
            {
                "reference": _reference(asked_at, 3000 + number),
                "card_id": change["card"],
                "kind": change["kind"],
                "before": _minor(change["before"]),
                "after": _minor(change["after"]),
                "until": today + dt.timedelta(days=change["until"]) if "until" in change else None,
                "state": change["state"],
                "asked_at": asked_at,
            },
        )


def _autopay(autopay_id: str, each: dict[str, Any], now: dt.datetime) -> Iterator[tuple[type[Base], dict[str, Any]]]:
    yield (
        AutopayMandate,
        {
            "autopay_id": autopay_id,
            "customer_id": each["customer"],
            "card_id": each.get("card"),
            "loan_kind": each.get("loan_kind"),
            "account_id": each["account"],
            "scope": each.get("scope"),
            "active": each["active"],
            "changed_at": now - dt.timedelta(days=200),
            "reference": None,
        },
    )
    if "debit" in each:
        hours, due, taken, outcome = each["debit"]
        yield (
            AutopayDebit,
            {
                "autopay_id": autopay_id,
                "tried_at": now - dt.timedelta(hours=hours),
                "due": _minor(due),
                "taken": _minor(taken),
                "outcome": outcome,
            },
        )


def _reference(at: dt.datetime, number: int) -> str:
    return f"{at:%Y%m%d}{number:010d}"


def _minor(number: str) -> int:
    return Money.of(number).minor
