"""Reps who are signed in: a random cookie, kept as a hash, that ends by itself and can be ended from here."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import secrets

from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from bot import audit
from bot.desk.accounts import COLUMNS, Rep, rep_of
from bot.desk.tables import DeskSessionRow, RepRow
from bot.message import Frozen
from bot.store import reading

LIFE = dt.timedelta(hours=12)
"""A shift: after it, the password is asked for again whatever was done meanwhile."""
IDLE = dt.timedelta(minutes=60)
"""How long nobody may have done anything; an open page alone does nothing."""
NOTE_EVERY = dt.timedelta(minutes=1)
"""How exactly it is kept when somebody last did something."""


class SignedIn(Frozen):
    """A rep on one device. ``digest`` names the session, ``csrf`` is what its pages send along with every act."""

    rep: Rep
    csrf: str
    digest: str

    def has_sent(self, token: str | None) -> bool:
        """Whether *token* is this session's ``csrf``, compared in constant time."""
        return token is not None and hmac.compare_digest(self.csrf.encode(), token.encode())


class Sessions:
    """The sessions of this desk."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def begin(self, rep: Rep, address: str | None, now: dt.datetime) -> str:
        """Sign *rep* in; the cookie's value, told once. Sessions that are over are cleared away."""
        token = secrets.token_urlsafe(32)
        row = {
            "digest": _digest(token),
            "rep_id": rep.id,
            "csrf": secrets.token_urlsafe(32),
            "address": address,
            "created_at": now,
            "seen_at": now,
        }
        over = (DeskSessionRow.created_at <= now - LIFE) | (DeskSessionRow.seen_at <= now - IDLE)
        async with self._engine.begin() as connection:
            await connection.execute(delete(DeskSessionRow).where(DeskSessionRow.rep_id == rep.id, over))
            await connection.execute(insert(DeskSessionRow).values(**row))
        return token

    async def find(self, token: str, now: dt.datetime, *, touch: bool = True) -> SignedIn | None:
        """Who holds *token*, while it is good. With *touch* this is somebody doing something."""
        digest = _digest(token)
        query = (
            select(*COLUMNS, DeskSessionRow.csrf, DeskSessionRow.seen_at)
            .join(DeskSessionRow, DeskSessionRow.rep_id == RepRow.id)
            .where(DeskSessionRow.digest == digest, *_is_good(now))
        )
        async with reading(self._engine) as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            return None
        if touch and now - row.seen_at >= NOTE_EVERY:
            async with self._engine.begin() as connection:
                await connection.execute(
                    update(DeskSessionRow).where(DeskSessionRow.digest == digest).values(seen_at=now)
                )
        return SignedIn(rep=rep_of(row), csrf=row.csrf, digest=digest)

    async def holds(self, digest: str, now: dt.datetime) -> bool:
        """Whether the session of that digest is good still."""
        query = (
            select(DeskSessionRow.digest)
            .join(RepRow, RepRow.id == DeskSessionRow.rep_id)
            .where(DeskSessionRow.digest == digest, *_is_good(now))
        )
        async with reading(self._engine) as connection:
            return await connection.scalar(query) is not None

    async def any_of(self, rep_id: str, now: dt.datetime) -> bool:
        """Whether the rep is signed in anywhere."""
        query = (
            select(DeskSessionRow.digest)
            .join(RepRow, RepRow.id == DeskSessionRow.rep_id)
            .where(DeskSessionRow.rep_id == rep_id, *_is_good(now))
            .limit(1)
        )
        async with reading(self._engine) as connection:
            return await connection.scalar(query) is not None

    async def end(self, signed_in: SignedIn, now: dt.datetime) -> None:
        """Sign out; the cookie opens nothing any more."""
        async with self._engine.begin() as connection:
            await connection.execute(delete(DeskSessionRow).where(DeskSessionRow.digest == signed_in.digest))
            await audit.note(connection, "sign_out", actor=signed_in.rep.id, at=now)


def _is_good(now: dt.datetime) -> tuple[ColumnElement[bool], ...]:
    return DeskSessionRow.created_at > now - LIFE, DeskSessionRow.seen_at > now - IDLE, RepRow.active.is_(True)


def _digest(token: str) -> str:
    # 256 random bits cannot be guessed from their hash.
    return hashlib.sha256(token.encode()).hexdigest()
