"""Whose a platform's user is: bound by a link that a signed-in customer makes, shows once, and can take back.

The link goes from the bank's page into the platform, never the other way: a stranger's link that somebody is talked into
opening binds that somebody to the stranger's account, and gives the stranger nothing.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets

from sqlalchemy import delete, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from bot import audit
from bot.allowances import Allowance
from bot.message import Frozen
from bot.records import BindingLinkRow, BindingRow
from bot.store import reading

LIFETIME = dt.timedelta(minutes=10)
"""For how long a link may be shown."""
REPEATED = dt.timedelta(minutes=1)
"""After binding: a platform that had no answer delivers the message with the link again."""
LINKS_AN_HOUR = 10
"""Links that one customer may make."""
_LINK = re.compile(r"/bind/([A-Za-z0-9_-]{32})(?![A-Za-z0-9_-])")


class TooManyLinks(Exception):
    """This customer made as many links as an hour allows."""


class Link(Frozen):
    """What ``Bindings.redeem`` takes, told once, and until when."""

    code: str
    expires_at: dt.datetime


class Binding(Frozen):
    """*user_id* of *channel* is the customer's."""

    channel: str
    user_id: str
    bound_at: dt.datetime


class Bindings:
    """The bindings of all channels."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._allowance = Allowance("binding_link", LINKS_AN_HOUR)

    async def customer_of(self, channel: str, user_id: str) -> str | None:
        """Whose customer the platform's user is; ``None`` for one that nobody has bound."""
        query = select(BindingRow.customer_id).where(BindingRow.channel == channel, BindingRow.user_id == user_id)
        async with reading(self._engine) as connection:
            return await connection.scalar(query)

    async def of(self, customer_id: str) -> list[Binding]:
        """What is bound to the customer."""
        columns = (BindingRow.channel, BindingRow.user_id, BindingRow.bound_at)
        query = select(*columns).where(BindingRow.customer_id == customer_id).order_by(BindingRow.bound_at)
        async with reading(self._engine) as connection:
            return [Binding(**row._mapping) for row in await connection.execute(query)]

    async def make_link(self, customer_id: str, now: dt.datetime) -> Link:
        """A link of the signed-in customer; one made before is over. Raises ``TooManyLinks``."""
        link = Link(code=secrets.token_urlsafe(24), expires_at=now + LIFETIME)
        async with self._engine.begin() as connection:
            if not await self._allowance.take(connection, customer_id, now):
                raise TooManyLinks
            await connection.execute(
                delete(BindingLinkRow).where(
                    (BindingLinkRow.customer_id == customer_id) | (BindingLinkRow.expires_at <= now)
                )
            )
            row = {"digest": _digest(link.code), "customer_id": customer_id, "expires_at": link.expires_at}
            await connection.execute(insert(BindingLinkRow).values(**row))
        return link

    async def redeem(self, code: str, channel: str, user_id: str, now: dt.datetime) -> bool:
        """Bind the user who showed *code*; ``False`` where it is over. Of many who show it at once one is bound.

        One who was bound a moment ago is bound, whatever they show: it is their own message come again.
        """
        async with self._engine.begin() as connection:
            customer_id = await connection.scalar(
                delete(BindingLinkRow)
                .where(BindingLinkRow.digest == _digest(code), BindingLinkRow.expires_at > now)
                .returning(BindingLinkRow.customer_id)
            )
            if customer_id is None:
                mine = (BindingRow.channel == channel, BindingRow.user_id == user_id)
                lately = select(BindingRow.user_id).where(*mine, BindingRow.bound_at > now - REPEATED)
                return await connection.scalar(lately) is not None
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            bound = {"customer_id": customer_id, "bound_at": now}
            await connection.execute(
                dialect.insert(BindingRow)
                .values(channel=channel, user_id=user_id, **bound)
                .on_conflict_do_update(index_elements=[BindingRow.channel, BindingRow.user_id], set_=bound)
            )
            await audit.note(connection, "bound", actor=customer_id, at=now, channel=channel, user=_digest(user_id))
            return True

    async def unbind(
        self,
        channel: str,
        user_id: str,
        now: dt.datetime,
        customer_id: str | None = None,
        *,
        asked_at: dt.datetime | None = None,
    ) -> bool:
        """Take the user's binding away, if it is *customer_id*'s where that is given; ``False`` where there is none.

        With *asked_at* only one made before: what was asked then and is heard again says nothing of a later one.
        """
        conditions = [BindingRow.channel == channel, BindingRow.user_id == user_id]
        if customer_id is not None:
            conditions.append(BindingRow.customer_id == customer_id)
        if asked_at is not None:
            conditions.append(BindingRow.bound_at <= asked_at)
        async with self._engine.begin() as connection:
            was = await connection.scalar(delete(BindingRow).where(*conditions).returning(BindingRow.customer_id))
            if was is None:
                return False
            await audit.note(connection, "unbound", actor=was, at=now, channel=channel, user=_digest(user_id))
            return True


def code_in(text: str) -> str | None:
    """The code of the binding link that *text* holds, if it holds one."""
    found = _LINK.search(text)
    return found.group(1) if found else None


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
