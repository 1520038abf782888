"""A real server for tests: the whole bot behind HTTP on a free port, in a thread of its own."""

from __future__ import annotations

import asyncio
import datetime as dt
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.types import ASGIApp

from bot.app import Instead, create_app
from bot.parts import utc_now
from bot.service import Service
from bot.settings import load_settings


class Server:
    """A running demo bot under *settings*. ``ahead`` is how far its clock is put forward."""

    def __init__(self, data_dir: Path, **settings: object) -> None:
        self.ahead = dt.timedelta()
        self._app = create_app(load_settings(env="demo", data_dir=data_dir, **settings), Instead(clock=self.now))
        self._server = uvicorn.Server(
            uvicorn.Config(self._app, port=0, log_level="warning", timeout_graceful_shutdown=1)
        )

    def now(self) -> dt.datetime:
        """The time as the bot sees it."""
        return utc_now() + self.ahead

    @property
    def service(self) -> Service:
        """What the handlers work with."""
        service: Service = self._app.state.service
        return service

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self._server.servers[0].sockets[0].getsockname()[:2]
        return f"http://{host}:{port}"

    def client(self, bearer: str | None = None) -> httpx.Client:
        """A client that may carry a credential."""
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30)

    def token(self, customer_id: str) -> str:
        """That customer's token, from the demo's sign-in."""
        with self.client() as http:
            return str(http.post("/demo/token", json={"customer_id": customer_id}).raise_for_status().json()["token"])

    def open(self, token: str | None = None, **body: Any) -> Talk:
        """A new conversation."""
        with self.client(token) as http:
            opened = http.post("/v1/conversations", json=body).raise_for_status().json()
        return Talk(self, opened["id"], opened["secret"])

    @contextmanager
    def clock_ahead(self, by: dt.timedelta) -> Iterator[None]:
        """The bot's clock put forward for a while."""
        self.ahead = by
        try:
            yield
        finally:
            self.ahead = dt.timedelta()

    @contextmanager
    def serving(self) -> Iterator[Server]:
        """Served until the end of the block."""
        thread = threading.Thread(target=lambda: asyncio.run(self._server.serve()), daemon=True)
        thread.start()
        while not self._server.started:
            thread.join(0.02)
            if not thread.is_alive():
                raise RuntimeError("the server did not start")
        try:
            yield self
        finally:
            self._server.should_exit = True
            thread.join(20)


class Talk:
    """One conversation over ``/v1``, by its secret."""

    def __init__(self, server: Server, conversation_id: str, secret: str) -> None:
        self.server = server
        self.id = conversation_id
        self.secret = secret
        self.path = f"/v1/conversations/{conversation_id}"

    def post(self, text: str, message_id: str | None = None, wait: float = 20) -> httpx.Response:
        """Send a message; the raw answer."""
        with self.server.client(self.secret) as http:
            body = {"message_id": message_id or str(uuid.uuid4()), "text": text}
            return http.post(f"{self.path}/messages", params={"wait": wait} if wait else {}, json=body)

    def say(self, text: str) -> dict[str, Any]:
        """Send a message and have the reply."""
        response = self.post(text)
        assert response.status_code == 200, response.text
        reply: dict[str, Any] = response.json()
        return reply

    def events(self, after: int = 0) -> list[dict[str, Any]]:
        """The events so far, as a list."""
        with self.server.client(self.secret) as http:
            response = http.get(f"{self.path}/events", params={"after": after}, headers={"Accept": "application/json"})
        found: list[dict[str, Any]] = response.raise_for_status().json()
        return found


@contextmanager
def serving(app: ASGIApp, port: int = 0) -> Iterator[str]:
    """Serves *app* in a thread of its own, on a free port unless told; yields its URL."""
    listener = socket.create_server(("127.0.0.1", port))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", ws="none", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.005)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listener.close()
    assert not thread.is_alive()
