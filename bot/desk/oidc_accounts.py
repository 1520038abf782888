"""Accounts of those whom the bank's identity provider vouches for: made at the first sign-in, renewed at every other.

The provider says who they are and what they may do; the desk says how many conversations they hold, and whether the
account is open.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot import audit
from bot.allowances import Allowance
from bot.desk.accounts import COLUMNS, Rep, TooManyTries, end_sessions, rep_of
from bot.desk.oidc_client import Identity, OidcRefused, Why
from bot.desk.oidc_groups import Grant
from bot.desk.passwords import NOBODYS
from bot.desk.tables import RepRow

ACTOR = "oidc"
"""Who changes an account, in the audit trail."""
TRIES_AN_HOUR_ADDRESS = 600
"""Sign-ins through the provider that one address may end in an hour: each asks the provider. There is nothing to guess."""
MAX_NAME, MAX_DISPLAY_NAME = 32, 32
"""Characters."""
_MADE_AGAIN = 8
"""How often a name is looked for that nobody else took meanwhile."""


class OidcAccounts:
    """The provider's part of the desk's accounts. *address_tries* is how many sign-ins one address may end in an hour."""

    def __init__(self, engine: AsyncEngine, *, address_tries: int = TRIES_AN_HOUR_ADDRESS) -> None:
        self._engine = engine
        self._address = Allowance("desk_oidc", address_tries)

    async def count_try(self, address: str | None, now: dt.datetime) -> None:
        """Count a try of *address* before the provider is asked. Raises ``TooManyTries``."""
        if address is None:
            return
        async with self._engine.begin() as connection:
            if not await self._address.take(connection, address, now):
                raise TooManyTries(3600)

    async def note_refused(self, why: Why, now: dt.datetime) -> None:
        """Keep that somebody was refused before it was known who."""
        async with self._engine.begin() as connection:
            await _note_refused(connection, "nobody", why, now)

    async def sign_in(self, identity: Identity, grant: Grant | None, now: dt.datetime) -> Rep:
        """The account of *identity* as *grant* has it, made if there is none.

        Raises ``OidcRefused``: without a grant, which also signs the account out everywhere, and where it is shut.
        """
        if grant is None:
            await self._without_role(identity, now)
            raise OidcRefused("no_role")
        for name in _names(identity):
            try:
                async with self._engine.begin() as connection:
                    row = await _held(connection, identity)
                    if row is None:
                        row = await _make(connection, identity, grant, name, now)
                    elif row.active:
                        row = await _renew(connection, row, identity, grant, now)
                    if row.active:
                        await audit.note(connection, "sign_in", actor=row.id, at=now, by=ACTOR)
                    else:
                        await _note_refused(connection, row.id, "shut", now)
            except IntegrityError:
                # The name is somebody else's, or another process made the same account.
                continue
            if not row.active:
                raise OidcRefused("shut")
            return rep_of(row)
        raise RuntimeError("no name is free")

    async def _without_role(self, identity: Identity, now: dt.datetime) -> None:
        async with self._engine.begin() as connection:
            row = await _held(connection, identity)
            if row is not None:
                await end_sessions(connection, row.id)
            await _note_refused(connection, row.id if row else "nobody", "no_role", now)


async def _held(connection: AsyncConnection, identity: Identity) -> Row[Any] | None:
    theirs = (RepRow.issuer == identity.issuer, RepRow.subject == identity.subject)
    return (await connection.execute(select(*COLUMNS).where(*theirs).with_for_update())).one_or_none()


async def _make(connection: AsyncConnection, identity: Identity, grant: Grant, name: str, now: dt.datetime) -> Row[Any]:
    shown = shown_name(identity.claims, name)
    row = {
        "id": f"rep-{secrets.token_hex(6)}",
        "name": name,
        "display_name": shown,
        "display_name_en": shown,
        "role": grant.role,
        "skills": " ".join(grant.skills or ()),
        "language": "en" if str(identity.claims.get("locale")).startswith("en") else "zh",
        # A password is not even looked at; were it, nobody has this one.
        "password_hash": NOBODYS,
        "issuer": identity.issuer,
        "subject": identity.subject,
        "created_at": now,
        "updated_at": now,
    }
    made = (await connection.execute(insert(RepRow).values(**row).returning(*COLUMNS))).one()
    await audit.note(connection, "account.created", actor=ACTOR, at=now, rep=made.id, name=name, role=grant.role)
    return made


async def _renew(
    connection: AsyncConnection, before: Row[Any], identity: Identity, grant: Grant, now: dt.datetime
) -> Row[Any]:
    """Bring the account to what the provider says now; unlike on the page, the last admin may cease to be one."""
    shown = shown_name(identity.claims, before.name)
    told = {"role": grant.role, "display_name": shown}
    if grant.skills is not None:
        told["skills"] = " ".join(grant.skills)
    changes = {field: value for field, value in told.items() if getattr(before, field) != value}
    if "display_name" in changes:
        changes["display_name_en"] = shown
    if not changes:
        return before
    if "role" in changes:
        await end_sessions(connection, before.id)
    await audit.note(connection, "account.changed", actor=ACTOR, at=now, rep=before.id, **changes)
    statement = update(RepRow).where(RepRow.id == before.id).values(**changes, updated_at=now).returning(*COLUMNS)
    return (await connection.execute(statement)).one()


async def _note_refused(connection: AsyncConnection, actor: str, why: Why, now: dt.datetime) -> None:
    await audit.note(connection, "sign_in.refused", actor=actor, at=now, by=ACTOR, why=why)


def shown_name(claims: Mapping[str, Any], otherwise: str) -> str:
    """What customers see: the ``name`` that the provider has, without what would disturb the text around it."""
    told = claims.get("name")
    kept = "".join(
        each
        for each in unicodedata.normalize("NFC", told if isinstance(told, str) else "")
        if unicodedata.category(each) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
    )
    return " ".join(kept.split())[:MAX_DISPLAY_NAME].strip() or otherwise


def _names(identity: Identity) -> Iterator[str]:
    """Names for the account, the nicest first. They only label it: who has which account goes by the subject."""
    told = identity.claims.get("preferred_username")
    plain = re.sub(r"[^a-z0-9._-]+", "-", told.split("@")[0].lower()) if isinstance(told, str) else ""
    plain = plain.lstrip("0123456789._-")[:MAX_NAME].rstrip("._-")
    if len(plain) > 1:
        yield plain
    stem = plain[: MAX_NAME - 9].rstrip("._-") or "sso"
    yield f"{stem}-{hashlib.sha256(f'{identity.issuer} {identity.subject}'.encode()).hexdigest()[:8]}"
    for _ in range(_MADE_AGAIN):
        yield f"{stem}-{secrets.token_hex(4)}"
