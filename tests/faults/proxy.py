"""A small TCP proxy between a replica and what it calls: passes, delays, swallows or resets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import Literal

Weather = Literal["fair", "slow", "black_hole", "reset"]
"""``slow`` adds ``DELAY`` to every piece; ``black_hole`` takes what is sent and lets nothing back; ``reset`` cuts a
connection, with RST, when something is about to come back on it: the request arrived and its answer is lost."""

DELAY = 0.3


class Proxy:
    """Forwards a loopback port of its own to *target*; ``weather`` may change at any time."""

    def __init__(self, target: int) -> None:
        self.weather: Weather = "fair"
        self._target = target
        self._server: asyncio.Server | None = None
        self._under_way: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening, and cut what is under way."""
        if self._server is not None:
            self._server.close()
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        try:
            beyond_reader, beyond_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            _reset(writer)
            return
        there = asyncio.create_task(self._pump(reader, beyond_writer, writer, back=False))
        back = asyncio.create_task(self._pump(beyond_reader, writer, writer, back=True))
        try:
            await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            there.cancel()
            back.cancel()
            writer.close()
            beyond_writer.close()
            await asyncio.gather(there, back, writer.wait_closed(), beyond_writer.wait_closed(), return_exceptions=True)

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, caller: asyncio.StreamWriter, *, back: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while piece := await source.read(65_536):
                if back and self.weather == "reset":
                    _reset(caller)
                    return
                if back and self.weather == "black_hole":
                    continue
                if self.weather == "slow":
                    await asyncio.sleep(DELAY)
                sink.write(piece)
                await sink.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST instead of FIN: the other side sees an error, not an end."""
    raw = writer.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
