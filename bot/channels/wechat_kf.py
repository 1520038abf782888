"""微信客服: a callback says that there is something, the messages are pulled, and every answer is sent.

A page's messages are committed to the inbox before the cursor moves past them: whoever dies between reads them again, and
the inbox knows them by their ``msgid``.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from collections.abc import Sequence
from typing import Annotated, Any

import httpx
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import PlainTextResponse
from redis.asyncio import Redis

from bot.channels import words
from bot.channels.talk import binding_answer, hear
from bot.channels.weixin.callbacks import SUCCESS, opened, verified
from bot.channels.weixin.corp import corp_api, corp_envelope
from bot.channels.weixin.lengths import spoken
from bot.delivery import Delivery, NotSent, Undeliverable, Unsure
from bot.problems import Problem, away, not_found
from bot.service import Service, Serving
from bot.settings import Settings

CHANNEL = "wechat-kf"
MAX_PARTS = 5
"""Messages that the platform allows for each message of a customer, within 48 hours."""
PAGE = 1_000
MAX_PAGES = 100
FROM_CUSTOMER, FROM_PLATFORM = 3, 4
"""``origin`` of a message."""
TOO_OLD = dt.timedelta(minutes=10)
"""Age from which a message that was there before the first pull is history: the platform keeps three days of it."""
_LOG = logging.getLogger(__name__)

router = APIRouter(prefix="/channels/wechat-kf", include_in_schema=False)


class KfAccounts:
    """The 微信客服 accounts of a corporation: a ``delivery.Channel`` that takes a repetition for what it is."""

    name = CHANNEL
    repeatable = True

    def __init__(self, settings: Settings, http: httpx.AsyncClient, redis: Redis) -> None:
        self.envelope = corp_envelope(settings)
        self.page = settings.bank_page()
        self._api = corp_api(settings, http, redis)

    async def send(self, delivery: Delivery) -> None:
        """Send the reply; each part has an id of its own, under which the platform shows it once."""
        if delivery.label is None:
            raise Undeliverable("the conversation has no user")
        account, _, user_id = delivery.label.partition("/")
        key = f"{delivery.conversation_id}:{delivery.event_seq}"
        await self.say(account, user_id, key, spoken(delivery.data, self.page, MAX_PARTS))

    async def say(self, account: str, user_id: str, key: str, texts: Sequence[str]) -> None:
        """Send *texts*, which *key* names for ever. Raises as ``delivery.Channel.send``."""
        for number, text in enumerate(texts):
            message = {
                "touser": user_id,
                "open_kfid": account,
                "msgid": hashlib.sha256(f"{key}:{number}".encode()).hexdigest()[:32],
                "msgtype": "text",
                "text": {"content": text},
            }
            await self._api.call("/cgi-bin/kf/send_msg", message)

    async def welcome(self, code: str, text: str) -> None:
        """Answer the event of a customer who came in; the platform takes one such answer within twenty seconds."""
        message = {
            "code": code,
            "msgid": hashlib.sha256(code.encode()).hexdigest()[:32],
            "msgtype": "text",
            "text": {"content": text},
        }
        await self._api.call("/cgi-bin/kf/send_msg_on_event", message)

    async def page_after(self, account: str, cursor: str | None, token: str) -> dict[str, Any]:
        """The messages after *cursor*: ``msg_list``, ``next_cursor``, ``has_more``."""
        asked = {"open_kfid": account, "token": token, "limit": PAGE}
        return await self._api.call("/cgi-bin/kf/sync_msg", asked if cursor is None else {**asked, "cursor": cursor})


def _accounts(service: Serving) -> KfAccounts:
    accounts = service.channels.get(CHANNEL)
    if not isinstance(accounts, KfAccounts):
        raise not_found()
    return accounts


Accounts = Annotated[KfAccounts, Depends(_accounts)]


@router.get("")
async def verify(request: Request, accounts: Accounts, service: Serving) -> Response:
    """The platform asks whether the address is ours."""
    return verified(service, accounts.envelope, request)


@router.post("")
async def receive(request: Request, accounts: Accounts, service: Serving) -> Response:
    """There are messages: take them all in. 503 where they cannot be had, and the platform says so again."""
    fields = (await opened(service, accounts.envelope, request)).fields
    if fields.get("Event") == "kf_msg_or_event" and fields.get("OpenKfId"):
        try:
            await _pull(service, accounts, fields["OpenKfId"], fields.get("Token", ""))
        except (NotSent, Undeliverable, Unsure) as error:
            _LOG.warning("messages of 微信客服 cannot be pulled: %s", type(error).__name__)
            raise away() from None
    return PlainTextResponse(SUCCESS)


async def _pull(service: Service, accounts: KfAccounts, account: str, token: str) -> None:
    cursor = await service.cursors.read(CHANNEL, account)
    since = service.clock() - TOO_OLD if cursor is None else None
    for _ in range(MAX_PAGES):
        page = await accounts.page_after(account, cursor, token)
        for message in page.get("msg_list", ()):
            if since is None or message.get("send_time", 0) >= since.timestamp():
                await _take(service, accounts, account, message)
        following = page.get("next_cursor")
        if not following or following == cursor or not await service.cursors.move(CHANNEL, account, cursor, following):
            return
        cursor = following
        if not page.get("has_more"):
            return


async def _take(service: Service, accounts: KfAccounts, account: str, message: dict[str, Any]) -> None:
    """One message of a customer, or an event; what reps and the bot itself said comes along and is passed over."""
    kind, origin = message.get("msgtype"), message.get("origin")
    if kind == "event" and origin == FROM_PLATFORM:
        await _enter(service, accounts, message.get("event", {}))
        return
    user_id, message_id = message.get("external_userid"), message.get("msgid")
    if origin != FROM_CUSTOMER or not user_id or not message_id:
        return
    text = message.get("text", {}).get("content", "") if kind == "text" else ""
    answer = words.KINDLY.get(str(kind), words.NO_SUCH_FORM)
    if text.strip():
        about_binding = await binding_answer(service, CHANNEL, user_id, text)
        if about_binding is None:
            try:
                if await hear(service, CHANNEL, user_id, f"{account}/{user_id}", message_id, text) is not None:
                    return
            except Problem as problem:
                if problem.status != 429:
                    raise
                answer = words.BUSY
        else:
            answer = about_binding
    await _say_at_once(accounts, account, user_id, message_id, answer)


async def _enter(service: Service, accounts: KfAccounts, event: dict[str, Any]) -> None:
    """A customer came in: greeted where the platform asks for it, and bound where the bank's link brought them."""
    user_id, code = event.get("external_userid", ""), event.get("welcome_code", "")
    if event.get("event_type") != "enter_session" or not user_id:
        return
    said = await binding_answer(service, CHANNEL, user_id, event.get("scene_param", ""))
    if not code:
        return
    try:
        await accounts.welcome(code, said or f"{words.GREETING}\n{words.TO_BIND.format(url=f'{accounts.page}/bind')}")
    except (NotSent, Undeliverable, Unsure) as error:
        _LOG.warning("a greeting was not sent: %s", error)


async def _say_at_once(accounts: KfAccounts, account: str, user_id: str, message_id: str, text: str) -> None:
    """An answer for which no turn is run; where it cannot be sent, the others still are."""
    try:
        await accounts.say(account, user_id, message_id, [text])
    except (NotSent, Undeliverable, Unsure) as error:
        _LOG.warning("an answer that needs no turn was not sent: %s", error)
