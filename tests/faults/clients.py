"""The customers of a run: each message a UUID, sent until it is acknowledged, and everything they saw on record."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import random
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bot.parts import utc_now
from bot.tokens import Tokens
from tests.faults.bank import customer_name, freeze, purchase
from tests.faults.oracle import Confirmed, Sent

SMALL_TALK = ("你好", "谢谢", "美元汇率多少", "今天欧元牌价", "100欧元能换多少人民币", "港币汇率")
"""Messages that open no task, so that they may come between any two."""
PATIENCE = 45.0
"""Seconds a customer waits for a reply before giving the matter up."""
MOST_STEPS = 8
"""Replies after which a customer who was never asked for a confirmation gives up."""


class Phones:
    """The service that texts one-time codes, in the harness: it forgets nothing when Redis does."""

    def __init__(self) -> None:
        self._codes: dict[str, str] = {}
        self.app = Starlette(routes=[Route("/send", self._send, methods=["POST"])])

    def read(self, customer: str) -> str | None:
        """The last code sent to *customer*."""
        return self._codes.get(customer)

    async def _send(self, request: Request) -> JSONResponse:
        try:
            message = await request.json()
        except ClientDisconnect:
            # A replica that was killed while it sent: nothing came, and nobody waits for an answer.
            return JSONResponse({}, status_code=400)
        self._codes[message["customer_id"]] = message["code"]
        return JSONResponse({})


@dataclass(slots=True)
class Journal:
    """What the clients saw: every message, everything confirmed, and how often the bot was not there."""

    sent: list[Sent] = field(default_factory=list)
    confirmed: list[Confirmed] = field(default_factory=list)
    refused: int = 0
    """Answers of 429: the bot asked to be left alone for a moment."""
    unreachable: int = 0
    """Requests without an answer, and answers of 5xx."""

    @property
    def acknowledged(self) -> int:
        """Messages that the bot has promised to answer."""
        return sum(sent.acknowledged_at is not None for sent in self.sent)

    @property
    def confirmations(self) -> int:
        """Writes that a customer has confirmed and that the bot may have begun."""
        return len(self.confirmed)


class Door:
    """The way to the bot: any replica, tried until one answers. *urls* may be those of dead ones."""

    def __init__(self, urls: Sequence[str], journal: Journal, dice: random.Random) -> None:
        self._urls = urls
        self._journal = journal
        self._dice = dice
        limits = httpx.Limits(max_connections=400, max_keepalive_connections=100)
        self._http = httpx.AsyncClient(trust_env=False, timeout=15.0, limits=limits)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def ask(self, method: str, path: str, bearer: str, **options: Any) -> httpx.Response:
        """The answer of some replica, asked again until one answers with less than 500 and not 429."""
        pause = 0.05
        while True:
            url = self._dice.choice(self._urls) + path
            try:
                response = await self._http.request(
                    method, url, headers={"Authorization": f"Bearer {bearer}", "Accept": "application/json"}, **options
                )
            except httpx.TransportError:
                self._journal.unreachable += 1
            else:
                if response.status_code == 429:
                    self._journal.refused += 1
                    pause = float(response.headers.get("Retry-After", pause))
                elif response.status_code >= 500:
                    self._journal.unreachable += 1
                else:
                    response.raise_for_status()
                    return response
            await asyncio.sleep(pause * (0.5 + self._dice.random()))
            pause = min(pause * 2, 1.0)


class Talk:
    """One conversation of one customer."""

    def __init__(self, door: Door, journal: Journal, conversation: str, secret: str, dice: random.Random) -> None:
        self.id = conversation
        self._door = door
        self._journal = journal
        self._secret = secret
        self._dice = dice
        self._number = 0

    @classmethod
    async def open(cls, door: Door, journal: Journal, token: str, dice: random.Random) -> Talk:
        """A new conversation of the token's customer."""
        opened = (await door.ask("POST", "/v1/conversations", token, json={"language": "zh"})).json()
        return cls(door, journal, opened["id"], opened["secret"], dice)

    async def send(self, text: str) -> Sent:
        """Send a message until it is acknowledged; one in fifty is then sent once more, as a network might."""
        self._number += 1
        return await self.deliver(text, self._number)

    async def deliver(self, text: str, number: int) -> Sent:
        """As ``send``, under a *number* of the caller's: messages that are sent together share one."""
        sent = self._new(number)
        for _ in range(2 if self._dice.random() < 0.02 else 1):
            self._acknowledged(sent, await self._post(sent, text, wait=0.0))
        return sent

    async def ask(self, text: str) -> dict[str, Any] | None:
        """What the bot says to a message; ``None`` where it says nothing within a customer's patience."""
        self._number += 1
        sent = self._new(self._number)
        sent.waited = True
        answered = await self._post(sent, text, wait=5.0)
        if "in_reply_to" in answered:
            self._acknowledged(sent, {"seq": answered["in_reply_to"]})
            return answered
        self._acknowledged(sent, answered)
        return await self._reply(sent)

    def _new(self, number: int) -> Sent:
        sent = Sent(str(uuid.UUID(int=self._dice.getrandbits(128), version=4)), self.id, number, time.time())
        self._journal.sent.append(sent)
        return sent

    def _acknowledged(self, sent: Sent, answer: dict[str, Any]) -> None:
        if sent.acknowledged_at is None:
            sent.acknowledged_at = time.time()
            sent.seq = answer["seq"]

    async def _post(self, sent: Sent, text: str, wait: float) -> dict[str, Any]:
        sent.deliveries += 1
        body = {"message_id": sent.message_id, "text": text}
        path = f"/v1/conversations/{self.id}/messages"
        answer = await self._door.ask("POST", path, self._secret, json=body, params={"wait": wait} if wait else {})
        taken: dict[str, Any] = answer.json()
        return taken

    async def _reply(self, sent: Sent) -> dict[str, Any] | None:
        path = f"/v1/conversations/{self.id}/events"
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            events = (await self._door.ask("GET", path, self._secret, params={"after": sent.seq})).json()
            for event in events:
                data: dict[str, Any] = event["data"]
                if event["actor"] == "bot" and data.get("in_reply_to") == sent.seq:
                    return data
            await asyncio.sleep(0.5)
        return None


