"""The customer beside the conversation: masked until the rep asks to see them, which is kept in the audit trail."""

from __future__ import annotations

import asyncio
import datetime as dt

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from backends.action import ActionCall, BackendError, Caller
from backends.result import Fact
from bot.message import Frozen
from bot.parts import Parts
from bot.records import WriteRow
from bot.store import reading

PATIENCE = 3.0
"""Seconds that the bank has to say who a customer is before the card is shown without."""
WRITES = 5
"""Effects that a card lists."""


class Effect(Frozen):
    """Something that was done for the customer, or meant to be."""

    capability: str
    status: str
    at: dt.datetime


class CustomerCard(Frozen):
    """What is known of the customer. ``revealed`` says that nothing is masked; ``known`` that the bank answered."""

    customer_id: str
    name: str = ""
    honorific: str = ""
    tier: str = ""
    age: str = ""
    phone_tail: str = ""
    revealed: bool = False
    known: bool = False
    effects: tuple[Effect, ...] = ()


class Customers:
    """Asking the bank who a customer is."""

    def __init__(self, engine: AsyncEngine, parts: Parts) -> None:
        self._engine = engine
        self._parts = parts

    async def card(
        self, customer_id: str, conversation_id: str, language: str, *, reveal: bool = False
    ) -> CustomerCard:
        """The customer's card in *language*, masked unless *reveal*."""
        caller = Caller(customer_id=customer_id, channel="desk", assurance="signed_in", conversation_id=conversation_id)
        try:
            async with asyncio.timeout(PATIENCE):
                result = await self._parts.actions.run(ActionCall(name="customer_profile"), caller)
            facts = {fact.name: fact for fact in result.facts} if result.outcome == "found" else {}
        except (BackendError, TimeoutError):
            facts = {}
        effects = await self._effects(customer_id)
        shown = {name: fact.spoken(language) for name, fact in facts.items()}
        if not facts:
            return CustomerCard(customer_id=_masked_id(customer_id, reveal=reveal), effects=effects)
        return CustomerCard(
            customer_id=_masked_id(customer_id, reveal=reveal),
            name=shown.get("name", "") if reveal else masked_name(shown.get("name", "")),
            honorific=shown.get("honorific", ""),
            tier=facts["tier"].value if "tier" in facts else "",
            age=_years(facts.get("age"), exactly=reveal),
            phone_tail=shown.get("phone_tail", "") if reveal else "••••",
            revealed=reveal,
            known=True,
            effects=effects,
        )

    async def _effects(self, customer_id: str) -> tuple[Effect, ...]:
        query = (
            select(WriteRow.capability, WriteRow.status, WriteRow.updated_at.label("at"))
            .where(WriteRow.customer_id == customer_id)
            .order_by(WriteRow.updated_at.desc())
            .limit(WRITES)
        )
        async with reading(self._engine) as connection:
            return tuple(Effect(**row._mapping) for row in await connection.execute(query))


def masked_name(name: str) -> str:
    """The first character of a Chinese name, the first letter of each word of another: GB/T 35273 asks for as little."""
    if name.isascii():
        return " ".join(f"{word[:1]}***" for word in name.split())
    return f"{name[:1]}{'*' * max(1, len(name) - 1)}" if name else ""


def _masked_id(customer_id: str, *, reveal: bool) -> str:
    return customer_id if reveal else f"{customer_id[:1]}{'•' * max(1, len(customer_id) - 3)}{customer_id[-2:]}"


def _years(age: Fact | None, *, exactly: bool) -> str:
    """The age, or the decade that it is in."""
    if age is None:
        return ""
    return age.value if exactly else f"{int(age.value) // 10 * 10}+"
