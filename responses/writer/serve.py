"""The writer as a provider of the gateway: a plan in, a reply out, in a thread of its own and within its time.

Replies that people wrote come first. The decoder, where a release is given, writes for what none of them fits.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from responses.gateway.port import Completion, ModelFailure, Request, Usage
from responses.library import TemplateError
from responses.prompting import Prompt
from responses.writer.decode import USUAL, Drawn, How, OutOfTime, Watch
from responses.writer.pairs import Pair
from responses.writer.pairs import pairs as every_pair
from responses.writer.plan import Plan
from responses.writer.recital import Recital
from responses.writer.rehearsal import watching
from responses.writer.session import Release

if TYPE_CHECKING:
    from responses.gateway.providers import Entry

NAME = "writer"
AT_A_TIME = 2
"""Replies that are made side by side; the others wait, and their time runs."""
_TRIED = 4
"""Fitting pairs that are shown to the gates before another way is taken."""
_RESERVE = 0.02
"""Seconds before the deadline at which a reply is given up, so that who asked hears of it in time."""


class Writer:
    """Writes replies: those of the written *pairs* that fit, else what the decoder of the release at *folder* draws. The same
    request gives the same words. *clock* is monotonic seconds.

    A reply of several matters is written one matter after the other. ``ModelFailure`` where there is no plan, nothing fits
    and there is no release, a fact has no token, or the time is over; the thread stops with it.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        name: str = NAME,
        pairs: Sequence[Pair] = (),
        how: How = USUAL,
        threads: int = 2,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._how = how
        self._clock = clock
        self._recital = Recital(pairs)
        self._release = Release(folder, threads=threads) if folder is not None else None
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
        written: list[str] = []
        usage = Usage()
        for number, plan in enumerate(plans):
            seed = _seed(request, number)
            try:
                watch = watching(plan, request.prompt.draft)
                recited = self._recited(plan, seed, request.prompt.said, watch)
                if recited is not None:
                    written.append(recited)
                    continue
                drawn, read = self._drawn(plan, seed, watch, ends)
            except OutOfTime as error:
                raise ModelFailure("too late") from error
            except (KeyError, TemplateError, ValueError) as error:
                raise ModelFailure(f"{plan.capability}.{plan.outcome} cannot be written: {error}") from error
            written.append(drawn.text)
            usage = Usage(usage.tokens_in + read, usage.tokens_out + drawn.tokens)
        return Completion("\n".join(written), self.name, usage)

    def _recited(self, plan: Plan, seed: int, said: Sequence[str], watch: Watch) -> str | None:
        """The first of a few fitting pairs that the gates have nothing against."""
        fitting = self._recital.fitting(plan, seed, said)[:_TRIED]
        return next((reply for reply in fitting if watch(reply, True) is None), None)

    def _drawn(self, plan: Plan, seed: int, watch: Watch, ends: float) -> tuple[Drawn, int]:
        if self._release is None:
            raise ModelFailure(f"no written reply fits {plan.capability}.{plan.outcome}")
        sampler = self._release.sampler()
        drawn = sampler.draw(plan, seed=seed, how=self._how, watch=watch, in_time=lambda: self._clock() < ends)
        return drawn, len(self._release.vocabulary.encode_plan(plan))


def open_writer(entry: Entry) -> Writer:
    """The writer of a providers file: it says what people wrote, and what the decoder at ``path`` writes if there is one."""
    # Templates and lexicons take longer to read than a first reply may.
    watching(Plan("affirm", "plain", ()), "好的。")("好的。", True)
    return Writer(entry.path, name=entry.name, pairs=[pair for pair in every_pair() if pair.recited])


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
