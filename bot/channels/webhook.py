"""Any other IM: an adapter posts what customers write, signed, and is posted the replies, signed the same way.

The adapter is the bank's own program between the platform and us. What it must do is in docs/channels-webhook.md.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal, Self

import httpx
from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from backends.result import Card
from bot.channels import words
from bot.channels.intake import MessageText
from bot.channels.talk import binding_answer, hear, worded
from bot.delivery import Delivery, NotSent, Undeliverable, Unsure
from bot.described import described_body
from bot.parts import Clock
from bot.problems import Problem, from_validation, not_found
from bot.service import Service, Serving
from bot.settings import Settings, WebhookSettings
from bot.signing import ID, SIGNATURE, TIMESTAMP, Refused, Signed, signed_headers, verified
from responses.reply import Evidence, QuickReply

ANSWER_WITHIN = 10.0
"""Seconds that an adapter has to answer."""
FINAL = frozenset({400, 410, 413, 415, 422})
"""Statuses after which the same message will not be taken either."""
MAX_USER_ID = 128

router = APIRouter(prefix="/channels/webhook", tags=["webhook"])
router_out = APIRouter()
"""What we ask of adapters, for the description of the API."""


class FromCustomer(BaseModel):
    """What a customer did. *user_id* is the platform's own id of them, *text* what they wrote, or said where the platform
    recognised it; ``joined`` and ``left`` are for those who begin and end to follow the bank there."""

    model_config = ConfigDict(extra="forbid")
    user_id: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=MAX_USER_ID)]
    kind: Literal["text", "voice", "image", "video", "file", "joined", "left"] = "text"
    text: MessageText | None = None

    @model_validator(mode="after")
    def _a_text_has_one(self) -> Self:
        if self.kind == "text" and self.text is None:
            raise ValueError("a message of kind text has a text")
        return self


class TakenIn(BaseModel):
    """The message is stored under *seq*; what answers it is posted to the adapter, with that number as *in_reply_to*."""

    conversation_id: str
    seq: int


class SaidAtOnce(BaseModel):
    """*text* is to be shown to the user now, and nothing is posted; ``null`` where there is nothing to say."""

    text: str | None


class ToCustomer(BaseModel):
    """A message to show to *user_id*: the answer to the message *in_reply_to*, or what a human said.

    *text* says everything; *quick_replies*, *cards* and *evidence* are for platforms that can show more than text.
    """

    user_id: str
    conversation_id: str
    seq: int
    in_reply_to: int | None
    name: str | None = Field(description="of the human who says it; null for the assistant")
    text: str
    language: Literal["zh", "en"] | None
    quick_replies: list[QuickReply]
    cards: list[Card]
    evidence: list[Evidence]


class Webhook:
    """One adapter, *name*: a ``delivery.Channel`` that takes a repetition for what it is, by the id of the message."""

    repeatable = True

    def __init__(self, name: str, settings: Settings, http: httpx.AsyncClient, clock: Clock) -> None:
        found: WebhookSettings = settings.webhooks[name]
        self.name = channel_of(name)
        self.page = settings.bank_page()
        self._url = str(found.url)
        self._keys = found.signing_keys()
        self._max_age = dt.timedelta(seconds=settings.webhook_max_age)
        self._http = http
        self._clock = clock

    def verified(self, request: Request, body: bytes, now: dt.datetime) -> Signed:
        """Who says so, and when. Raises ``Problem`` 403."""
        try:
            return verified(self._keys, request.headers, body, self._max_age, now)
        except Refused as error:
            raise Problem(403, "refused", str(error)) from None

    async def send(self, delivery: Delivery) -> None:
        """Post the reply. Its id is the same each time: whoever has it already answers 2xx and shows nothing."""
        if delivery.label is None:
            raise Undeliverable("the conversation has no user")
        body = to_customer(delivery, delivery.label, self.page).model_dump_json().encode()
        message_id = f"{delivery.conversation_id}-{delivery.event_seq}"
        headers = {
            "Content-Type": "application/json",
            **signed_headers(self._keys, message_id, self._clock(), body),
        }
        try:
            # What it answers beside the status is never read.
            async with self._http.stream(
                "POST", self._url, content=body, headers=headers, timeout=ANSWER_WITHIN, follow_redirects=False
            ) as response:
                status = response.status_code
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise NotSent(type(error).__name__) from error
        except httpx.HTTPError as error:
            raise Unsure(type(error).__name__) from error
        if status in FINAL:
            raise Undeliverable(f"HTTP {status}")
        if status >= httpx.codes.INTERNAL_SERVER_ERROR and status != httpx.codes.SERVICE_UNAVAILABLE:
            raise Unsure(f"HTTP {status}")
        if not 200 <= status <= 299:
            raise NotSent(f"HTTP {status}")


def channel_of(name: str) -> str:
    """The channel of the adapter *name*."""
    return f"webhook:{name}"


def to_customer(delivery: Delivery, user_id: str, page: str) -> ToCustomer:
    """The reply as it is posted; *page* is the bank's."""
    data: dict[str, Any] = delivery.data
    return ToCustomer(
        user_id=user_id,
        conversation_id=delivery.conversation_id,
        seq=delivery.event_seq,
        in_reply_to=data.get("in_reply_to"),
        name=data.get("name"),
        text=worded(data, page),
        language=data.get("language"),
        quick_replies=data.get("quick_replies", []),
        cards=data.get("cards", []),
        evidence=data.get("evidence", []),
    )


