"""The desk's first page: who waits, whom one holds, and taking the next."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response

from bot.desk.access import Who, needs, quiet
from bot.desk.holding import CannotTake
from bot.desk.routes.rendering import Words, render
from bot.desk.rules import GENERAL, desk_rules
from bot.desk.sessions import SignedIn
from bot.problems import Problem
from bot.service import Serving

router = APIRouter()


def skills_of(who: SignedIn) -> frozenset[str] | None:
    """The queue of a rep: their own skills and what asks for none; all of it for whoever has none named."""
    return frozenset({*who.rep.skills, GENERAL}) if who.rep.skills else None


@router.get("")
@needs("rep", "supervisor")
async def desk_page(request: Request, who: Who, service: Serving) -> Response:
    """The desk without a conversation open."""
    return render(request, "desk.html", who, seen=None, level=desk_rules().service_level)


@router.get("/queue")
@needs("rep", "supervisor")
@quiet
async def queue(
    request: Request, who: Who, service: Serving, everybody: Annotated[bool, Query(alias="all")] = False
) -> Response:
    """Who waits, in their order."""
    skills = None if everybody else skills_of(who)
    listed, total = await service.desk.views.queue(skills)
    return render(request, "queue.html", who, listed=listed, total=total, everybody=everybody)


@router.get("/mine")
@needs("rep", "supervisor")
@quiet
async def mine(request: Request, who: Who, service: Serving) -> Response:
    """Whom one holds."""
    listed = await service.desk.views.held_by(who.rep.id)
    return render(request, "mine.html", who, listed=listed)


@router.post("/next")
@needs("rep", "supervisor")
async def take_next(who: Who, service: Serving) -> Response:
    """Take the first who waits for what one is good at, or else the first of all."""
    words = Words(who.rep.language)
    now = service.clock()
    try:
        taken = await service.desk.holding.claim_next(who.rep, skills_of(who), now)
        if taken is None:
            taken = await service.desk.holding.claim_next(who.rep, None, now)
    except CannotTake as error:
        raise Problem(409, "cannot-take", words(f"cannot.{error.reason}")) from None
    if taken is None:
        raise Problem(409, "nobody-waits", words("nobody_waits"))
    return Response(status_code=204, headers={"HX-Redirect": f"/desk/conversations/{taken}"})


@router.post("/taking")
@needs("rep", "supervisor")
async def take_new(who: Who, service: Serving, taking: Annotated[bool, Form()] = False) -> Response:
    """Whether one is given new conversations; those one holds stay."""
    await service.desk.accounts.change(who.rep.id, service.clock(), actor=who.rep.id, taking=taking)
    return Response(status_code=204, headers={"HX-Refresh": "true"})


@router.get("/search")
@needs("rep", "supervisor")
async def search(
    request: Request, who: Who, service: Serving, words: Annotated[str, Query(alias="q", max_length=100)] = ""
) -> Response:
    """Past conversations that one may see, by what was said in them."""
    words = words.strip()
    found = await service.desk.views.past(who.rep, words)
    if words:
        # What was looked for may itself be somebody's number: how long it was is enough to ask about.
        await service.desk.trail.viewed(
            "search", actor=who.rep.id, at=service.clock(), characters=len(words), found=len(found)
        )
    return render(request, "search.html", who, listed=found, words=words)
