"""An admin's pages: the accounts of the desk, and the audit trail."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, Response
from starlette.responses import StreamingResponse

from bot.desk.access import Who, needs
from bot.desk.accounts import MOST_CAPACITY, BadAccount, Role
from bot.desk.passwords import LONGEST, WeakPassword
from bot.desk.routes.rendering import render
from bot.desk.rules import desk_rules
from bot.desk.sessions import SignedIn
from bot.desk.trail import as_csv
from bot.service import Service, Serving

router = APIRouter()


@router.get("/accounts")
@needs("admin")
async def accounts_page(request: Request, who: Who, service: Serving) -> Response:
    """All accounts."""
    return await _list(request, who, service, page="accounts.html")


@router.post("/accounts")
@needs("admin")
async def create(
    request: Request,
    who: Who,
    service: Serving,
    name: Annotated[str, Form(max_length=64)],
    password: Annotated[str, Form(max_length=LONGEST)],
    role: Annotated[Role, Form()],
    display_name: Annotated[str, Form(max_length=64)] = "",
    display_name_en: Annotated[str, Form(max_length=64)] = "",
    capacity: Annotated[int, Form(ge=1, le=MOST_CAPACITY)] = 5,
    skills: Annotated[tuple[str, ...], Form()] = (),
) -> Response:
    """Make one."""
    try:
        await service.desk.accounts.create(
            name,
            password,
            role=role,
            display_name=display_name,
            display_name_en=display_name_en,
            skills=_known(skills),
            capacity=capacity,
            now=service.clock(),
            actor=who.rep.id,
        )
    except (BadAccount, WeakPassword) as error:
        return await _list(request, who, service, status=422, problem=str(error))
    return await _list(request, who, service)


@router.post("/accounts/{rep_id}")
@needs("admin")
async def change(
    request: Request,
    rep_id: str,
    who: Who,
    service: Serving,
    role: Annotated[Role, Form()],
    capacity: Annotated[int, Form(ge=1, le=MOST_CAPACITY)],
    active: Annotated[bool, Form()] = False,
    skills: Annotated[tuple[str, ...], Form()] = (),
) -> Response:
    """Change role, skills and capacity, shut it or open it again."""
    changes: dict[str, Any] = {"role": role, "capacity": capacity, "skills": _known(skills), "active": active}
    try:
        await service.desk.accounts.change(rep_id, service.clock(), actor=who.rep.id, **changes)
    except BadAccount as error:
        return await _list(request, who, service, status=422, problem=str(error))
    return await _list(request, who, service)


@router.post("/accounts/{rep_id}/password")
@needs("admin")
async def set_password(
    request: Request,
    rep_id: str,
    who: Who,
    service: Serving,
    password: Annotated[str, Form(max_length=LONGEST)],
) -> Response:
    """Give it another password, which also unlocks it."""
    try:
        await service.desk.accounts.set_password(rep_id, password, service.clock(), actor=who.rep.id)
    except (BadAccount, WeakPassword) as error:
        return await _list(request, who, service, status=422, problem=str(error))
    return await _list(request, who, service)


@router.get("/audit")
@needs("admin")
async def audit_page(request: Request, who: Who, service: Serving) -> Response:
    """The newest lines of the audit trail."""
    entries = await service.desk.trail.latest()
    await service.desk.trail.viewed("audit", actor=who.rep.id, at=service.clock())
    names = {rep.id: rep.display_name for rep in await service.desk.accounts.all()}
    today = service.clock().date()
    return render(
        request, "audit.html", who, entries=entries, names=names, since=today - dt.timedelta(days=30), until=today
    )


@router.get("/audit.csv")
@needs("admin")
async def audit_csv(
    who: Who, service: Serving, since: Annotated[dt.date, Query()], until: Annotated[dt.date, Query()]
) -> Response:
    """The lines of the days from *since* to *until*, both included, in UTC."""
    await service.desk.trail.viewed(
        "audit.csv", actor=who.rep.id, at=service.clock(), since=str(since), until=str(until)
    )
    entries = service.desk.trail.between(_midnight(since), _midnight(until) + dt.timedelta(days=1))
    headers = {"Content-Disposition": f'attachment; filename="audit-{since}-{until}.csv"'}
    return StreamingResponse(as_csv(entries), media_type="text/csv; charset=utf-8", headers=headers)


async def _list(
    request: Request,
    who: SignedIn,
    service: Service,
    *,
    page: str = "accounts_list.html",
    status: int = 200,
    problem: str = "",
) -> Response:
    reps = await service.desk.accounts.all()
    return render(
        request,
        page,
        who,
        status=status,
        reps=reps,
        problem=problem,
        skills=desk_rules().all_skills(),
        passwords=service.settings.desk_passwords,
    )


def _known(skills: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(skill for skill in desk_rules().all_skills() if skill in skills)


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), dt.UTC)
