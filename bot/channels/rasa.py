"""Rasa's REST channel, so that its clients talk to this bot unchanged. One reply is one message, never split.

``sender`` is a label that anybody can say: it finds what was said under it by the same customer, or by nobody. Only
``metadata.token``, or the same as a bearer credential, signs in. The reply in full, with its evidence, is the message's
``custom``; it has neither ``type`` nor ``attachment``, by which Rasa's own widget would take it for another kind of message.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, Literal

import pydantic_core
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.channels.intake import LABEL, Address, MessageId, MessageText, take
from bot.claims import InvalidToken
from bot.conversations import Conversation
from bot.described import described_body
from bot.event_data import Answered
from bot.principal import Principal
from bot.problems import Problem, from_validation, unauthorized
from bot.service import Service, Serving, reply_shape

CHANNEL = "rasa"
DEFAULT_SENDER = "default"
REPLY_WITHIN = 20.0
"""Seconds the request waits for the reply; it answers an empty list after that, and the message is still answered."""

PREFIX = "/webhooks/rest"
MAX_AGE = 600
"""Seconds for which a browser keeps what it was told about origins."""
_COMMAND = re.compile(r"/([a-z_]+)\s*")
_COMMANDS = {
    **dict.fromkeys(("start", "get_started", "session_start", "greet"), ("你好", "hello")),
    **dict.fromkeys(("restart", "back"), ("取消", "cancel")),
}
"""What clients send by themselves, to a Rasa bot's intents or its default actions, and the same in a customer's words."""

router = APIRouter(prefix=PREFIX, tags=["rasa"])
_bearer = HTTPBearer(
    auto_error=False, description="The customer's token, for clients that cannot put it into `metadata`."
)
Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


def _text(given: Any) -> Any:
    """Ids of clients that number them, as Rasa takes them."""
    return str(given) if isinstance(given, int | float) and not isinstance(given, bool) else given


def _object(given: Any) -> Any:
    """Metadata is whatever a client likes; of what is no object nothing is ours."""
    return given if isinstance(given, dict) else None


def _language(given: Any) -> Any:
    found = str(given).lower()[:2]
    return found if found in ("zh", "en") else None


class Metadata(BaseModel):
    """What of a client's metadata is ours; the rest is the client's own. *language* is what the conversation starts in."""

    model_config = ConfigDict(extra="ignore")
    token: str | None = None
    message_id: Annotated[MessageId, BeforeValidator(_text)] | None = None
    language: Annotated[Literal["zh", "en"] | None, BeforeValidator(_language)] = None


class UserMessage(BaseModel):
    """A message as Rasa's clients send it."""

    model_config = ConfigDict(extra="ignore")
    sender: Annotated[str, BeforeValidator(_text), Field(pattern=LABEL)] | None = None
    message: MessageText
    metadata: Annotated[Metadata | None, BeforeValidator(_object)] = None


class Button(BaseModel):
    """*title* is shown, *payload* is sent as the next message."""

    title: str
    payload: str


class BotMessage(BaseModel):
    """A message as Rasa's clients are sent it; fields without a value are left out. *custom* is the reply in full."""

    recipient_id: str
    text: str
    buttons: list[Button] = []
    custom: Answered


class Cors:
    """Lets pages of *origins* use this channel and nothing else, as ``rasa run --cors`` does; ``*`` is any."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        self._app = app
        self._shared = CORSMiddleware(
            app, allow_origins=origins, allow_methods=["GET", "POST"], allow_headers=["*"], max_age=MAX_AGE
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ours = scope["type"] == "http" and scope["path"].startswith(PREFIX)
        await (self._shared if ours else self._app)(scope, receive, send)


@router.get("", include_in_schema=False)
@router.get("/")
async def alive() -> dict[str, str]:
    """Whether the channel is there."""
    return {"status": "ok"}


_BODY = described_body(UserMessage)


@router.post("/webhook/", include_in_schema=False)
@router.post(
    "/webhook",
    openapi_extra=_BODY,
    response_model=list[BotMessage],
    responses={200: {"content": {"text/event-stream": {}}, "description": "The messages; with `stream` one a line."}},
)
async def receive(
    request: Request, service: Serving, address: Address, bearer: Bearer, stream: str = "false"
) -> Response:
    """Take a message and answer it: a list with one message, or with `stream=true` one JSON object a line."""
    # Some clients post JSON under another content type: the body is read whatever it calls itself.
    body = _parse(await request.body())
    streamed = stream.lower() == "true"
    if not body.get("message"):
        return _stream(_nothing()) if streamed else JSONResponse([])
    try:
        message = UserMessage.model_validate(body)
    except ValidationError as error:
        raise from_validation(error.errors(include_url=False, include_input=False, include_context=False)) from None
    metadata = message.metadata or Metadata()
    token = metadata.token or (bearer.credentials if bearer is not None else None)
    principal = (await _principal(token, service)).model_copy(update={"address": address})
    sender = message.sender or DEFAULT_SENDER
    conversation = await service.conversations.for_label(
        channel=CHANNEL, principal=principal, label=sender, now=service.clock(), language=metadata.language
    )
    text = _in_words(message.message, metadata.language or conversation.language)
    message_id = metadata.message_id or str(uuid.uuid4())
    # Before the answer begins: what is refused is refused with a status of its own.
    seq = await take(service, conversation, principal, message_id, text)
    if streamed:
        return _stream(_lines(service, conversation, seq, sender))
    return JSONResponse(await _reply(service, conversation, seq, sender))


async def _reply(service: Service, conversation: Conversation, seq: int, sender: str) -> list[dict[str, Any]]:
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
        # Not the standard library's, which answers brackets without end with a RecursionError.
        body = pydantic_core.from_json(raw)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        message = "Failed when parsing body as json"
        raise Problem(400, "malformed-json", f"{message}.", description="Bad Request", message=message)
    return body


async def _lines(service: Service, conversation: Conversation, seq: int, sender: str) -> AsyncIterator[str]:
    for message in await _reply(service, conversation, seq, sender):
        yield json.dumps(message) + "\n"


async def _nothing() -> AsyncIterator[str]:
    return
    yield


def _stream(lines: AsyncIterator[str]) -> Response:
    """One object a line; Rasa calls it an event stream all the same."""
    return StreamingResponse(lines, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


def _in_words(text: str, language: str | None) -> str:
    """*text*, or what a customer would say in *language* for the command that it is."""
    found = _COMMAND.fullmatch(text)
    zh, en = _COMMANDS.get(found[1], (text, text)) if found else (text, text)
    return en if language == "en" else zh
