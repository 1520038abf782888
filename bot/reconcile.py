"""Effects of unknown end are asked after until they have one, and then the customer is told.

A turn that loses the bank's answer says so and goes on; a process that dies in between says nothing. What they leave is a
row that this room finds: it asks the bank what became of the key. Where nothing has for a while, it has the bank close the
key, so that no request still under way can do it later. Any number of processes may look; a lease lets one ask.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import traceback
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backends.action import ActionCall, BackendError, Step
from backends.result import Result
from bot.conversations import BOT
from bot.events import insert_events, take_numbers
from bot.message import NewEvent
from bot.parts import Parts
from bot.records import ConversationRow, DeliveryRow
from bot.signals import Signals
from bot.store import reading
from bot.writes import Status, Write, settle
from responses.audience import Audience
from responses.reply import Language, Reply

AFTER_UNKNOWN = dt.timedelta(seconds=2)
"""How long an effect is left alone whose answer was lost: the turn that lost it is about to say so."""
AFTER_INTENT = dt.timedelta(seconds=15)
"""And one whose turn died: its message is begun again when the lease of its worker ends, and that settles it."""
GIVE_UP_AFTER = dt.timedelta(seconds=20)
"""When a key under which nothing was done is closed: a slow commit has had its time."""
AT_MOST = dt.timedelta(seconds=40)
"""When an effect is asked after even though a turn is at work in its conversation."""
_QUEUE = "queue"
_LOG = logging.getLogger(__name__)


class Reconciler:
    """One process's reconciler. *every* is how often it looks, *lease* how long it has to ask and to tell, in seconds.

    *pushed* is as in ``Leases``.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        signals: Signals,
        parts: Parts,
        *,
        every: float = 2.0,
        lease: float = 10.0,
        pushed: frozenset[str] = frozenset(),
    ) -> None:
        self._engine = engine
        self._signals = signals
        self._parts = parts
        self._every = every
        self._lease = lease
        self._pushed = pushed
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._forever(), name="reconcile")

    async def stop(self) -> None:
        """Look no more; what was being asked after is asked again by whoever looks next."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def look(self) -> int:
        """Ask once after every effect that is due; the number of those that found their end."""
        now = self._parts.clock()
        due = await self._parts.writes.unsettled(
            unknown_since=now - AFTER_UNKNOWN, intended_since=now - AFTER_INTENT, at_work_since=now - AT_MOST
        )
        # One after the other: a bank that was away is not met with everything at once.
        return sum([await self._reconcile(write) for write in due])

    async def _forever(self) -> None:
        while True:
            try:
                await self.look()
            except (SQLAlchemyError, OSError) as error:
                _LOG.warning("the database is away, no effect is asked after: %s", type(error).__name__)
            await asyncio.sleep(self._every)

    async def _reconcile(self, write: Write) -> bool:
        """Ask after one effect; ``True`` where this process brought it to its end."""
        if not await self._parts.writes.claim(write.key, self._lease):
            return False
        try:
            async with asyncio.timeout(self._lease):
                result = await self._end_of(write)
                if result is None:
                    return False
                told = await self._compose(write, result)
        except (BackendError, TimeoutError):
            _LOG.warning("the bank does not say what became of %s %s", write.capability, write.key)
            return False
        except Exception as error:
            # One that cannot be told of must not keep the others from being asked after.
            where = "".join(traceback.format_tb(error.__traceback__))
            _LOG.error("effect %s of %s: %s\n%s", write.key, write.capability, type(error).__name__, where)
            return False
        return await self._close(write, result, told)

    async def _end_of(self, write: Write) -> Result | None:
        """What the bank says became of the effect; ``None`` while it may still happen."""
        result = await self._ask(write, "outcome")
        if result.outcome != "unknown_key":
            return result
        if self._parts.clock() - write.created_at < GIVE_UP_AFTER:
            return None
        return await self._ask(write, "void")

    async def _ask(self, write: Write, step: Step) -> Result:
        return await self._parts.actions.run(ActionCall(name=write.capability, step=step, key=write.key), write.caller)

    async def _compose(self, write: Write, result: Result) -> Reply:
        async with reading(self._engine) as connection:
            query = select(ConversationRow.session, ConversationRow.language)
            row = (await connection.execute(query.where(ConversationRow.id == write.conversation_id))).one()
        language: Language = "en" if row.session.get("language", row.language) == "en" else "zh"
        now = self._parts.clock()
        audience = Audience.of(
            await self._profile(write), language=language, channel=write.channel, greeted=True, now=now, variation=0
        )
        return await self._parts.compose([result], audience, now=now)

    async def _profile(self, write: Write) -> Any:
        """What the wording may depend on; a bank that does not say costs only that."""
        try:
            profile = await self._parts.actions.run(ActionCall(name="customer_profile"), write.caller)
        except BackendError:
            return ()
        return profile.facts

    async def _close(self, write: Write, result: Result, told: Reply) -> bool:
        """Store the end and tell of it, in one transaction; ``False`` where it was settled meanwhile."""
        now = self._parts.clock()
        status: Status = "done" if result.completed else "refused"
        async with self._engine.connect() as connection:
            # The conversation first, then the effect: the order in which turns take them.
            owner = await connection.scalar(
                select(ConversationRow.owner).where(ConversationRow.id == write.conversation_id).with_for_update()
            )
            if not await settle(connection, write.key, status, result, now):
                return False
            # While a human holds the conversation it is theirs to tell; their console shows the event.
            await self._tell(connection, write, result, told if owner in (BOT, _QUEUE) else None, now)
            await connection.commit()
        self._signals.tell("event", write.conversation_id)
        return True

    async def _tell(
        self, connection: AsyncConnection, write: Write, result: Result, told: Reply | None, now: dt.datetime
    ) -> None:
        ended = {"capability": write.capability, "outcome": result.outcome, "reference": result.reference}
        happened = NewEvent(type="write.settled", actor="system", data=ended)
        first = (await take_numbers(connection, write.conversation_id, 1 if told is None else 2, now)).first
        events = [happened]
        if told is not None:
            data = {"seq": first, **_wire(told, write, result), "in_reply_to": None}
            events.insert(0, NewEvent(type="message.completed", actor="bot", data=data))
            if write.channel in self._pushed:
                delivery = {"event_seq": first, "channel": write.channel, "next_at": now}
                await connection.execute(insert(DeliveryRow).values(conversation_id=write.conversation_id, **delivery))
        await insert_events(connection, write.conversation_id, first, events, now)


def _wire(told: Reply, write: Write, result: Result) -> dict[str, Any]:
    """The message as ``Turn.wire`` gives a reply: it answers nothing that was just said."""
    decision = {
        "kind": "answer",
        "capability": write.capability,
        "outcome": result.outcome,
        "why": "what became of an effect whose outcome was unknown",
    }
    return {
        **told.model_dump(mode="json"),
        "understood": {"intents": [], "act": "status", "slots": [], "in_scope": True},
        "decisions": [decision],
    }
