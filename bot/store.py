"""Where everything rests and what wakes it: the database and Redis, embedded or by URL, chosen here and nowhere else."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pydantic_core import from_json, to_json
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff
from sqlalchemy import BindParameter, Connection, Float, event, literal
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.pool import AsyncAdaptedQueuePool
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.util import await_only
from sqlalchemy.util.queue import AsyncAdaptedQueue, Empty

from backends.tables import UtcDateTime
from bot import sqlite_driver
from bot.embedded_redis import EmbeddedRedis

_READ_ONLY = "teller_read_only"


class _InTurn(AsyncAdaptedQueue[Any]):
    """A pool's free connections, for whoever has waited longest.

    SQLAlchemy's own queue gives them to whoever asks at the right moment: with a hundred requests under way, one in many
    thousands waits until its time is up while all others are served.
    """

    def __init__(self, maxsize: int = 0, use_lifo: bool = False) -> None:
        super().__init__(maxsize, use_lifo)
        self._waiting = 0
        self._turns = asyncio.Lock()

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        if not block or not self._waiting:
            with contextlib.suppress(Empty):
                return self.get_nowait()
        if not block:
            raise Empty
        self._waiting += 1
        try:
            return await_only(self._next(timeout))
        except TimeoutError:
            raise Empty from None
        finally:
            self._waiting -= 1

    async def _next(self, timeout: float | None) -> Any:  # noqa: ASYNC109
        async with asyncio.timeout(timeout), self._turns:
            return await self._queue.get()


class _Pool(AsyncAdaptedQueuePool):
    _queue_class = _InTurn


class StoreError(RuntimeError):
    """A store cannot be opened as it is configured; the sentence says what to do."""


def open_database(url: str | None, data_dir: Path, name: str = "teller") -> AsyncEngine:
    """An engine on PostgreSQL by *url*, else on the SQLite file ``<data_dir>/<name>.db``; nothing is connected yet.

    On SQLite every transaction takes the write lock when it begins, so none fails half-way because another wrote;
    ``reading`` is for those that only read. No error quotes the parameters of its statement. Raises ``StoreError`` where
    the driver is missing or the URL is of neither.
    """
    address = _address(url, data_dir, name)
    if address.get_backend_name() == "sqlite":
        return _open_sqlite(address)
    try:
        return create_async_engine(
            address,
            poolclass=_Pool,
            # None above its size: a connection that is closed because nobody has taken it yet is opened anew for a newcomer.
            pool_size=20,
            max_overflow=0,
            pool_pre_ping=True,
            hide_parameters=True,
            json_serializer=_to_json,
            json_deserializer=from_json,
        )
    except ModuleNotFoundError as error:
        raise StoreError("PostgreSQL needs its driver: pip install 'teller[postgres]'.") from error


@asynccontextmanager
async def reading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection that only reads, each statement what is committed when it begins; no write lock is taken on SQLite.

    There it is one view throughout. On PostgreSQL, where a transaction gives no more than its statements do, none is
    opened: that spares two of three trips.
    """
    options: dict[str, Any] = {_READ_ONLY: True}
    if engine.dialect.name == "postgresql":
        options["isolation_level"] = "AUTOCOMMIT"
    async with engine.connect() as connection:
        yield await connection.execution_options(**options)


async def open_redis(url: str | None, data_dir: Path) -> Redis:
    """A client of the Redis at *url*, else of the private server of *data_dir*, started if it does not run yet.

    Close it with ``aclose()``: the last user of a private server stops it. Raises ``RedisMissing`` where there is neither.
    """
    if url is not None:
        # A dead Redis must be noticed within a turn's patience: nothing that matters waits for it.
        return Redis.from_url(
            url,
            decode_responses=True,
            socket_connect_timeout=2.0,
            socket_timeout=5.0,
            retry=Retry(ConstantBackoff(0.1), 1),
        )
    return await EmbeddedRedis.open(data_dir)


def _address(url: str | None, data_dir: Path, name: str) -> URL:
    if url is None:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        return URL.create("sqlite+aiosqlite", database=str(data_dir / f"{name}.db"))
    address = make_url(url.replace("postgres://", "postgresql://", 1) if url.startswith("postgres://") else url)
    backend = address.get_backend_name()
    if backend == "sqlite":
        return address.set(drivername="sqlite+aiosqlite")
    if backend == "postgresql":
        # asyncpg calls libpq's sslmode "ssl"; hosted databases hand out URLs with the former.
        query = {("ssl" if key == "sslmode" else key): value for key, value in address.query.items()}
        return address.set(drivername="postgresql+asyncpg", query=query)
    raise StoreError(f"A database of kind {backend!r} is not supported: use postgresql:// or sqlite://.")


def _to_json(value: Any) -> str:
    # As it is, not escaped: Chinese takes half the room, and the time of writing it goes with the room.
    return to_json(value).decode()


def _open_sqlite(address: URL) -> AsyncEngine:
    if not address.database:
        raise StoreError("A SQLite database in memory would be lost with its connection: name a file.")
    path = address.database
    # The file holds personal data: it is its owner's only from its first byte.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    turns = asyncio.Lock()
    engine = create_async_engine(
        address,
        poolclass=_Pool,
        pool_size=10,
        max_overflow=0,
        hide_parameters=True,
        json_serializer=_to_json,
        json_deserializer=from_json,
        async_creator=lambda: sqlite_driver.connect(path, turns),
    )
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _begin_sqlite(connection: Connection) -> None:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite_driver.Connection)
    if connection.get_execution_options().get(_READ_ONLY, False):
        driver.begin_reading()
        return
    try:
        await_only(driver.begin_writing())
    except sqlite3.OperationalError as error:
        # In this place SQLAlchemy does not make the driver's errors its own.
        raise OperationalError("BEGIN IMMEDIATE", None, error) from error


class database_now(FunctionElement[dt.datetime]):
    """The database's clock, *seconds* from now: leases that several machines take must be measured by one clock."""

    inherit_cache = True
    type = UtcDateTime()

    def __init__(self, seconds: float | BindParameter[float] = 0.0) -> None:
        super().__init__(literal(seconds, Float) if isinstance(seconds, float) else seconds)


@compiles(database_now, "sqlite")
def _sqlite_now(element: database_now, compiler: SQLCompiler, **options: Any) -> str:
    seconds = compiler.process(element.clauses, **options)
    return f"strftime('%Y-%m-%d %H:%M:%f000', 'now', printf('%+.3f seconds', {seconds}))"


@compiles(database_now, "postgresql")
def _postgresql_now(element: database_now, compiler: SQLCompiler, **options: Any) -> str:
    return f"(clock_timestamp() + make_interval(secs => {compiler.process(element.clauses, **options)}))"


class statement_began(FunctionElement[dt.datetime]):
    """The database's clock as this statement began: the same wherever the statement asks for it."""

    inherit_cache = True
    type = UtcDateTime()


@compiles(statement_began, "sqlite")
def _sqlite_statement_began(element: statement_began, compiler: SQLCompiler, **options: Any) -> str:
    return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"


@compiles(statement_began, "postgresql")
def _postgresql_statement_began(element: statement_began, compiler: SQLCompiler, **options: Any) -> str:
    return "statement_timestamp()"
