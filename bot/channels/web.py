"""The bank's own channel, ``/v1``: conversations, messages taken once, events that any client can resume."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal, TypeVar

from fastapi import APIRouter, Depends, Header, Path, Query, Response
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.channels.intake import LABEL, Address, MessageId, MessageText, clean, take
from bot.claims import InvalidToken
from bot.conversations import SIGNED_IN, Conversation, SignInRefused
from bot.event_data import Answered
from bot.events import Event
from bot.principal import Principal
from bot.problems import Problem, not_found, unauthorized
from bot.ratings import BEST, WHOLE, WORST, NotAReply
from bot.service import Service, Serving, reply_shape
from bot.session import Page
from bot.tokens import looks_like_a_token

CHANNEL = "web"
LABEL_CHANNELS = ("rasa",)
"""Channels whose own names for conversations an owner's token may use in place of the id."""
MAX_WAIT = 30.0
"""Seconds a client may wait for its reply in one request."""
SIGNED_IN_IDLE = timedelta(minutes=30)
"""After this much silence the secret of a signed-in conversation no longer opens it; the owner's token does."""
Item = TypeVar("Item")
RETRY_MS = 2_000
EMBEDDED = ("/v1/", "/widget")
"""What a page of another origin needs to hold the widget."""
CORS_MAX_AGE = 600
"""Seconds for which a browser keeps what it was told about origins."""
MAX_TOKEN = 8_192
"""Characters of the longest token."""

router = APIRouter(prefix="/v1", tags=["conversations"])
_bearer = HTTPBearer(auto_error=False, description="The conversation's secret, or its owner's token.")
Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


class Cors:
    """Lets pages of *origins* hold the widget: load it, and talk to ``/v1`` by bearer; no cookie is ever taken."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        self._app = app
        self._shared = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=["GET", "POST", "PUT"],
            allow_headers=["Authorization", "Content-Type", "Last-Event-ID"],
            max_age=CORS_MAX_AGE,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ours = scope["type"] == "http" and scope["path"].startswith(EMBEDDED)
        await (self._shared if ours else self._app)(scope, receive, send)


class NewConversation(BaseModel):
    """How to open a conversation. *language* is what it starts in; the customer's words decide from then on.

    *context* is what the page shows where the chat was opened. It is a hint: it stands in for a product or card that is
    not named, and what a customer may see of it the bank's systems decide as ever.
    """

    model_config = ConfigDict(extra="forbid")
    language: Literal["zh", "en"] | None = None
    context: Page | None = None


class Opened(BaseModel):
    """The conversation's *id*, and its *secret*: told once, it opens this conversation and no other."""

    id: str
    secret: str


class SignIn(BaseModel):
    """Who the visitor turned out to be: the bank's *token* for them."""

    model_config = ConfigDict(extra="forbid")
    token: Annotated[str, Field(max_length=MAX_TOKEN)]


class NewMessage(BaseModel):
    """One message. The same *message_id* and *text* again is the same message, however often it is sent.

    *context* is what the page shows that it was written on, where that is not what was told before.
    """

    model_config = ConfigDict(extra="forbid")
    message_id: MessageId
    text: MessageText
    context: Page | None = None


class NewRating(BaseModel):
    """What the customer thinks, 1 (worst) to 5, of the reply *seq* or, without it, of the whole conversation."""

    model_config = ConfigDict(extra="forbid")
    score: Annotated[int, Field(ge=WORST, le=BEST)]
    seq: Annotated[int, Field(ge=1)] | None = None
    comment: Annotated[str, Field(max_length=500), AfterValidator(clean)] | None = None


class Place(BaseModel):
    """A place in the queue for a human: how many come first, and about how long it will be."""

    ahead: int
    wait_minutes: int
    in_hours: bool


class Taken(BaseModel):
    """The message is stored under *seq* and will be answered."""

    seq: int
    message_id: str


