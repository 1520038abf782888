"""A provider and the terms on which it is asked: its breaker, how many calls at once, where it stands, what it costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from responses.gateway.port import ModelProvider

CONCURRENCY = 8


class Breaker(Protocol):
    """What leaves a dead model alone: ``backends.http.breaker.Breaker``, handed in by whoever wires."""

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

    def admits(self) -> bool:
        """Always."""
        return True

    def record(self, *, answered: bool) -> None:
        """Nothing to remember."""

    def rest(self, seconds: float) -> None:
        """Nor to wait for."""


@dataclass(slots=True)
class Upstream:
    """*provider*, asked for *concurrency* texts at once at most. *on_premises*: what it is told stays in the house."""

    provider: ModelProvider
    breaker: Breaker = field(default_factory=NeverOpens)
    concurrency: int = CONCURRENCY
    on_premises: bool = True
    _busy: int = field(default=0, init=False)

    @property
    def name(self) -> str:
        """The provider's."""
        return self.provider.name

    def admits(self) -> bool:
        """Whether to ask it now. Nobody waits for a place: the next provider, or the template, is quicker."""
        return self._busy < self.concurrency and self.breaker.admits()

    @contextmanager
    def occupied(self) -> Iterator[None]:
        """One of its places, for as long as a call takes."""
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1


BreakerMaker = Callable[[], Breaker]
