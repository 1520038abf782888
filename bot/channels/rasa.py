"""Rasa's REST channel, so that its clients talk to this bot unchanged. One reply is one message, never split.

``sender`` is a label that anybody can say: it finds what was said under it by the same customer, or by nobody. Only
``metadata.token`` signs in. The reply in full, with its evidence, is the message's ``custom``.
"""

from __future__ import annotations

import json
import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.channels.intake import LABEL, Address, MessageId, MessageText, take
from bot.claims import InvalidToken
from bot.principal import Principal
from bot.problems import Problem, from_validation, unauthorized
from bot.service import Service, Serving, reply_shape

CHANNEL = "rasa"
DEFAULT_SENDER = "default"
REPLY_WITHIN = 20.0
"""Seconds the request waits for the reply; it answers an empty list after that, and the message is still answered."""

router = APIRouter(prefix="/webhooks/rest", tags=["rasa"])


class Metadata(BaseModel):
    """What of a client's metadata is ours; the rest is the client's own."""

    model_config = ConfigDict(extra="ignore")
    token: str | None = None
    message_id: MessageId | None = None


class UserMessage(BaseModel):
    """A message as Rasa's clients send it."""

    model_config = ConfigDict(extra="ignore")
    sender: Annotated[str, Field(pattern=LABEL)] | None = None
    message: MessageText
    metadata: Metadata | None = None


@router.get("/")
async def alive() -> dict[str, str]:
    """Whether the channel is there."""
    return {"status": "ok"}


_BODY = {"requestBody": {"content": {"application/json": {"schema": UserMessage.model_json_schema()}}}}


@router.post("/webhook", openapi_extra=_BODY)
async def receive(request: Request, service: Serving, address: Address, stream: bool = False) -> Response:
    """Take a message and answer it: a list with one message, or with `stream=true` one JSON object a line."""
    # Some clients post JSON under another content type: the body is read whatever it calls itself.
    body = _parse(await request.body())
    if not body.get("message"):
        return _answer([], stream)
    try:
        message = UserMessage.model_validate(body)
    except ValidationError as error:
        raise from_validation(error.errors(include_url=False, include_input=False, include_context=False)) from None
    return _answer(await _reply(message, address, service), stream)


async def _reply(message: UserMessage, address: str | None, service: Service) -> list[dict[str, Any]]:
    metadata = message.metadata or Metadata()
    principal = (await _principal(metadata.token, service)).model_copy(update={"address": address})
    sender = message.sender or DEFAULT_SENDER
    conversation = await service.conversations.for_label(
        channel=CHANNEL, principal=principal, label=sender, now=service.clock()
    )
    message_id = metadata.message_id or str(uuid.uuid4())
    seq = await take(service, conversation, principal, message_id, message.message)
    event = await service.events.reply_to(conversation.id, seq, REPLY_WITHIN)
    if event is None:
        return []
    reply = reply_shape(event)
    buttons = [{"title": quick["title"], "payload": quick["payload"]} for quick in reply.get("quick_replies", ())]
    answer = {
        "recipient_id": sender,
        "text": reply["text"],
        "buttons": buttons or None,
        "custom": {**reply, "conversation_id": conversation.id},
    }
    return [{name: value for name, value in answer.items() if value is not None}]


async def _principal(token: str | None, service: Service) -> Principal:
    if not token:
        return Principal(channel=CHANNEL)
    try:
        return await service.tokens.principal(token, CHANNEL, service.clock())
    except InvalidToken:
        raise unauthorized("metadata.token is not valid, or no longer.") from None


def _parse(raw: bytes) -> dict[str, Any]:
    """The body as an object; a problem in the words of Rasa's own server where it is none."""
    try:
        body = json.loads(raw)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        message = "Failed when parsing body as json"
        raise Problem(400, "malformed-json", f"{message}.", description="Bad Request", message=message)
    return body


def _answer(messages: list[dict[str, Any]], stream: bool) -> Response:
    if not stream:
        return JSONResponse(messages)
    lines = "".join(json.dumps(message) + "\n" for message in messages)
    return PlainTextResponse(lines, media_type="text/event-stream")
