"""What WeCom's app and 微信客服 share: one corporation, one callback secret, one token."""

from __future__ import annotations

import datetime as dt

import httpx
from redis.asyncio import Redis

from bot.channels.weixin.api import Api
from bot.channels.weixin.crypto import aes_key
from bot.channels.weixin.envelope import Envelope
from bot.settings import Settings


def corp_envelope(settings: Settings) -> Envelope:
    """The envelope of the corporation's callbacks, which are always encrypted."""
    assert settings.wecom_corpid is not None
    assert settings.wecom_token is not None
    assert settings.wecom_aes_key is not None
    keys = (settings.wecom_aes_key, settings.wecom_aes_key_previous)
    return Envelope(
        token=settings.wecom_token.get_secret_value(),
        receiver=settings.wecom_corpid,
        keys=tuple(aes_key(key.get_secret_value()) for key in keys if key is not None),
        max_age=dt.timedelta(seconds=settings.webhook_max_age),
    )


def corp_api(settings: Settings, http: httpx.AsyncClient, redis: Redis) -> Api:
    """Calls with the app's token; both channels use the same one, kept once."""
    assert settings.wecom_corpid is not None
    assert settings.wecom_secret is not None
    query = {"corpid": settings.wecom_corpid, "corpsecret": settings.wecom_secret.get_secret_value()}
    return Api(
        http,
        redis,
        f"wecom:{settings.wecom_corpid}",
        lambda: http.build_request("GET", "/cgi-bin/gettoken", params=query),
    )
