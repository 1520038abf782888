"""Fifty reps race for a thousand customers over two server processes: ``python -m tests.desk_race``, or ``make desk-race``.

Each customer must have one rep at the end, each rep no more than their capacity, each number its event; and when every rep
has left, everybody must wait again in their place.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime as dt
import json
import os
import random
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
from argon2 import PasswordHasher

PASSWORD = "race to the queue"
HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
TOGETHER = 4
"""Requests that one rep has under way at once."""


class Racer:
    """One rep, signed in at one of the processes."""

    def __init__(self, http: httpx.AsyncClient, rep_id: str) -> None:
        self.http = http
        self.id = rep_id
        self.won: list[str] = []
        self.refused: Counter[int] = Counter()

    async def stay(self) -> None:
        """Keep the stream of an open page: without it the rep is gone, and what they hold returns."""
        while True:
            with contextlib.suppress(httpx.TransportError):
                async with self.http.stream("GET", "/desk/stream", timeout=None) as stream:
                    async for _ in stream.aiter_bytes():
                        pass

    async def claim(self, conversation: str) -> None:
        """Reach for one customer."""
        while True:
            try:
                answer = await self.http.post(f"/desk/conversations/{conversation}/claim")
            except httpx.TransportError:
                # A line that the server closed while it was idle; asking again takes nobody twice.
                continue
            break
        if answer.status_code == 200:
            self.won.append(conversation)
        else:
            self.refused[answer.status_code] += 1


@contextlib.contextmanager
def processes(count: int, data_dir: Path, logs: Path | None = None) -> Iterator[list[str]]:
    """Server processes over one data directory, as their URLs; what they log goes to a file of each in *logs*."""
    ports = []
    for _ in range(count):
        with socket.create_server(("127.0.0.1", 0)) as free:
            ports.append(free.getsockname()[1])
    environment = {**os.environ, "TELLER_DATA_DIR": str(data_dir), "TELLER_ADDRESS_RATE": "1000000"}
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    with contextlib.ExitStack() as stack:
        for n, port in enumerate(ports):
            log = stack.enter_context(open(logs / f"server-{n}.log" if logs else os.devnull, "wb"))
            command = [sys.executable, "-m", "bot.cli", "serve", "--port", str(port)]
            running = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
            stack.callback(running.wait, 20)
            stack.callback(running.terminate)
        for url in urls:
            _await_ready(url)
        yield urls


def _await_ready(url: str) -> None:
    deadline = time.monotonic() + 60
    with httpx.Client(base_url=url, verify=False) as http:
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.HTTPError):
                if http.get("/readyz").status_code == 200:
                    return
            time.sleep(0.1)
    raise RuntimeError(f"{url} is not ready")


def fill(database: Path, reps: int, customers: int, capacity: int) -> list[str]:
    """Accounts, and customers who wait; the customers' ids in the order in which they came."""
    now = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=10)
    names = [f"{n:024x}" for n in range(1, customers + 1)]
    with closing(sqlite3.connect(database, timeout=30)) as rows, rows:
        for n in range(reps):
            stamp = now.isoformat()
            row = (f"rep-{n}", f"racer{n}", f"R{n}", f"R{n}", "rep", "", capacity, "zh", HASH, 1, 1, 0, stamp, stamp)
            rows.execute(
                "INSERT INTO desk_reps (id, name, display_name, display_name_en, role, skills, capacity, language,"
                f" password_hash, active, taking, failures, created_at, updated_at) VALUES ({','.join('?' * len(row))})",
                row,
            )
        for n, name in enumerate(names):
            at = (now + dt.timedelta(seconds=n / 10)).strftime("%Y-%m-%d %H:%M:%S.%f")
            rows.execute(
                "INSERT INTO conversations (id, secret_hash, channel, assurance, session, seq, owner, version, fence,"
                " created_at, updated_at) VALUES (?, 'x', 'web', 'none', '{}', 0, 'queue', 1, 0, ?, ?)",
                (name, at, at),
            )
            rows.execute(
                "INSERT INTO tickets (id, conversation_id, reason, priority, status, created_at)"
                " VALUES (?, ?, 'customer_request', 0, 'open', ?)",
                (f"ticket-{n}", name, at),
            )
    return names


async def race(urls: Sequence[str], names: Sequence[str], reps: int, seed: int) -> tuple[list[Racer], float]:
    """Every rep reaches for every customer, each in an order of their own; the reps, and the seconds it took."""
    racers = [await _sign_in(urls[n % len(urls)], n) for n in range(reps)]
    started = time.perf_counter()

    async def run(racer: Racer, order: list[str]) -> None:
        places = asyncio.Semaphore(TOGETHER)

        async def reach(name: str) -> None:
            async with places:
                await racer.claim(name)

        await asyncio.gather(*(reach(name) for name in order))

    shuffled = random.Random(seed)
    pages = [asyncio.create_task(racer.stay()) for racer in racers]
    await asyncio.gather(*(run(racer, shuffled.sample(names, len(names))) for racer in racers))
    seconds = time.perf_counter() - started
    for page in pages:
        page.cancel()
    await asyncio.gather(*pages, return_exceptions=True)
    return racers, seconds


