"""A circuit breaker (Nygard, *Release It!*, 2nd ed., ch. 5): a system that is down is left alone, and tried again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Breaker:
    """Opens after *failures* in a row; while it is open, one call every *cool_down* seconds is let through, and an answer
    to it closes it again. *clock* is monotonic seconds.

    For one event loop. ``bot`` hands the same class to the gateway of language models, which may not import it.
    """

    failures: int = 5
    cool_down: float = 5.0
    clock: Callable[[], float] = time.monotonic
    _in_a_row: int = field(default=0, init=False)
    _open_until: float = field(default=float("-inf"), init=False)

    @property
    def is_open(self) -> bool:
        """Whether nothing would be let through now. A look only: it takes no probe's place."""
        return self._in_a_row >= self.failures and self.clock() < self._open_until

    @property
    def is_closed(self) -> bool:
        """Whether everything is let through; one that is neither open nor closed waits for the end of a probe."""
        return self._in_a_row < self.failures

    def admits(self) -> bool:
        """Whether to ask now. A probe whose end is never recorded costs one more pause, nothing else."""
        if self._in_a_row < self.failures:
            return True
        now = self.clock()
        if now < self._open_until:
            return False
        self._open_until = now + self.cool_down
        return True

    def rest(self, seconds: float) -> None:
        """Open at once, for *seconds*: the system asked to be left alone."""
        self._in_a_row = max(self._in_a_row, self.failures)
        self._open_until = max(self._open_until, self.clock() + seconds)

    def record(self, *, answered: bool) -> None:
        """What became of a call: an answer, were it a refusal, or none."""
        if answered:
            self._in_a_row = 0
            return
        self._in_a_row += 1
        if self._in_a_row >= self.failures:
            self._open_until = max(self._open_until, self.clock() + self.cool_down)
