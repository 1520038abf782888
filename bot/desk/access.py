"""The one door of the desk: every route passes ``admit``, and one that does not say whom it is for is shut to all.

A handler says it with ``@needs("rep", "supervisor")``; it has who asks as a parameter of type ``Who``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar
from urllib.parse import quote, urlsplit

from fastapi import Depends, Request

from bot.desk.accounts import ROLES, Role
from bot.desk.sessions import SignedIn
from bot.guards import require_this_machine
from bot.problems import Problem
from bot.service import Service, Serving

Handler = TypeVar("Handler", bound=Callable[..., Any])

SIGN_IN_PAGE = "/desk/sign-in"
CSRF_HEADER = "X-CSRF-Token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_ROLES, _PUBLIC, _QUIET = "__desk_roles__", "__desk_public__", "__desk_quiet__"


def needs(*roles: Role) -> Callable[[Handler], Handler]:
    """Opens a handler to those roles, and to no others."""
    if not roles or not set(roles) <= set(ROLES):
        raise ValueError(f"roles are among {ROLES}")

    def mark(handler: Handler) -> Handler:
        setattr(handler, _ROLES, frozenset(roles))
        return handler

    return mark


def public(handler: Handler) -> Handler:
    """Opens a handler to whoever asks: the sign-in page and what it is made of."""
    setattr(handler, _PUBLIC, True)
    return handler


def quiet(handler: Handler) -> Handler:
    """Marks a handler that a page calls by itself: calling it keeps nobody signed in."""
    setattr(handler, _QUIET, True)
    return handler


def roles_of(handler: Callable[..., Any]) -> frozenset[Role]:
    """The roles that a handler is open to; empty where it is public, or shut."""
    found: frozenset[Role] = getattr(handler, _ROLES, frozenset())
    return found


def is_public(handler: Callable[..., Any]) -> bool:
    """Whether a handler is open to whoever asks."""
    return bool(getattr(handler, _PUBLIC, False))


def cookie_name(service: Service) -> str:
    """The session's cookie. ``__Host-`` binds it to this host and to https, which the demo has not."""
    return "teller_desk" if service.settings.demo else "__Host-teller_desk"


async def admit(request: Request, service: Serving) -> SignedIn | None:
    """Who asks, where they may; ``None`` for a public route.

    Raises ``Problem``: 401 (or 303 to the sign-in page, for a browser), 403 for another role, for an act that another
    site sent, and for a route that is shut.
    """
    if service.settings.demo:
        require_this_machine(request)
    handler = request.scope["endpoint"]
    changes = request.method not in SAFE_METHODS
    if changes:
        _demand_own_origin(request)
    if is_public(handler):
        return None
    token = request.cookies.get(cookie_name(service))
    signed_in = None
    if token is not None:
        touch = not getattr(handler, _QUIET, False)
        signed_in = await service.desk.sessions.find(token, service.clock(), touch=touch)
    if signed_in is None:
        raise _sign_in_first(request)
    if changes and not signed_in.has_sent(request.headers.get(CSRF_HEADER)):
        raise Problem(403, "forged", "The act does not carry this session's token: load the page again.")
    if signed_in.rep.role not in roles_of(handler):
        raise Problem(403, "not-yours", "Your role does not open this.")
    return signed_in


async def _signed_in(admitted: Annotated[SignedIn | None, Depends(admit)]) -> SignedIn:
    assert admitted is not None, "a public handler asks nobody who they are"
    return admitted


Who = Annotated[SignedIn, Depends(_signed_in)]
"""A handler's parameter of this type is the rep who asks."""


def _demand_own_origin(request: Request) -> None:
    """An act comes from a page of ours. Browsers say which in ``Origin``; who sends none is no browser, or hides it."""
    origin = request.headers.get("origin", "")
    if not origin or urlsplit(origin).netloc.lower() != request.headers.get("host", "").lower():
        raise Problem(403, "foreign-origin", "This act was not sent by a page of the desk.")


def _sign_in_first(request: Request) -> Problem:
    if request.headers.get("hx-request") == "true":
        return Problem(401, "unauthorized", "Sign in first.", headers={"HX-Redirect": SIGN_IN_PAGE})
    if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
        target = f"{SIGN_IN_PAGE}?next={quote(request.url.path)}"
        return Problem(303, "sign-in", "Sign in first.", headers={"Location": target})
    return Problem(401, "unauthorized", "Sign in first.")
