"""The databases: opened by URL or as a file, safe between processes, with a history that goes both ways."""

from __future__ import annotations

import asyncio
import datetime as dt
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, inspect, select, update
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot import migrations
from bot.records import AuditRow, Base, ConversationRow, InboxRow, WriteRow
from bot.store import StoreError, database_now, open_database, reading

ROW = {"id": "a", "secret_hash": "", "channel": "web", "assurance": "none"}


@pytest.fixture
async def bare(bare_database_url: str, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = open_database(bare_database_url, tmp_path)
    yield engine
    await engine.dispose()


async def test_the_migrations_make_exactly_the_tables_that_the_code_names(bare: AsyncEngine) -> None:
    await migrations.upgrade(bare)

    def differences(connection: Connection) -> list[object]:
        options = {"version_table": migrations.VERSION_TABLE, "compare_type": True, "compare_server_default": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata))

    async with bare.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_the_migrations_can_be_taken_back_and_made_again(bare: AsyncEngine) -> None:
    await migrations.upgrade(bare)
    await migrations.downgrade(bare)
    assert await tables(bare) == {migrations.VERSION_TABLE}
    await migrations.upgrade(bare)
    assert await tables(bare) == {migrations.VERSION_TABLE, *Base.metadata.tables}


async def test_a_connection_goes_to_whoever_has_waited_longest_and_not_to_who_comes_at_the_right_moment(
    database: AsyncEngine,
) -> None:
    size = 20 if database.dialect.name == "postgresql" else 10
    all_taken = [await database.connect() for _ in range(size)]
    served: list[tuple[str, int]] = []

    async def come_again_and_again(number: int) -> None:
        for time in ("first", "second", "third", "fourth"):
            async with reading(database):
                served.append((time, number))

    coming = [asyncio.create_task(come_again_and_again(number)) for number in range(100)]
    await asyncio.sleep(0)
    coming.pop(7).cancel()
    for connection in all_taken:
        await connection.close()
    await asyncio.gather(*coming)
    assert sorted(number for time, number in served if time == "fourth") == [*range(7), *range(8, 100)]
    longest = max(place for place, (time, _) in enumerate(served) if time == "first")
    # As many as there are connections may be on their way at once, and overtake each other on it.
    assert longest < len(coming) + size


async def test_effects_from_before_their_owner_was_kept_are_the_conversations(bare: AsyncEngine) -> None:
    await migrations.upgrade(bare, "0001")
    at = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
    conversation = {**ROW, "customer_id": "C1001", "session": {}, "seq": 0, "owner": "bot", "version": 0, "fence": 0}
    old = {
        "key": "k",
        "conversation_id": "a",
        "capability": "fx_buy",
        "quote_id": "q",
        "digest": "d",
        "status": "unknown",
    }
    async with bare.begin() as connection:
        await connection.execute(insert(ConversationRow).values(**conversation, created_at=at, updated_at=at))
        columns = ", ".join(old)
        values = ", ".join(f"'{value}'" for value in old.values())
        await connection.exec_driver_sql(
            f"INSERT INTO writes ({columns}, created_at, updated_at) VALUES ({values}, '2026-11-21', '2026-11-21')"
        )
    await migrations.upgrade(bare)
    async with bare.begin() as connection:
        found = (await connection.execute(select(WriteRow.customer_id, WriteRow.channel, WriteRow.status))).one()
    assert tuple(found) == ("C1001", "web", "unknown")
    await migrations.downgrade(bare, "0001")
    async with bare.begin() as connection:
        assert (await connection.exec_driver_sql("SELECT status FROM writes")).scalar() == "unknown"


async def test_processes_that_start_at_once_migrate_once(bare_database_url: str, tmp_path: Path) -> None:
    engines = [open_database(bare_database_url, tmp_path) for _ in range(4)]
    await asyncio.gather(*(migrations.upgrade(engine) for engine in engines))
    assert set(Base.metadata.tables) < await tables(engines[0])
    for engine in engines:
        await engine.dispose()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(st.datetimes(timezones=st.timezones()))
