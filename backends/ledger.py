"""A runner that keeps a ledger and fails on demand: late, twice, never, or with its reply lost after the commit.

It wraps any ``ActionRunner``, so that what it fails is the real thing: tests of the whole journey run against it, and ask
afterwards what was called, what was done, and what was answered.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

from backends.action import ActionCall, ActionRunner, BackendError, Caller, Step
from backends.result import Result

Fault = Literal["late", "twice", "never", "lost", "down"]
"""``late``: it is done and answered after a delay, even if the caller has gone by then; ``twice``: the request arrives
twice; ``never``: nothing is done and no answer comes; ``lost``: it is done, and the answer is lost; ``down``: refused at
once, and known not to be done."""


@dataclass(slots=True)
class Entry:
    """One call: what was asked by whom, the fault it met, and every result that the bank came to."""

    call: ActionCall
    caller: Caller
    fault: Fault | None
    results: list[Result] = field(default_factory=list)


class LedgerActions:
    """An ``ActionRunner`` around *inner*. Calls go through untouched until ``fail`` scripts the next ones."""

    def __init__(
        self, inner: ActionRunner, *, delay: float = 0.05, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self.entries: list[Entry] = []
        self._inner = inner
        self._delay = delay
        self._sleep = sleep
        self._script: dict[Step, deque[Fault]] = {}
        self._afterwards: set[asyncio.Task[Result]] = set()

    def fail(self, *faults: Fault, step: Step = "commit") -> None:
        """The next calls of *step* meet these faults, one each, in this order."""
        self._script.setdefault(step, deque()).extend(faults)

    def effects(self) -> list[Result]:
        """Each thing that was really done, once however often it was answered."""
        done = {result.reference: result for entry in self.entries for result in entry.results if result.completed}
        return list(done.values())

    async def settled(self) -> None:
        """Waits until what was late has happened."""
        await asyncio.gather(*self._afterwards, return_exceptions=True)

    async def run(self, call: ActionCall, caller: Caller) -> Result:
        """What *inner* answers, unless the script has a fault for this call."""
        script = self._script.get(call.step)
        entry = Entry(call, caller, script.popleft() if script else None)
        self.entries.append(entry)
        match entry.fault:
            case "late":
                task = asyncio.create_task(self._late(entry))
                self._afterwards.add(task)
                task.add_done_callback(self._afterwards.discard)
                return await asyncio.shield(task)
            case "twice":
                await self._arrive(entry)
                return await self._arrive(entry)
            case "never":
                await asyncio.Event().wait()
                raise AssertionError("nothing sets that event")
            case "lost":
                await self._arrive(entry)
                raise BackendError("the reply was lost", unknown=True)
            case "down":
                raise BackendError("the bank is down")
            case None:
                return await self._arrive(entry)

    async def _late(self, entry: Entry) -> Result:
        await self._sleep(self._delay)
        return await self._arrive(entry)

    async def _arrive(self, entry: Entry) -> Result:
        result = await self._inner.run(entry.call, entry.caller)
        entry.results.append(result)
        return result
