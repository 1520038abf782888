"""A reply in several messages, of which some may have been sent when one is refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from bot.delivery import Delivery, NotSent, Undeliverable


class PartlySent(Exception):
    """The beginning of the reply was sent and the rest was not: sent again, the beginning would be shown twice."""


async def send_parts(delivery: Delivery, parts: Sequence[str], one: Callable[[str, str], Awaitable[None]]) -> None:
    """Send *parts* to whom *delivery* is for, one after the other. Raises as ``delivery.Channel`` says."""
    if delivery.label is None:
        raise Undeliverable("the conversation has no user")
    for sent, part in enumerate(parts):
        try:
            await one(delivery.label, part)
        except (NotSent, Undeliverable) as error:
            if sent:
                raise PartlySent from error
            raise
