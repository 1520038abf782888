"""One stream of news for each open page of a rep."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Query, Response
from starlette.responses import StreamingResponse

from bot.channels.web import until
from bot.desk.access import Who, needs, quiet
from bot.desk.presence import BEAT
from bot.desk.sessions import SignedIn
from bot.service import Service, Serving

RETRY_MS = 1_500

router = APIRouter()


@router.get("/stream")
@needs("rep", "supervisor")
@quiet
async def stream(
    who: Who, service: Serving, watch: Annotated[str, Query(pattern=r"^[0-9a-f]{0,64}$")] = ""
) -> Response:
    """``queue``: who waits has changed; ``mine``: whom one holds has; ``canned``: canned replies have; ``grown``: a conversation has new lines;
    ``typing``: its customer writes.

    The rep counts as present while it is open. It says what to look at and never what is there: a page asks for that with
    the rights it has then.
    """
    watched = None
    if watch and await service.desk.views.conversation(watch, who.rep) is not None:
        watched = watch
    return StreamingResponse(
        _frames(service, who, watched), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )


async def _frames(service: Service, who: SignedIn, watched: str | None) -> AsyncIterator[str]:
    yield f"retry: {RETRY_MS}\n\n"
    desk, rep_id = service.desk, who.rep.id
    beating = asyncio.create_task(_beat(service, who))
    try:
        await desk.presence.beat(rep_id)
        async with aclosing(until(service.draining, desk.floor.follow(rep_id, watched))) as following:
            async for told in following:
                if beating.done():
                    # Signed out, or shut out: the page that is left learns it when it asks for anything.
                    yield "event: over\ndata: \n\n"
                    return
                if told is None:
                    yield ": still here\n\n"
                else:
                    yield "".join(f"event: {name}\ndata: {data}\n\n" for name, data in told)
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)


async def _beat(service: Service, who: SignedIn) -> None:
    """Keep the rep present while their session is good."""
    while await service.desk.sessions.holds(who.digest, service.clock()):
        await service.desk.presence.beat(who.rep.id)
        await asyncio.sleep(BEAT)
