"""What a rep lets the bot begin with the customer: chosen here, confirmed by nobody but the customer."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from bot.channels.intake import MAX_TEXT
from bot.desk.access import Who, needs, quiet
from bot.desk.holding import HeldElsewhere
from bot.desk.requesting import Asked, NotAWrite, writes_in
from bot.desk.routes.conversation import Seeing, demand_held, held_elsewhere
from bot.desk.routes.rendering import Words, render
from bot.problems import Problem
from bot.service import Serving

router = APIRouter(prefix="/conversations/{conversation_id}/writes")


@router.get("")
@needs("rep", "supervisor")
@quiet
async def form(request: Request, seen: Seeing, who: Who, service: Serving) -> Response:
    """What may be begun in this channel; what the customer last wrote is proposed where it is about one of these."""
    demand_held(seen, who)
    lines = await service.desk.transcripts.read(seen.id, who.rep.language)
    latest = next((line for line in reversed(lines) if line.who == "customer" and line.insight), None)
    names = [name for name, _ in latest.insight.intents] if latest and latest.insight else []
    offered = writes_in(seen.channel)
    meant = next((each.name for each in offered if each.name in names), "")
    words = "".join(piece.text for piece in latest.text) if latest and meant else ""
    return render(
        request,
        "writes.html",
        who,
        seen=seen,
        offered=offered,
        meant=meant,
        words=words,
        request_id=secrets.token_hex(12),
    )


@router.post("")
@needs("rep", "supervisor")
async def begin(
    seen: Seeing,
    who: Who,
    service: Serving,
    capability: Annotated[str, Form(max_length=64)],
    request_id: Annotated[str, Form(pattern=r"^[\w-]{8,64}$")],
    details: Annotated[str, Form(max_length=MAX_TEXT)] = "",
) -> Response:
    """Let the bot begin it; what comes of it is read in the conversation."""
    demand_held(seen, who)
    asked = Asked(request_id=request_id, capability=capability, details=details)
    try:
        await service.desk.requesting.request(seen.id, who.rep, asked, service.clock())
    except HeldElsewhere as error:
        raise await held_elsewhere(error, who, service) from None
    except NotAWrite:
        raise Problem(422, "not-a-write", Words(who.rep.language)("writes.unknown")) from None
    return Response(status_code=204, headers={"HX-Trigger": "desk:begun"})
