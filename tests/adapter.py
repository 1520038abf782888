"""An adapter as docs/channels-webhook.md asks for one, for tests: strict about what it is posted, by code of its own."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER_SECRET = "whsec_" + base64.b64encode(bytes(range(1, 33))).decode()
NAME = "im"
PATH = f"/channels/webhook/{NAME}"
CHANNEL = f"webhook:{NAME}"
URL = "https://adapter.example/replies?of=teller"


def sign(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """The signature by the words of the specification, not by our code."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = message_id.encode() + b"." + timestamp.encode() + b"." + body
    return "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()


class Adapter:
    """It shows each message once, by its id. ``script`` is how its next answers go instead of 204: a status, after the
    message was shown if ``shows_first``. ``on_post`` is called when a message was shown and before that is said."""

    def __init__(self, secret: str = SECRET, *, url: str = URL) -> None:
        self.secret = secret
        self.url = url
        self.now = time.time
        self.shown: dict[str, list[str]] = {}
        self.posted: list[dict[str, Any]] = []
        self.ids: list[str] = []
        self.script: list[int] = []
        self.shows_first = False
        self.on_post: Callable[[], object] | None = None
        self._numbers = itertools.count(1)
        self.app = Starlette(routes=[Route("/replies", self._take, methods=["POST"])])

    @property
    def settings(self) -> dict[str, Any]:
        """What a bot is told to work with it."""
        return {"webhooks": {NAME: {"url": self.url, "secret": self.secret}}}

    def http(self) -> httpx.AsyncClient:
        """A client that reaches it."""
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app))

    def signed(self, body: bytes, message_id: str | None = None, at: float | None = None) -> dict[str, str]:
        """The headers of a request of *body*."""
        message_id = message_id or f"m-{next(self._numbers)}"
        timestamp = str(int(self.now() if at is None else at))
        return {
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": sign(self.secret, message_id, timestamp, body),
        }

    async def post(
        self, bot: httpx.AsyncClient, text: str | None, user: str = "user-1", message_id: str | None = None, **more: Any
    ) -> httpx.Response:
        """Tell the bot what a customer did."""
        fields = {"user_id": user, "text": text, **more}
        body = json.dumps({name: value for name, value in fields.items() if value is not None}).encode()
        return await bot.post(PATH, content=body, headers=self.signed(body, message_id))

    async def _take(self, request: Request) -> Response:
        body = await request.body()
        message_id, timestamp = request.headers["webhook-id"], request.headers["webhook-timestamp"]
        assert dict(request.query_params) == {"of": "teller"}
        assert request.headers["content-type"] == "application/json"
        assert abs(self.now() - int(timestamp)) < 300
        assert sign(self.secret, message_id, timestamp, body) in request.headers["webhook-signature"].split(" ")
        self.ids.append(message_id)
        status = self.script.pop(0) if self.script else 204
        if (status < 300 or self.shows_first) and message_id not in self.ids[:-1]:
            message = json.loads(body)
            self.posted.append(message)
            self.shown.setdefault(message["user_id"], []).append(message["text"])
        if self.on_post is not None:
            self.on_post()
        return Response(status_code=status, headers={"Location": "https://elsewhere.example"})
