"""A supervisor's board, and its figures as CSV."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import StreamingResponse

from backends.values import BEIJING
from bot.desk.access import Who, needs, quiet
from bot.desk.board import Board, Rate
from bot.desk.routes.rendering import render
from bot.desk.rules import desk_rules
from bot.desk.sessions import SignedIn
from bot.desk.trail import csv_line
from bot.service import Service, Serving

Span = Annotated[Literal["today", "day", "week"], Query()]

router = APIRouter()


@router.get("/board")
@needs("supervisor")
async def board_page(request: Request, who: Who, service: Serving, span: Span = "today") -> Response:
    """The board."""
    return await _board(request, who, service, span, "board.html")


@router.get("/board/figures")
@needs("supervisor")
@quiet
async def figures(request: Request, who: Who, service: Serving, span: Span = "today") -> Response:
    """Its figures as they are now."""
    return await _board(request, who, service, span, "board_figures.html")


@router.get("/board.csv")
@needs("supervisor")
async def board_csv(who: Who, service: Serving, span: Span = "today") -> Response:
    """The same as CSV: a figure a line."""
    await service.desk.trail.viewed("board.csv", actor=who.rep.id, at=service.clock(), span=span)
    lines = _lines(await _figures(service, span))
    name = f'attachment; filename="desk-{service.clock().astimezone(BEIJING):%Y%m%d-%H%M}.csv"'
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers={"Content-Disposition": name})


async def _board(request: Request, who: SignedIn, service: Service, span: str, template: str) -> Response:
    board = await _figures(service, span)
    here = await service.desk.presence.among([rep.rep_id for rep in board.reps]) or set()
    top = max((max(asked, closed) for _, asked, closed in board.hours), default=0) or 1
    hours = [
        (dt.datetime.fromisoformat(at).astimezone(BEIJING).strftime("%H"), asked, closed)
        for at, asked, closed in board.hours
    ]
    return render(request, template, who, board=board, here=here, span=span, top=top, hours=hours)


async def _figures(service: Service, span: str) -> Board:
    now = service.clock()
    begins = {
        "today": now.astimezone(BEIJING).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(dt.UTC),
        "day": now - dt.timedelta(days=1),
        "week": now - dt.timedelta(days=7),
    }
    return await service.desk.boards.figures(begins[span], now, desk_rules().service_level.wait)


def _lines(board: Board) -> Iterator[str]:
    yield csv_line(("figure", "value", "of"))
    for name, value in board:
        if isinstance(value, Rate):
            yield csv_line((name, value.part, value.whole))
        elif name in ("unanswered", "reasons", "dispositions"):
            for words, count in value:
                yield csv_line((f"{name}: {words}", count, ""))
        elif name == "hours":
            for at, asked, closed in value:
                yield csv_line((f"hour {at}", asked, closed))
        elif name == "reps":
            for rep in value:
                yield csv_line((f"rep {rep.name}", rep.handled, rep.holds))
        else:
            yield csv_line((name, "" if value is None else value, ""))
