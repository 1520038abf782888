"""Letting a desk that the bank has already show one conversation in a frame: a one-use ticket, then a session of its own.

The bank's server, which shares a key with us, asks for the ticket and vouches for whoever will look. The ticket stands in
the frame's address, where others may read it later, so it opens once and soon; the session never leaves the frame's page.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from typing import Literal

from redis.asyncio import Redis

from bot.message import Frozen

TICKET_LIFE = dt.timedelta(seconds=60)
IDLE = dt.timedelta(minutes=5)
"""How long a frame may be silent; one that is open asks every few seconds."""
LIFE = dt.timedelta(hours=8)
"""How long a frame may be looked at: after that the bank's desk asks for another ticket."""


class Embed(Frozen):
    """Who may look at which conversation until when. *agent* is the bank's own name for whoever looks."""

    conversation_id: str
    agent: str
    language: Literal["zh", "en"]
    until: dt.datetime


class Embeds:
    """The tickets and sessions of frames, in Redis: emptying it closes frames, and loses nothing."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def issue(self, conversation_id: str, agent: str, language: Literal["zh", "en"], now: dt.datetime) -> str:
        """A ticket for one look of *agent* at the conversation. Raises ``RedisError``."""
        ticket = secrets.token_urlsafe(32)
        embed = Embed(conversation_id=conversation_id, agent=agent, language=language, until=now + LIFE)
        await self._redis.set(_key("ticket", ticket), embed.model_dump_json(), ex=TICKET_LIFE)
        return ticket

    async def begin(self, ticket: str) -> tuple[Embed, str] | None:
        """What *ticket* opens and the session that it becomes; ``None`` the second time, or too late. Raises ``RedisError``."""
        found = await self._redis.getdel(_key("ticket", ticket))
        if found is None:
            return None
        session = secrets.token_urlsafe(32)
        await self._redis.set(_key("session", session), found, ex=IDLE)
        return Embed.model_validate_json(found), session

    async def find(self, session: str, now: dt.datetime) -> Embed | None:
        """What *session* may look at, while it lasts. Raises ``RedisError``."""
        found = await self._redis.getex(_key("session", session), ex=IDLE)
        embed = Embed.model_validate_json(found) if found is not None else None
        return embed if embed is not None and now < embed.until else None


def _key(kind: str, token: str) -> str:
    # What Redis shows to whoever may look into it opens nothing.
    return f"teller:embed:{kind}:{hashlib.sha256(token.encode()).hexdigest()}"
