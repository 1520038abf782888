"""Signing in through the bank's identity provider: away to it, and back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import RedirectResponse

from bot.desk.access import public
from bot.desk.accounts import TooManyTries
from bot.desk.oidc import Answer, Oidc
from bot.desk.oidc_attempt import LIFE
from bot.desk.oidc_client import OidcRefused, Why
from bot.desk.oidc_discovery import ProviderAway
from bot.desk.routes.signing_in import ask, ask_later, give_cookie, let_in
from bot.guards import address_of
from bot.problems import not_found
from bot.service import Service, Serving

_REFUSALS: dict[Why, tuple[int, str]] = {
    "forged": (400, "oidc.forged"),
    "denied": (401, "oidc.denied"),
    "code": (401, "oidc.failed"),
    "token": (401, "oidc.failed"),
    "no_role": (403, "oidc.no_role"),
    "shut": (403, "oidc.shut"),
}

router = APIRouter(prefix="/oidc")


@router.get("/start")
@public
async def start(
    request: Request, service: Serving, next_page: Annotated[str, Query(alias="next", max_length=256)] = ""
) -> Response:
    """To the provider. A link and no form: a policy of ours lets no form lead away from us."""
    try:
        url, cookie = await _oidc(service).begin(next_page, service.clock())
    except ProviderAway:
        return ask(request, next_page, status=503, refused="oidc.away")
    answer = RedirectResponse(url, 303)
    # Lax as the session's, never strict: it must come along when the provider sends the browser back.
    give_cookie(answer, service, _cookie_name(service), cookie, LIFE)
    return answer


@router.get("/callback")
@public
async def callback(
    request: Request,
    service: Serving,
    state: Annotated[str, Query(max_length=128)] = "",
    code: Annotated[str, Query(max_length=4_096)] = "",
    error: Annotated[str, Query(max_length=256)] = "",
    iss: Annotated[str | None, Query(max_length=512)] = None,
) -> Response:
    """Back from the provider: to the desk, or to the sign-in page with the reason."""
    name, now, address = _cookie_name(service), service.clock(), address_of(request)
    given = Answer(state=state, code=code, error=error, iss=iss)
    try:
        rep, next_page = await _oidc(service).finish(given, request.cookies.get(name, ""), address, now)
    except OidcRefused as refusal:
        status, words = _REFUSALS[refusal.why]
        answer = ask(request, "", status=status, refused=words)
    except ProviderAway:
        answer = ask(request, "", status=503, refused="oidc.away")
    except TooManyTries as tries:
        answer = ask_later(request, "", tries)
    else:
        answer = await let_in(service, rep, next_page, address, now)
    answer.delete_cookie(name, path="/", secure=not service.settings.demo, httponly=True, samesite="lax")
    return answer


def _oidc(service: Service) -> Oidc:
    if service.desk.oidc is None:
        raise not_found()
    return service.desk.oidc


def _cookie_name(service: Service) -> str:
    return "teller_desk_oidc" if service.settings.demo else "__Host-teller_desk_oidc"
