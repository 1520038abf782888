"""Signing in and out, and the rep's own language."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query, Request, Response
from starlette.responses import RedirectResponse

from bot.desk.access import SIGN_IN_PAGE, Who, cookie_name, needs, public
from bot.desk.accounts import Rep, Role, SignInRefused, TooManyTries
from bot.desk.passwords import LONGEST
from bot.desk.routes.rendering import render
from bot.desk.rules import desk_rules
from bot.desk.sessions import LIFE
from bot.guards import address_of
from bot.service import Service, Serving

HOME: dict[Role, str] = {"rep": "/desk", "supervisor": "/desk", "admin": "/desk/accounts"}
_PAGE_OF_OURS = re.compile(r"/desk(/[\w\-/]*)?")

router = APIRouter()


@router.get("/sign-in")
@public
async def sign_in_page(request: Request, next_page: Annotated[str, Query(alias="next")] = "") -> Response:
    """Asks who comes."""
    return ask(request, next_page)


@router.post("/sign-in")
@public
async def sign_in(
    request: Request,
    service: Serving,
    name: Annotated[str, Form(max_length=64)] = "",
    password: Annotated[str, Form(max_length=LONGEST)] = "",
    next_page: Annotated[str, Form(alias="next", max_length=256)] = "",
) -> Response:
    """Sign in with a password; the page again, with the reason, where it is refused."""
    now = service.clock()
    if not service.settings.desk_passwords:
        return ask(request, next_page, status=403, refused="sign_in.passwords_off")
    address = address_of(request)
    try:
        rep = await service.desk.accounts.sign_in(name, password, address, now)
    except SignInRefused:
        return ask(request, next_page, status=401, refused="sign_in.refused")
    except TooManyTries as error:
        return ask_later(request, next_page, error)
    return await let_in(service, rep, next_page, address, now)


async def let_in(service: Service, rep: Rep, next_page: str, address: str | None, now: dt.datetime) -> Response:
    """Begin a session of *rep*, on the page they were going to if it is one of ours."""
    token = await service.desk.sessions.begin(rep, address, now)
    # The desk itself is what everybody asks for first, and no page for an admin.
    is_somewhere = next_page != "/desk" and _PAGE_OF_OURS.fullmatch(next_page)
    answer = RedirectResponse(next_page if is_somewhere else HOME[rep.role], 303)
    give_cookie(answer, service, cookie_name(service), token, LIFE)
    return answer


def give_cookie(answer: Response, service: Service, name: str, value: str, life: dt.timedelta) -> None:
    """Let the browser keep *value* for *life*, unseen by scripts and by other sites; plain HTTP is for the demo."""
    answer.set_cookie(
        name,
        value,
        max_age=int(life.total_seconds()),
        path="/",
        secure=not service.settings.demo,
        httponly=True,
        samesite="lax",
    )


@router.post("/sign-out")
@needs("rep", "supervisor", "admin")
async def sign_out(who: Who, service: Serving) -> Response:
    """End this session; its cookie opens nothing any more. With the last of them, what the rep holds returns to the queue.

    Who came from an identity provider is sent on to sign out there.
    """
    desk, now = service.desk, service.clock()
    await desk.sessions.end(who, now)
    if not await desk.sessions.any_of(who.rep.id, now):
        await desk.presence.leave(who.rep.id)
        await desk.keeper.return_all(who.rep.id, now, actor=who.rep.id)
    elsewhere = await desk.oidc.farewell(who.rep, now) if desk.oidc is not None else None
    answer = Response(status_code=204, headers={"HX-Redirect": elsewhere or SIGN_IN_PAGE})
    answer.delete_cookie(cookie_name(service), path="/", secure=not service.settings.demo, httponly=True)
    return answer


@router.post("/language")
@needs("rep", "supervisor", "admin")
async def speak(who: Who, service: Serving, language: Annotated[Literal["zh", "en"], Form()]) -> Response:
    """The language of the desk's pages, kept with the account."""
    await service.desk.accounts.change(who.rep.id, service.clock(), actor=who.rep.id, language=language)
    return Response(status_code=204, headers={"HX-Refresh": "true"})


def ask(request: Request, next_page: str, *, status: int = 200, refused: str = "", minutes: int = 0) -> Response:
    """The sign-in page; *refused* is the word for why nobody is in yet."""
    service = request.app.state.service
    passwords = service.settings.desk_passwords
    return render(
        request,
        "sign_in.html",
        status=status,
        next=next_page,
        refused=refused,
        minutes=minutes,
        passwords=passwords,
        oidc=service.desk.oidc is not None,
        demo_reps=desk_rules().demo_reps if service.settings.demo and passwords else (),
    )


def ask_later(request: Request, next_page: str, error: TooManyTries) -> Response:
    """The sign-in page for whoever has tried too often."""
    shown = ask(request, next_page, status=429, refused="sign_in.locked", minutes=-(-error.seconds // 60))
    shown.headers["Retry-After"] = str(error.seconds)
    return shown
