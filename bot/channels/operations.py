"""What operators and their machines ask: is the process alive, can it serve, what has it done."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Response

from bot.metrics import CONTENT_TYPE
from bot.problems import Problem
from bot.service import Probe, Serving

PROBE_WITHIN = 2.0
"""Seconds a store has to answer before it counts as away."""

router = APIRouter(tags=["operations"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Whether the process runs."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"description": "Something it needs is away; `checks` says which."}})
async def readyz(service: Serving) -> dict[str, object]:
    """Whether it can serve: database, Redis, model. How its language models stand is told, and decides nothing: without
    them the templates speak."""
    names = list(service.probes)
    answers = await asyncio.gather(*(_look(service.probes[name]) for name in names))
    checks = dict(zip(names, answers, strict=True))
    away = [name for name, answer in checks.items() if answer != "ok"]
    if service.draining.is_set():
        raise Problem(503, "draining", "This process is about to stop.", checks=checks)
    if away:
        raise Problem(503, "not-ready", f"Away: {', '.join(away)}.", checks=checks)
    models = dict(service.models())
    return {"status": "ok", "checks": checks, **({"models": models} if models else {})}


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(service: Serving) -> Response:
    """All meters, in Prometheus' text format."""
    try:
        async with asyncio.timeout(PROBE_WITHIN):
            pending = await service.pending()
    except Exception:
        # The other meters matter most when the database is what is wrong.
        pending = None
    return Response(service.metrics.exposition(pending), media_type=CONTENT_TYPE)


async def _look(probe: Probe) -> str:
    try:
        async with asyncio.timeout(PROBE_WITHIN):
            await probe()
    except Exception as error:
        return type(error).__name__
    return "ok"
