"""Conversations: opened with a secret that only their owner keeps, found again by it or by a channel's label."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import secrets
from typing import Any

from pydantic import Field
from sqlalchemy import ColumnElement, Row, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from backends.action import Assurance
from bot import audit
from bot.events import insert_events
from bot.message import Frozen, NewEvent
from bot.principal import Principal
from bot.records import ConversationRow
from bot.session import Page, Session
from bot.store import reading

BOT = "bot"
"""The owner of a conversation that no human holds. ``queue`` is one that waits for a human; else it is a rep's id."""


SIGNED_IN = "conversation.signed_in"
"""The event after which the secrets given out before it open nothing any more."""


class SignInRefused(Exception):
    """The secret that was shown is over, or the conversation is another customer's."""


class Conversation(Frozen):
    """Who talks where. ``label`` is a channel's own name for it, ``seq`` the number of its last event."""

    id: str
    channel: str
    label: str | None
    customer_id: str | None
    assurance: Assurance
    language: str | None
    owner: str
    version: int
    seq: int
    created_at: dt.datetime
    updated_at: dt.datetime
    secret_hash: str = Field(repr=False, exclude=True)

    def opens_with(self, secret: str) -> bool:
        """Whether *secret* is the one that was given out, compared in constant time."""
        return hmac.compare_digest(self.secret_hash, _hash(secret))


class Conversations:
    """The conversations of this bot."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def create(
        self,
        *,
        channel: str,
        principal: Principal,
        now: dt.datetime,
        language: str | None = None,
        label: str | None = None,
        page: Page | None = None,
    ) -> tuple[Conversation, str]:
        """A new conversation of *principal*, opened on *page*, and its secret: told once and kept only as a hash.

        Raises ``IntegrityError`` where *label* is taken; ``for_label`` is for those who may come second.
        """
        row, secret = _fresh(channel, principal, now, language, label)
        async with self._engine.begin() as connection:
            session = {} if page is None else Session(page=page).model_dump(mode="json", exclude_defaults=True)
            await connection.execute(insert(ConversationRow).values(**row, session=session))
        return _conversation(row), secret

    async def get(self, conversation_id: str) -> Conversation | None:
        """The conversation of that id."""
        return await self._one(ConversationRow.id == conversation_id)

    async def by_label(self, channel: str, customer_id: str | None, label: str) -> Conversation | None:
        """The conversation that *channel* knows as *label* and that is *customer_id*'s, or nobody's for ``None``.

        The same label said by somebody else, or by nobody, is another conversation.
        """
        return await self._one(
            ConversationRow.channel == channel,
            ConversationRow.label == label,
            ConversationRow.customer_id == customer_id
            if customer_id is not None
            else ConversationRow.customer_id.is_(None),
        )

    async def for_label(
        self, *, channel: str, principal: Principal, label: str, now: dt.datetime, language: str | None = None
    ) -> Conversation:
        """The conversation of *label* and *principal*'s customer, opened if there is none; one, however many ask at once."""
        found = await self.by_label(channel, principal.customer_id, label)
        if found is not None:
            return found
        row, _ = _fresh(channel, principal, now, language, label)
        async with self._engine.begin() as connection:
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            await connection.execute(dialect.insert(ConversationRow).values(**row).on_conflict_do_nothing())
        found = await self.by_label(channel, principal.customer_id, label)
        assert found is not None
        return found

    async def sign_in(self, seen: Conversation, customer_id: str, now: dt.datetime) -> str:
        """Make the conversation *customer_id*'s, or confirm that it is, and give its new secret.

        *seen* is the conversation as its secret opened it: that secret is over, and with it whatever a stranger who knew
        it could do. Of two who sign in at once one wins. Raises ``SignInRefused``; whoever signs in tells ``Signals``.
        """
        secret = secrets.token_urlsafe(32)
        async with self._engine.begin() as connection:
            seq = await connection.scalar(
                update(ConversationRow)
                .where(
                    ConversationRow.id == seen.id,
                    ConversationRow.secret_hash == seen.secret_hash,
                    or_(ConversationRow.customer_id.is_(None), ConversationRow.customer_id == customer_id),
                )
                .values(
                    customer_id=customer_id,
                    assurance="signed_in",
                    secret_hash=_hash(secret),
                    seq=ConversationRow.seq + 1,
                    updated_at=now,
                )
                .returning(ConversationRow.seq)
            )
            if seq is None:
                raise SignInRefused(seen.id)
            event = NewEvent(type=SIGNED_IN, actor="customer", data={})
            await insert_events(connection, seen.id, seq, [event], now)
            await audit.note(connection, "signed_in", actor=customer_id, at=now, conversation_id=seen.id)
        return secret

    async def change_owner(self, conversation_id: str, seen: str, owner: str, now: dt.datetime, *, actor: str) -> bool:
        """Give the conversation from *seen*, who held it when the caller looked, to *owner*; ``False`` if it was not so.

        One conditional update: of many who try at once, one wins.
        """
        async with self._engine.begin() as connection:
            changed = await connection.execute(
                update(ConversationRow)
                .where(ConversationRow.id == conversation_id, ConversationRow.owner == seen)
                .values(owner=owner, version=ConversationRow.version + 1, updated_at=now)
            )
            if changed.rowcount != 1:
                return False
            await audit.note(
                connection, "owner", actor=actor, at=now, conversation_id=conversation_id, was=seen, now=owner
            )
            return True

    async def _one(self, *conditions: ColumnElement[bool]) -> Conversation | None:
        columns = [getattr(ConversationRow, name) for name in Conversation.model_fields]
        async with reading(self._engine) as connection:
            row: Row[Any] | None = (await connection.execute(select(*columns).where(*conditions))).first()
        return Conversation(**row._mapping) if row else None


def _fresh(
    channel: str, principal: Principal, now: dt.datetime, language: str | None, label: str | None
) -> tuple[dict[str, Any], str]:
    secret = secrets.token_urlsafe(32)
    row = {
        "id": secrets.token_hex(12),
        "secret_hash": _hash(secret),
        "channel": channel,
        "label": label,
        "customer_id": principal.customer_id,
        "assurance": principal.assurance,
        "language": language,
        "created_at": now,
        "updated_at": now,
    }
    return row, secret


def _conversation(row: dict[str, Any]) -> Conversation:
    return Conversation(**row, owner=BOT, version=0, seq=0)


def _hash(secret: str) -> str:
    # 256 random bits cannot be guessed from their hash: a slow or keyed one would add nothing.
    return hashlib.sha256(secret.encode()).hexdigest()
