"""The whole bot in process, beside the platforms of ``tests.weixin``: one replica, or several over one database."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from redis.asyncio import Redis
from sqlalchemy import select

from backends.action import ActionCall, ActionRunner, Caller
from backends.result import Result
from bot.app import Instead, create_app, running
from bot.channels import platforms
from bot.delivery import Channel
from bot.parts import Clock, utc_now
from bot.records import DeliveryRow, InboxRow
from bot.service import Service
from bot.settings import Settings, load_settings
from intents.scorer import RELEASE
from intents.serve import Understander
from responses.gateway import ModelProvider
from tests.bank import open_bank
from tests.weixin import AES_KEY, AGENT, APP, SECRET, TOKEN, Weixin

WECHAT = {"wechat_appid": APP, "wechat_secret": SECRET, "wechat_token": TOKEN, "wechat_aes_key": AES_KEY}
WECOM = {
    "wecom_corpid": APP,
    "wecom_agentid": AGENT,
    "wecom_secret": SECRET,
    "wecom_token": TOKEN,
    "wecom_aes_key": AES_KEY,
}


class Gate:
    """A bank that answers only while it is open."""

    def __init__(self, actions: ActionRunner) -> None:
        self._actions = actions
        self.open = asyncio.Event()
        self.open.set()

    async def run(self, call: ActionCall, caller: Caller) -> Result:
        await self.open.wait()
        return await self._actions.run(call, caller)


class Replica:
    """One process: its HTTP face, its service, and the bank's gate."""

    def __init__(self, http: httpx.AsyncClient, service: Service, gate: Gate) -> None:
        self.http = http
        self.service = service
        self.gate = gate

    async def token(self, customer_id: str = "C1001") -> dict[str, str]:
        """The headers of that customer."""
        return {"Authorization": f"Bearer {self.service.tokens.issue(customer_id, self.service.clock())}"}

    async def link(self, customer_id: str = "C1001") -> str:
        """A binding link of that customer, from the bank's page."""
        made = await self.http.post("/v1/bindings/links", headers=await self.token(customer_id))
        assert made.status_code == 201, made.text
        return str(made.json()["url"])

    async def deliveries(self) -> list[tuple[str, int, str | None]]:
        """Status, attempts and last error of everything that was to be sent."""
        query = select(DeliveryRow.status, DeliveryRow.attempts, DeliveryRow.last_error).order_by(DeliveryRow.id)
        async with self.service.bindings._engine.connect() as connection:
            return [(row.status, row.attempts, row.last_error) for row in await connection.execute(query)]

    async def heard(self) -> list[str]:
        """The texts of the inbox."""
        async with self.service.bindings._engine.connect() as connection:
            return list(await connection.scalars(select(InboxRow.text).order_by(InboxRow.received_at)))


@cache
def understander() -> Understander:
    return Understander(RELEASE)


@asynccontextmanager
async def replica(
    data_dir: Path,
    weixin: Weixin,
    redis: Redis,
    *,
    clock: Clock = utc_now,
    provider: ModelProvider | None = None,
    **given: Any,
) -> AsyncIterator[Replica]:
    """The bot under the settings *given*, talking to *weixin*."""
    settings = load_settings(env="demo", data_dir=data_dir, **given)
    async with AsyncExitStack() as stack:
        bank = await stack.enter_async_context(open_bank(data_dir))
        bank.now = dt.datetime(2026, 11, 21, 2, 30, tzinfo=dt.UTC)
        gate = Gate(bank.actions)
        instead = Instead(
            clock=clock,
            understand=understander().understand,
            actions=gate,
            provider=provider,
            channels=_channels(settings, weixin, redis, stack),
        )
        service = await stack.enter_async_context(running(settings, instead))
        app = create_app(settings, instead)
        app.state.service = service
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
        http = await stack.enter_async_context(
            httpx.AsyncClient(base_url="http://127.0.0.1", transport=transport, timeout=30)
        )
        yield Replica(http, service, gate)


def _channels(settings: Settings, weixin: Weixin, redis: Redis, stack: AsyncExitStack) -> dict[str, Channel]:
    def http(_: object) -> httpx.AsyncClient:
        client = weixin.http()
        stack.push_async_callback(client.aclose)
        return client

    return platforms.channels_of(settings, http, redis)


async def until(condition: Any, seconds: float = 8.0) -> None:
    """Wait for what another task brings about."""
    async with asyncio.timeout(seconds):
        while not (await condition() if asyncio.iscoroutinefunction(condition) else condition()):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
