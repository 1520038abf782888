"""SQLite under asyncio: what is quick is done where it stands, and only what waits for the disk leaves the event loop.

A statement of ours takes SQLite some 50 µs; sent to the connection's thread and back, as aiosqlite does it, it takes 300 µs
and more on a busy machine, and a turn is some twenty. So statements run on the loop's own thread. Two things may
take long, and neither may hold the loop up: a lock that somebody else holds is asked for again after a short sleep, and
the commit of what was written, which waits for the disk, goes through the connection's thread.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self

import aiosqlite

BUSY_TIMEOUT = 10.0
"""Seconds that a writer waits for the one before it."""
_BUSY_PAUSE = 0.001
"""Seconds before another process's lock is asked for again. Short, and no longer after many: a process whose writers stand
in line leaves it free for some 0.1 ms between two of them, and whoever looks seldom would never find it so."""
# Busy, and busy while another process reads its way back in after a crash. A snapshot that is too old stays so.
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_RECOVERY)

# Whatever level the rest is logged at: below this it writes down every value that is stored.
logging.getLogger("aiosqlite").setLevel(logging.INFO)


class Cursor:
    """What SQLAlchemy asks of a driver's cursor: a statement is run, read to its end and closed in one go."""

    description: Any = None
    rowcount = -1
    lastrowid: int | None = None
    arraysize = 1

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: list[Any] = []

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, operation: str, parameters: Sequence[Any] = ()) -> None:
        """Run one statement; raises what ``sqlite3`` raises."""
        await self._connection.when_free(lambda: self._run("execute", operation, parameters))

    async def executemany(self, operation: str, parameters: Iterable[Sequence[Any]]) -> None:
        """Run one statement with each of *parameters* in turn."""
        self._run("executemany", operation, parameters)

    async def fetchall(self) -> list[Any]:
        """The rows of the last statement, once."""
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """Nothing is left to close: the driver's own cursor went with its statement."""

    def _run(self, how: str, operation: str, parameters: Any) -> None:
        cursor = self._connection._conn.cursor()
        try:
            getattr(cursor, how)(operation, parameters)
            self._rows = cursor.fetchall()
            self.description, self.rowcount, self.lastrowid = cursor.description, cursor.rowcount, cursor.lastrowid
        finally:
            cursor.close()


class Connection(aiosqlite.Connection):
    """A connection of aiosqlite whose statements run at once. *turns* lets this process's writers in one by one.

    SQLite's own lock keeps writers apart; *turns* only spares those of one process asking for it again and again, and
    makes their order that of their coming.
    """

    def __init__(self, path: str, turns: asyncio.Lock) -> None:
        super().__init__(lambda: _open(path), iter_chunk_size=64)
        # A thread that waits for work must not keep a process alive.
        self._thread.daemon = True
        self._turns = turns
        self._writing = False

    def cursor(self) -> Cursor:  # type: ignore[override]
        """A cursor, without a trip."""
        return Cursor(self)

    def begin_reading(self) -> None:
        """Begin a transaction whose first statement takes its view of the file; it asks for no lock."""
        self._conn.execute("BEGIN")

    async def begin_writing(self) -> None:
        """Begin a transaction that holds the write lock; raises ``OperationalError`` where it cannot be had in time."""
        try:
            async with asyncio.timeout(BUSY_TIMEOUT):
                await self._turns.acquire()
        except TimeoutError:
            raise sqlite3.OperationalError("database is locked") from None
        self._writing = True
        try:
            await self.when_free(lambda: self._conn.execute("BEGIN IMMEDIATE"))
        except BaseException:
            self._wrote()
            raise

    async def when_free(self, run: Callable[[], object]) -> None:
        """Call *run* until no other process's lock is in its way; raises what it raises, in the end that too."""
        deadline = time.monotonic() + BUSY_TIMEOUT
        while True:
            try:
                run()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode not in _BUSY or time.monotonic() > deadline:
                    raise
            else:
                return
            await asyncio.sleep(_BUSY_PAUSE)

    async def commit(self) -> None:
        """End the transaction; what it wrote is on the disk when this returns."""
        if self._writing:
            # Cancelled meanwhile, it goes on; the rollback that follows waits behind it.
            await self._execute(self._conn.commit)  # type: ignore[no-untyped-call]
            self._wrote()
        else:
            self._conn.commit()

    async def rollback(self) -> None:
        """Undo the transaction, if there is one."""
        if self._writing:
            try:
                await self._execute(self._conn.rollback)  # type: ignore[no-untyped-call]
            finally:
                self._wrote()
        else:
            self._conn.rollback()

    def stop(self) -> asyncio.Future[Any] | None:
        """Close it from its thread, and let the next writer in."""
        self._wrote()
        return super().stop()

    def _wrote(self) -> None:
        if self._writing:
            self._writing = False
            self._turns.release()


async def connect(path: str, turns: asyncio.Lock) -> Connection:
    """Open the file at *path*, which is made where there is none. Whoever uses the connection begins the transactions.

    The connections of one process share *turns*.
    """
    connection = Connection(path, turns)
    try:
        await connection
    except asyncio.CancelledError:
        # Its thread still reports to this loop, which may end next.
        await asyncio.to_thread(connection._thread.join)
        raise
    return connection


def _open(path: str) -> sqlite3.Connection:
    # No waiting inside SQLite: it would hold up the thread that waits, which is the event loop's.
    connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    _write_ahead(connection)
    # What was acknowledged survives a power cut, not only a crash: about 0.3 ms a commit on an SSD.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Let readers and one writer go side by side. Processes that open a new file at once may refuse each other that."""
    deadline = time.monotonic() + BUSY_TIMEOUT
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
