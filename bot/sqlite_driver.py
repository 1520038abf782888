"""SQLite under asyncio with one trip to the connection's thread a statement, where aiosqlite alone makes four.

A turn is some fifteen short statements: on a busy machine the trips cost more than what SQLite does on them.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterable, Sequence
from typing import Any, Self

import aiosqlite

BUSY_TIMEOUT = 10.0
"""Seconds that a writer waits for the one before it."""

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
        await self._connection._execute(self._run, "execute", operation, parameters)  # type: ignore[no-untyped-call]

    async def executemany(self, operation: str, parameters: Iterable[Sequence[Any]]) -> None:
        """Run one statement with each of *parameters* in turn."""
        await self._connection._execute(self._run, "executemany", operation, parameters)  # type: ignore[no-untyped-call]

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
    """A connection of aiosqlite whose cursors are the ones above."""

    def cursor(self) -> Cursor:  # type: ignore[override]
        """A cursor, without a trip."""
        return Cursor(self)


async def connect(path: str) -> Connection:
    """Open the file at *path*, which is made where there is none. Whoever uses the connection begins the transactions."""
    connection = Connection(lambda: _open(path), iter_chunk_size=64)
    # A thread that waits for work must not keep a process alive.
    connection._thread.daemon = True
    await connection
    return connection


def _open(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None)
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
