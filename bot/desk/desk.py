"""The desk as its routes see it, built once by ``open_desk``."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from bot.desk.accounts import Accounts
from bot.desk.passwords import Passwords
from bot.desk.rules import desk_rules
from bot.desk.sessions import Sessions
from bot.desk.trail import Trail


@dataclass(frozen=True, slots=True)
class Desk:
    """What a route of the desk may call."""

    accounts: Accounts
    sessions: Sessions
    trail: Trail


def open_desk(engine: AsyncEngine) -> Desk:
    """The desk over *engine*."""
    return Desk(accounts=Accounts(engine, Passwords()), sessions=Sessions(engine), trail=Trail(engine))


async def make_demo_reps(accounts: Accounts, now: dt.datetime) -> None:
    """The invented reps of the demo, those of them that are not there yet."""
    there = {rep.name for rep in await accounts.all()}
    for demo in desk_rules().demo_reps:
        if demo.name not in there:
            await accounts.create(
                demo.name,
                "",
                role=demo.role,
                display_name=demo.display_name,
                display_name_en=demo.display_name_en,
                skills=demo.skills,
                password_hash=demo.password_hash,
                now=now,
                actor="demo",
            )
