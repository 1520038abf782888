"""The static side: the widget and the description of the API; in the demo the bank's page around them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import FileResponse

WEB = Path(__file__).parent.parent / "web"
PAGES = {"docs.html": "/docs"}
BANK_PAGES = {"index.html": "/", "bind.html": "/bind"}
BANK_ASSETS = ("bank.css", "bank.js", "bind.css", "bind.js")
DESK = "desk/"
"""What the desk serves itself, behind its own door."""
BINDING_LINK = "/bind/{code}"
"""A binding link is sent to us in WeChat; whoever opens it in a browser is told so."""
# Browsers ask again each time, and the files are small: a new release is seen at once.
_HEADERS = {"Cache-Control": "no-cache"}
WIDGET = "widget"
# Nothing in it is anybody's; which pages may talk to us from it is decided where they talk.
_WIDGET_HEADERS = {**_HEADERS, "Cross-Origin-Resource-Policy": "cross-origin"}
_FOR_TSC = (".ts", ".json")
"""Files that type-checking reads and no browser does."""


def pages(*, demo: bool) -> APIRouter:
    """A route for every file under ``bot/web``; without *demo* none of the bank's own page."""
    router = APIRouter(include_in_schema=False)
    for file in sorted(WEB.rglob("*.*")):
        name = file.relative_to(WEB).as_posix()
        if name.startswith(DESK) or file.suffix in _FOR_TSC:
            continue
        if not demo and (name in BANK_PAGES or name in BANK_ASSETS):
            continue
        router.add_api_route(PAGES.get(name) or BANK_PAGES.get(name) or f"/{name}", _sender(file, name), name=name)
    if demo:
        router.add_api_route(BINDING_LINK, _sender(WEB / "bind.html", "bind.html"), name="binding-link")
    return router


def _sender(file: Path, name: str) -> Callable[[], Awaitable[FileResponse]]:
    headers = _WIDGET_HEADERS if name.startswith(WIDGET) else _HEADERS

    async def send() -> FileResponse:
        return FileResponse(file, headers=headers)

    return send
