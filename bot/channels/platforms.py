"""The platforms that customers write from and replies are sent to: those that the settings name, and no others."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack

import httpx
from fastapi import APIRouter
from pydantic import HttpUrl
from redis.asyncio import Redis

from bot.channels import bindings, webhook, wechat, wechat_kf, wecom
from bot.channels.weixin.api import TIMEOUT
from bot.channels.weixin.callbacks import HELD as HELD_FOR
from bot.delivery import Channel
from bot.parts import Clock, utc_now
from bot.settings import Settings

HELD = {wechat.CHANNEL: HELD_FOR, wecom.CHANNEL: HELD_FOR}
"""The platforms whose own request may carry the answer, and for how long; see ``Deliveries``."""

router = APIRouter()
router.include_router(wechat.router)
router.include_router(wechat_kf.router)
router.include_router(wecom.router)
router.include_router(webhook.router)
router.include_router(bindings.router)


def open_platforms(settings: Settings, redis: Redis, stack: AsyncExitStack, clock: Clock) -> dict[str, Channel]:
    """The channels to send to, by name. Their connections are closed with *stack*."""

    def http(base: HttpUrl) -> httpx.AsyncClient:
        client = httpx.AsyncClient(base_url=str(base), timeout=TIMEOUT, trust_env=False)
        stack.push_async_callback(client.aclose)
        return client

    return channels_of(settings, http, redis, clock)


def channels_of(
    settings: Settings, http: Callable[[HttpUrl], httpx.AsyncClient], redis: Redis, clock: Clock = utc_now
) -> dict[str, Channel]:
    """The channels that *settings* name; *http* gives a client of the platform at an address."""
    channels: dict[str, Channel] = {}
    if settings.wechat_appid is not None:
        channels[wechat.CHANNEL] = wechat.OfficialAccount(settings, http(settings.wechat_api_base), redis)
    if settings.wecom_corpid is not None:
        channels[wechat_kf.CHANNEL] = wechat_kf.KfAccounts(settings, http(settings.wecom_api_base), redis)
        if settings.wecom_agentid is not None:
            channels[wecom.CHANNEL] = wecom.WecomApp(settings, http(settings.wecom_api_base), redis)
    for name, adapter in settings.webhooks.items():
        channels[webhook.channel_of(name)] = webhook.Webhook(name, settings, http(adapter.url), clock)
    return channels
