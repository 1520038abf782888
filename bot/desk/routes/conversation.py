"""One conversation: reading it, taking it and giving it away."""

from __future__ import annotations

import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Path, Query, Request, Response

from bot.desk.access import Who, needs, quiet
from bot.desk.accounts import Rep
from bot.desk.holding import QUEUE, CannotTake, Ending, HeldElsewhere
from bot.desk.looking import Seen
from bot.desk.routes.rendering import Words, render
from bot.desk.rules import GENERAL, desk_rules
from bot.desk.sessions import SignedIn
from bot.problems import Problem, not_found
from bot.service import Service, Serving

SUMMARY = 500
"""Code points of a summary or a note."""
MAX_TRIES = 4
"""How often a page asks again what was understood of a message that has only just come."""

IDS = r"^[0-9a-f]{8,64}$"

router = APIRouter(prefix="/conversations/{conversation_id}")


async def seen_conversation(conversation_id: Annotated[str, Path(pattern=IDS)], who: Who, service: Serving) -> Seen:
    """The conversation of the path, where the rep may see it; 404 where not, and where there is none."""
    seen = await service.desk.views.conversation(conversation_id, who.rep)
    if seen is None:
        raise not_found()
    return seen


Seeing = Annotated[Seen, Depends(seen_conversation)]
Summary = Annotated[str, Form(max_length=SUMMARY)]


def demand_held(seen: Seen, who: SignedIn) -> None:
    """Raises ``Problem`` 409 where somebody else holds the conversation."""
    if seen.owner != who.rep.id:
        raise Problem(409, "not-held", Words(who.rep.language)("not_held"))


async def held_elsewhere(error: HeldElsewhere, who: SignedIn, service: Service) -> Problem:
    """409, naming who holds it."""
    words = Words(who.rep.language)
    holder = error.holder or "bot"
    rep = await service.desk.accounts.get(holder)
    name = rep.called(who.rep.language) if rep else words(f"holder.{holder}")
    return Problem(409, "held-elsewhere", words("held_elsewhere", name=name), holder=holder)


@router.get("")
@needs("rep", "supervisor")
async def conversation_page(request: Request, seen: Seeing, who: Who, service: Serving) -> Response:
    """The whole page, or for HTMX its middle and its right side."""
    await service.desk.trail.viewed("conversation", actor=who.rep.id, at=service.clock(), conversation_id=seen.id)
    part = request.headers.get("hx-request") == "true" and request.headers.get("hx-history-restore-request") != "true"
    return await show(request, seen, who, service, "work.html" if part else "desk.html")


async def show(request: Request, seen: Seen, who: SignedIn, service: Service, template: str) -> Response:
    """The conversation in *template*."""
    desk, language = service.desk, who.rep.language
    lines = await desk.transcripts.read(seen.id, language)
    topics, _ = await desk.summaries.topics(seen.id, language)
    reps = await desk.accounts.all()
    here = await desk.presence.among([rep.id for rep in reps]) or set()
    return render(
        request,
        template,
        who,
        seen=seen,
        level=desk_rules().service_level,
        lines=lines,
        topics=topics,
        draft=await desk.summaries.draft(seen.id, language),
        notes=await desk.transcripts.notes(seen.id),
        reps=reps,
        names={rep.id: rep.called(language) for rep in reps},
        here=here,
        held=seen.owner == who.rep.id,
        skills=(GENERAL, *desk_rules().all_skills()),
        max_tries=MAX_TRIES,
        message_id=secrets.token_hex(12),
    )


@router.get("/lines")
@needs("rep", "supervisor")
@quiet
async def lines(
    request: Request,
    seen: Seeing,
    who: Who,
    service: Serving,
    after: Annotated[int, Query(ge=0)] = 0,
) -> Response:
    """What was said after the line *after*."""
    found = await service.desk.transcripts.read(seen.id, who.rep.language, after)
    return render(request, "lines.html", who, seen=seen, lines=found, attempt=0, max_tries=MAX_TRIES)


@router.get("/lines/{seq}")
@needs("rep", "supervisor")
@quiet
async def line(
    request: Request,
    seq: int,
    seen: Seeing,
    who: Who,
    service: Serving,
    attempt: Annotated[int, Query(ge=0)] = 0,
) -> Response:
    """One line again: what was understood of a message is known a moment after the message."""
    found = [one for one in await service.desk.transcripts.read(seen.id, who.rep.language, seq - 1) if one.seq == seq]
    return render(request, "lines.html", who, seen=seen, lines=found, attempt=attempt, max_tries=MAX_TRIES)


@router.get("/head")
@needs("rep", "supervisor")
@quiet
async def head(request: Request, seen: Seeing, who: Who, service: Serving) -> Response:
    """The page again where the conversation changed hands, and nothing where it did not."""
    if request.query_params.get("owner") == seen.owner:
        return Response(status_code=204)
    return await show(request, seen, who, service, "work.html")


