"""``teller bench gateway``: how long a reply takes when every model is dead: refused connections, and black holes.

What is measured is ``compose`` over true results of the demo bank, beside the same with no model at all. A black hole costs
the first replies their deadline, until its breaker is open; what is timed comes after, probes for life included.
"""

from __future__ import annotations

import asyncio
import os
import socket
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backends.http.breaker import Breaker
from backends.result import Result
from backends.rules import standing_facts
from bot.specimens import NOW, specimens
from responses.audience import Audience
from responses.compose import compose
from responses.gateway import Gateway, OpenAIProvider, Upstream
from responses.library import TemplateError

TARGET = 50.0
"""Milliseconds that a reply may take with every model dead."""
MODELS = 3
COOL_DOWN = 0.2
"""Seconds between two probes, so short that many fall into the measurement."""


async def bench(replies: int) -> dict[str, Any]:
    """Milliseconds of *replies* replies with no model, with models that refuse, and with models that swallow."""
    with tempfile.TemporaryDirectory() as folder:
        results = await specimens(Path(folder))
    with _refusing() as port:
        refused = await _dead(results, port, replies)
    with _swallowing() as port:
        swallowed = await _dead(results, port, replies)
    figures = {"no_model": _spread(await _timed(results, None, replies)), "refused": refused, "black_hole": swallowed}
    worst = max(figures[name]["p99"] for name in ("refused", "black_hole"))
    return {
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 1),
        "replies": replies,
        "models": MODELS,
        "target_ms": TARGET,
        "met": worst <= TARGET,
        "milliseconds": figures,
    }


async def _dead(results: list[Result], port: int, replies: int) -> dict[str, Any]:
    providers = [OpenAIProvider(f"http://127.0.0.1:{port}/v1", f"m{number}") for number in range(MODELS)]
    upstreams = [Upstream(each, Breaker(failures=3, cool_down=COOL_DOWN)) for each in providers]
    gateway = Gateway(*upstreams)
    first = []
    while any(each.breaker.is_closed for each in upstreams):
        first += await _timed(results, gateway, 1)
    measured = _spread(await _timed(results, gateway, replies))
    await gateway.close()
    for each in providers:
        await each.close()
    return {**measured, "replies_until_open": len(first), "slowest_until_open": round(max(first), 1)}


async def _timed(results: list[Result], gateway: Gateway | None, replies: int) -> list[float]:
    taken: list[float] = []
    rules = standing_facts(NOW)
    number = 0
    while len(taken) < replies:
        result = results[number % len(results)]
        number += 1
        audience = Audience(language="zh", now=NOW, variation=number)
        began = time.perf_counter()
        try:
            reply = await compose([result], audience, now=NOW, rules=rules, gateway=gateway)
        except (TemplateError, LookupError):
            continue  # no outcome of its own to say, as between a turn and its backend
        milliseconds = (time.perf_counter() - began) * 1000
        if gateway is None or reply.how.verdict == "unavailable":
            taken.append(milliseconds)
    return taken


def _spread(taken: list[float]) -> dict[str, Any]:
    cuts = statistics.quantiles(taken, n=100, method="inclusive")
    return {"p50": round(cuts[49], 2), "p99": round(cuts[98], 2), "max": round(max(taken), 2)}


@contextmanager
def _refusing() -> Iterator[int]:
    """A port that nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@contextmanager
def _swallowing() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listening:
        yield listening.getsockname()[1]


def run(replies: int) -> dict[str, Any]:
    """``bench`` in a loop of its own."""
    return asyncio.run(bench(replies))
