"""The writer as a provider of the gateway: a plan in, a reply out, in a thread of its own and within its time."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from responses.gateway.port import Completion, ModelFailure, Request, Usage
from responses.library import TemplateError
from responses.prompting import Prompt
from responses.writer.decode import USUAL, Drawn, How, OutOfTime
from responses.writer.plan import Plan
from responses.writer.rehearsal import watching
from responses.writer.session import RELEASE, Release

if TYPE_CHECKING:
    from responses.gateway.providers import Entry

NAME = "writer"
AT_A_TIME = 2
"""Replies that are made side by side; the others wait, and their time runs."""
_RESERVE = 0.02
"""Seconds before the deadline at which a reply is given up, so that who asked hears of it in time."""


class Writer:
    """Writes replies with the release at *folder*: the same request gives the same words. *clock* is monotonic seconds.

    A reply of several matters is written one matter after the other. ``ModelFailure`` where there is no plan, a fact of it
    has no token, or the time is over; the thread stops with it.
    """

    def __init__(
        self,
        folder: Path = RELEASE,
        *,
        name: str = NAME,
        how: How = USUAL,
        threads: int = 2,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._how = how
        self._clock = clock
        self._release = Release(folder, threads=threads)
        self._pool = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="writer")

    async def complete(self, request: Request) -> Completion:
        """A reply to the plans of *request*."""
        ends = self._clock() + request.seconds - _RESERVE
        plans = (request.plan,) if request.plan is not None else plans_of(request.prompt)
        if not plans:
            raise ModelFailure("no plan")
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._written, request, plans, ends)

    async def close(self) -> None:
        """Takes no more requests."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _written(self, request: Request, plans: tuple[Plan, ...], ends: float) -> Completion:
        prompt = request.prompt
        sampler = self._release.sampler()
        drawn: list[Drawn] = []
        for number, plan in enumerate(plans):
            try:
                drawn.append(
                    sampler.draw(
                        plan,
                        seed=_seed(request, number),
                        how=self._how,
                        watch=watching(plan, prompt.draft),
                        in_time=lambda: self._clock() < ends,
                    )
                )
            except OutOfTime as error:
                raise ModelFailure("too late") from error
            except (KeyError, TemplateError, ValueError) as error:
                raise ModelFailure(f"{plan.capability}.{plan.outcome} cannot be written: {error}") from error
        read = sum(len(self._release.vocabulary.encode_plan(plan)) for plan in plans)
        text = "\n".join(each.text for each in drawn)
        return Completion(text, self.name, Usage(read, sum(each.tokens for each in drawn)))


def open_writer(entry: Entry) -> Writer:
    """The writer of a providers file: the release in this package, or the one at ``path``."""
    return Writer(entry.path or RELEASE, name=entry.name)


def plans_of(prompt: Prompt) -> tuple[Plan, ...]:
    """What *prompt* asks for, a plan each matter; empty where it does not say."""
    return tuple(
        Plan(
            capability=matter.capability, outcome=matter.outcome, given=matter.given, lang=prompt.language,
            mood=prompt.mood, tone=prompt.tone, channel=prompt.room, customer=prompt.customer,
        )
        for matter in prompt.matters
    )  # fmt: skip


def _seed(request: Request, number: int) -> int:
    """Another for each attempt and matter, the same whenever the same is asked."""
    told = f"{request.seed}|{number}|{len(request.prompt.messages)}|{request.prompt.draft}"
    return int.from_bytes(hashlib.sha256(told.encode()).digest()[:8])
