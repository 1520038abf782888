"""A turn's way to those who listen: each sentence is stored under the turn's lease before anybody sees it."""

from __future__ import annotations

from bot.deltas import delta
from bot.leases import Leases, Work
from bot.parts import Clock
from bot.signals import Signals
from responses.reply import Evidence
from responses.streaming import Heard


class Outlet:
    """The ``Listener`` of one message's turn, however often it is begun. Open it with ``open_outlet``.

    It closes by itself when the conversation is another's: a worker's that took it over, or a human's.
    """

    def __init__(self, leases: Leases, signals: Signals, work: Work, clock: Clock, heard: Heard) -> None:
        self._leases = leases
        self._signals = signals
        self._work = work
        self._clock = clock
        self._heard = heard
        self._open = True

    @property
    def heard(self) -> Heard:
        """What the customer has of the answer to this message."""
        return self._heard

    async def hear(self, text: str, evidence: tuple[Evidence, ...]) -> bool:
        """Store *text* as the next ``message.delta`` and tell of it; ``False`` where the conversation is another's."""
        if not text or not self._open:
            return self._open
        message = self._work.incoming
        event = delta(message.seq, self._heard, text, evidence)
        self._open = await self._leases.add(self._work, event, self._clock())
        if self._open:
            self._heard = self._heard.and_then(text, evidence)
            self._signals.tell("event", message.conversation_id)
        return self._open


async def open_outlet(leases: Leases, signals: Signals, work: Work, clock: Clock) -> Outlet:
    """The outlet for *work*, which knows what left when the message was begun before."""
    heard = await leases.heard(work) if work.starts > 1 else Heard()
    return Outlet(leases, signals, work, clock, heard)
