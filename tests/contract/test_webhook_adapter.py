"""The adapter of docs/channels-webhook.md, as it stands there, between a platform and a served bot."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.adapter import SECRET
from tests.faults.stores import free_port
from tests.server import Server, serving

PAGE = Path(__file__).parent.parent.parent / "docs" / "channels-webhook.md"


def adapter_of(page: str) -> str:
    """The Python text of the page."""
    [text] = re.findall(r"```python\n(.+?)```", page, re.DOTALL)
    return str(text)


class Platform:
    """An IM that shows what it is told to."""

    def __init__(self) -> None:
        self.shown: list[dict[str, str]] = []
        self.app = Starlette(routes=[Route("/send", self._send, methods=["POST"])])

    async def _send(self, request: Request) -> Response:
        self.shown.append(await request.json())
        return Response()

    def shows(self, count: int) -> str:
        """The text that is shown as the *count*-th."""
        deadline = time.monotonic() + 20
        while len(self.shown) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(self.shown) == count
        assert self.shown[-1]["to"] == "user-1"
        return self.shown[-1]["text"]


@pytest.fixture
def platform() -> Platform:
    return Platform()


@pytest.fixture
def adapter(
    tmp_path: Path, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[httpx.Client, Server]]:
    """What the page says, running."""
    port = free_port()
    webhooks = {"im": {"url": f"http://127.0.0.1:{port}/replies", "secret": SECRET}}
    with serving(platform.app) as platform_url, Server(tmp_path, webhooks=webhooks).serving() as bot:
        monkeypatch.setenv("ADAPTER_SECRET", SECRET)
        monkeypatch.setenv("TELLER_WEBHOOK", f"{bot.url}/channels/webhook/im")
        monkeypatch.setenv("PLATFORM_URL", f"{platform_url}/send")
        made: dict[str, Any] = {}
        exec(compile(adapter_of(PAGE.read_text("utf-8")), str(PAGE), "exec"), made)

        @asynccontextmanager
        async def closing(_: object) -> AsyncIterator[None]:
            yield
            await made["http"].aclose()

        made["app"].router.lifespan_context = closing
        with serving(made["app"], port) as url, httpx.Client(base_url=url, timeout=30, trust_env=False) as http:
            yield http, bot


def test_the_pages_adapter_brings_a_question_in_and_its_answer_back(
    adapter: tuple[httpx.Client, Server], platform: Platform
) -> None:
    http, bot = adapter
    question = {"id": "m-1", "from": "user-1", "text": "今天美元汇率多少"}
    for _ in range(2):
        assert http.post("/platform", json=question).status_code == 200
    assert "美元" in platform.shows(1)
    with bot.client(bot.token("C1001")) as bank:
        link = bank.post("/v1/bindings/links").raise_for_status().json()["url"]
    http.post("/platform", json={"id": "m-2", "from": "user-1", "text": link})
    assert "绑定成功" in platform.shows(2)
    http.post("/platform", json={"id": "m-3", "from": "user-1", "text": "我的信用卡账单"})
    assert "还款" in platform.shows(3)
    forged = {"webhook-id": "x", "webhook-timestamp": f"{time.time():.0f}", "webhook-signature": "v1,AAAA"}
    assert http.post("/replies", content=b"{}", headers=forged).status_code == 403
    assert len(platform.shown) == 3
