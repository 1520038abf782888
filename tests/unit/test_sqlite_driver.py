"""SQLite on the event loop's thread: nobody's lock and no slow disk holds the loop up, and a lock is let go whatever happens."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot import sqlite_driver
from bot.store import open_database, reading


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = open_database(None, tmp_path)
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE said (word TEXT)"))
    yield engine
    await engine.dispose()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "teller.db"


async def say(engine: AsyncEngine, word: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("INSERT INTO said VALUES (:word)"), {"word": word})


async def said(engine: AsyncEngine) -> list[str]:
    async with reading(engine) as connection:
        return list(await connection.scalars(text("SELECT word FROM said ORDER BY rowid")))


async def longest_pause_of_the_loop(until: asyncio.Task[None]) -> float:
    """The longest time in seconds in which nothing else could run."""
    longest = 0.0
    while not until.done():
        before = time.perf_counter()
        await asyncio.sleep(0.001)
        longest = max(longest, time.perf_counter() - before)
    await until
    return longest


async def test_another_processs_lock_is_waited_for_without_holding_up_the_loop(engine: AsyncEngine, path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(say(engine, "late"))
    release = asyncio.get_running_loop().call_later(0.6, other.execute, "COMMIT")
    assert await longest_pause_of_the_loop(waiting) < 0.4
    assert release.when() <= asyncio.get_running_loop().time()
    other.close()
    assert await said(engine) == ["late"]


async def test_a_slow_disk_does_not_hold_up_the_loop(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    commits_on: list[int] = []

    class SlowDisk(sqlite3.Connection):
        def commit(self) -> None:
            commits_on.append(threading.get_ident())
            time.sleep(0.6)
            super().commit()

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **options: connect(*args, **options, factory=SlowDisk))
    await engine.dispose()
    assert await longest_pause_of_the_loop(asyncio.create_task(say(engine, "slowly"))) < 0.4
    assert threading.get_ident() not in commits_on
    assert len(commits_on) == 1


async def test_a_lock_that_is_never_let_go_ends_in_an_error(
    engine: AsyncEngine, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_driver, "BUSY_TIMEOUT", 0.1)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(OperationalError):
        await say(engine, "never")
    other.close()
    await say(engine, "after")
    assert await said(engine) == ["after"]


async def test_writers_of_one_process_come_in_the_order_in_which_they_asked(engine: AsyncEngine) -> None:
    async def slowly(word: str) -> None:
        async with engine.begin() as connection:
            await asyncio.sleep(0.005)
            await connection.execute(text("INSERT INTO said VALUES (:word)"), {"word": word})

    await asyncio.gather(*(said(engine) for _ in range(4)))  # So that none of them has to open its connection first.
    writers = []
    for number in range(4):
        writers.append(asyncio.create_task(slowly(str(number))))
        await asyncio.sleep(0.001)
    await asyncio.gather(*writers)
    assert await said(engine) == [str(number) for number in range(4)]


async def test_writers_who_are_cancelled_wherever_they_are_leave_the_door_open(engine: AsyncEngine) -> None:
    for delay in (0.0, 0.0001, 0.0005, 0.001, 0.002, 0.004):
        writers = [asyncio.create_task(say(engine, f"{delay}-{number}")) for number in range(4)]
        await asyncio.sleep(delay)
        for writer in writers:
            writer.cancel()
        await asyncio.gather(*writers, return_exceptions=True)
        async with asyncio.timeout(5):
            await say(engine, "next")
    assert (await said(engine)).count("next") == 6


def test_a_connection_that_is_given_up_while_it_opens_does_not_outlive_its_loop(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect

    def slowly(*args: object, **options: object) -> sqlite3.Connection:
        time.sleep(0.2)
        return connect(*args, **options)

    async def give_up() -> None:
        opening = asyncio.create_task(sqlite_driver.connect(str(path), asyncio.Lock()))
        await asyncio.sleep(0.05)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening

    monkeypatch.setattr(sqlite3, "connect", slowly)
    threads = threading.active_count()
    asyncio.run(give_up())
    assert threading.active_count() == threads


async def test_a_transaction_that_fails_leaves_nothing_and_lets_the_next_one_in(engine: AsyncEngine) -> None:
    async def fails() -> None:
        async with engine.begin() as connection:
            await connection.execute(text("INSERT INTO said VALUES ('half')"))
            await connection.execute(text("INSERT INTO nowhere VALUES (1)"))

    with pytest.raises(OperationalError):
        await fails()
    async with asyncio.timeout(5):
        await say(engine, "whole")
    assert await said(engine) == ["whole"]
