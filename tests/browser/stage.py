"""A host page that a bank might have, and a server that says what a test tells it to: the widget's surroundings."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse

from bot.channels.pages import pages
from bot.guards import SafeHeaders
from tests.server import serving

LOOK_AGAIN = 0.01


def host_page(origin: str, attributes: str = "") -> HTMLResponse:
    """A page with nothing but the widget of *origin*, under the strictest policy that lets it in."""
    policy = (
        f"default-src 'none'; script-src {origin}; style-src {origin}; connect-src {origin}; base-uri 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    body = (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>某银行</title>'
        '<meta name="viewport" content="width=device-width">'
        f'<script src="{origin}/widget.js"></script></head>'
        f"<body><main><h1>某银行</h1><teller-chat {attributes}></teller-chat></main></body></html>"
    )
    return HTMLResponse(body, headers={"Content-Security-Policy": policy})


class Stage:
    """A server of one conversation. ``said`` is what it was sent, ``asked`` every request as method, path and body,
    ``followed`` what each stream was opened after."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.said: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str, Any]] = []
        self.followed: list[int] = []
        self.queue: dict[str, Any] | None = None
        self.attributes = ""
        self.up = True
        self.url = ""
        self._seq = itertools.count(1)
        self._epoch = 0
        self.app = self._app()

    def tell(self, type_: str, actor: str = "bot", /, at: dt.datetime | None = None, **data: Any) -> int:
        """Let an event happen; its ``seq``."""
        seq = next(self._seq)
        moment = at or dt.datetime.now(dt.UTC)
        self.events.append({"seq": seq, "type": type_, "at": moment.isoformat(), "actor": actor, "data": data})
        return seq

    def answer(self, text: str, **data: Any) -> int:
        """Let the bot say *text*."""
        return self.tell("message.completed", text=text, **data)

    def cut(self, *, up: bool) -> None:
        """Break every stream off; while not *up*, nobody is answered."""
        self.up = up
        self._epoch += 1

    @contextmanager
    def serving(self) -> Iterator[Stage]:
        """Served until the end of the block."""
        with serving(self.app) as self.url:
            yield self

    def _app(self) -> FastAPI:
        app = FastAPI()
        app.add_middleware(SafeHeaders)
        app.add_api_route("/host", self._host)
        app.add_api_route("/v1/conversations", self._open, methods=["POST"])
        app.add_api_route("/v1/conversations/{id}", self._state)
        app.add_api_route("/v1/conversations/{id}/messages", self._take, methods=["POST"])
        app.add_api_route("/v1/conversations/{id}/{what}", self._take, methods=["PUT", "POST"])
        app.add_api_route("/v1/conversations/{id}/events", self._read)
        app.include_router(pages(demo=False))
        return app

    async def _host(self) -> Response:
        return host_page(self.url, self.attributes)

    async def _open(self, request: Request) -> Response:
        self.asked.append(("POST", "/v1/conversations", await request.json()))
        return JSONResponse({"id": "c", "secret": "c~s"}, 201 if self.up else 503)

    async def _state(self, id: str) -> Response:
        return JSONResponse({"id": id, "queue": self.queue})

    async def _take(self, request: Request, id: str, what: str = "messages") -> Response:
        body = await request.json()
        self.asked.append((request.method, what, body))
        if not self.up:
            return Response(status_code=503)
        if what != "messages":
            return Response(status_code=204)
        known = [told["message_id"] for told in self.said]
        if body["message_id"] not in known:
            self.said.append(body)
            self.tell("message.completed", "customer", text=body["text"], message_id=body["message_id"])
        return JSONResponse({"seq": 1, "message_id": body["message_id"]}, 202)

    async def _read(self, id: str, after: int = 0) -> Response:
        if not self.up:
            return Response(status_code=503)
        self.followed.append(after)
        # One event more than was asked for: what came twice must not be shown twice.
        return StreamingResponse(self._stream(after - 1), media_type="text/event-stream")

    async def _stream(self, after: int) -> AsyncIterator[str]:
        epoch = self._epoch
        yield "retry: 100\n\n"
        while epoch == self._epoch:
            for event in list(self.events):
                if event["seq"] > after:
                    after = event["seq"]
                    yield f"id: {after}\nevent: {event['type']}\ndata: {json.dumps(event)}\n\n"
            await asyncio.sleep(LOOK_AGAIN)
