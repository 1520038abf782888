"""What every channel does with a message before the inbox has it: clean it, hold it to its limits, take it once."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from fastapi import Depends, Request
from pydantic import AfterValidator, Field

from bot.conversations import Conversation
from bot.events import UnknownConversation
from bot.guards import address_of
from bot.inbox import BodyConflict, TooManyPending
from bot.pressure import Busy
from bot.principal import Principal
from bot.problems import Problem, not_found, too_many
from bot.service import Service, Serving
from bot.session import Page

MAX_TEXT = 2_000
"""Code points of the longest message."""

RETRY_AFTER = 1
"""Seconds after which to come again while too many messages of a conversation wait."""

_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Controls that make text read otherwise than it is written, to a person at the console too."""


def clean(text: str) -> str:
    """*text* without control characters other than line breaks and tabs, and without space around it.

    Raises ``ValueError`` where nothing is left.
    """
    kept = (c for c in text if c in "\n\t" or not (unicodedata.category(c) == "Cc" or c in _DIRECTION))
    cleaned = "".join(kept).strip()
    if not cleaned:
        raise ValueError("there is no text in it")
    return cleaned


MessageText = Annotated[str, Field(max_length=MAX_TEXT), AfterValidator(clean)]
"""A customer's text as it may enter the inbox."""

MessageId = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,128}$")]
"""The sender's own id of a message, visible ASCII; the same id and text is the same message."""

LABEL = r"^[^\x00-\x1f\x7f]{1,256}$"
"""A channel's own name for a conversation, or the id of one."""


async def admitted_address(request: Request, service: Serving) -> str | None:
    """A handler's dependency: the address that asks, held to its rate; ``Problem`` 429 above it."""
    address = address_of(request)
    try:
        await service.pressure.admit_address(address, service.clock())
    except Busy as busy:
        raise _refused(service, busy.reason, busy.retry_after) from None
    return address


Address = Annotated[str | None, Depends(admitted_address)]
"""A handler's parameter of this type is where the request came from."""


async def take(
    service: Service,
    conversation: Conversation,
    principal: Principal,
    message_id: str,
    text: str,
    page: Page | None = None,
) -> int:
    """Commit the message, written on *page*, to the inbox and return its ``seq``.

    Raises ``Problem``: 422 where its id was another message's, 429 while there are too many.
    """
    try:
        await service.pressure.admit_message(conversation.id, service.clock())
        accepted = await service.inbox.accept(
            conversation.id,
            message_id,
            text,
            principal=principal,
            channel=conversation.channel,
            now=service.clock(),
            page=page,
        )
    except BodyConflict:
        raise Problem(422, "message-id-reused", "This message_id was used for another text.") from None
    except UnknownConversation:
        raise not_found() from None
    except Busy as busy:
        raise _refused(service, busy.reason, busy.retry_after) from None
    except TooManyPending:
        raise _refused(service, "pending", RETRY_AFTER) from None
    if not accepted.duplicate:
        service.metrics.accepted(conversation.channel)
    return accepted.seq


def _refused(service: Service, reason: str, retry_after: int) -> Problem:
    service.metrics.refused(reason)
    return too_many(retry_after)
