"""The desk over HTTP: ``/desk``, pages and their parts."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from bot.desk.access import admit
from bot.desk.routes import (
    accounts,
    assets,
    assist,
    board,
    canned,
    conversation,
    corrections,
    oidc,
    queue,
    signing_in,
    stream,
    writes,
)

PREFIX = "/desk"
ROUTERS = (
    assets.router,
    signing_in.router,
    oidc.router,
    accounts.router,
    queue.router,
    conversation.router,
    assist.router,
    assist.anywhere,
    writes.router,
    stream.router,
    board.router,
    canned.router,
    corrections.router,
)


def desk_router() -> APIRouter:
    """Every route of the desk, behind its one door."""
    router = APIRouter(dependencies=[Depends(admit)], include_in_schema=False)
    for part in ROUTERS:
        router.include_router(part, prefix=PREFIX)
    return router
