"""The worker: takes conversations that have messages, runs their turns one by one, and stores what came of each."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import itertools
import logging
import secrets
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.apology import apology
from bot.deltas import cut_short
from bot.failpoints import failpoint
from bot.leases import Bid, LeaseLost, Leases, Outcome, Work
from bot.message import Incoming, Turn
from bot.outlet import Outlet, open_outlet
from bot.parts import Clock
from bot.principal import Principal
from bot.signals import Signals

Handle = Callable[[Incoming, dict[str, Any], Principal, dt.datetime], Awaitable[Turn]]
"""Runs one turn: the message, the session as JSON (empty in a new conversation), who asks, and the time. No transaction
is open meanwhile; it may run again for the same message, so its effects carry keys."""

StreamedHandle = Callable[[Incoming, dict[str, Any], Principal, dt.datetime, Outlet], Awaitable[Turn]]
"""Runs one turn whose reply may be heard while it is made: what left by the outlet is where the turn's reply begins."""

TRIES = 3
"""How often a turn that raises is run before the customer is told that it failed."""
MAX_STARTS = 5
"""How often a message may be begun: one that kills its process is not handed on for ever."""
_LOG = logging.getLogger(__name__)


class Worker:
    """One process's worker: up to *concurrency* conversations at a time, any number of workers over one database.

    *lease* is the silence after which others take its conversations over, *sweep* how often it looks for messages that
    no signal told of, *patience* how long one turn may take; all in seconds. *pushed* is as in ``Leases``. *streamed* has,
    by name, the channels whose customers hear a reply while it is made, and what runs their turns in place of *handle*.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        signals: Signals,
        handle: Handle,
        clock: Clock,
        *,
        concurrency: int = 8,
        lease: float = 6.0,
        sweep: float = 1.0,
        patience: float = 30.0,
        pushed: frozenset[str] = frozenset(),
        streamed: Mapping[str, StreamedHandle] | None = None,
    ) -> None:
        self._streamed = streamed or {}
        self.name = secrets.token_hex(6)
        self._leases = Leases(engine, seconds=lease, pushed=pushed)
        self._signals = signals
        self._handle = handle
        self._clock = clock
        self._concurrency = concurrency
        self._sweep = sweep
        self._patience = patience
        # Told of and not begun, in order; a conversation that is being worked on may be told of again.
        self._wanted: dict[str, None] = {}
        self._active: dict[str, asyncio.Task[None]] = {}
        # Conversations whose message is being taken in, with a place kept for the turn that follows.
        self._reserved: set[str] = set()
        self._bids = itertools.count(1)
        self._sweeper: asyncio.Task[None] | None = None
        self._unsubscribe: Callable[[], None] = lambda: None

    async def start(self) -> None:
        """Begin with what waits already, then take what comes."""
        self._unsubscribe = self._signals.on_message(self._want)
        self._sweeper = asyncio.create_task(self._sweep_forever(), name="worker-sweep")

    async def stop(self, grace: float = 10.0) -> None:
        """Take nothing new, give running turns *grace* seconds, and let go of the conversations of the rest."""
        self._unsubscribe()
        self._unsubscribe = lambda: None
        self._wanted.clear()
        sweeper, self._sweeper = self._sweeper, None
        if sweeper is not None:
            sweeper.cancel()
            await asyncio.gather(sweeper, return_exceptions=True)
        running = list(self._active.values())
        if running:
            _, late = await asyncio.wait(running, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop, or never started."""
        return self._sweeper is None

    def reserve(self, conversation_id: str) -> Bid | None:
        """Keep a place for the conversation until ``begin``, and bid for it; ``None`` where there is none."""
        full = len(self._active) + len(self._reserved) >= self._concurrency
        if full or self.stopping or self._is_busy_with(conversation_id):
            return None
        self._reserved.add(conversation_id)
        return Bid(holder=f"{self.name}:{next(self._bids)}", seconds=self._leases.seconds)

    def begin(self, conversation_id: str, work: Work | None) -> None:
        """Use the place that was kept for *work*, which is claimed and committed; without any, give it up."""
        self._reserved.remove(conversation_id)
        if work is not None:
            self._start(conversation_id, work)
        self._fill()

    def _is_busy_with(self, conversation_id: str) -> bool:
        return conversation_id in self._active or conversation_id in self._reserved

    def _want(self, conversation_id: str) -> None:
        self._wanted[conversation_id] = None
        self._fill()

    def _fill(self) -> None:
        if self.stopping:
            return
        free = max(0, self._concurrency - len(self._active) - len(self._reserved))
        ready = (name for name in self._wanted if not self._is_busy_with(name))
        for conversation_id in list(itertools.islice(ready, free)):
            del self._wanted[conversation_id]
            self._start(conversation_id)

    def _start(self, conversation_id: str, work: Work | None = None) -> None:
        task = asyncio.create_task(self._process(conversation_id, work), name=f"turns-{conversation_id}")
        self._active[conversation_id] = task
        task.add_done_callback(partial(self._done, conversation_id))

    def _done(self, conversation_id: str, _task: asyncio.Task[None]) -> None:
        del self._active[conversation_id]
        self._fill()

    async def _sweep_forever(self) -> None:
        while True:
            try:
                for conversation_id in await self._leases.waiting():
                    self._want(conversation_id)
            except (SQLAlchemyError, OSError) as error:
                _LOG.warning("the database is away: %s", type(error).__name__)
            await asyncio.sleep(self._sweep)

    async def _process(self, conversation_id: str, work: Work | None) -> None:
        """Every pending message of one conversation, in order; *work* is the first where it is claimed already."""
        try:
            if work is None:
                work = await self._leases.claim(conversation_id, self.name)
            else:
                await failpoint("lease.claimed", conversation_id)
            while work is not None:
                outcome = await self._outcome(work)
                work = await self._leases.finish(work, outcome, self._clock(), more=not self.stopping)
                self._signals.tell("event", conversation_id)
        except LeaseLost:
            _LOG.warning("conversation %s was taken over while its turn ran", conversation_id)
        except (SQLAlchemyError, OSError) as error:
            # What was not stored did not happen: the lease ends by itself and the message is begun again.
            _LOG.warning("the database is away, conversation %s waits: %s", conversation_id, type(error).__name__)
        except asyncio.CancelledError:
            if work is not None:
                await self._leases.release(work)
                self._signals.tell("message", conversation_id)
            raise

    async def _outcome(self, work: Work) -> Outcome:
        """The turn's outcome, or the apology where it cannot be had."""
        outlet = None
        if work.incoming.channel in self._streamed:
            outlet = await open_outlet(self._leases, self._signals, work, self._clock)
        if work.starts > MAX_STARTS:
            return await _apology(work, f"begun {MAX_STARTS} times and never finished", outlet)
        reason = ""
        for attempt in range(TRIES):
            if attempt:
                await asyncio.sleep(0.1 * attempt)
            try:
                return _outcome(await self._run(work, outlet))
            except (LeaseLost, asyncio.CancelledError):
                raise
            except (OperationalError, InterfaceError, ConnectionError):
                # Our own database is away: that is no fault of this turn, which waits and is begun again.
                raise
            except Exception as error:
                # Not the error's own words: they may quote what the customer wrote.
                reason = type(error).__name__
                where = "".join(traceback.format_tb(error.__traceback__))
                message = work.incoming
                _LOG.error("turn %s of %s failed: %s\n%s", message.seq, message.conversation_id, reason, where)
        return await _apology(work, reason, outlet)

    async def _run(self, work: Work, outlet: Outlet | None) -> Turn:
        """The turn itself, with the lease kept while it runs."""
        arguments = (await self._leases.placed(work), work.session, work.principal, self._clock())
        handling = asyncio.ensure_future(
            self._handle(*arguments) if outlet is None else self._streamed[work.incoming.channel](*arguments, outlet)
        )
        deadline = time.monotonic() + self._patience
        try:
            while True:
                done, _ = await asyncio.wait({handling}, timeout=self._leases.seconds / 3)
                if done:
                    return handling.result()
                if time.monotonic() > deadline:
                    raise TimeoutError
                with contextlib.suppress(SQLAlchemyError, OSError):
                    if not await self._leases.renew(work):
                        raise LeaseLost(work.incoming.conversation_id)
        finally:
            if not handling.done():
                handling.cancel()
                await asyncio.gather(handling, return_exceptions=True)


def _outcome(turn: Turn) -> Outcome:
    return Outcome(
        status="done",
        reply=turn.wire(),
        events=turn.events,
        session=turn.session.model_dump(mode="json"),
        owner=turn.owner,
        awaiting_challenge=turn.awaiting_challenge,
        record=turn.record,
    )


async def _apology(work: Work, reason: str, outlet: Outlet | None) -> Outcome:
    """An honest end for a message whose turn could not be run: nothing is claimed and nothing is changed."""
    silent = work.incoming.owner not in ("bot", "queue")
    language = work.session.get("language", "zh")
    reply = None if silent else apology(language)
    if reply is not None and outlet is not None and outlet.heard.text:
        await outlet.hear(f"\n{reply['text']}", ())
        reply = {**cut_short(outlet.heard, language), "quick_replies": reply["quick_replies"]}
    return Outcome(
        status="failed",
        reply=reply,
        events=(),
        session=work.session,
        owner=work.incoming.owner,
        record={"message": work.incoming.model_dump(mode="json"), "failed": reason},
    )
