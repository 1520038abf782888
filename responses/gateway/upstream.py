"""A provider and the terms on which it is asked: its breaker, how many calls at once, where it stands, what it may cost."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from responses.gateway.port import ModelFailure, ModelProvider, Request, Usage
from responses.gateway.usage import FREE, Meter, Price, at_most

log = logging.getLogger(__name__)

CONCURRENCY = 8
LEAST_TOKENS = 200
TOKENS_PER_CHARACTER = 2


class Breaker(Protocol):
    """What leaves a dead model alone: ``backends.http.breaker.Breaker``, handed in by whoever wires."""

    @property
    def is_open(self) -> bool:
        """Whether nothing would be asked now; asking this changes nothing."""
        ...

    @property
    def is_closed(self) -> bool:
        """Whether everything is let through."""
        ...

    def admits(self) -> bool:
        """Whether to ask now."""
        ...

    def record(self, *, answered: bool) -> None:
        """What became of an attempt: a text, good or bad, or none at all."""
        ...

    def rest(self, seconds: float) -> None:
        """Ask nothing for *seconds*."""
        ...


class NeverOpens:
    """A breaker for one who wants none."""

    is_open = False
    is_closed = True

    def admits(self) -> bool:
        """Always."""
        return True

    def record(self, *, answered: bool) -> None:
        """Nothing to remember."""

    def rest(self, seconds: float) -> None:
        """Nor to wait for."""


@dataclass(slots=True)
class Upstream:
    """*provider*, asked for *concurrency* texts at once at most. *on_premises*: what it is told stays in the house.

    *price* is what its tokens cost, *daily_budget* what it may cost on a day in Beijing, in nanos of the price's currency
    (``None``: there is no end). *model* is what the ledger calls its model, its own name unless told.
    """

    provider: ModelProvider
    breaker: Breaker = field(default_factory=NeverOpens)
    concurrency: int = CONCURRENCY
    on_premises: bool = True
    price: Price = FREE
    daily_budget: int | None = None
    model: str = ""
    meter: Meter | None = None
    _busy: int = field(default=0, init=False)
    _reserved: int = field(default=0, init=False)
    _overspent: bool = field(default=False, init=False)

    @property
    def name(self) -> str:
        """The provider's."""
        return self.provider.name

    def state(self) -> str:
        """How it stands, for operators: ``open`` says that its breaker is, and that nothing is asked."""
        if self.breaker.is_open:
            return "open"
        if self._busy >= self.concurrency:
            return "busy"
        return "over budget" if self._over(0) else "ok"

    def admits(self, request: Request) -> bool:
        """Whether to ask it now. Nobody waits for a place: the next provider, or the template, is quicker."""
        if self._busy >= self.concurrency:
            return False
        if self._over(self._bound(request)):
            if not self._overspent:
                log.warning("%s is left alone: it may cost no more today", self.name)
            self._overspent = True
            return False
        self._overspent = False
        return self.breaker.admits()

    @contextmanager
    def call(self, request: Request, clock: Clock) -> Iterator[Call]:
        """One of its places for as long as a call takes, with what the call may cost set aside; counted when it ends.

        What ends it by any exception is counted as failed.
        """
        call = Call()
        bound = self._bound(request)
        began = clock()
        self._busy += 1
        self._reserved += bound
        try:
            yield call
        except ModelFailure as failure:
            call.usage = failure.usage or Usage()
            if failure.rest:
                self.breaker.rest(failure.rest)
            raise
        finally:
            self._busy -= 1
            self._reserved -= bound
            if self.meter is not None:
                self.meter.record(
                    capability=request.capability,
                    provider=self.name,
                    model=self.model or self.name,
                    price=self.price,
                    usage=call.usage,
                    failed=not call.answered,
                    seconds=clock() - began,
                )

    def _bound(self, request: Request) -> int:
        return self.price.cost(at_most(request, tokens_at_most(request))) if self.daily_budget is not None else 0

    def _over(self, more: int) -> bool:
        if self.daily_budget is None:
            return False
        spent = self.meter.spent(self.name) if self.meter is not None else 0
        return spent + self._reserved + more > self.daily_budget or spent >= self.daily_budget


class Clock(Protocol):
    """Monotonic seconds."""

    def __call__(self) -> float:
        """Now."""
        ...


@dataclass(slots=True)
class Call:
    """What is known of a call so far."""

    usage: Usage = field(default_factory=Usage)
    answered: bool = False


def tokens_at_most(request: Request) -> int:
    """How long an answer may get: twice the draft in characters, and room for a short draft to grow."""
    return LEAST_TOKENS + TOKENS_PER_CHARACTER * len(request.prompt.draft)
