"""The desk over HTTP: ``/desk``, pages and their parts."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from bot.desk.access import admit
from bot.desk.routes import accounts, assets, assist, board, conversation, corrections, queue, signing_in, stream


def desk_router() -> APIRouter:
    """Every route of the desk, behind its one door."""
    router = APIRouter(dependencies=[Depends(admit)], include_in_schema=False)
    for part in (assets, signing_in, accounts, queue, conversation, assist, stream, board, corrections):
        router.include_router(part.router, prefix="/desk")
    router.include_router(assist.anywhere, prefix="/desk")
    return router
