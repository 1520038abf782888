"""The desk over HTTP: ``/desk``, pages and their parts."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from bot.desk.access import admit
from bot.desk.routes import accounts, assets, signing_in


def desk_router() -> APIRouter:
    """Every route of the desk, behind its one door."""
    router = APIRouter(prefix="/desk", dependencies=[Depends(admit)], include_in_schema=False)
    for part in (assets, signing_in, accounts):
        router.include_router(part.router)
    return router
