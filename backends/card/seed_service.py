"""The demo bank's points, annual fees, applications, declines, replacements and disputes: rows from
``demo_bank/card_service.yml``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from backends.card.service_tables import (
    AnnualFee,
    CardApplication,
    Decline,
    Dispute,
    MailingAddress,
    Plastic,
    PointsEntry,
    Replacement,
    Reward,
)
from backends.tables import Base
from backends.values import BEIJING, Money

Rows = Iterator[tuple[type[Base], dict[str, Any]]]
POINTS_LAST_YEARS = 3


def rows(told: dict[str, Any], card_ids: dict[str, str], now: dt.datetime) -> Rows:
    """The rows as of *now*; *told* is what the file holds, *card_ids* name the cards by their last digits."""
    today = now.astimezone(BEIJING).date()
    yield from _points(told, today)
    yield from _fees(told["annual_fees"], card_ids, today)
    yield from _applications(told["applications"], today)
    yield from _declines(told["declines"], card_ids, today)
    yield from _replacements(told, card_ids, now)
    yield from _disputes(told["disputes"], card_ids, now)


def _points(told: dict[str, Any], today: dt.date) -> Rows:
    for reward in told["rewards"]:
        yield (
            Reward,
            {
                "reward_id": reward["id"],
                "name": reward["name"]["zh"],
                "name_en": reward["name"]["en"],
                "points": reward["points"],
            },
        )
    for customer_id, entries in told["points"].items():
        for number, (days, points, reason) in enumerate(entries, start=1):
            day = today - dt.timedelta(days=days)
            yield (
                PointsEntry,
                {
                    "entry_id": f"{customer_id}-{number:03d}",
                    "customer_id": customer_id,
                    "happened_on": day,
                    "points": points,
                    "reason": reason,
                    "expires_on": _month_end(day.year + POINTS_LAST_YEARS, day.month) if points > 0 else None,
                },
            )


def _month_end(year: int, month: int) -> dt.date:
    following = dt.date(year + month // 12, month % 12 + 1, 1)
    return following - dt.timedelta(days=1)


def _fees(told: dict[str, list[Any]], card_ids: dict[str, str], today: dt.date) -> Rows:
    for tail, (fee, waiver, needed, made, ahead, ago, taken) in told.items():
        yield (
            AnnualFee,
            {
                "card_id": card_ids[tail],
                "fee": _minor(fee),
                "waiver": waiver,
                "purchases_needed": needed,
                "purchases_made": made,
                "next_on": today + dt.timedelta(days=ahead),
                "last_on": None if ago is None else today - dt.timedelta(days=ago),
                "last_taken": None if taken is None else _minor(taken),
            },
        )


def _applications(told: list[dict[str, Any]], today: dt.date) -> Rows:
    for number, each in enumerate(told, start=1):
        submitted_on = today - dt.timedelta(days=each["submitted"])
        missing = each.get("missing", {})
        yield (
            CardApplication,
            {
                "reference": _reference(submitted_on, 2000 + number),
                "customer_id": each["customer"],
                "kind": each["kind"],
                "name": each["name"]["zh"],
                "name_en": each["name"]["en"],
                "stage": each["stage"],
                "submitted_on": submitted_on,
                "expected_by": today + dt.timedelta(days=each["expected"]) if "expected" in each else None,
                "decided_on": today - dt.timedelta(days=each["decided"]) if "decided" in each else None,
                "missing": missing.get("zh"),
                "missing_en": missing.get("en"),
                "refusal": each.get("refusal"),
            },
        )


def _declines(told: dict[str, list[Any]], card_ids: dict[str, str], today: dt.date) -> Rows:
    for tail, entries in told.items():
        for number, (days, clock, merchant, amount, reason) in enumerate(entries, start=1):
            day = today - dt.timedelta(days=days)
            yield (
                Decline,
                {
                    "decline_id": f"{card_ids[tail]}-D{number}",
                    "card_id": card_ids[tail],
                    "tried_at": dt.datetime.combine(day, dt.time.fromisoformat(clock), BEIJING),
                    "merchant": merchant["zh"],
                    "merchant_en": merchant["en"],
                    "amount": _minor(amount),
                    "reason": reason,
                },
            )


def _replacements(told: dict[str, Any], card_ids: dict[str, str], now: dt.datetime) -> Rows:
    today = now.astimezone(BEIJING).date()
    for customer_id, (area, area_en, detail) in told["addresses"].items():
        yield MailingAddress, {"customer_id": customer_id, "area": area, "area_en": area_en, "detail": detail}
    under_way = {}
    for number, each in enumerate(told["replacements"], start=1):
        asked_at = now - dt.timedelta(days=each["asked"])
        expected_by = today + dt.timedelta(days=each["expected"])
        under_way[each["card"]] = expected_by
        yield (
            Replacement,
            {
                "reference": _reference(asked_at.astimezone(BEIJING).date(), 3000 + number),
                "customer_id": each["customer"],
                "card_id": card_ids[each["card"]],
                "reason": each["reason"],
                "fee": _minor(each["fee"]),
                "asked_at": asked_at,
                "mailed_on": today - dt.timedelta(days=each["mailed"]),
                "expected_by": expected_by,
                "delivered_on": today - dt.timedelta(days=each["delivered"]) if "delivered" in each else None,
            },
        )
    for tail, days in told["plastics"].items():
        yield (
            Plastic,
            {
                "card_id": card_ids[tail],
                "valid_until": today + dt.timedelta(days=days),
                "replacing_until": under_way.get(tail),
            },
        )


def _disputes(told: list[dict[str, Any]], card_ids: dict[str, str], now: dt.datetime) -> Rows:
    for number, each in enumerate(told, start=1):
        registered_at = now - dt.timedelta(days=each["days"])
        day = registered_at.astimezone(BEIJING).date()
        yield (
            Dispute,
            {
                "reference": _reference(day, 4000 + number),
                "customer_id": each["customer"],
                "transaction_id": f"{card_ids[each['card']]}-{each['transaction']}",
                "reason": each["reason"],
                "state": each["state"],
                "registered_at": registered_at,
                "answer_by": now.astimezone(BEIJING).date() + dt.timedelta(days=each["answer"]),
            },
        )


def _reference(day: dt.date, number: int) -> str:
    return f"{day:%Y%m%d}{number:010d}"


def _minor(number: str) -> int:
    return Money.of(number).minor
