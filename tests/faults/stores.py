"""Real stores to break: a redis-server and a PostgreSQL cluster of this run's own, on the loopback interface only."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.embedded_redis import find_redis_server

START_LIMIT = 30.0
"""Seconds a store may take until it answers, crash recovery included."""


def free_port() -> int:
    """A loopback port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def postgres_bin() -> Path | None:
    """Where PostgreSQL's server binaries are; Debian keeps them off the PATH."""
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve().parent] if on_path else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((folder for folder in reversed(found) if (folder / "postgres").exists()), None)


class RedisServer:
    """A redis-server that keeps nothing: what it knew is gone with every kill, which is what the bot must bear."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """For ``REDIS_URL``."""
        return f"redis://127.0.0.1:{self._port}/0"

    async def start(self) -> None:
        """Start it and wait until it answers."""
        log = self._folder / "redis.log"
        command = [
            str(find_redis_server()), "--port", str(self._port), "--bind", "127.0.0.1", "--save", "",
            "--appendonly", "no", "--dir", str(self._folder), "--logfile", str(log),
        ]  # fmt: skip
        self._process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + START_LIMIT
        while not await self.ask("PING"):
            if time.monotonic() > deadline:
                raise RuntimeError(f"redis-server did not start: see {log}")
            await asyncio.sleep(0.05)

    async def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
            self._process = None

    async def ask(self, *command: str) -> bool:
        """Send one command; whether it was taken."""
        client = Redis.from_url(self.url, socket_timeout=5.0, socket_connect_timeout=1.0)
        try:
            await client.execute_command(*command)  # type: ignore[no-untyped-call]
        except (RedisError, OSError):
            return False
        finally:
            await client.aclose()
        return True


class PostgresServer:
    """A cluster in a folder of its own. ``fsync`` is on: what is acknowledged is as safe as in production."""

    def __init__(self) -> None:
        binaries = postgres_bin()
        if binaries is None:
            raise RuntimeError("no PostgreSQL server was found: apt-get install postgresql")
        self._bin = binaries
        # Short, for the socket's path, and owned by whoever runs the server: PostgreSQL refuses to run as root.
        self._folder = Path(tempfile.mkdtemp(prefix="teller-faults-", dir="/tmp"))
        self._user: str | None = None
        if os.geteuid() == 0:
            known = {entry.pw_name for entry in pwd.getpwall()}
            self._user = next(name for name in ("postgres", "nobody") if name in known)
            shutil.chown(self._folder, self._user)
        self._port = free_port()

    def url(self, database: str) -> str:
        """For ``DATABASE_URL``."""
        return f"postgresql://teller@127.0.0.1:{self._port}/{database}"

    async def create(self, *databases: str) -> None:
        """Make the cluster, start it, and make *databases* in it."""
        data = str(self._folder / "data")
        await self._call("initdb", "-D", data, "-U", "teller", "-A", "trust", "-E", "UTF8", "--locale=C")
        await self.start()
        connection = await asyncpg.connect(self.url("postgres"))
        for name in databases:
            await connection.execute(f'CREATE DATABASE "{name}"')
        await connection.close()

    async def start(self) -> None:
        """Start it and wait until it has recovered."""
        options = f"-p {self._port} -k {self._folder} -c listen_addresses=127.0.0.1 -c max_connections=200"
        await self._call(*self._pg_ctl, "-w", "-t", str(int(START_LIMIT)), "-o", options, "start")

    async def stop_hard(self) -> None:
        """Stop it as a crash would: no checkpoint, every connection cut."""
        await self._call(*self._pg_ctl, "-m", "immediate", "stop", check=False)

    async def cut_connections(self, share: float = 0.5) -> int:
        """End *share* of the clients' connections, whatever they are doing; returns how many."""
        connection = await asyncpg.connect(self.url("postgres"))
        try:
            ended: int = await connection.fetchval(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend' AND random() < $1",
                share,
            )
            return ended
        finally:
            await connection.close()

    async def remove(self) -> None:
        """Stop it and delete what it wrote."""
        await self.stop_hard()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _pg_ctl(self) -> list[str]:
        return ["pg_ctl", "-D", str(self._folder / "data"), "-l", str(self._folder / "log")]

    async def _call(self, program: str, *arguments: str, check: bool = True) -> None:
        process = await asyncio.create_subprocess_exec(
            str(self._bin / program),
            *arguments,
            cwd=self._folder,
            user=self._user,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        code = await process.wait()
        if check and code != 0:
            raise RuntimeError(f"{program} {' '.join(arguments)} ended with {code}")
