"""The frame for a desk that the bank has already: ``/embed``. No cookie opens it, and no rep's session."""

from __future__ import annotations

import datetime as dt
import hmac
from collections.abc import Awaitable
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field
from redis.exceptions import RedisError

from bot.desk.embedding import TICKET_LIFE, Embed
from bot.desk.routes.rendering import CONTENT_SECURITY_POLICY, HEADERS, Words, render
from bot.desk.transcript import Line
from bot.guards import require_this_machine
from bot.problems import Problem, away, not_found, unauthorized
from bot.service import Service, Serving

SESSION_HEADER = "X-Embed-Token"
PATIENCE = dt.timedelta(seconds=10)
"""How long a message is held back for what was understood of it: a frame draws a line once."""
_bearer = HTTPBearer(auto_error=False)
T = TypeVar("T")


def _demand_open(request: Request, service: Serving) -> None:
    """404 where no key is configured: then there is no such view."""
    if service.settings.embed_key is None:
        raise not_found()
    if service.settings.demo:
        require_this_machine(request)


router = APIRouter(prefix="/embed", dependencies=[Depends(_demand_open)], include_in_schema=False)


class Wanted(BaseModel):
    """The conversation to be shown, and the bank's own name for whoever will look (for the audit trail)."""

    conversation_id: Annotated[str, Field(pattern=r"^[0-9a-f]{8,64}$")]
    agent: Annotated[str, Field(min_length=1, max_length=48, pattern=r"^[\w.@-]+$")]
    language: Literal["zh", "en"] = "zh"


class Ticket(BaseModel):
    """The frame's address; it opens once, before *expires_at*."""

    url: str
    expires_at: dt.datetime


@router.post("/tickets", status_code=201)
async def make_ticket(
    wanted: Wanted,
    service: Serving,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Ticket:
    """A ticket, for the bank's server: its bearer credential is ``TELLER_EMBED_KEY``."""
    key = service.settings.embed_key
    assert key is not None
    sent = bearer.credentials if bearer else ""
    if not hmac.compare_digest(sent.encode(), key.get_secret_value().encode()):
        raise unauthorized("Send the embedding key as a bearer credential.")
    if await service.conversations.get(wanted.conversation_id) is None:
        raise not_found()
    now = service.clock()
    ticket = await _from_redis(service.desk.embeds.issue(wanted.conversation_id, wanted.agent, wanted.language, now))
    return Ticket(url=f"{service.settings.bank_page()}/embed/{ticket}", expires_at=now + TICKET_LIFE)


async def _looking(
    service: Serving, session: Annotated[str, Header(alias=SESSION_HEADER, max_length=128)] = ""
) -> Embed:
    embed = await _from_redis(service.desk.embeds.find(session, service.clock())) if session else None
    if embed is None:
        raise unauthorized("This view is over: open it anew.")
    return embed


Looking = Annotated[Embed, Depends(_looking)]


@router.get("/lines")
async def lines(request: Request, embed: Looking, service: Serving, after: Annotated[int, Query(ge=0)] = 0) -> Response:
    """What was said after the line *after*; 204 where nothing was."""
    found = await _lines(service, embed, after)
    if not found:
        return Response(status_code=204)
    return _page(request, service, "embed/lines.html", embed, lines=found, last=found[-1].seq)


@router.get("/{ticket}")
async def frame(request: Request, ticket: str, service: Serving) -> Response:
    """The frame's page, for whoever shows the ticket first."""
    begun = await _from_redis(service.desk.embeds.begin(ticket))
    if begun is None:
        raise Problem(403, "used-up", "This link was used, or is too old: open the view anew.")
    embed, session = begun
    conversation = await service.conversations.get(embed.conversation_id)
    if conversation is None:
        raise not_found()
    await service.desk.trail.viewed(
        "embedded",
        actor=f"embed:{embed.agent}",
        at=service.clock(),
        conversation_id=embed.conversation_id,
    )
    found = await _lines(service, embed, 0)
    topics, _ = await service.desk.summaries.topics(embed.conversation_id, embed.language)
    return _page(
        request,
        service,
        "embed/frame.html",
        embed,
        session=session,
        conversation=conversation,
        topics=topics,
        lines=found,
        last=found[-1].seq if found else 0,
    )


async def _lines(service: Service, embed: Embed, after: int) -> list[Line]:
    """The lines above *after*, up to a message of which it is not known yet what was understood."""
    found = await service.desk.transcripts.read(embed.conversation_id, embed.language, after)
    now = service.clock()
    for place, line in enumerate(found):
        if line.who == "customer" and line.insight is None and now - line.at < PATIENCE:
            return found[:place]
    return found


def _page(request: Request, service: Service, template: str, embed: Embed, **given: Any) -> Response:
    """A page that the configured origins may frame, in the language that was asked for."""
    words = Words(embed.language)
    page = render(request, template, language=embed.language, t=words, seen=None, attempt=0, max_tries=0, **given)
    origins = " ".join(service.settings.embed_origins)
    policy = CONTENT_SECURITY_POLICY.replace("frame-ancestors 'none'", f"frame-ancestors {origins}")
    page.headers.update({**HEADERS, "Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"})
    return page


async def _from_redis(asked: Awaitable[T]) -> T:
    try:
        return await asked
    except RedisError:
        raise away() from None
