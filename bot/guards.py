"""What stands before the handlers: a cap on bodies, the headers browsers obey, and the demo's own front door."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.problems import Problem
from bot.settings import is_loopback

MAX_HEADERS = 16_384
"""Bytes of all headers of a request together."""
MAX_BODY = 16_384
"""Bytes of the largest body that is read at all; a message of 2,000 code points fits however it is escaped."""

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)

_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class BodyLimit:
    """Answers 413 to a body over *limit* bytes before anything parses it, whether or not its length was declared.

    415 to a compressed one, whose size is not its size, and 431 to headers over ``MAX_HEADERS``.
    """

    def __init__(self, app: ASGIApp, limit: int = MAX_BODY) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if sum(len(name) + len(value) for name, value in headers.raw) > MAX_HEADERS:
            problem = Problem(431, "headers-too-large", f"The headers may have {MAX_HEADERS} bytes at most.")
            await problem.response()(scope, receive, send)
            return
        if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
            await Problem(415, "compressed", "Send the body as it is.").response()(scope, receive, send)
            return
        if scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        declared = headers.get("content-length", "0")
        body = await self._read(receive) if declared.isdecimal() and int(declared) <= self._limit else None
        if body is None:
            problem = Problem(413, "body-too-large", f"A body may have {self._limit} bytes at most.")
            await problem.response()(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)

    async def _read(self, receive: Receive) -> bytes | None:
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return bytes(body)
            body += message.get("body", b"")
            if len(body) > self._limit:
                return None
            if not message.get("more_body", False):
                return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def replayed() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


class SafeHeaders:
    """Adds the headers that keep a browser strict; a handler's own value of any of them wins."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


def address_of(request: Request) -> str | None:
    """Where the request came from: the peer's IPv4 address, or the /64 that one IPv6 subscriber has whole.

    Behind a proxy it is what the proxy says, where uvicorn was told to trust it (``FORWARDED_ALLOW_IPS``).
    """
    try:
        address = ipaddress.ip_address(request.client.host if request.client else "")
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return str(ipaddress.ip_network((address.packed[:8] + bytes(8), 64)))
        return str(address.ipv4_mapped)
    return str(address)


def host_name(authority: str) -> str:
    """The name in a ``Host`` header or an origin's authority, without its port; empty where it is not one."""
    try:
        return (urlsplit(f"//{authority}").hostname or "").lower()
    except ValueError:
        return ""


def require_this_machine(request: Request) -> None:
    """A dependency of the demo's own pages: the peer, ``Host`` and ``Origin`` are this machine.

    The last two keep a web page elsewhere from reading the demo through a name of its own (DNS rebinding).
    """
    peer = request.client.host if request.client else ""
    origin = request.headers.get("origin")
    if not is_loopback(peer) or not is_loopback(host_name(request.headers.get("host", ""))):
        raise Problem(403, "demo-is-local", "The demo answers this machine only.")
    if origin is not None and not is_loopback(host_name(urlsplit(origin).netloc)):
        raise Problem(403, "demo-is-local", "The demo answers its own page only.")
