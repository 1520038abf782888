"""``teller doctor`` says what is not well, and what to do about it, without a word of any secret."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from typer.testing import CliRunner

from backends.action import ActionCall, Caller
from backends.http.server import create_app as create_bank_api
from backends.result import Result
from backends.server import create_app as create_action_server
from bot import doctor, migrations
from bot.cli import app
from bot.doctor import Finding, examine
from bot.parts import utc_now
from bot.settings import Settings, load_settings
from bot.store import open_database
from tests.server import serving

SECRET = "canary-7f3a"
LOOK_AT_THE_MODEL = doctor._understanding


@pytest.fixture(autouse=True)
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model is not loaded again and again: the test of the command does it."""

    async def loaded(clock: object) -> list[Finding]:
        return [Finding("model", "ok", "loaded")]

    monkeypatch.setattr(doctor, "_understanding", loaded)


async def states(settings: Settings, clock: Callable[[], dt.datetime] = utc_now) -> dict[str, str]:
    found = await examine(settings, clock)
    assert all(finding.advice for finding in found if finding.state != "ok")
    assert SECRET not in "".join(finding.line() for finding in found)
    return {finding.name: finding.state for finding in found}


def demo(tmp_path: Path, **settings: object) -> Settings:
    return load_settings(env="demo", data_dir=tmp_path, **settings)


async def test_a_database_that_is_up_to_date_is_well(
    database: AsyncEngine, database_url: str, redis_dir: Path, redis: object, tmp_path: Path
) -> None:
    found = await states(demo(redis_dir, database_url=database_url))
    assert found.keys() >= {"settings", "database", "tables", "clock", "redis", "model", "language", "bank", "disk"}
    assert {name: state for name, state in found.items() if state != "ok"} == {}


async def test_an_old_database_is_a_warning_and_a_newer_one_is_not_served(
    bare_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = demo(tmp_path, database_url=bare_database_url)
    assert (await states(only))["tables"] == "warn"
    engine = open_database(bare_database_url, tmp_path)
    await migrations.upgrade(engine, "0001")
    assert (await states(only))["tables"] == "warn"
    await migrations.upgrade(engine)
    assert (await states(only))["tables"] == "ok"
    async with engine.begin() as connection:
        await connection.execute(text(f"UPDATE {migrations.VERSION_TABLE} SET version_num = '9999'"))
    assert (await states(only))["tables"] == "fail"
    await engine.dispose()


async def test_what_is_away_is_named_and_no_secret_with_it(tmp_path: Path) -> None:
    found = await states(
        demo(
            tmp_path,
            database_url=f"postgresql://teller:{SECRET}@127.0.0.1:9/{SECRET}",
            redis_url=f"redis://:{SECRET}@127.0.0.1:9",
            actions_url="http://127.0.0.1:9/webhook",
            model_url="http://127.0.0.1:9/v1",
            model_name="m",
            model_key=SECRET,
        )
    )
    expected = {"database": "fail", "redis": "fail", "bank": "fail", "language": "warn"}
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize("setting", ["bank_api_url", "actions_url"])
async def test_a_bank_behind_the_network_is_looked_at_where_it_is(tmp_path: Path, setting: str) -> None:
    class Nobody:
        async def run(self, call: ActionCall, caller: Caller) -> Result:
            raise AssertionError("a look at its health asks nothing of anyone")

    create_app = {"bank_api_url": create_bank_api, "actions_url": create_action_server}[setting]
    with serving(create_app(Nobody(), b"k" * 32)) as url:
        assert (await states(demo(tmp_path, **{setting: url})))["bank"] == "ok"
    assert (await states(demo(tmp_path, **{setting: url})))["bank"] == "fail"


@pytest.mark.parametrize(("ahead", "state"), [(1, "ok"), (-5, "warn"), (60, "fail")])
async def test_clocks_that_differ_are_noticed(redis_dir: Path, redis: object, ahead: int, state: str) -> None:
    assert (await states(demo(redis_dir), lambda: utc_now() + dt.timedelta(seconds=ahead)))["clock"] == state


@pytest.mark.parametrize(("free", "state"), [(2 * 10**9, "ok"), (5 * 10**8, "warn"), (10**7, "fail")])
def test_a_full_disk_is_noticed_before_it_is_full(free: int, state: str) -> None:
    assert doctor._space(free).state == state


@pytest.mark.parametrize(
    ("status", "body", "state"),
    [
        (200, '{"data": [{"id": "m"}]}', "ok"),
        (200, '{"data": [{"id": "another"}]}', "warn"),
        (200, "no json", "warn"),
        (401, "{}", "warn"),
        (500, "{}", "warn"),
    ],
)
async def test_a_language_model_that_cannot_be_used_is_a_warning_only(
    tmp_path: Path, status: int, body: str, state: str
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write((head + body).encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        settings = demo(tmp_path, model_url=url, model_name="m")
        found = next(one for one in await examine(settings, utc_now) if one.name == "language")
    assert found.state == state


def test_the_command_exits_with_1_where_it_could_not_serve(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor, "_understanding", LOOK_AT_THE_MODEL)
    monkeypatch.setenv("TELLER_DATA_DIR", str(tmp_path))
    assert CliRunner().invoke(app, ["doctor"]).exit_code == 0
    monkeypatch.setenv("TELLER_ENV", "production")
    refused = CliRunner().invoke(app, ["doctor"])
    assert refused.exit_code == 1
    assert "TELLER_SECRET" in refused.stdout
