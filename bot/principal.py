"""Who is asking: the channel, the customer and how surely they are known. Built from signed credentials, never from text."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from backends.action import Assurance, Caller
from backends.result import Frozen


class Principal(Frozen):
    """On whose behalf a message is handled. ``customer_id`` is ``None`` for a visitor nobody has vouched for.

    ``address`` is where the message came from, as ``guards.address_of`` gives it; ``None`` where a platform stands between.
    """

    channel: str = "web"
    customer_id: str | None = None
    assurance: Assurance = "none"
    address: str | None = None

    @model_validator(mode="after")
    def _assurance_needs_a_customer(self) -> Self:
        if (self.customer_id is None) != (self.assurance == "none"):
            raise ValueError("a customer is signed in, and nobody else is")
        return self

    def caller(self, conversation_id: str) -> Caller:
        """This principal as the bank's systems know it."""
        return Caller(
            customer_id=self.customer_id,
            channel=self.channel,
            assurance=self.assurance,
            conversation_id=conversation_id,
        )
