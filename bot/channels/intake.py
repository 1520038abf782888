"""What every channel does with a message before the inbox has it: clean it, hold it to its limits, take it once."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field

from bot.conversations import Conversation
from bot.events import UnknownConversation
from bot.inbox import BodyConflict
from bot.principal import Principal
from bot.problems import Problem, not_found
from bot.service import Service

MAX_TEXT = 2_000
"""Code points of the longest message."""

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


async def take(service: Service, conversation: Conversation, principal: Principal, message_id: str, text: str) -> int:
    """Commit the message to the inbox and return its ``seq``; raises ``Problem`` where its id was another message's."""
    try:
        accepted = await service.inbox.accept(
            conversation.id,
            message_id,
            text,
            principal=principal,
            channel=conversation.channel,
            now=service.clock(),
        )
    except BodyConflict:
        raise Problem(422, "message-id-reused", "This message_id was used for another text.") from None
    except UnknownConversation:
        raise not_found() from None
    if not accepted.duplicate:
        service.metrics.accepted(conversation.channel)
    return accepted.seq
