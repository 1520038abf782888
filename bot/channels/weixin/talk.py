"""Between a platform's user and the bot: whose customer they are, their words into the inbox, and a reply as texts."""

from __future__ import annotations

from typing import Any

from bot.bindings import code_in
from bot.channels.intake import MAX_TEXT, clean, take
from bot.channels.weixin import words
from bot.channels.weixin.lengths import pieces
from bot.conversations import Conversation
from bot.principal import Principal
from bot.service import Service


async def principal_of(service: Service, channel: str, user_id: str) -> Principal:
    """The customer that *user_id* of *channel* is bound to, or a visitor."""
    customer_id = await service.bindings.customer_of(channel, user_id)
    if customer_id is None:
        return Principal(channel=channel)
    return Principal(channel=channel, customer_id=customer_id, assurance="signed_in")


async def binding_answer(service: Service, channel: str, user_id: str, text: str) -> str | None:
    """The answer to a message that binds or unbinds its sender; ``None`` for any other.

    Such a message never enters the inbox: a link in it is a secret while it holds.
    """
    code = code_in(text)
    if code is not None:
        bound = await service.bindings.redeem(code, channel, user_id, service.clock())
        return words.BOUND if bound else words.LINK_IS_OVER
    if text.strip().lower() in words.UNBIND:
        unbound = await service.bindings.unbind(channel, user_id, service.clock())
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


def spoken(reply: dict[str, Any], page: str, most: int) -> list[str]:
    """A reply (``service.reply_shape``) as at most *most* texts. *page* is the bank's page, for what must be done there.

    Cards say nothing that the text does not; buttons become words to reply with.
    """
    english = reply.get("language") == "en"
    lines = [str(reply["text"])]
    outcomes = {decision.get("outcome") for decision in reply.get("decisions", ())}
    if "sign_in" in outcomes:
        lines.append((words.TO_BIND_EN if english else words.TO_BIND).format(url=f"{page}/bind"))
    if "channel" in outcomes:
        lines.append((words.TO_CONTINUE_EN if english else words.TO_CONTINUE).format(url=page))
    replies = [quick["payload"] for quick in reply.get("quick_replies", ())]
    if replies:
        lines.append(f"You can reply: {' / '.join(replies)}" if english else f"您可以回复：{' / '.join(replies)}")
    return pieces("\n".join(lines), most, words.MORE_EN if english else words.MORE)