async def test_an_instant_comes_back_as_the_same_instant_in_utc(database: AsyncEngine, at: dt.datetime) -> None:
    async with database.connect() as connection:
        await connection.execute(insert(AuditRow).values(at=at, actor="", action="", data={}))
        back = await connection.scalar(select(AuditRow.at))
    assert back == at.astimezone(dt.UTC)
    assert back.utcoffset() == dt.timedelta(0)


async def test_a_time_without_its_zone_is_refused(database: AsyncEngine, now: dt.datetime) -> None:
    naive = now.replace(tzinfo=None)
    async with database.connect() as connection:
        with pytest.raises(StatementError, match="naive"):
            await connection.execute(insert(AuditRow).values(at=naive, actor="", action="", data={}))


async def test_the_databases_clock_goes_by_seconds_and_compares_with_what_is_stored(database: AsyncEngine) -> None:
    async with database.connect() as connection:
        early, late = (await connection.execute(select(database_now(-1.5), database_now(2.25)))).one()
        assert dt.timedelta(seconds=3.7) < late - early < dt.timedelta(seconds=4.7)
        assert abs(early - dt.datetime.now(dt.UTC)) < dt.timedelta(seconds=5)
        await connection.execute(insert(AuditRow).values(at=database_now(60.0), actor="", action="", data={}))
        for seconds, found in ((59.0, 0), (61.0, 1)):
            seen = await connection.execute(select(AuditRow.id).where(AuditRow.at < database_now(seconds)))
            assert len(seen.all()) == found


async def test_a_row_of_no_conversation_is_refused(database: AsyncEngine, now: dt.datetime) -> None:
    row = {"conversation_id": "none", "seq": 1, "message_id": "m", "body_hash": "", "text": "", "principal": {}}
    async with database.connect() as connection:
        with pytest.raises(IntegrityError):
            await connection.execute(insert(InboxRow).values(**row, channel="web", received_at=now))


async def test_writers_that_meet_wait_for_each_other_and_none_is_lost(
    open_engine: Callable[[], AsyncEngine], now: dt.datetime
) -> None:
    engines = [open_engine() for _ in range(3)]
    async with engines[0].begin() as connection:
        await connection.execute(insert(ConversationRow).values(**ROW, created_at=now, updated_at=now))

    async def read_then_write(engine: AsyncEngine) -> None:
        async with engine.begin() as connection:
            seq = await connection.scalar(select(ConversationRow.seq).with_for_update())
            await asyncio.sleep(0.001)
            await connection.execute(update(ConversationRow).values(seq=seq + 1))

    await asyncio.gather(*(read_then_write(engines[n % 3]) for n in range(30)))
    async with reading(engines[1]) as connection:
        assert await connection.scalar(select(ConversationRow.seq)) == 30


async def test_reading_does_not_wait_for_a_writer(open_engine: Callable[[], AsyncEngine]) -> None:
    writer, reader = open_engine(), open_engine()
    async with writer.begin(), asyncio.timeout(2), reading(reader) as connection:
        assert (await connection.scalars(select(ConversationRow.id))).all() == []


async def test_a_file_of_personal_data_is_its_owners_only(tmp_path: Path) -> None:
    engine = open_database(None, tmp_path / "var")
    await migrations.upgrade(engine)
    files = sorted((tmp_path / "var").glob("teller.db*"))
    assert len(files) == 3
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    await engine.dispose()


@pytest.mark.parametrize(
    ("given", "opened"),
    [
        ("postgres://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
        ("postgresql://u:p@h:5433/d?sslmode=require", "postgresql+asyncpg://u:p@h:5433/d?ssl=require"),
        ("postgresql+psycopg://h/d", "postgresql+asyncpg://h/d"),
    ],
)
def test_the_usual_ways_of_naming_a_postgresql_database_are_understood(given: str, opened: str) -> None:
    engine = open_database(given, Path("unused"))
    assert engine.url.render_as_string(hide_password=False) == opened


@pytest.mark.parametrize("given", ["mysql://h/d", "sqlite://"])
def test_a_database_that_cannot_serve_is_refused_with_a_sentence(given: str) -> None:
    with pytest.raises(StoreError, match=r"\.$"):
        open_database(given, Path("unused"))


async def tables(engine: AsyncEngine) -> set[str]:
    async with engine.connect() as connection:
        return set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))
