"""Named points on a turn's way where a test can kill, stall or fail the process; without orders they do nothing.

Orders are text, as ``TELLER_FAILPOINTS`` holds it; production refuses the setting::

    turn.understood=kill@3; lease.finished=kill@1+20; lease.before_finish=sleep:0.5%0.01; *=trace:/run/trace.jsonl

Each is a name (``*``: every one), an action, and when: ``@n`` the n-th time it is reached, ``%p`` each time with that
probability, else always; ``+s`` after either counts from s seconds after the process was armed. The actions are ``kill`` (SIGKILL to this process: nothing is flushed and nobody is told),
``raise`` (``FailpointReached``), ``sleep:<seconds>`` and ``trace:<file>`` (appends a line of JSON saying when and where).
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import time
from dataclasses import dataclass, field

NAMES = (
    "inbox.before_commit",
    "inbox.committed",
    "lease.before_claim",
    "lease.claimed",
    "turn.before_understand",
    "turn.understood",
    "bank.before_call",
    "bank.answered",
    "code.before_issue",
    "code.issued",
    "code.before_check",
    "code.checked",
    "write.before_intent",
    "write.intended",
    "write.committed",
    "write.before_inquiry",
    "write.inquired",
    "write.settled",
    "turn.before_compose",
    "turn.composed",
    "lease.before_finish",
    "lease.finished",
    "signals.published",
)
"""Every point, in the order in which a message passes them. A protective write has no code; only a lost answer is
inquired after."""

_ACTIONS = ("kill", "raise", "sleep", "trace")


class FailpointReached(RuntimeError):
    """The error that the action ``raise`` raises."""


@dataclass(slots=True)
class Order:
    """What to do at a point. ``on_hit`` is the hit on which it acts, ``chance`` how likely each time; ``argument`` is
    the seconds of a ``sleep`` or the file of a ``trace``; nothing counts before ``since``, in monotonic seconds."""

    action: str
    argument: str = ""
    on_hit: int | None = None
    chance: float = 1.0
    since: float = float("-inf")
    hits: int = field(default=0, init=False)

    def is_due(self) -> bool:
        """Count a hit; whether this one is to be acted on."""
        if time.monotonic() < self.since:
            return False
        self.hits += 1
        if self.on_hit is not None:
            return self.hits == self.on_hit
        return self.chance >= 1.0 or random.random() < self.chance  # noqa: S311 - a fault, not a secret


_armed: dict[str, list[Order]] = {}


async def failpoint(name: str, about: str = "") -> None:
    """Pass the point *name*; *about* is the conversation, for a trace."""
    if _armed:
        await _act(name, about)


def arm(orders: str | None) -> None:
    """Obey *orders* from now on, in place of all earlier ones; ``None`` ends it. Raises as ``parse`` does."""
    parsed = parse(orders or "")
    _armed.clear()
    _armed.update(parsed)


def parse(orders: str) -> dict[str, list[Order]]:
    """The orders by name; raises ``ValueError`` for a point that is not there and for what cannot be read."""
    found: dict[str, list[Order]] = {}
    for entry in filter(None, (part.strip() for part in orders.split(";"))):
        name, separator, what = (part.strip() for part in entry.partition("="))
        if not separator or (name != "*" and name not in NAMES):
            raise ValueError(f"there is no failpoint {name!r}")
        for each in NAMES if name == "*" else (name,):
            found.setdefault(each, []).append(_order(what))
    return found


def _order(what: str) -> Order:
    what, _, delay = what.partition("+")
    what, _, hit = what.partition("@")
    what, _, chance = what.partition("%")
    action, _, argument = what.partition(":")
    if action not in _ACTIONS:
        raise ValueError(f"there is no failpoint action {action!r}")
    if action == "sleep":
        float(argument)
    since = time.monotonic() + float(delay) if delay else float("-inf")
    return Order(action, argument, int(hit) if hit else None, float(chance) if chance else 1.0, since)


async def _act(name: str, about: str) -> None:
    for order in _armed.get(name, ()):
        if not order.is_due():
            continue
        match order.action:
            case "kill":
                # Unbuffered, so that whoever reads this process's output knows where it ended.
                os.write(2, f"failpoint {name} kills\n".encode())
                os.kill(os.getpid(), signal.SIGKILL)
            case "raise":
                raise FailpointReached(name)
            case "sleep":
                await asyncio.sleep(float(order.argument))
            case "trace":
                _trace(order.argument, name, about)


def _trace(path: str, name: str, about: str) -> None:
    # One write a line to a file opened for appending: lines of several processes do not mix.
    line = json.dumps({"at": time.monotonic(), "pid": os.getpid(), "point": name, "about": about}) + "\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)
