"""Between a platform's user and the bot: whose customer they are, their words into the inbox, and a reply in words."""

from __future__ import annotations

import datetime as dt
from typing import Any

from bot.bindings import code_in
from bot.channels import words
from bot.channels.intake import MAX_TEXT, clean, take
from bot.conversations import Conversation
from bot.principal import Principal
from bot.service import Service


async def principal_of(service: Service, channel: str, user_id: str) -> Principal:
    """The customer that *user_id* of *channel* is bound to, or a visitor."""
    customer_id = await service.bindings.customer_of(channel, user_id)
    if customer_id is None:
        return Principal(channel=channel)
    return Principal(channel=channel, customer_id=customer_id, assurance="signed_in")


async def binding_answer(
    service: Service, channel: str, user_id: str, text: str, *, asked_at: dt.datetime | None = None
) -> str | None:
    """The answer to a message that binds or unbinds its sender; ``None`` for any other. *asked_at* is as in ``Bindings.unbind``.

    Such a message never enters the inbox: a link in it is a secret while it holds.
    """
    code = code_in(text)
    if code is not None:
        bound = await service.bindings.redeem(code, channel, user_id, service.clock())
        return words.BOUND if bound else words.LINK_IS_OVER
    if text.strip().lower() in words.UNBIND:
        unbound = await service.bindings.unbind(channel, user_id, service.clock(), asked_at=asked_at)
        return words.UNBOUND if unbound else words.NOT_BOUND
    return None


async def hear(
    service: Service, channel: str, user_id: str, label: str, message_id: str, text: str
) -> tuple[Conversation, int] | None:
    """Commit the message to the inbox of its sender's conversation, *label*; ``None`` where there is no text in it.

    Raises ``Problem`` as ``intake.take`` does.
    """
    try:
        text = clean(text[:MAX_TEXT])
    except ValueError:
        return None
    principal = await principal_of(service, channel, user_id)
    conversation = await service.conversations.for_label(
        channel=channel, principal=principal, label=label, now=service.clock()
    )
    return conversation, await take(service, conversation, principal, message_id, text)


def worded(reply: dict[str, Any], page: str) -> str:
    """The text of a message (``service.reply_shape``) where *page*, the bank's, is another place: what must be done there
    has its link. A human's has the name before it."""
    english = reply.get("language") == "en"
    name = (reply.get("name_en") if english else None) or reply.get("name")
    lines = [f"{name}{': ' if english else '：'}{reply['text']}" if name else str(reply["text"])]
    outcomes = {decision.get("outcome") for decision in reply.get("decisions", ())}
    if "sign_in" in outcomes:
        lines.append((words.TO_BIND_EN if english else words.TO_BIND).format(url=f"{page}/bind"))
    if "channel" in outcomes:
        lines.append((words.TO_CONTINUE_EN if english else words.TO_CONTINUE).format(url=page))
    return "\n".join(lines)
