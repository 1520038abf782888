"""What the demo bank really answers: every action asked for every demo customer, for measurements that need true results."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from backends import demo
from backends.action import ActionCall, BackendError, BankWrite, Caller, Step
from backends.local import LocalActions
from backends.registry import ACTIONS, KNOWLEDGE, AnyAction
from backends.result import Result
from bot.store import open_database
from intents.capability import catalog

NOW = dt.datetime(2026, 11, 21, 2, 30, 12, tzinfo=dt.UTC)
QUESTIONS = 4
"""How many of a capability's examples are asked of the knowledge base, in each language."""

# What customers may give beside nothing at all; what is theirs (a card, a product) is taken from their own answers.
_GIVEN: tuple[Mapping[str, Any], ...] = (
    {"amount": "500 CNY"},
    {"amount": "60000 USD", "currency": "USD", "currency_to": "CNY"},
    {"currency": "USD"},
    {"currency": "EUR", "amount": "800 EUR", "purpose": "travel"},
    {"currency_from": "USD", "currency_to": "CNY", "amount": "1000"},
    {"city": "上海"},
    {"product_type": "wealth"},
    {"product_type": "fund", "risk_level": "R2"},
    {"deposit_kind": "deposit"},
    {"about": "trend", "currency": "USD"},
    {"topic": "tax"},
    {"flow": "in"},
    {"flow": "out"},
    {"income": "salary"},
    {"limit_kind": "temporary", "direction": "raise", "amount": "20000 CNY", "measure": "to"},
    {"loan_kind": "mortgage", "amount": "100000 CNY"},
    {"merchant": "超市"},
    {"card_kind": "credit", "reason": "replace_damaged"},
)
_THEIRS = ("card_tail", "account_tail", "product_name")


async def specimens(folder: Path) -> list[Result]:
    """The different results of a freshly seeded demo bank, kept in an SQLite file of *folder*."""
    bank = open_database(None, folder, "bank")
    try:
        await demo.seed(bank, NOW)
        actions = LocalActions(bank, lambda: NOW)
        customers = [str(each["customer_id"]) for each in await demo.list_customers(bank)]
        found: dict[str, Result] = {}
        for customer_id in (None, *customers):
            theirs: dict[str, list[str]] = {name: [] for name in _THEIRS}
            caller = Caller(
                customer_id=customer_id,
                assurance="stepped_up" if customer_id else "none",
                conversation_id=f"specimen-{customer_id}",
            )
            for action in ACTIONS:
                for step, given in _asked(action, theirs):
                    try:
                        result = await actions.run(
                            ActionCall(name=action.name, step=step, input=dict(given), key=f"{len(found)}"), caller
                        )
                    except BackendError:
                        continue
                    found.setdefault(result.model_dump_json(exclude={"quote"}), result)
                    for fact in (*result.facts, *(fact for row in result.rows for fact in row)):
                        if fact.name in theirs and fact.value not in theirs[fact.name]:
                            theirs[fact.name].append(fact.value)
        return list(found.values())
    finally:
        await bank.dispose()


def _asked(action: AnyAction, theirs: Mapping[str, list[str]]) -> Iterator[tuple[Step, Mapping[str, Any]]]:
    fields = action.Input.model_fields
    if action.name in KNOWLEDGE:
        capability = catalog().get(action.name)
        for language in ("zh", "en"):
            texts = (
                [example.text for example in capability.parsed_examples() if example.language == language]
                if capability
                else []
            )
            for text in texts[:QUESTIONS]:
                yield "run", {"question": text, "about": action.name, "language": language, "act": "ask"}
        return
    inputs: list[dict[str, Any]] = [{}]
    inputs += [dict(given) for given in _GIVEN if given.keys() <= fields.keys()]
    inputs += [{name: value} for name in _THEIRS if name in fields for value in theirs[name][:3]]
    inputs += [one | {"amount": "500 CNY"} for one in inputs if one.keys() & {*_THEIRS} and "amount" in fields]
    if isinstance(action, BankWrite):
        yield "explain", {}
        yield "status", {}
        yield from (("prepare", given) for given in inputs)
    else:
        yield from (("run", given) for given in inputs)
