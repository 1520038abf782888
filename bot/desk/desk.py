"""The desk as its routes see it, built once by ``open_desk``."""

from __future__ import annotations

import contextlib
import datetime as dt
from dataclasses import dataclass

from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from backends.knowledge.service import Library
from bot.desk.accounts import Accounts, BadAccount
from bot.desk.board import Boards
from bot.desk.canned import CannedReplies
from bot.desk.corrections import Corrections
from bot.desk.customer import Customers
from bot.desk.embedding import Embeds
from bot.desk.floor import Floor
from bot.desk.holding import Holding
from bot.desk.keeping import Keeper
from bot.desk.knowing import Knowledge
from bot.desk.looking import Views
from bot.desk.oidc import Oidc
from bot.desk.passwords import Passwords
from bot.desk.presence import Presence
from bot.desk.requesting import Requesting
from bot.desk.rules import desk_rules
from bot.desk.sessions import Sessions
from bot.desk.speaking import Speaking
from bot.desk.suggesting import Suggesting
from bot.desk.summary import Summaries
from bot.desk.trail import Trail
from bot.desk.transcript import Transcripts
from bot.parts import Parts
from bot.signals import Signals
from responses.mask import mask_secrets


@dataclass(frozen=True, slots=True)
class Desk:
    """What a route of the desk may call. *oidc* is there where the bank's identity provider is."""

    accounts: Accounts
    sessions: Sessions
    trail: Trail
    views: Views
    holding: Holding
    presence: Presence
    keeper: Keeper
    floor: Floor
    transcripts: Transcripts
    summaries: Summaries
    speaking: Speaking
    suggesting: Suggesting
    requesting: Requesting
    knowledge: Knowledge
    canned: CannedReplies
    customers: Customers
    boards: Boards
    corrections: Corrections
    embeds: Embeds
    oidc: Oidc | None


def open_desk(
    engine: AsyncEngine,
    redis: Redis,
    signals: Signals,
    parts: Parts,
    library: Library,
    pushed: frozenset[str],
    oidc: Oidc | None = None,
) -> Desk:
    """The desk over *engine*, with the collaborators of the bot's own turns; *pushed* are channels that are sent to."""
    presence = Presence(redis)
    holding = Holding(engine, signals, parts.tickets)
    return Desk(
        accounts=Accounts(engine, Passwords()),
        sessions=Sessions(engine),
        trail=Trail(engine),
        views=Views(engine),
        holding=holding,
        presence=presence,
        keeper=Keeper(engine, holding, parts.tickets, presence),
        floor=Floor(engine, signals),
        transcripts=Transcripts(engine),
        summaries=Summaries(engine),
        speaking=Speaking(engine, signals, pushed),
        suggesting=Suggesting(engine, parts),
        requesting=Requesting(engine, signals, lambda text: mask_secrets(text).text),
        knowledge=Knowledge(library),
        canned=CannedReplies(engine, signals),
        customers=Customers(engine, parts),
        boards=Boards(engine),
        corrections=Corrections(engine),
        embeds=Embeds(redis),
        oidc=oidc,
    )


async def make_demo_reps(accounts: Accounts, now: dt.datetime) -> None:
    """The invented reps of the demo, those of them that are not there yet."""
    there = {rep.name for rep in await accounts.all()}
    for demo in desk_rules().demo_reps:
        if demo.name in there:
            continue
        # Another process that starts at the same moment makes them too: one of both comes first.
        with contextlib.suppress(BadAccount):
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
