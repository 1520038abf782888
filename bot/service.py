"""A running bot as its channels see it: what they may call, built once by ``bot.app``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Request

from bot.bindings import Bindings
from bot.channels.weixin.cursors import Cursors
from bot.conversations import Conversations
from bot.delivery import Channel, Deliveries
from bot.desk.desk import Desk
from bot.desk.tickets import Tickets
from bot.events import Event, Events
from bot.inbox import Inbox
from bot.metrics import Metrics
from bot.otp import DemoPhone
from bot.parts import Clock
from bot.pressure import Pressure
from bot.ratings import Ratings
from bot.settings import Settings
from bot.signals import Signals
from bot.tokens import Tokens

Probe = Callable[[], Awaitable[None]]
"""Raises where what it looks at is not there."""


@dataclass(frozen=True, slots=True)
class DemoBank:
    """What the demo adds: customers to sign in as, and the phone their codes arrive on."""

    phone: DemoPhone
    customers: Callable[[], Awaitable[list[dict[str, Any]]]]


@dataclass(frozen=True, slots=True)
class Service:
    """Taking messages and giving back events. *probes* look, by name, at what this process cannot work without.

    *pending* counts the messages that wait for an answer. *record_of* is what the turn of a message (conversation, seq)
    left for replay. *models* says how each language model stands, by name. *channels* are the platforms that replies are sent to, by name. *draining* is set when the process has been told to stop.
    """

    settings: Settings
    clock: Clock
    tokens: Tokens
    conversations: Conversations
    inbox: Inbox
    pressure: Pressure
    events: Events
    signals: Signals
    bindings: Bindings
    cursors: Cursors
    deliveries: Deliveries
    channels: Mapping[str, Channel]
    metrics: Metrics
    desk: Desk
    ratings: Ratings
    tickets: Tickets
    probes: dict[str, Probe]
    pending: Callable[[], Awaitable[int]]
    record_of: Callable[[str, int], Awaitable[dict[str, Any] | None]]
    models: Callable[[], Mapping[str, str]] = dict
    demo: DemoBank | None = None
    draining: asyncio.Event = field(default_factory=asyncio.Event)


def reply_shape(event: Event) -> dict[str, Any]:
    """The bot's message as every channel answers it: the event's data with its ``seq``."""
    return {"seq": event.seq, **event.data}


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


Serving = Annotated[Service, Depends(_service)]
"""A handler's parameter of this type is the running service."""
