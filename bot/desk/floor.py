"""The floor as it is now, told to the open pages: who holds which conversation, which have grown, new canned replies.

One look at the database serves all pages of a process. It is made when something was told of, and once a second anyway.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import NamedTuple

from sqlalchemy import func, literal_column, or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.desk.canned_tables import CannedRow
from bot.desk.holding import DESK, QUEUE
from bot.records import ConversationRow
from bot.signals import Signals
from bot.store import reading

EVERY = 1.0
"""Seconds after which the floor is looked at though nothing was told of: a signal may have been lost."""
TOGETHER = 0.04
"""Seconds in which signals are gathered before one look."""
HEARTBEAT = 10.0
"""Seconds of silence after which a page is told that the line is alive."""
_LOG = logging.getLogger(__name__)


class Stand(NamedTuple):
    """How a conversation stands: whose it is, since which change, and its last event."""

    owner: str
    version: int
    seq: int


class Page:
    """An open page of a rep. *watched* is a conversation that is shown on it, whoever holds it."""

    def __init__(self, rep_id: str, watched: str | None) -> None:
        self.rep_id = rep_id
        self.watched = watched
        self._woken = asyncio.Event()
        self._queue = False
        self._mine = False
        self._canned = False
        self._grown: dict[str, int] = {}
        self._typing: dict[str, None] = {}

    def tell(
        self,
        *,
        queue: bool = False,
        mine: bool = False,
        canned: bool = False,
        grown: dict[str, int] | None = None,
        typing: str | None = None,
    ) -> None:
        """Add to what the page has not been told yet."""
        if typing is not None:
            self._typing[typing] = None
        self._queue |= queue
        self._mine |= mine
        self._canned |= canned
        self._grown |= grown or {}
        if self._queue or self._mine or self._canned or self._grown or self._typing:
            self._woken.set()

    async def news(self, patience: float) -> list[tuple[str, str]] | None:
        """What is new, as names and data of events; ``None`` where nothing is within *patience* seconds."""
        try:
            async with asyncio.timeout(patience):
                await self._woken.wait()
        except TimeoutError:
            return None
        self._woken.clear()
        parts = (("queue", self._queue), ("mine", self._mine), ("canned", self._canned))
        told = [(name, "") for name, is_new in parts if is_new]
        told += [("grown", f"{conversation_id} {seq}") for conversation_id, seq in self._grown.items()]
        told += [("typing", conversation_id) for conversation_id in self._typing]
        self._queue = self._mine = self._canned = False
        self._grown, self._typing = {}, {}
        return told


class Floor:
    """One process's view of the floor. ``start`` before use, ``stop`` at the end."""

    def __init__(self, engine: AsyncEngine, signals: Signals) -> None:
        self._engine = engine
        self._signals = signals
        self._pages: set[Page] = set()
        self._stands: dict[str, Stand] = {}
        # How many versions of canned replies there are: none is ever taken away.
        self._canned: int | None = None
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._unsubscribe: list[Callable[[], None]] = []

    async def start(self) -> None:
        """Begin to look."""
        self._unsubscribe = [self._signals.on_event(self._hear), self._signals.on_typing(self.hear_typing)]
        self._task = asyncio.create_task(self._forever(), name="desk-floor")

    async def stop(self) -> None:
        """Look no more."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._unsubscribe = []
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    @contextlib.contextmanager
    def page(self, rep_id: str, watched: str | None) -> Iterator[Page]:
        """A page that is told what concerns it from now on."""
        page = Page(rep_id, watched)
        self._pages.add(page)
        self._woken.set()
        try:
            yield page
        finally:
            self._pages.discard(page)

    async def follow(self, rep_id: str, watched: str | None) -> AsyncIterator[list[tuple[str, str]] | None]:
        """What concerns the page of *rep_id*, as it happens; ``None`` when a heartbeat is due. Never ends.

        It begins with everything: whoever comes back after a lost line has missed something.
        """
        with self.page(rep_id, watched) as page:
            page.tell(queue=True, mine=True, grown={watched: 0} if watched else None)
            silent_since = time.monotonic()
            while True:
                told = await page.news(max(0.0, HEARTBEAT - (time.monotonic() - silent_since)))
                yield told
                silent_since = time.monotonic()

    async def look(self) -> None:
        """Look once, and tell every page what has changed since the last look."""
        watched = {page.watched for page in self._pages if page.watched is not None}
        is_ours = ConversationRow.owner != literal_column("'bot'")
        query = select(ConversationRow.id, ConversationRow.owner, ConversationRow.version, ConversationRow.seq).where(
            or_(is_ours, ConversationRow.id.in_(sorted(watched))) if watched else is_ours
        )
        async with reading(self._engine) as connection:
            now = {row.id: Stand(row.owner, row.version, row.seq) for row in await connection.execute(query)}
            versions = await connection.scalar(select(func.count()).select_from(CannedRow))
        canned, self._canned = self._canned not in (None, versions), versions
        before, self._stands = self._stands, now
        moved = {name for name in before.keys() | now.keys() if _held(before.get(name)) != _held(now.get(name))}
        queue = any(QUEUE in (_owner(before.get(name)), _owner(now.get(name))) for name in moved)
        grown = {name: stand.seq for name, stand in now.items() if before.get(name) != stand}
        for page in self._pages:
            page.tell(
                queue=queue or any(now[name].owner == QUEUE for name in grown),
                canned=canned,
                mine=any(page.rep_id in (_owner(before.get(name)), _owner(now.get(name))) for name in moved),
                grown={
                    name: seq for name, seq in grown.items() if now[name].owner == page.rep_id or name == page.watched
                },
            )

    def hear_typing(self, conversation_id: str) -> None:
        """Tell who has the conversation, or looks at it, that its customer writes."""
        stand = self._stands.get(conversation_id)
        for page in self._pages:
            if page.watched == conversation_id or (stand is not None and stand.owner == page.rep_id):
                page.tell(typing=conversation_id)

    def _hear(self, conversation_id: str) -> None:
        if conversation_id == DESK or conversation_id in self._stands:
            self._woken.set()

    async def _forever(self) -> None:
        while True:
            try:
                async with asyncio.timeout(EVERY):
                    await self._woken.wait()
                await asyncio.sleep(TOGETHER)
            except TimeoutError:
                pass
            self._woken.clear()
            if not self._pages:
                continue
            try:
                await self.look()
            except (SQLAlchemyError, OSError) as error:
                _LOG.warning("the database is away, the desk sees no news: %s", type(error).__name__)
                await asyncio.sleep(EVERY)


def _owner(stand: Stand | None) -> str | None:
    return stand.owner if stand else None


def _held(stand: Stand | None) -> tuple[str, int] | None:
    return (stand.owner, stand.version) if stand and stand.owner != "bot" else None