@router.post("/claim")
@needs("rep", "supervisor")
async def claim(
    request: Request,
    conversation_id: Annotated[str, Path(pattern=IDS)],
    who: Who,
    service: Serving,
) -> Response:
    """Take a customer who waits; who comes second is told who has them, and who asks again that it is done."""
    try:
        await service.desk.holding.claim(conversation_id, who.rep, service.clock())
    except HeldElsewhere as error:
        by_nobody = error.holder in (None, "bot")
        if by_nobody and await service.desk.views.conversation(conversation_id, who.rep) is None:
            raise not_found() from None
        if error.holder != who.rep.id:
            raise await held_elsewhere(error, who, service) from None
    except CannotTake as error:
        raise Problem(409, "cannot-take", Words(who.rep.language)(f"cannot.{error.reason}")) from None
    seen = await service.desk.views.conversation(conversation_id, who.rep)
    assert seen is not None
    return await show(request, seen, who, service, "work.html")


@router.post("/assign")
@needs("supervisor")
async def assign(
    request: Request, seen: Seeing, who: Who, service: Serving, to: Annotated[str, Form(max_length=64)]
) -> Response:
    """Give a customer who waits, or whom another holds, to a rep."""
    target, now = await _rep(to, service), service.clock()
    if seen.owner == QUEUE:
        act = service.desk.holding.claim(seen.id, target, now, actor=who.rep.id)
    else:
        act = service.desk.holding.transfer(seen.id, seen.owner, target, "", now, actor=who.rep.id)
    return await _changed(request, seen, who, service, act)


@router.post("/take-over")
@needs("supervisor")
async def take_over(request: Request, seen: Seeing, who: Who, service: Serving) -> Response:
    """Take the conversation from whoever has it."""
    act = service.desk.holding.take_over(seen.id, seen.owner, who.rep, service.clock())
    return await _changed(request, seen, who, service, act)


@router.post("/transfer")
@needs("rep", "supervisor")
async def transfer(
    request: Request,
    seen: Seeing,
    who: Who,
    service: Serving,
    to: Annotated[str, Form(max_length=64)],
    summary: Summary = "",
) -> Response:
    """Give what one holds to another rep (``rep-…``), or back to the queue of a skill (``skill:…``)."""
    demand_held(seen, who)
    now, holding = service.clock(), service.desk.holding
    if to.startswith("skill:"):
        skill = to.removeprefix("skill:")
        if skill not in (GENERAL, *desk_rules().all_skills()):
            raise not_found()
        act = holding.give_back(seen.id, who.rep.id, now, actor=who.rep.id, skill=skill, summary=summary)
    else:
        target = await _rep(to, service)
        act = holding.transfer(seen.id, who.rep.id, target, summary, now, actor=who.rep.id)
    return await _changed(request, seen, who, service, act)


@router.post("/release")
@needs("rep", "supervisor")
async def release(request: Request, seen: Seeing, who: Who, service: Serving) -> Response:
    """Return to the queue what one holds; a supervisor returns anybody's."""
    if who.rep.role != "supervisor":
        demand_held(seen, who)
    if seen.owner in ("bot", QUEUE):
        raise Problem(409, "not-held", Words(who.rep.language)("not_held"))
    act = service.desk.holding.give_back(seen.id, seen.owner, service.clock(), actor=who.rep.id)
    return await _changed(request, seen, who, service, act)


@router.post("/hand-back")
@needs("rep", "supervisor")
async def hand_back(
    request: Request,
    seen: Seeing,
    who: Who,
    service: Serving,
    disposition: Annotated[str, Form(max_length=32)],
    tags: Annotated[tuple[str, ...], Form()] = (),
    summary: Summary = "",
) -> Response:
    """Give the conversation to the bot again, and say how it ended."""
    demand_held(seen, who)
    rules = desk_rules()
    if disposition not in rules.dispositions or not set(tags) <= set(rules.tags):
        raise Problem(422, "unknown-disposition", Words(who.rep.language)("unknown_disposition"))
    ending = Ending(disposition=disposition, tags=tags, summary=summary.strip())
    act = service.desk.holding.hand_back(seen.id, who.rep.id, ending, service.clock(), actor=who.rep.id)
    return await _changed(request, seen, who, service, act)


async def _changed(request: Request, seen: Seen, who: SignedIn, service: Service, act: Any) -> Response:
    """The page after *act*; 409 where somebody was faster, or the taker cannot."""
    try:
        await act
    except HeldElsewhere as error:
        raise await held_elsewhere(error, who, service) from None
    except CannotTake as error:
        raise Problem(409, "cannot-take", Words(who.rep.language)(f"cannot.{error.reason}")) from None
    after = await service.desk.views.conversation(seen.id, who.rep)
    if after is None:
        return Response(status_code=204, headers={"HX-Redirect": "/desk"})
    return await show(request, after, who, service, "work.html")


async def _rep(rep_id: str, service: Service) -> Rep:
    rep = await service.desk.accounts.get(rep_id)
    if rep is None:
        raise not_found()
    return rep
