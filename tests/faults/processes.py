"""The processes of a run: replicas of the bot, the bank's action server, scripted models; started, killed, restarted."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

from tests.faults.stores import free_port

ROOT = Path(__file__).parent.parent.parent
START_LIMIT = 60.0
"""Seconds a process may take until it answers; the machine may be busy."""
_KILLED_BY = re.compile(rb"failpoint (\S+) kills\n\Z")
_OWN = ("TELLER_", "DATABASE_URL", "BANK_DATABASE_URL", "REDIS_URL", "ACTIONS_URL", "BANK_API_URL")


class Server:
    """One process that serves HTTP on a loopback port of its own, which it keeps over restarts."""

    def __init__(self, name: str, folder: Path, environment: dict[str, str]) -> None:
        self.name = name
        self.port = free_port()
        self.starts = 0
        self._log = folder / f"{name}.log"
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """Its process, while one runs."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    @property
    def log(self) -> str:
        """What it has written so far, over all its lives."""
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""

    async def spawn(self, *command: str, **environment: str) -> None:
        """Start it without waiting for it to answer."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OWN)}
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *command,
                cwd=ROOT,
                env={**inherited, **self._environment, **environment, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.starts += 1

    async def answering(self, path: str) -> bool:
        """Wait until it answers 200 at *path*; ``False`` where it ended first, or took too long."""
        deadline = time.monotonic() + START_LIMIT
        async with httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=5.0) as http:
            while self.pid is not None and time.monotonic() < deadline:
                with contextlib.suppress(httpx.HTTPError):
                    if (await http.get(path)).status_code == 200:
                        return True
                await asyncio.sleep(0.1)
        return False

    async def ended(self) -> int:
        """Wait for its end; the exit status, negative for a signal."""
        assert self._process is not None
        return await self._process.wait()

    def kill(self) -> bool:
        """kill -9; whether there was something to kill."""
        return self._signal(signal.SIGKILL)

    async def stop(self, grace: float = 15.0) -> int | None:
        """Ask it to stop, and kill it where it does not within *grace* seconds; its exit status."""
        if self._process is None:
            return None
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(grace):
                return await self._process.wait()
        except TimeoutError:
            self.kill()
            return await self._process.wait()

    def failpoint_that_killed(self) -> str | None:
        """The failpoint at which its last life ended, if one ended it."""
        size = self._log.stat().st_size
        with self._log.open("rb") as log:
            log.seek(max(0, size - 200))
            found = _KILLED_BY.search(log.read())
        return found[1].decode() if found else None

    def _signal(self, number: signal.Signals) -> bool:
        pid = self.pid
        if pid is None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        return True


class Replica(Server):
    """One ``teller serve``."""

    async def start(self, failpoints: str = "", **environment: str) -> None:
        """Start it under *failpoints*; it may take requests before this process knows."""
        command = ("-c", "from bot.cli import main; main()", "serve", "--port", str(self.port))
        await self.spawn(*command, TELLER_FAILPOINTS=failpoints, **environment)


class ActionServer(Server):
    """The bank behind ``ACTIONS_URL``; of its commits the share *lost* goes wrong."""

    def __init__(self, name: str, folder: Path, environment: dict[str, str], *, lost: float, seed: int) -> None:
        super().__init__(name, folder, environment)
        self._lost = lost
        self._seed = seed
        self._faults = folder / "bank-faults.log"

    async def start(self) -> None:
        """Start it."""
        await self.spawn(
            "-m", "tests.faults.bank", "--port", str(self.port), "--lost", str(self._lost),
            "--seed", str(self._seed + self.starts), "--log", str(self._faults),
        )  # fmt: skip

    def faults(self) -> dict[str, int]:
        """How many commits met which fault so far."""
        lines = self._faults.read_text().split() if self._faults.exists() else []
        return {fault: lines.count(fault) for fault in sorted(set(lines))}


class ScriptedModel(Server):
    """A language model that stalls or lies, as its *mode* says."""

    def __init__(self, mode: str, folder: Path) -> None:
        super().__init__(f"model-{mode}", folder, {})
        self._mode = mode

    async def start(self) -> None:
        """Start it."""
        await self.spawn("-m", "responses.scripted_server", "--mode", self._mode, "--port", str(self.port))

    @property
    def settings(self) -> dict[str, str]:
        """What a replica is told to speak through it."""
        return {"TELLER_MODEL_URL": f"{self.url}/v1", "TELLER_MODEL_NAME": f"scripted-{self._mode}"}
