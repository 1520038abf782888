"""The demo bank's account history and transfers, as rows."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from typing import Any

from backends.account.tables import Entry, Transfer
from backends.account.transfers import masked
from backends.tables import Base
from backends.values import BEIJING, Money

Rows = Iterator[tuple[type[Base], dict[str, Any]]]
EXPECTED_WITHIN = dt.timedelta(hours=24)
"""By when a transfer between banks is told to arrive."""


def rows(history: dict[str, Any], transfers: dict[str, Any], now: dt.datetime) -> Rows:
    """The rows of what ``demo_bank/account_history.yml`` and ``demo_bank/transfers.yml`` tell, up to *now*."""
    today = now.astimezone(BEIJING).date()
    yield from _history(history, today, now)
    yield from _transfers(transfers, today, now)


def _history(told: dict[str, Any], today: dt.date, now: dt.datetime) -> Rows:
    for account_id, history in told["accounts"].items():
        dated = [(today - dt.timedelta(days=days), *rest) for days, *rest in history["entries"]]
        for day, *rest in history["monthly"]:
            dated += [(each, *rest) for each in _days_of_month(day, today, told["months"])]
        for number, (day, clock, kind, side, amount, channel) in enumerate(dated, start=1):
            at = dt.datetime.combine(day, dt.time.fromisoformat(clock), BEIJING)
            if at > now:
                continue
            named = told["sides"][side]
            yield _entry(
                f"{account_id}-{number}",
                account_id,
                at,
                kind,
                (named["zh"], named["en"]),
                Money.of(amount).minor,
                channel,
            )


def _days_of_month(day: int, today: dt.date, months: int) -> list[dt.date]:
    """The *day* of this month and of those before it."""
    month = today.year * 12 + today.month - 1
    return [dt.date(back // 12, back % 12 + 1, day) for back in range(month, month - months, -1)]


def _transfers(told: dict[str, Any], today: dt.date, now: dt.datetime) -> Rows:
    for account_id, transfers in told["accounts"].items():
        for number, each in enumerate(transfers, start=1):
            sent_at = _sent_at(each, today, now)
            outgoing = "to" in each
            side = each["to"] if outgoing else each["from"]
            is_person = not each.get("company", False)
            bank = told["banks"][each["bank"]]
            amount = Money.of(each["amount"]).minor
            ended_at = sent_at + dt.timedelta(hours=each["hours"])
            reference = _reference(account_id, number, sent_at)
            yield (
                Transfer,
                {
                    "reference": reference,
                    "account_id": account_id,
                    "direction": "outgoing" if outgoing else "incoming",
                    "counterparty": side["zh"],
                    "counterparty_en": side["en"],
                    "is_person": is_person,
                    "counterparty_tail": each["tail"],
                    "bank": bank["zh"],
                    "bank_en": bank["en"],
                    "bank_also": bank["also"],
                    "channel": each["channel"],
                    "amount": amount,
                    "sent_at": sent_at,
                    "expected_at": sent_at + EXPECTED_WITHIN,
                    "ended_at": ended_at,
                    "return_reason": each.get("returns"),
                },
            )
            shown = (masked(side["zh"]), masked(side["en"])) if is_person else (side["zh"], side["en"])
            booked_at = sent_at if outgoing else ended_at
            yield _entry(reference, account_id, booked_at, "transfer", shown, -amount if outgoing else amount, None)
            if "returns" in each:
                yield _entry(f"{reference}-R", account_id, ended_at, "refund", shown, amount, None)


def _sent_at(each: dict[str, Any], today: dt.date, now: dt.datetime) -> dt.datetime:
    if "minutes" in each:
        return now - dt.timedelta(minutes=each["minutes"])
    days, clock = each["sent"]
    return dt.datetime.combine(today - dt.timedelta(days=days), dt.time.fromisoformat(clock), BEIJING)


def _reference(account_id: str, number: int, sent_at: dt.datetime) -> str:
    """The bank's number for a transfer: its day and ten digits."""
    mixed = hashlib.sha256(f"{account_id} transfer {number}".encode()).digest()
    return f"{sent_at.astimezone(BEIJING):%Y%m%d}{int.from_bytes(mixed[:8]) % 10**10:010d}"


def _entry(
    entry_id: str,
    account_id: str,
    booked_at: dt.datetime,
    kind: str,
    side: tuple[str, str],
    amount: int,
    channel: str | None,
) -> tuple[type[Base], dict[str, Any]]:
    return (
        Entry,
        {
            "entry_id": entry_id,
            "account_id": account_id,
            "booked_at": booked_at,
            "kind": kind,
            "counterparty": side[0],
            "counterparty_en": side[1],
            "channel": channel,
            "amount": amount,
        },
    )
