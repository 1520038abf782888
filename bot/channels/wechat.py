"""WeChat Official Account (公众号): callbacks in plain or safe mode, answers in place or by customer-service message."""

from __future__ import annotations

import contextlib
import datetime as dt
from typing import Annotated

import httpx
from fastapi import APIRouter, Depends, Request, Response
from redis.asyncio import Redis

from bot.channels import words
from bot.channels.talk import binding_answer
from bot.channels.weixin.api import Api
from bot.channels.weixin.callbacks import answered, opened, reply_in_time, verified
from bot.channels.weixin.crypto import aes_key
from bot.channels.weixin.envelope import Envelope
from bot.channels.weixin.lengths import spoken
from bot.channels.weixin.sending import send_parts
from bot.delivery import Delivery, NotSent, Undeliverable, Unsure
from bot.problems import not_found
from bot.service import Service, Serving
from bot.settings import Settings

CHANNEL = "wechat"
MAX_PARTS = 5
"""Customer-service messages that the platform allows for each message of a customer, within 48 hours."""

router = APIRouter(prefix="/channels/wechat", include_in_schema=False)


class OfficialAccount:
    """One Official Account: a ``delivery.Channel``, and an ``Answering`` platform."""

    name = CHANNEL
    repeatable = False

    def __init__(self, settings: Settings, http: httpx.AsyncClient, redis: Redis) -> None:
        assert settings.wechat_appid is not None
        assert settings.wechat_secret is not None
        assert settings.wechat_token is not None
        keys = (settings.wechat_aes_key, settings.wechat_aes_key_previous)
        self.envelope = Envelope(
            token=settings.wechat_token.get_secret_value(),
            receiver=settings.wechat_appid,
            keys=tuple(aes_key(key.get_secret_value()) for key in keys if key is not None),
            max_age=dt.timedelta(seconds=settings.webhook_max_age),
        )
        self.page = settings.bank_page()
        body = {
            "grant_type": "client_credential",
            "appid": settings.wechat_appid,
            "secret": settings.wechat_secret.get_secret_value(),
            "force_refresh": False,
        }
        self._api = Api(
            http,
            redis,
            f"{CHANNEL}:{settings.wechat_appid}",
            lambda: http.build_request("POST", "/cgi-bin/stable_token", json=body),
        )

    async def send(self, delivery: Delivery) -> None:
        """Send the reply as customer-service messages, within what the platform allows for one message."""

        async def one(user_id: str, text: str) -> None:
            message = {"touser": user_id, "msgtype": "text", "text": {"content": text}}
            await self._api.call("/cgi-bin/message/custom/send", message)

        await send_parts(delivery, spoken(delivery.data, self.page, MAX_PARTS), one)

    async def typing(self, user_id: str) -> None:
        """Shown for fifteen seconds, or until the next message."""
        with contextlib.suppress(NotSent, Undeliverable, Unsure):
            await self._api.call("/cgi-bin/message/custom/typing", {"touser": user_id, "command": "Typing"})


def _account(service: Serving) -> OfficialAccount:
    account = service.channels.get(CHANNEL)
    if not isinstance(account, OfficialAccount):
        raise not_found()
    return account


Account = Annotated[OfficialAccount, Depends(_account)]


@router.get("")
async def verify(request: Request, account: Account, service: Serving) -> Response:
    """The platform asks whether the address is ours."""
    return verified(service, account.envelope, request)


@router.post("")
async def receive(request: Request, account: Account, service: Serving) -> Response:
    """A customer's message, or an event."""
    callback = await opened(service, account.envelope, request)
    return answered(service, account.envelope, callback, await _answer(service, account, callback.fields))


async def _answer(service: Service, account: OfficialAccount, fields: dict[str, str]) -> str | None:
    user_id, kind = fields.get("FromUserName", ""), fields.get("MsgType", "")
    if not user_id:
        return None
    if kind == "event":
        return await _answer_event(service, account, user_id, fields)
    # Recognised speech comes with a voice message where the account has it; it is being retired and may be empty.
    text = fields.get("Content" if kind == "text" else "Recognition", "")
    if not text.strip() or "MsgId" not in fields:
        return words.KINDLY.get(kind, words.NO_SUCH_FORM)
    return await reply_in_time(service, account, user_id, fields["MsgId"], text)


async def _answer_event(service: Service, account: OfficialAccount, user_id: str, fields: dict[str, str]) -> str | None:
    event, key = fields.get("Event", "").lower(), fields.get("EventKey", "")
    if event == "unsubscribe":
        await service.bindings.unbind(CHANNEL, user_id, service.clock())
        return None
    if event in ("subscribe", "scan"):
        # A bank's QR code may carry the link: the platform hands its scene on.
        bound = await binding_answer(service, CHANNEL, user_id, key)
        if bound is not None or event == "scan":
            return bound
        return f"{words.GREETING}\n{words.TO_BIND.format(url=f'{account.page}/bind')}"
    if event == "click" and key:
        # No MsgId: the platform says to tell events apart by who sent them when.
        return await reply_in_time(service, account, user_id, f"event-{fields.get('CreateTime', '')}", key)
    return None
