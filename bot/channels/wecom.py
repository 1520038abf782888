"""A WeCom app (企业微信自建应用): encrypted callbacks, answers in place or by an app message."""

from __future__ import annotations

from typing import Annotated

import httpx
from fastapi import APIRouter, Depends, Request, Response
from redis.asyncio import Redis

from bot.channels import words
from bot.channels.weixin.callbacks import answered, opened, reply_in_time, verified
from bot.channels.weixin.corp import corp_api, corp_envelope
from bot.channels.weixin.lengths import spoken
from bot.channels.weixin.sending import send_parts
from bot.delivery import Delivery, Undeliverable
from bot.problems import not_found
from bot.service import Serving
from bot.settings import Settings

CHANNEL = "wecom"
MAX_PARTS = 5
"""Messages of one reply: the platform allows more, a reader does not."""

router = APIRouter(prefix="/channels/wecom", include_in_schema=False)


class WecomApp:
    """One app of a corporation: a ``delivery.Channel``, and an ``Answering`` platform."""

    name = CHANNEL
    repeatable = False

    def __init__(self, settings: Settings, http: httpx.AsyncClient, redis: Redis) -> None:
        self.envelope = corp_envelope(settings)
        self.page = settings.bank_page()
        self.agent_id = settings.wecom_agentid
        self._api = corp_api(settings, http, redis)

    async def send(self, delivery: Delivery) -> None:
        """Send the reply as app messages.

        Its own check for duplicates compares texts, and would swallow the same answer to a question asked twice.
        """

        async def one(user_id: str, text: str) -> None:
            message = {"touser": user_id, "msgtype": "text", "agentid": self.agent_id, "text": {"content": text}}
            answer = await self._api.call("/cgi-bin/message/send", message)
            # It answers 0 for a user who is gone as long as anybody else is left.
            if answer.get("invaliduser") or answer.get("unlicenseduser"):
                raise Undeliverable("the user is not in the app's sight")

        await send_parts(delivery, spoken(delivery.data, self.page, MAX_PARTS), one)

    async def typing(self, user_id: str) -> None:
        """The platform shows no such thing for apps."""


def _app(service: Serving) -> WecomApp:
    app = service.channels.get(CHANNEL)
    if not isinstance(app, WecomApp):
        raise not_found()
    return app


App = Annotated[WecomApp, Depends(_app)]


@router.get("")
async def verify(request: Request, app: App, service: Serving) -> Response:
    """The platform asks whether the address is ours."""
    return verified(service, app.envelope, request)


@router.post("")
async def receive(request: Request, app: App, service: Serving) -> Response:
    """An employee's or customer's message to the app, or an event."""
    callback = await opened(service, app.envelope, request)
    fields = callback.fields
    user_id, kind = fields.get("FromUserName", ""), fields.get("MsgType", "")
    if not user_id or fields.get("AgentID") != str(app.agent_id):
        return answered(service, app.envelope, callback, None)
    said = None
    if kind == "event":
        if fields.get("Event", "").lower() == "subscribe":
            said = f"{words.GREETING}\n{words.TO_BIND.format(url=f'{app.page}/bind')}"
    elif kind == "text" and fields.get("Content", "").strip() and "MsgId" in fields:
        said = await reply_in_time(service, app, user_id, fields["MsgId"], fields["Content"])
    else:
        said = words.KINDLY.get(kind, words.NO_SUCH_FORM)
    return answered(service, app.envelope, callback, said)
