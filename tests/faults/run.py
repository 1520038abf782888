"""One run: the burst that measures overlaps and stalls, then the trouble, then the verdict."""

from __future__ import annotations

import asyncio
import json
import os
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.parts import utc_now
from tests.faults.chaos import Chaos, Trouble
from tests.faults.clients import Customer, Door, Talk, burst, drained
from tests.faults.oracle import Evidence, Said, Sent, Violation, judge
from tests.faults.world import Database, World, open_world

DATABASES: tuple[Database, ...] = ("sqlite", "postgresql")
WRITES_A_VISIT = 4
MESSAGES_FOR_WRITES = 11
"""Of a visit: three purchases of three messages each, and a lost card in two."""
DRAIN = 90.0
"""Seconds that everything acknowledged may take to be answered once the trouble is over."""
STALL = 2.0
"""Seconds of silence in a conversation that has an acknowledged message waiting, from which on it counts as a stall."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of everything. *messages*, *kills* and *writes* end the trouble once all three are reached; *seconds*
    ends it in any case. A burst is *burst_messages* into each of as many conversations as *burst_replicas*, or what can be
    sent in *burst_seconds*."""

    database: Database
    seconds: float
    messages: int
    kills: int
    writes: int
    seed: int
    replicas: int = 3
    clients: int = 24
    lost: float = 0.15
    burst_replicas: int = 4
    burst_messages: int = 0
    burst_seconds: float = 120.0


def short_plan(database: Database, seed: int) -> Plan:
    """A run for every day: some fifteen seconds of trouble, with a burst before it."""
    return Plan(
        database, seconds=15.0, messages=200, kills=5, writes=15, seed=seed, replicas=2, clients=8,
        burst_replicas=2, burst_messages=40,
    )  # fmt: skip


@dataclass(slots=True)
class BurstResult:
    """What became of bursts into one conversation each. ``worst`` is the longest silence while an acknowledged message
    waited, ``worst_acknowledge`` the longest a message took to be acknowledged; in seconds."""

    conversations: int
    messages: int
    seconds: float
    overlaps: int
    stalls: int
    worst: float
    worst_acknowledge: float


@dataclass(slots=True)
class Outcome:
    """All that a run found. Latencies are seconds; ``drained`` is how long the rest took once the trouble was over."""

    plan: Plan
    seconds: float
    acknowledged: int
    confirmed: int
    executed: int
    apologies: int
    repeated: int
    drained: float | None
    settled: float | None
    troubles: list[Trouble]
    failed_starts: int
    bank_faults: dict[str, int]
    refused: int
    unreachable: int
    acknowledge: list[float]
    reply: list[float]
    violations: list[Violation]
    burst: BurstResult | None
    slowest: list[str] = field(default_factory=list)

    @property
    def kills(self) -> int:
        """Processes ended at once."""
        return sum(trouble.kill for trouble in self.troubles)

    @property
    def is_clean(self) -> bool:
        """Whether every promise was kept."""
        calm = self.burst is None or not (self.burst.overlaps or self.burst.stalls)
        return calm and not self.violations and self.drained is not None and self.settled is not None


async def run(plan: Plan, keep: Path | None = None) -> Outcome:
    """Carry out *plan* in a temporary folder, or in *keep*, where the logs then stay."""
    with tempfile.TemporaryDirectory(prefix="teller-faults-", dir="/tmp", ignore_cleanup_errors=True) as temporary:
        folder = keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        customers = max(20, plan.writes)
        async with open_world(folder, plan.database, customers=customers, lost=plan.lost, seed=plan.seed) as world:
            measured = await _burst(world, plan) if plan.burst_messages else None
            return await _trouble(world, plan, customers, measured)


async def _burst(world: World, plan: Plan) -> BurstResult:
    """Bursts into as many conversations as there are replicas, each through all of them, while nothing is killed."""
    trace = world.folder / "trace.jsonl"
    orders = f"turn.before_understand=trace:{trace};lease.before_finish=trace:{trace}"
    replicas = world.replicas(plan.burst_replicas, "burst")
    for replica in replicas:
        await replica.start(orders)
    for replica in replicas:
        if not await replica.answering("/readyz"):
            raise RuntimeError(f"{replica.name} did not start:\n{replica.log[-2000:]}")
    door = world.door(replicas)
    started = time.monotonic()
    talks = []
    for number in range(plan.burst_replicas):
        token = world.tokens.issue(f"C100{number + 1}", utc_now())
        talks.append(await Talk.open(door, world.journal, token, random.Random(f"{plan.seed}:burst:{number}")))
    async with asyncio.TaskGroup() as group:
        for talk in talks:
            dice = random.Random(f"{plan.seed}:{talk.id}")
            group.create_task(burst(talk, plan.burst_messages, together=8, seconds=plan.burst_seconds, dice=dice))
    await drained(world.pending, DRAIN)
    seconds = time.monotonic() - started
    await door.close()
    await asyncio.gather(*(replica.stop() for replica in replicas))
    evidence = await world.evidence(time.time())
    waits = _waits(evidence, {talk.id for talk in talks})
    return BurstResult(
        conversations=len(talks),
        messages=len(evidence.sent),
        seconds=seconds,
        overlaps=_overlaps(trace),
        stalls=sum(wait > STALL for wait in waits),
        worst=max(waits, default=0.0),
        worst_acknowledge=max((sent.acknowledged_at or 0.0) - sent.sent_at for sent in evidence.sent),
    )