class ConversationState(BaseModel):
    """How a conversation stands. *owner* says who answers in it, *seq* is its last event, *queue* where it waits."""

    id: str
    channel: str
    language: str | None
    signed_in: bool
    owner: Literal["bot", "queue", "rep"]
    seq: int
    created_at: datetime
    updated_at: datetime
    queue: Place | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A conversation that the caller has shown to be theirs, and who they are in it.

    ``by_secret``: they showed its secret, which is over when somebody signs in; else its owner's token.
    """

    conversation: Conversation
    principal: Principal
    by_secret: bool

    def ends_at(self, event: Event) -> bool:
        """Whether what was shown opens *event* and those after it no more."""
        return self.by_secret and event.type == SIGNED_IN and event.seq > self.conversation.seq


async def held_conversation(
    conversation_id: Annotated[str, Path(pattern=LABEL)], bearer: Bearer, service: Serving
) -> Held:
    """The conversation of the path, for whoever holds its secret or is its owner.

    401 for a credential that is nobody's; 404 for a conversation that is not there or is somebody else's.
    """
    if bearer is None:
        raise unauthorized("Send the conversation's secret, or its owner's token, as a bearer credential.")
    if looks_like_a_token(bearer.credentials):
        return await _by_token(conversation_id, bearer.credentials, service)
    return await _by_secret(conversation_id, bearer.credentials, service)


Holding = Annotated[Held, Depends(held_conversation)]


@router.post("/conversations", status_code=201)
async def open_conversation(
    service: Serving, bearer: Bearer, address: Address, body: NewConversation | None = None
) -> Opened:
    """Open a conversation: as the customer of the token sent along, or as a visitor without one."""
    principal = Principal(channel=CHANNEL)
    if bearer is not None:
        principal = await _signed_in(bearer.credentials, CHANNEL, service)
    conversation, secret = await service.conversations.create(
        channel=CHANNEL,
        principal=principal,
        language=body.language if body else None,
        page=body.context if body else None,
        now=service.clock(),
    )
    return _opened(conversation.id, secret)


@router.get("/conversations/{conversation_id}")
async def read_conversation(held: Holding, service: Serving) -> ConversationState:
    """How the conversation stands."""
    found = held.conversation
    queued = await service.tickets.state(found.id, service.clock()) if found.owner == "queue" else None
    return ConversationState(
        id=found.id,
        channel=found.channel,
        language=found.language,
        signed_in=found.customer_id is not None,
        owner="bot" if found.owner == "bot" else "queue" if found.owner == "queue" else "rep",
        seq=found.seq,
        created_at=found.created_at,
        updated_at=found.updated_at,
        queue=None if queued is None else Place(**queued.model_dump(include=set(Place.model_fields))),
    )


@router.post(
    "/conversations/{conversation_id}/sign-in",
    responses={409: {"description": "The conversation is another customer's."}},
)
async def sign_in(body: SignIn, held: Holding, service: Serving, address: Address) -> Opened:
    """Make a visitor's conversation the customer's of the token. It gets a new secret; the one that was shown opens
    nothing from then on, and the streams opened with it end."""
    if not held.by_secret:
        raise unauthorized("Send the conversation's secret as a bearer credential, and the token in the body.")
    found = held.conversation
    customer_id = (await _signed_in(body.token, found.channel, service)).customer_id
    assert customer_id is not None
    if found.customer_id not in (None, customer_id):
        raise Problem(409, "signed-in-already", "Another customer is signed in here: open a new conversation.")
    try:
        secret = await service.conversations.sign_in(found, customer_id, service.clock())
    except SignInRefused:
        raise unauthorized("This secret opens nothing.") from None
    service.signals.tell("event", found.id)
    return _opened(found.id, secret)


@router.post(
    "/conversations/{conversation_id}/messages",
    status_code=202,
    response_model=Taken,
    responses={200: {"model": Answered, "description": "The reply, where `wait` was long enough for it."}},
)
async def send_message(
    body: NewMessage,
    held: Holding,
    service: Serving,
    address: Address,
    wait: Annotated[float, Query(ge=0, description="seconds to wait for the reply, 30 at most")] = 0,
) -> Response:
    """Take a message: 202 with its number once it is stored, or 200 with the reply if that comes within *wait*."""
    principal = held.principal.model_copy(update={"address": address})
    seq = await take(service, held.conversation, principal, body.message_id, body.text, body.context)
    if wait:
        event = await service.events.reply_to(held.conversation.id, seq, min(wait, MAX_WAIT))
        if event is not None:
            return JSONResponse(reply_shape(event))
    return JSONResponse({"seq": seq, "message_id": body.message_id}, status_code=202)


@router.post("/conversations/{conversation_id}/typing", status_code=204)
async def tell_typing(held: Holding, service: Serving, address: Address) -> None:
    """Tell the human who has the conversation that the customer writes. Nothing of it is stored."""
    service.signals.tell("typing", held.conversation.id)


@router.put("/conversations/{conversation_id}/rating", status_code=204)
async def rate(body: NewRating, held: Holding, service: Serving, address: Address) -> None:
    """Store what the customer thinks of the conversation or of one reply; what they thought before is replaced."""
    seq = WHOLE if body.seq is None else body.seq
    try:
        await service.ratings.give(held.conversation.id, body.score, body.comment, seq, service.clock())
    except NotAReply:
        raise Problem(404, "not-a-reply", "There is no reply of that number in this conversation.") from None


@router.get(
    "/conversations/{conversation_id}/events",
    response_model=list[Event],
    responses={200: {"content": {"text/event-stream": {}}, "description": "The events, as they happen."}},
)
async def read_events(
    held: Holding,
    service: Serving,
    after: Annotated[int, Query(ge=0, description="the last seq already seen")] = 0,
    last_event_id: Annotated[int | None, Header(ge=0)] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "*/*",
) -> Response:
    """Every event after the one last seen: server-sent as they happen, or those so far as a list for a client that
    accepts `application/json`."""
    # Not beyond what there was when the caller was let in: the event that ends a secret must be met.
    seen = min(after if last_event_id is None else last_event_id, held.conversation.seq)
    if "application/json" in accept and "text/event-stream" not in accept:
        events = await service.events.read(held.conversation.id, seen)
        theirs = itertools.takewhile(lambda event: not held.ends_at(event), events)
        return JSONResponse([event.model_dump(mode="json") for event in theirs])
    return StreamingResponse(
        _frames(service, held, seen),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


async def _frames(service: Service, held: Held, after: int) -> AsyncIterator[str]:
    """The stream's text. It ends when the secret that opened it does, or when the process is told to stop; then the
    client resumes with another process."""
    yield f"retry: {RETRY_MS}\n\n"
    follow = service.events.follow(held.conversation.id, after)
    async with aclosing(until(service.draining, follow)) as following:
        async for event in following:
            if event is None:
                yield ": still here\n\n"
            elif held.ends_at(event):
                return
            else:
                yield f"id: {event.seq}\nevent: {event.type}\ndata: {event.model_dump_json()}\n\n"
    # Not all at the same moment: they all go to the processes that are left.
    yield f"retry: {secrets.randbelow(RETRY_MS) + 1}\n\n"


async def until(over: asyncio.Event, events: AsyncIterator[Item]) -> AsyncGenerator[Item]:
    """*events* until *over* is set, which ends them even while they are silent."""
    ended = asyncio.ensure_future(over.wait())
    upcoming: asyncio.Future[Item] | None = None
    try:
        while not over.is_set():
            upcoming = asyncio.ensure_future(anext(events))
            await asyncio.wait({upcoming, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not upcoming.done():
                return
            yield upcoming.result()
    finally:
        for waiting in (ended, upcoming):
            if waiting is not None and not waiting.done():
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)


def _opened(conversation_id: str, secret: str) -> Opened:
    return Opened(id=conversation_id, secret=f"{conversation_id}~{secret}")


async def _by_secret(conversation_id: str, credential: str, service: Service) -> Held:
    """The secret names its own conversation, so that a right one elsewhere reads as 404 and a wrong one as 401."""
    own_id, _, secret = credential.partition("~")
    own = await service.conversations.get(own_id)
    if own is None or not own.opens_with(secret):
        raise unauthorized("This secret opens nothing.")
    if own.customer_id is not None and service.clock() - own.updated_at > SIGNED_IN_IDLE:
        raise unauthorized("This signed-in conversation was silent for too long; its owner's token opens it.")
    if own.id != conversation_id:
        raise not_found()
    principal = Principal(channel=own.channel, customer_id=own.customer_id, assurance=own.assurance)
    return Held(own, principal, by_secret=True)


async def _by_token(conversation_id: str, token: str, service: Service) -> Held:
    owner = await _signed_in(token, CHANNEL, service)
    found = await service.conversations.get(conversation_id)
    for channel in LABEL_CHANNELS:
        found = found or await service.conversations.by_label(channel, owner.customer_id, conversation_id)
    if found is None or found.customer_id != owner.customer_id:
        raise not_found()
    return Held(found, owner.model_copy(update={"channel": found.channel}), by_secret=False)


async def _signed_in(token: str, channel: str, service: Service) -> Principal:
    try:
        return await service.tokens.principal(token, channel, service.clock())
    except InvalidToken:
        raise unauthorized("This token is not valid, or no longer.") from None
