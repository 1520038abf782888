"""The demo bank's past middle prices, its remittances and its reservations of banknotes, as rows."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from backends.fx.rates import UNIT, in_usd
from backends.fx.tables import CashDay, CashReservation, DailyMid, NoteKind, Remittance, RemittanceStep
from backends.tables import Base
from backends.values import BEIJING, Money

Rows = Iterator[tuple[type[Base], dict[str, Any]]]
DAYS_KEPT = 366
STEP = Decimal("0.003")
"""How far a day's price can lie from that of the day before, as a share of it."""


def past_prices(mids: dict[str, str], today: dt.date) -> Rows:
    """Prices of the weekdays of the year before *today* that lead up to *mids*."""
    for currency, text in mids.items():
        mid = Decimal(text)
        finest = Decimal("0.01") if mid >= UNIT else Decimal("0.0001")
        for back in range(DAYS_KEPT):
            day = today - dt.timedelta(days=back)
            if day.weekday() < 5:
                yield DailyMid, {"currency": currency, "day": day, "mid": mid.quantize(finest, ROUND_HALF_UP)}
                mid /= 1 + _step(currency, day)


def _step(currency: str, day: dt.date) -> Decimal:
    mixed = hashlib.sha256(f"{currency} {day.isoformat()}".encode()).digest()
    return STEP * (Decimal(int.from_bytes(mixed[:4])) / Decimal(2**31) - 1)


def remittances(told: dict[str, Any], now: dt.datetime) -> Rows:
    """The rows of what ``demo_bank/remittances.yml`` tells, as of *now*."""
    today = now.astimezone(BEIJING).date()
    for account_id, entries in told["accounts"].items():
        for number, entry in enumerate(entries, start=1):
            steps = [
                (stage, dt.datetime.combine(today - dt.timedelta(days=days), dt.time.fromisoformat(clock), BEIJING))
                for days, clock, stage in entry["steps"]
            ]
            reference = _reference(account_id, "remittance", number, steps[0][1])
            yield Remittance, {"reference": reference, "account_id": account_id, **_remittance(told, entry, today)}
            for place, (stage, at) in enumerate(steps, start=1):
                yield RemittanceStep, {"reference": reference, "number": place, "stage": stage, "at": at}


def banknotes(told: dict[str, Any], mids: dict[str, str], now: dt.datetime) -> Rows:
    """The rows of what ``demo_bank/fx_cash.yml`` tells, as of *now*, counted at the prices *mids*."""
    today = now.astimezone(BEIJING).date()
    for currency, step in told["notes"].items():
        yield NoteKind, {"currency": currency, "step": Money.of(step, currency).minor}
    for number, (customer_id, account_id, branch_id, amount, currency, ago, ahead) in enumerate(
        told["reservations"], start=1
    ):
        reserved_at = now - dt.timedelta(days=ago)
        pickup_on = today + dt.timedelta(days=ahead)
        pickup_on += dt.timedelta(days=7 - pickup_on.weekday() if pickup_on.weekday() >= 5 else 0)
        money = Money.of(amount, currency)
        counted = in_usd(money, Decimal(mids[currency]), Decimal(mids["USD"])).minor
        yield (
            CashReservation,
            {
                "reference": _reference(account_id, "reservation", number, reserved_at),
                "customer_id": customer_id,
                "account_id": account_id,
                "branch_id": branch_id,
                "currency": currency,
                "amount": money.minor,
                "amount_usd": counted,
                "pickup_on": pickup_on,
                "reserved_at": reserved_at,
                "cancelled_at": None,
            },
        )
        yield CashDay, {"customer_id": customer_id, "day": pickup_on, "reserved_usd": counted}


def _remittance(told: dict[str, Any], entry: dict[str, Any], today: dt.date) -> dict[str, Any]:
    outgoing = "to" in entry
    side = entry["to"] if outgoing else entry["from"]
    country, bank = told["countries"][entry["country"]], told["banks"][entry["bank"]]
    documents = entry.get("documents", {})
    currency = entry["currency"]
    return {
        "direction": "outgoing" if outgoing else "incoming",
        "counterparty": side["zh"],
        "counterparty_en": side["en"],
        "is_person": not entry.get("company", False),
        "bank": bank["zh"],
        "bank_en": bank["en"],
        "bank_also": bank["also"],
        "country": country["zh"],
        "country_en": country["en"],
        "country_also": country["also"],
        "currency": currency,
        "amount": Money.of(entry["amount"], currency).minor,
        "fee": Money.of(entry.get("fee", "0")).minor,
        "abroad_fee": Money.of(entry.get("abroad_fee", "0"), currency).minor,
        "purpose": entry["purpose"],
        "expected_on": today + dt.timedelta(days=entry.get("expected_in", 0)),
        "documents": documents.get("zh"),
        "documents_en": documents.get("en"),
        "return_reason": entry.get("returns"),
    }


def _reference(account_id: str, kind: str, number: int, first: dt.datetime) -> str:
    """The bank's number for something of the past: its day and ten digits."""
    mixed = hashlib.sha256(f"{account_id} {kind} {number}".encode()).digest()
    return f"{first.astimezone(BEIJING):%Y%m%d}{int.from_bytes(mixed[:8]) % 10**10:010d}"
