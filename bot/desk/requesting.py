"""What a rep asks the bot to begin with the customer whom they hold: the bot's own journey does it, the customer confirms it."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot import audit
from bot.desk.accounts import Rep
from bot.desk.holding import HeldElsewhere
from bot.desk.summary import label_of
from bot.events import insert_events
from bot.message import Frozen, NewEvent, WriteRequest
from bot.principal import Principal
from bot.records import ConversationRow, InboxRow
from bot.signals import Signals
from intents.capability import Capability, catalog


class NotAWrite(LookupError):
    """That capability is no write that is served in the conversation's channel."""


class Asked(Frozen):
    """What a rep asks for. ``request_id`` is the page's own: the same again is the same request. ``details`` are words such as
    the customer's own ("尾号8888"); what they leave open the bot asks the customer."""

    request_id: str
    capability: str
    details: str = ""


class Requesting:
    """Putting a rep's request into the customer's inbox. *mask* removes what must never rest (class C3) from its details."""

    def __init__(self, engine: AsyncEngine, signals: Signals, mask: Callable[[str], str]) -> None:
        self._engine = engine
        self._signals = signals
        self._mask = mask

    async def request(self, conversation_id: str, rep: Rep, asked: Asked, now: dt.datetime) -> int:
        """Let the bot begin it with the customer; its number.

        It runs with the rights of whoever is signed in to the conversation, takes the place of what the bot had under way
        there, and nothing of it is done before the customer confirms. Raises ``NotAWrite``, and ``HeldElsewhere`` where the
        conversation is not *rep*'s.
        """
        try:
            seq = await self._store(conversation_id, rep, asked, now)
        except _AskedBefore as before:
            return before.seq
        self._signals.tell("message", conversation_id)
        self._signals.tell("event", conversation_id)
        return seq

    async def _store(self, conversation_id: str, rep: Rep, asked: Asked, now: dt.datetime) -> int:
        message_id = f"request-{asked.request_id}"
        async with self._engine.begin() as connection:
            row = await _numbered(connection, conversation_id, rep, now)
            # Raises where it was: the number that was taken is given up with the transaction.
            await _demand_new(connection, conversation_id, message_id)
            capability = next((each for each in writes_in(row.channel) if each.name == asked.capability), None)
            if capability is None:
                raise NotAWrite(asked.capability)
            topic, topic_en = label_of(capability.name, "zh"), label_of(capability.name, "en")
            data = {
                "capability": capability.name,
                "topic": topic,
                "topic_en": topic_en,
                "name": rep.display_name,
                "name_en": rep.display_name_en,
            }
            event = NewEvent(type="write.requested", actor="rep", data=data)
            await insert_events(connection, conversation_id, row.seq, [event], now)
            text = self._mask(asked.details.strip()) or topic
            principal = Principal(channel=row.channel, customer_id=row.customer_id, assurance=row.assurance)
            inbox = {
                "conversation_id": conversation_id,
                "seq": row.seq,
                "message_id": message_id,
                # Of the rep's own words: unlike a customer's, they never hold a code.
                "body_hash": hashlib.sha256(text.encode()).hexdigest(),
                "text": text,
                "principal": principal.model_dump(mode="json"),
                "request": WriteRequest(capability=capability.name, rep_id=rep.id).model_dump(mode="json"),
                "channel": row.channel,
                "received_at": now,
            }
            await connection.execute(insert(InboxRow).values(**inbox))
            told = {"seq": row.seq, "capability": capability.name, "customer": row.customer_id}
            await audit.note(
                connection, "write.requested", actor=rep.id, at=now, conversation_id=conversation_id, **told
            )
        return int(row.seq)


class _AskedBefore(Exception):
    """The request of that id was made a moment ago, as ``seq``."""

    def __init__(self, seq: int) -> None:
        super().__init__(seq)
        self.seq = seq


async def _numbered(connection: AsyncConnection, conversation_id: str, rep: Rep, now: dt.datetime) -> Any:
    row = (
        await connection.execute(
            update(ConversationRow)
            .where(ConversationRow.id == conversation_id, ConversationRow.owner == rep.id)
            .values(seq=ConversationRow.seq + 1, updated_at=now)
            .returning(
                ConversationRow.seq, ConversationRow.channel, ConversationRow.customer_id, ConversationRow.assurance
            )
        )
    ).one_or_none()
    if row is None:
        holder = await connection.scalar(select(ConversationRow.owner).where(ConversationRow.id == conversation_id))
        raise HeldElsewhere(holder)
    return row


async def _demand_new(connection: AsyncConnection, conversation_id: str, message_id: str) -> None:
    """Raises ``_AskedBefore``."""
    query = select(InboxRow.seq).where(InboxRow.conversation_id == conversation_id, InboxRow.message_id == message_id)
    before = await connection.scalar(query)
    if before is not None:
        raise _AskedBefore(before)


def writes_in(channel: str) -> Sequence[Capability]:
    """The writes that are served in *channel*, those that protect the customer first."""
    served = [
        each
        for each in catalog().values()
        if each.kind == "write" and each.status == "served" and (not each.channels or channel in each.channels)
    ]
    return sorted(served, key=lambda each: not each.protective)