class Customer:
    """A signed-in customer: small talk, purchases of an amount each, and one lost card."""

    def __init__(self, number: int, door: Door, journal: Journal, phones: Phones, tokens: Tokens, seed: int) -> None:
        self.name = customer_name(number)
        self._door = door
        self._journal = journal
        self._phones = phones
        self._tokens = tokens
        self._dice = random.Random(f"{seed}:{number}")

    async def visit(self, *, writes: int, talk: float, over: asyncio.Event) -> None:
        """One conversation: *writes* purchases, the last of them a lost card, with *talk* messages on average before
        each and after them; it ends early, between two matters, once *over* is set."""
        token = self._tokens.issue(self.name, utc_now(), dt.timedelta(hours=1))
        conversation = await Talk.open(self._door, self._journal, token, self._dice)
        for number in range(1, writes + 1):
            await self._chat(conversation, talk)
            if over.is_set():
                return
            if number == writes:
                await self._freeze(conversation)
            else:
                await self._buy(conversation, 10 + number)
        await self._chat(conversation, talk)

    async def _chat(self, conversation: Talk, talk: float) -> None:
        """Small talk, sent without waiting for replies."""
        for _ in range(round(talk * (0.5 + self._dice.random()))):
            await conversation.send(self._dice.choice(SMALL_TALK))

    async def _buy(self, conversation: Talk, dollars: int) -> None:
        confirmed: Confirmed | None = None
        text = f"我要买{dollars}美元"
        for _ in range(MOST_STEPS):
            reply = await conversation.ask(text)
            outcome = _outcome(reply, "fx_buy")
            if reply is None or (confirmed is not None and _is_apology(reply)):
                return  # Whether it was done is not known here; to ask for it again could do it twice.
            match outcome:
                case "ready":
                    text = "确认"
                case "code_sent" | "code_wrong":
                    code = self._phones.read(self.name)
                    if code is None:
                        return
                    text = code
                    if confirmed is None:
                        confirmed = Confirmed(purchase(self.name, dollars))
                        self._journal.confirmed.append(confirmed)
                case "code_expired":
                    text = "重新发送验证码"
                case "done" | "pending" if confirmed is not None:
                    confirmed.heard = outcome
                    return
                case _ if confirmed is not None:
                    confirmed.heard = "refused"
                    return
                case _:
                    await asyncio.sleep(0.5)
                    text = f"我要买{dollars}美元"

    async def _freeze(self, conversation: Talk) -> None:
        confirmed: Confirmed | None = None
        text = "信用卡丢了，要挂失"
        for _ in range(MOST_STEPS):
            reply = await conversation.ask(text)
            outcome = _outcome(reply, "card_report_lost")
            if reply is None or (confirmed is not None and _is_apology(reply)):
                return
            match outcome:
                case "ready":
                    text = "确认"
                    if confirmed is None:
                        confirmed = Confirmed(freeze(self.name))
                        self._journal.confirmed.append(confirmed)
                case "done" | "pending" if confirmed is not None:
                    confirmed.heard = outcome
                    return
                case _ if confirmed is not None:
                    confirmed.heard = "refused"
                    return
                case _:
                    await asyncio.sleep(0.5)


def _outcome(reply: dict[str, Any] | None, capability: str) -> str | None:
    """The last outcome that *reply* tells of *capability*."""
    decisions = reply["decisions"] if reply is not None else []
    found = [decision["outcome"] for decision in decisions if decision["capability"] == capability]
    return found[-1] if found else None


def _is_apology(reply: dict[str, Any]) -> bool:
    return bool(reply["how"]["generator"] == "apology")


async def burst(conversation: Talk, messages: int, *, together: int, seconds: float, dice: random.Random) -> None:
    """*messages* of small talk into one conversation, *together* of them on their way at a time, for *seconds* at most."""
    left = iter(range(messages))
    deadline = time.monotonic() + seconds

    async def sender() -> None:
        for _ in left:
            if time.monotonic() > deadline:
                return
            await conversation.deliver(dice.choice(SMALL_TALK), 0)

    async with asyncio.TaskGroup() as group:
        for _ in range(together):
            group.create_task(sender())


async def drained(pending: Any, seconds: float) -> float | None:
    """Wait until nothing is *pending* any more; the seconds that took, or ``None`` where it took longer."""
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        with contextlib.suppress(OSError):
            if await pending() == 0:
                return time.monotonic() - started
        await asyncio.sleep(0.25)
    return None