def _webhook(name: Annotated[str, Path(description="as in `TELLER_WEBHOOKS`")], service: Serving) -> Webhook:
    webhook = service.channels.get(channel_of(name))
    if not isinstance(webhook, Webhook):
        raise not_found()
    return webhook


_HEADERS = [
    {
        "name": name,
        "in": "header",
        "required": True,
        "description": description,
        "schema": {"type": "string"},
    }
    for name, description in (
        (ID, "the platform's own id of the message"),
        (TIMESTAMP, "seconds since 1970"),
        (SIGNATURE, "`v1,` and the base64 of the HMAC-SHA256 over `id.timestamp.body`; several with spaces between"),
    )
]


@router.post(
    "/{name}",
    status_code=202,
    response_model=TakenIn,
    responses={200: {"model": SaidAtOnce, "description": "No reply follows: say this."}},
    openapi_extra={**described_body(FromCustomer), "parameters": _HEADERS},
)
async def receive(request: Request, webhook: Annotated[Webhook, Depends(_webhook)], service: Serving) -> Response:
    """Take what a customer did. The headers are those of Standard Webhooks; the same `webhook-id` and text of a user is the
    same message, however often it comes."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Problem(415, "not-json", "Send application/json.")
    body = await request.body()
    signed = webhook.verified(request, body, service.clock())
    try:
        message = FromCustomer.model_validate_json(body)
    except ValidationError as error:
        raise from_validation(error.errors(include_url=False, include_input=False, include_context=False)) from None
    return await _answer(service, webhook, message, signed)


async def _answer(service: Service, webhook: Webhook, message: FromCustomer, signed: Signed) -> Response:
    channel, user_id = webhook.name, message.user_id
    # A replay within the window repeats what was asked then: it must not undo what the customer did since.
    asked_at = signed.at + dt.timedelta(seconds=1)
    if message.kind == "joined":
        return _say(f"{words.GREETING}\n{words.TO_BIND.format(url=f'{webhook.page}/bind')}")
    if message.kind == "left":
        await service.bindings.unbind(channel, user_id, service.clock(), asked_at=asked_at)
        return _say(None)
    if message.text is None or message.kind not in ("text", "voice"):
        return _say(words.KINDLY.get(message.kind, words.NO_SUCH_FORM))
    said = await binding_answer(service, channel, user_id, message.text, asked_at=asked_at)
    if said is not None:
        return _say(said)
    heard = await hear(service, channel, user_id, user_id, signed.id, message.text)
    if heard is None:
        return _say(words.NO_SUCH_FORM)
    conversation, seq = heard
    return JSONResponse(TakenIn(conversation_id=conversation.id, seq=seq).model_dump(), status_code=202)


def _say(text: str | None) -> Response:
    return JSONResponse(SaidAtOnce(text=text).model_dump())


@router_out.post("replies", tags=["webhook"], status_code=204, openapi_extra={"parameters": _HEADERS})
def replies(body: ToCustomer) -> None:
    """What an adapter is posted at its `url`, for each reply. Any 2xx says that it has it; the same `webhook-id` again is the
    same message."""
