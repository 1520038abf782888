"""Who works at the desk: accounts with a role, signed in by a password that few guesses may be made at."""

from __future__ import annotations

import datetime as dt
import re
import secrets
from typing import Any, Literal

from sqlalchemy import Row, case, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot import audit
from bot.allowances import Allowance
from bot.desk.passwords import NOBODYS, Passwords, demand_strong
from bot.desk.tables import DeskSessionRow, RepRow
from bot.message import Frozen
from bot.store import reading

Role = Literal["rep", "supervisor", "admin"]
"""A rep talks to customers; a supervisor sees all of them and their reps; an admin looks after accounts and the audit
trail, and sees no customer."""
ROLES: tuple[Role, ...] = ("rep", "supervisor", "admin")

WRONG_TRIES = 5
"""Wrong passwords in a row before an account is locked."""
LOCKED_FOR = dt.timedelta(minutes=15)
TRIES_AN_HOUR_ADDRESS = 100
"""Passwords that one address may try in an hour, right ones included: a whole office may share one."""
MOST_CAPACITY = 50
_NAME = re.compile(r"[a-z][a-z0-9._-]{1,31}")
_NOT_A_NAME = re.compile(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


class BadAccount(ValueError):
    """The account cannot be made or changed so; the sentence says why."""


class SignInRefused(Exception):
    """No such name, a wrong password, or an account that is shut: all read the same."""


class TooManyTries(Exception):
    """The account is locked, or its address has tried too often; it opens again in ``seconds``."""

    def __init__(self, seconds: int) -> None:
        super().__init__("too many tries")
        self.seconds = seconds


class Rep(Frozen):
    """An account without its password. ``name`` is what they sign in with, ``display_name`` what customers see.

    ``capacity`` is how many conversations they hold at most, ``taking`` whether they are given new ones. ``issuer`` is the
    identity provider that they sign in through; ``None`` where it is with a password.
    """

    id: str
    name: str
    display_name: str
    display_name_en: str
    role: Role
    skills: tuple[str, ...]
    capacity: int
    language: Literal["zh", "en"]
    issuer: str | None
    active: bool
    taking: bool
    locked_until: dt.datetime | None
    absent_since: dt.datetime | None

    def called(self, language: str) -> str:
        """What a customer of that language calls them."""
        return self.display_name_en if language == "en" else self.display_name


class Accounts:
    """The accounts of this desk. *address_tries* is how many passwords one address may try in an hour."""

    def __init__(
        self, engine: AsyncEngine, passwords: Passwords, *, address_tries: int = TRIES_AN_HOUR_ADDRESS
    ) -> None:
        self._engine = engine
        self._passwords = passwords
        self._address = Allowance("desk_sign_in", address_tries)

    async def create(
        self,
        name: str,
        password: str,
        *,
        role: Role,
        now: dt.datetime,
        actor: str,
        display_name: str = "",
        display_name_en: str = "",
        skills: tuple[str, ...] = (),
        capacity: int = 5,
        password_hash: str | None = None,
    ) -> Rep:
        """A new account; *password_hash* stands in for a *password* that was hashed before.

        Raises ``BadAccount`` and ``WeakPassword``.
        """
        if not _NAME.fullmatch(name):
            raise BadAccount("A name has 2 to 32 small letters, digits, dots and dashes, and begins with a letter.")
        if password_hash is None:
            demand_strong(password, name)
            password_hash = await self._passwords.hashed(password)
        shown = display_name.strip() or name
        row = {
            "id": f"rep-{secrets.token_hex(6)}",
            "name": name,
            "display_name": shown,
            "display_name_en": display_name_en.strip() or shown,
            "role": role,
            "skills": " ".join(skills),
            "capacity": capacity,
            "password_hash": password_hash,
            "created_at": now,
            "updated_at": now,
        }
        demand_sound(row)
        try:
            async with self._engine.begin() as connection:
                await connection.execute(insert(RepRow).values(**row))
                await audit.note(
                    connection, "account.created", actor=actor, at=now, rep=row["id"], name=name, role=role
                )
        except IntegrityError:
            raise BadAccount(f"There is an account called {name}.") from None
        found = await self.named(name)
        assert found is not None
        return found

    async def get(self, rep_id: str) -> Rep | None:
        """The account of that id."""
        return await self._one(RepRow.id == rep_id)

    async def named(self, name: str) -> Rep | None:
        """The account that signs in with *name*."""
        return await self._one(RepRow.name == name.strip().lower())

    async def all(self) -> list[Rep]:
        """Every account, by name."""
        async with reading(self._engine) as connection:
            rows = await connection.execute(select(*COLUMNS).order_by(RepRow.name))
            return [rep_of(row) for row in rows]

    async def change(self, rep_id: str, now: dt.datetime, *, actor: str, **changes: Any) -> Rep:
        """Set ``role``, ``skills``, ``capacity``, ``display_name``, ``display_name_en``, ``language``, ``active`` or
        ``taking``. Who is shut out, or has another role from now on, is signed out everywhere.

        Raises ``BadAccount``, also where nobody would be left to look after accounts.
        """
        values = {**changes, "updated_at": now}
        if "skills" in values:
            values["skills"] = " ".join(values["skills"])
        demand_sound(values)
        async with self._engine.begin() as connection:
            before = await self._held(connection, rep_id)
            if before.issuer is not None and changes.get("role", before.role) != before.role:
                raise BadAccount("The identity provider says what role this account has.")
            if before.role == "admin" and before.active and not _is_admin_after(before, changes):
                await _demand_another_admin(connection, rep_id)
            await connection.execute(update(RepRow).where(RepRow.id == rep_id).values(values))
            if changes.get("active") is False or changes.get("role", before.role) != before.role:
                await end_sessions(connection, rep_id)
            await audit.note(connection, "account.changed", actor=actor, at=now, rep=rep_id, **changes)
            return await self._held(connection, rep_id)

    async def set_password(self, rep_id: str, password: str, now: dt.datetime, *, actor: str) -> None:
        """Give the account another password, unlock it, and sign it out everywhere.

        Raises ``WeakPassword``, and ``BadAccount`` where there is none or it is an identity provider's.
        """
        rep = await self.get(rep_id)
        if rep is None:
            raise BadAccount("There is no such account.")
        if rep.issuer is not None:
            raise BadAccount("This account signs in through the identity provider, and has no password.")
        demand_strong(password, rep.name)
        password_hash = await self._passwords.hashed(password)
        values = {"password_hash": password_hash, "failures": 0, "locked_until": None, "updated_at": now}
        async with self._engine.begin() as connection:
            await connection.execute(update(RepRow).where(RepRow.id == rep_id).values(values))
            await end_sessions(connection, rep_id)
            await audit.note(connection, "account.password_set", actor=actor, at=now, rep=rep_id)

    async def unlock(self, rep_id: str, now: dt.datetime, *, actor: str) -> None:
        """Let an account that is locked try again."""
        async with self._engine.begin() as connection:
            await connection.execute(
                update(RepRow).where(RepRow.id == rep_id).values(failures=0, locked_until=None, updated_at=now)
            )
            await audit.note(connection, "account.unlocked", actor=actor, at=now, rep=rep_id)

    async def sign_in(self, name: str, password: str, address: str | None, now: dt.datetime) -> Rep:
        """The account of *name*, if *password* is its. Raises ``SignInRefused`` and ``TooManyTries``.

        A try is counted before it is looked at: however many come at once, ``WRONG_TRIES`` are evaluated.
        """
        name = name.strip().lower()
        counted = await self._count_try(name, address, now)
        right = await self._passwords.match(counted.password_hash if counted else NOBODYS, password)
        async with self._engine.begin() as connection:
            if counted is None or not right or not counted.active:
                await audit.note(connection, "sign_in.refused", actor=counted.id if counted else "nobody", at=now)
                refused = True
            else:
                await connection.execute(
                    update(RepRow).where(RepRow.id == counted.id).values(failures=0, locked_until=None)
                )
                await audit.note(connection, "sign_in", actor=counted.id, at=now)
                refused = False
        if refused:
            raise SignInRefused
        assert counted is not None
        return rep_of(counted)

    async def _count_try(self, name: str, address: str | None, now: dt.datetime) -> Row[Any] | None:
        """The account that the try is for, with the try counted; ``None`` where nobody has the name."""
        async with self._engine.begin() as connection:
            if address is not None and not await self._address.take(connection, address, now):
                raise TooManyTries(3600)
            is_over = RepRow.locked_until <= now
            counted = (
                await connection.execute(
                    update(RepRow)
                    .where(RepRow.name == name, RepRow.issuer.is_(None), or_(RepRow.locked_until.is_(None), is_over))
                    .values(
                        failures=case((is_over, 1), else_=RepRow.failures + 1),
                        locked_until=case(
                            (is_over, None),
                            (RepRow.failures + 1 >= WRONG_TRIES, now + LOCKED_FOR),
                            else_=None,
                        ),
                    )
                    .returning(*COLUMNS, RepRow.password_hash)
                )
            ).one_or_none()
            if counted is not None:
                return counted
            locked = await connection.scalar(select(RepRow.locked_until).where(RepRow.name == name))
        if locked is not None:
            raise TooManyTries(max(1, round((locked - now).total_seconds())))
        return None

    async def _held(self, connection: AsyncConnection, rep_id: str) -> Rep:
        row = (await connection.execute(select(*COLUMNS).where(RepRow.id == rep_id).with_for_update())).one_or_none()
        if row is None:
            raise BadAccount("There is no such account.")
        return rep_of(row)

    async def _one(self, condition: Any) -> Rep | None:
        async with reading(self._engine) as connection:
            row = (await connection.execute(select(*COLUMNS).where(condition))).one_or_none()
        return rep_of(row) if row is not None else None


COLUMNS = tuple(getattr(RepRow, name) for name in Rep.model_fields)


def rep_of(row: Any) -> Rep:
    """The account of a row that has ``COLUMNS``."""
    fields = {name: getattr(row, name) for name in Rep.model_fields}
    return Rep(**{**fields, "skills": tuple(fields["skills"].split())})


def demand_sound(values: dict[str, Any]) -> None:
    """Raises ``BadAccount`` where what a row is to hold makes no sense."""
    if values.get("role", "rep") not in ROLES:
        raise BadAccount(f"A role is one of {', '.join(ROLES)}.")
    if not 0 < values.get("capacity", 1) <= MOST_CAPACITY:
        raise BadAccount(f"A capacity is 1 to {MOST_CAPACITY} conversations.")
    for field in ("display_name", "display_name_en"):
        shown = values.get(field, "x")
        if not 0 < len(shown) <= 32 or _NOT_A_NAME.search(shown):
            raise BadAccount("A displayed name has 1 to 32 characters.")
    if len(values.get("skills", "")) > 256:
        raise BadAccount("These are too many skills.")


def _is_admin_after(before: Rep, changes: dict[str, Any]) -> bool:
    return bool(changes.get("active", before.active) and changes.get("role", before.role) == "admin")


async def _demand_another_admin(connection: AsyncConnection, rep_id: str) -> None:
    others = select(RepRow.id).where(RepRow.role == "admin", RepRow.active, RepRow.id != rep_id).with_for_update()
    if not (await connection.execute(others)).all():
        raise BadAccount("This is the last admin: make another one first.")


async def end_sessions(connection: AsyncConnection, rep_id: str) -> None:
    """Sign the account out everywhere."""
    await connection.execute(delete(DeskSessionRow).where(DeskSessionRow.rep_id == rep_id))