async def _trouble(world: World, plan: Plan, customers: int, measured: BurstResult | None) -> Outcome:
    before = world.journal.acknowledged
    replicas = world.replicas(plan.replicas, "replica")
    chaos = Chaos(world, replicas, kills=plan.kills, interval=plan.seconds * 0.55 / max(plan.kills, 1))
    door = world.door(replicas)
    started = time.monotonic()
    over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        making = group.create_task(chaos.run())
        group.create_task(_crowd(world, door, plan, customers, over))
        while time.monotonic() - started < plan.seconds:
            await asyncio.sleep(0.5)
            done = world.journal.acknowledged - before
            _tell(plan, done, world.journal.confirmations, chaos.kills, time.monotonic() - started)
            if done >= plan.messages and chaos.kills >= plan.kills and world.journal.confirmations >= plan.writes:
                break
        chaos.end()
        await making
        over.set()
    seconds = time.monotonic() - started
    rest = await drained(world.pending, DRAIN)
    settled = await drained(world.unsettled, DRAIN)
    await door.close()
    evidence = await world.evidence(time.time())
    await asyncio.gather(*(replica.stop() for replica in replicas))
    return _outcome(world, plan, chaos, evidence, seconds, before, rest, settled, measured)


async def _crowd(world: World, door: Door, plan: Plan, customers: int, over: asyncio.Event) -> None:
    """Customers coming one after another, *plan.clients* at a time, until it is over or all have been."""
    numbers = iter(range(customers))
    # What a visit sends besides its writes, so that messages and writes are reached together.
    a_visit = WRITES_A_VISIT * plan.messages / max(plan.writes, 1)
    talk = max(1.0, (a_visit - MESSAGES_FOR_WRITES) / (WRITES_A_VISIT + 1))

    async def stream() -> None:
        for number in numbers:
            if over.is_set():
                return
            customer = Customer(number, door, world.journal, world.phones, world.tokens, plan.seed)
            await customer.visit(writes=WRITES_A_VISIT, talk=talk, over=over)

    async with asyncio.TaskGroup() as group:
        for _ in range(plan.clients):
            group.create_task(stream())


def _outcome(
    world: World,
    plan: Plan,
    chaos: Chaos,
    evidence: Evidence,
    seconds: float,
    before: int,
    rest: float | None,
    settled: float | None,
    measured: BurstResult | None,
) -> Outcome:
    sent = [message for message in evidence.sent if message.number]
    replies = _reply_times(evidence.said)
    slow = sorted(((_reply_latency(message, replies), message) for message in sent), key=lambda pair: -pair[0])
    return Outcome(
        plan=plan,
        seconds=seconds,
        acknowledged=world.journal.acknowledged - before,
        confirmed=len(evidence.confirmed),
        executed=sum(evidence.booked.values()),
        apologies=sum(row.status == "failed" for row in evidence.stored),
        repeated=sum(row.starts > 1 for row in evidence.stored),
        drained=rest,
        settled=settled,
        troubles=chaos.troubles,
        failed_starts=chaos.failed_starts,
        bank_faults=world.bank.faults(),
        refused=world.journal.refused,
        unreachable=world.journal.unreachable,
        acknowledge=[
            at - message.sent_at
            for message in sent
            if (at := message.acknowledged_at) is not None and not message.waited
        ],
        reply=[latency for latency, _ in slow if latency > 0],
        violations=judge(evidence),
        burst=measured,
        slowest=[f"{latency:.1f} s: message {message.seq} of {message.conversation}" for latency, message in slow[:5]],
    )


def _reply_times(said: Sequence[Said]) -> dict[tuple[str, int], float]:
    return {(event.conversation, event.answers): event.at for event in said if event.answers is not None}


def _reply_latency(message: Sent, replies: dict[tuple[str, int], float]) -> float:
    at = replies.get((message.conversation, message.seq or 0))
    return at - message.sent_at if at is not None else 0.0


def _waits(evidence: Evidence, conversations: set[str]) -> list[float]:
    """For each reply of *conversations*: how long nothing was said there although its message was acknowledged."""
    acknowledged = {(sent.conversation, sent.seq): sent.acknowledged_at or 0.0 for sent in evidence.sent}
    by_conversation: dict[str, list[Said]] = defaultdict(list)
    for event in evidence.said:
        if event.conversation in conversations and event.answers is not None:
            by_conversation[event.conversation].append(event)
    waits = []
    for conversation, replies in by_conversation.items():
        replies.sort(key=lambda event: event.seq)
        silent_since = 0.0
        for event in replies:
            waits.append(event.at - max(silent_since, acknowledged.get((conversation, event.answers), 0.0)))
            silent_since = event.at
    return waits


def _overlaps(trace: Path) -> int:
    """How often a turn began in a conversation while another process had one under way there."""
    passed = sorted((json.loads(line) for line in trace.read_text().splitlines()), key=lambda line: line["at"])
    under_way: dict[str, set[int]] = defaultdict(set)
    overlaps = 0
    for line in passed:
        holders = under_way[line["about"]]
        if line["point"] == "turn.before_understand":
            overlaps += bool(holders - {line["pid"]})
            holders.add(line["pid"])
        else:
            holders.discard(line["pid"])
    return overlaps


def _tell(plan: Plan, messages: int, writes: int, kills: int, seconds: float) -> None:
    if os.isatty(2):
        told = f"{messages}/{plan.messages} messages, {writes}/{plan.writes} writes, {kills}/{plan.kills} kills"
        os.write(2, f"\r  {seconds:5.0f} s  {told} ".encode())
