"""The proxy does to a connection what its weather says."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from tests.faults.proxy import DELAY, Proxy


@pytest.fixture
async def heard() -> list[bytes]:
    return []


@pytest.fixture
async def proxy(heard: list[bytes]) -> AsyncIterator[Proxy]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(100):
                heard.append(piece)
                writer.write(piece)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    proxy = Proxy(server.sockets[0].getsockname()[1])
    await proxy.start()
    yield proxy
    await proxy.stop()
    server.close()
    await asyncio.sleep(0.05)  # The server's side of each connection ends by itself.


async def said_back(proxy: Proxy, patience: float = 2.0) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        writer.write(b"hello")
        return await asyncio.wait_for(reader.read(100), patience)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def test_fair_weather_passes_everything(proxy: Proxy) -> None:
    assert await said_back(proxy) == b"hello"


async def test_slow_weather_delays_both_ways(proxy: Proxy) -> None:
    proxy.weather = "slow"
    started = asyncio.get_running_loop().time()
    assert await said_back(proxy) == b"hello"
    assert asyncio.get_running_loop().time() - started >= 2 * DELAY * 0.9


async def test_a_black_hole_takes_what_is_sent_and_gives_nothing_back(proxy: Proxy, heard: list[bytes]) -> None:
    proxy.weather = "black_hole"
    with pytest.raises(TimeoutError):
        await said_back(proxy, patience=0.2)
    assert heard == [b"hello"]


async def test_a_reset_comes_after_the_request_has_arrived(proxy: Proxy, heard: list[bytes]) -> None:
    proxy.weather = "reset"
    with pytest.raises(ConnectionResetError):
        await said_back(proxy)
    assert heard == [b"hello"]