async def _sign_in(url: str, n: int) -> Racer:
    http = httpx.AsyncClient(base_url=url, headers={"Origin": url}, timeout=120, verify=False)
    answer = await http.post("/desk/sign-in", data={"name": f"racer{n}", "password": PASSWORD})
    assert answer.status_code == 303, answer.text
    page = (await http.get("/desk")).text
    http.headers["X-CSRF-Token"] = page.partition('"X-CSRF-Token": "')[2].partition('"')[0]
    return Racer(http, f"rep-{n}")


async def leave(racers: Sequence[Racer]) -> None:
    """Every rep signs out."""
    for racer in racers:
        assert (await racer.http.post("/desk/sign-out")).status_code == 204
        await racer.http.aclose()


def judge(database: Path, racers: Sequence[Racer], capacity: int) -> list[str]:
    """What is wrong after the race; nothing, if all is well."""
    wrong = []
    won = Counter(name for racer in racers for name in racer.won)
    wrong += [f"{name} was taken {count} times" for name, count in won.items() if count != 1]
    with closing(sqlite3.connect(database)) as rows:
        owners = dict(rows.execute("SELECT id, owner FROM conversations WHERE owner LIKE 'rep-%' OR owner = 'queue'"))
        tickets = rows.execute("SELECT conversation_id, status, taken_by FROM tickets").fetchall()
        gaps = rows.execute(
            "SELECT c.id FROM conversations c LEFT JOIN events e ON e.conversation_id = c.id"
            " GROUP BY c.id HAVING c.seq != COUNT(e.seq)"
        ).fetchall()
    held = Counter(owner for owner in owners.values() if owner != "queue")
    wrong += [f"{rep} holds {count}" for rep, count in held.items() if count > capacity]
    wrong += [
        f"{racer.id} thinks {len(racer.won)}, holds {held[racer.id]}"
        for racer in racers
        if len(racer.won) != held[racer.id]
    ]
    wrong += [
        f"{name}: owner {owners[name]}, ticket {status} of {taken_by}"
        for name, status, taken_by in tickets
        if (status, taken_by) != (("open", None) if owners[name] == "queue" else ("taken", owners[name]))
    ]
    wrong += [f"{name} has a number without an event" for (name,) in gaps]
    free = sum(owner == "queue" for owner in owners.values())
    if free and any(held[racer.id] < capacity for racer in racers):
        wrong.append(f"{free} wait though somebody could take them")
    return wrong


def judge_after(database: Path, names: Sequence[str]) -> list[str]:
    """What is wrong after everybody left."""
    with closing(sqlite3.connect(database)) as rows:
        owners = dict(rows.execute("SELECT id, owner FROM conversations"))
        order = [
            name
            for (name,) in rows.execute(
                "SELECT conversation_id FROM tickets WHERE status = 'open' ORDER BY priority DESC, created_at, id"
            )
        ]
    wrong = [f"{name} is stranded with {owners[name]}" for name in names if owners[name] != "queue"]
    return wrong + ([] if order == list(names) else ["the queue is not in its order"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; 1 where anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reps", type=int, default=50)
    parser.add_argument("--customers", type=int, default=1_000)
    parser.add_argument("--capacity", type=int, default=50)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--logs", type=Path, help="folder in which the servers' logs are kept")
    asked = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="teller-race-") as folder,
        processes(asked.processes, Path(folder), asked.logs) as urls,
    ):
        database = Path(folder) / "teller.db"
        names = fill(database, asked.reps, asked.customers, asked.capacity)
        report = asyncio.run(_run(urls, database, names, asked))
    print(json.dumps(report, ensure_ascii=False, indent=2))
    return 1 if report["wrong"] else 0


async def _run(urls: Sequence[str], database: Path, names: Sequence[str], asked: argparse.Namespace) -> dict[str, Any]:
    racers, seconds = await race(urls, names, asked.reps, asked.seed)
    wrong = judge(database, racers, asked.capacity)
    refused = sum((racer.refused for racer in racers), Counter())
    await leave(racers)
    wrong += judge_after(database, names)
    return {
        "reps": asked.reps,
        "customers": asked.customers,
        "processes": asked.processes,
        "cores": os.cpu_count(),
        "claims": asked.reps * asked.customers,
        "won": sum(len(racer.won) for racer in racers),
        "refused": {str(status): count for status, count in sorted(refused.items())},
        "seconds": round(seconds, 1),
        "wrong": wrong[:20],
    }


if __name__ == "__main__":
    sys.exit(main())
