"""``make bench``: how long a whole turn takes at half of what one process can do, step by step, on a demo bank of its own.

A machine that is shared gives other milliseconds every minute, so what a turn cannot do without is timed in the same run,
before and after: the flush of a commit to this disk, twice, and the reading of a message by the model. The turn is told in
milliseconds and as a multiple of that floor.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import sqlite3
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from sqlalchemy import event
from sqlalchemy.engine import Engine

from bot.app import running
from bot.parts import utc_now
from bot.principal import Principal
from bot.service import Service
from bot.settings import load_settings
from intents.serve import Understander
from intents.understanding import Context

CONVERSATIONS = 16
WARM_UP = 320
"""Turns before anything is timed, and twice as many bare commits: SQLite's log is then as long as it gets, so that it is
written over and not extended, which takes a disk ten times as long."""
FLUSHES = 2
"""A turn commits twice: the message as it is taken in, and what came of it."""
CUSTOMER = Principal(channel="terminal", customer_id="C1001", assurance="signed_in")
SAID = (
    "查账单",
    "那额度呢",
    "今天美元汇率",
    "那欧元呢",
    "换五百美金",
    "不对，是八百",
    "取消",
    "附近网点",
    "谢谢",
    "show my card bill",
)
STEPS = ("accept", "understand", "decide", "backends", "profile", "compose")
"""What a turn's record and the bench time by name; what is left of the whole is waiting, storing and handing over."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Milliseconds: half of the values are at most ``p50``, all but one in a hundred at most ``p99``."""

    p50: float
    p99: float
    mean: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of at least two values."""
        cuts = statistics.quantiles(values, n=100, method="inclusive")
        return cls(round(cuts[49], 3), round(cuts[98], 3), round(statistics.fmean(values), 3))


@dataclass(frozen=True, slots=True)
class Report:
    """What was measured. ``whole`` is from when a message is due to come until its reply is in hand, at half of ``capacity``
    (turns a second with every conversation busy); ``steps`` are parts of it. ``floor`` is ``FLUSHES`` commits and one
    inference; ``times_floor`` are ``whole`` over it. ``cpu`` is milliseconds of processor a turn took."""

    database: str
    cores: int
    load_before: float
    turns: int
    capacity: float
    rate: float
    whole: Spread
    steps: dict[str, Spread]
    share: dict[str, float]
    commit: Spread
    inference: Spread
    floor: float
    times_floor: dict[str, float]
    cpu: float
    statements: float
    commits: float
    resident_mib: int


@dataclass(slots=True)
class _Talk:
    """One conversation of the load: the next thing it says."""

    id: str
    said: int = 0


class _Taken(NamedTuple):
    """A message that was answered, and the milliseconds until it was and until it was taken in."""

    conversation_id: str
    seq: int
    whole: float
    accept: float


class Bench:
    """Turns on a running bot, timed."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._talks: list[_Talk] = []
        self._taken: list[_Taken] = []

    async def open(self) -> None:
        """Open the conversations of the load."""
        for _ in range(CONVERSATIONS):
            opened, _secret = await self._service.conversations.create(
                channel=CUSTOMER.channel, principal=CUSTOMER, now=self._service.clock()
            )
            self._talks.append(_Talk(opened.id))

    async def flat_out(self, turns: int) -> float:
        """Turns a second while every conversation speaks as soon as it is answered."""
        begun = time.perf_counter()

        async def talk(one: _Talk) -> None:
            for _ in range(turns // CONVERSATIONS):
                await self._turn(one)

        await asyncio.gather(*map(talk, self._talks))
        return turns / (time.perf_counter() - begun)

    async def at_rate(self, rate: float, turns: int) -> None:
        """*turns* messages that come at random, *rate* a second on average, whether or not those before are answered."""
        chance = random.Random(0)  # noqa: S311 - a load, not a secret
        due, running_turns = time.perf_counter(), []
        for number in range(turns):
            due += chance.expovariate(rate)
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            running_turns.append(asyncio.create_task(self._turn(self._talks[number % CONVERSATIONS], due)))
        self._taken = await asyncio.gather(*running_turns)

    async def spent(self) -> dict[str, list[float]]:
        """The milliseconds of every turn of ``at_rate``: ``whole`` and by step."""
        spent: dict[str, list[float]] = defaultdict(list)
        for turn in self._taken:
            record = await self._service.record_of(turn.conversation_id, turn.seq) or {}
            if "milliseconds" not in record:
                raise RuntimeError(f"a turn of the load failed: {record.get('failed')}")
            steps = {"accept": turn.accept, **record["milliseconds"]}
            spent["whole"].append(turn.whole)
            for step in STEPS:
                spent[step].append(steps.get(step, 0.0))
            spent["rest"].append(turn.whole - sum(steps.get(step, 0.0) for step in STEPS))
        return spent

    async def _turn(self, talk: _Talk, due: float | None = None) -> _Taken:
        """Say the next thing and wait for the answer."""
        number, talk.said = talk.said, talk.said + 1
        started = time.perf_counter()
        accepted = await self._service.inbox.accept(
            talk.id,
            f"bench-{number}",
            SAID[number % len(SAID)],
            principal=CUSTOMER,
            channel=CUSTOMER.channel,
            now=self._service.clock(),
        )
        stored = time.perf_counter()
        if await self._service.events.reply_to(talk.id, accepted.seq, 30) is None:
            raise RuntimeError("a turn of the load was not answered")
        ended = time.perf_counter()
        return _Taken(talk.id, accepted.seq, (ended - (due or started)) * 1000, (stored - started) * 1000)


def inferences(times: int) -> list[float]:
    """Milliseconds of reading one message with the shipped model and nothing around it."""
    understander, spent = Understander(), []
    context = Context(today=utc_now().date())
    for number in range(times + len(SAID)):
        started = time.perf_counter()
        understander.understand(SAID[number % len(SAID)], context)
        spent.append((time.perf_counter() - started) * 1000)
    return spent[len(SAID) :]


def commits(folder: Path, times: int) -> list[float]:
    """Milliseconds of one commit of a turn's size, flushed to the disk under *folder*, with nothing around it."""
    spent = []
    connection = sqlite3.connect(folder / "floor.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS turns (record TEXT)")
    for number in range(times + 2 * WARM_UP):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO turns VALUES (?)", ("x" * 8_000,))
        started = time.perf_counter()
        connection.execute("COMMIT")
        if number >= 2 * WARM_UP:
            spent.append((time.perf_counter() - started) * 1000)
    connection.close()
    return spent


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """How many statements were sent to any database, and how many transactions that wrote were committed."""
    count: Counter[str] = Counter()
    wrote: set[int] = set()

    def statement(connection: Any, _cursor: Any, text: str, *_rest: Any) -> None:
        count["statements"] += 1
        if not text.lstrip().upper().startswith("SELECT"):
            wrote.add(id(connection))

    def commit(connection: Any) -> None:
        if id(connection) in wrote:
            wrote.discard(id(connection))
            count["commits"] += 1

    event.listen(Engine, "before_cursor_execute", statement)
    event.listen(Engine, "commit", commit)
    try:
        yield count
    finally:
        event.remove(Engine, "before_cursor_execute", statement)
        event.remove(Engine, "commit", commit)


async def bench(turns: int) -> Report:
    """Measure *turns* turns on the database that the environment names, else on SQLite."""
    load_before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = load_settings(env="demo", data_dir=folder)
        flushed, read = commits(folder, turns), inferences(turns)
        async with running(settings) as service:
            measured = Bench(service)
            await measured.open()
            await measured.flat_out(WARM_UP)
            capacity = await measured.flat_out(max(turns, CONVERSATIONS * len(SAID)))
            with counted() as count:
                cpu = time.process_time()
                await measured.at_rate(capacity / 2, turns)
                cpu = time.process_time() - cpu
            spent, resident = await measured.spent(), _resident_mib()
        flushed += commits(folder, turns)
        read += inferences(turns)
    whole = Spread.of(spent["whole"])
    floor = FLUSHES * statistics.median(flushed) + statistics.median(read)
    return Report(
        database="PostgreSQL" if settings.database_url else "SQLite",
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        load_before=round(load_before, 2),
        turns=turns,
        capacity=round(capacity, 1),
        rate=round(capacity / 2, 1),
        whole=whole,
        steps={step: Spread.of(values) for step, values in spent.items() if step != "whole"},
        share={step: round(sum(values) / sum(spent["whole"]), 3) for step, values in spent.items() if step != "whole"},
        commit=Spread.of(flushed),
        inference=Spread.of(read),
        floor=round(floor, 3),
        times_floor={"p50": round(whole.p50 / floor, 2), "p99": round(whole.p99 / floor, 2)},
        cpu=round(cpu / turns * 1000, 2),
        statements=round(count["statements"] / turns, 1),
        commits=round(count["commits"] / turns, 2),
        resident_mib=resident,
    )


def _resident_mib() -> int:
    """The most memory that this process has held so far; Linux counts it in KiB, macOS in bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(most / (1024 * 1024 if sys.platform == "darwin" else 1024))


def main(
    turns: Annotated[int, typer.Option(min=50, help="Turns at half load.")] = 800,
    out: Annotated[Path | None, typer.Option("--json", help="Write the report here as JSON too.")] = None,
) -> None:
    """Run it and print a table."""
    report = asyncio.run(bench(turns))
    typer.echo(
        f"{report.turns} turns by template on {report.database}, {report.rate} a second: half of {report.capacity}; "
        f"{report.cores} cores, load {report.load_before} before\n"
    )
    typer.echo(f"{'':<12}{'p50 ms':>9}{'p99 ms':>9}{'share':>8}")
    for name, spread in {"whole": report.whole, **report.steps}.items():
        share = f"{report.share[name]:>8.0%}" if name in report.share else ""
        typer.echo(f"{name:<12}{spread.p50:>9.2f}{spread.p99:>9.2f}{share}")
    typer.echo(
        f"\nfloor {report.floor:.2f} ms: {FLUSHES} commits of {report.commit.p50:.2f} (p99 {report.commit.p99:.2f}) and an "
        f"inference of {report.inference.p50:.2f} (p99 {report.inference.p99:.2f}); "
        f"a turn is {report.times_floor['p50']} times that, p99 {report.times_floor['p99']} times\n"
        f"a turn: {report.cpu} ms of processor, {report.statements} statements, {report.commits} commits; "
        f"resident {report.resident_mib} MiB"
    )
    if out is not None:
        out.write_text(json.dumps(asdict(report), indent=2) + "\n")


if __name__ == "__main__":
    typer.run(main)
