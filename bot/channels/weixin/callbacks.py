"""A callback over HTTP, from its envelope to the answer in it: at once where the reply comes in time, else later."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import time
from typing import Protocol

from fastapi import Request
from fastapi.responses import PlainTextResponse, Response

from bot.channels import words
from bot.channels.talk import binding_answer, hear
from bot.channels.weixin.crypto import Refused
from bot.channels.weixin.envelope import Envelope, Opened
from bot.channels.weixin.lengths import spoken
from bot.problems import Problem
from bot.service import Service, reply_shape

REPLY_WITHIN = 4.0
"""Seconds in which a reply can still be carried by the platform's own request, which waits for five."""
HELD = dt.timedelta(seconds=5)
"""After a message: until then its answer is left to the request."""
TYPING_AFTER = 1.0
"""Seconds of silence after which the customer is shown that somebody is typing."""
SUCCESS = "success"
"""What tells the platform that the callback was taken and nothing is said in its answer."""


class Answering(Protocol):
    """A platform whose callback's answer may carry the reply. *page* is the bank's page."""

    name: str
    envelope: Envelope
    page: str

    async def typing(self, user_id: str) -> None:
        """Show *user_id* that somebody is typing; whatever goes wrong with it does not matter."""
        ...


def verified(service: Service, envelope: Envelope, request: Request) -> Response:
    """The answer to the platform's question whether this address is ours."""
    try:
        return PlainTextResponse(envelope.verify(request.query_params, service.clock()))
    except Refused:
        raise _refused() from None


async def opened(service: Service, envelope: Envelope, request: Request) -> Opened:
    """What the callback says. Raises ``Problem`` 403 where the platform did not send it, or not lately."""
    try:
        return envelope.open(request.query_params, await request.body(), service.clock())
    except Refused:
        raise _refused() from None


def answered(service: Service, envelope: Envelope, callback: Opened, text: str | None) -> Response:
    """*text* as the answer to the callback's sender; ``success`` where there is none."""
    if text is None:
        return PlainTextResponse(SUCCESS)
    now = service.clock()
    fields: dict[str, str | int] = {
        "ToUserName": callback.fields.get("FromUserName", ""),
        "FromUserName": callback.fields.get("ToUserName", ""),
        "CreateTime": int(now.timestamp()),
        "MsgType": "text",
        "Content": text,
    }
    return Response(envelope.seal(fields, callback.key, now), media_type="application/xml")


async def reply_in_time(service: Service, channel: Answering, user_id: str, message_id: str, text: str) -> str | None:
    """What the answer to the request says to the customer's *text*; ``None`` where the reply is sent later, or never."""
    about_binding = await binding_answer(service, channel.name, user_id, text)
    if about_binding is not None:
        return about_binding
    try:
        heard = await hear(service, channel.name, user_id, user_id, message_id, text)
    except Problem as problem:
        if problem.status != 429:
            raise
        return words.BUSY
    if heard is None:
        return words.NO_SUCH_FORM
    conversation, seq = heard
    began = time.monotonic()
    event = await service.events.reply_to(conversation.id, seq, TYPING_AFTER)
    if event is None and time.monotonic() - began >= TYPING_AFTER:
        typing = asyncio.create_task(channel.typing(user_id))
        try:
            event = await service.events.reply_to(conversation.id, seq, REPLY_WITHIN - TYPING_AFTER)
        finally:
            typing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await typing
    if event is None:
        return None
    parts = spoken(reply_shape(event), channel.page, most=2)
    if len(parts) != 1 or not await service.deliveries.answer_in_place(channel.name, conversation.id, event.seq):
        return None
    return parts[0]


def _refused() -> Problem:
    return Problem(403, "refused", "This is not a callback of the platform, or not one of the last minutes.")
