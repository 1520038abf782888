"""HTTP to a service that is not trusted: no redirects, no proxies nobody named, no compression, and an end to every answer."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2


def client(
    max_bytes: int, *, proxy: str | None = None, transport: httpx2.AsyncBaseTransport | None = None
) -> httpx2.AsyncClient:
    """A client whose answers end with an error after *max_bytes*. *transport* stands in for the network."""
    inner = transport or httpx2.AsyncHTTPTransport(trust_env=False, proxy=proxy)
    return httpx2.AsyncClient(
        transport=_Bounded(inner, max_bytes),
        follow_redirects=False,
        trust_env=False,
        headers={"Accept-Encoding": "identity"},
    )


class _Bounded(httpx2.AsyncBaseTransport):
    def __init__(self, inner: httpx2.AsyncBaseTransport, max_bytes: int) -> None:
        self._inner = inner
        self._max_bytes = max_bytes

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self._inner.handle_async_request(request)
        if response.headers.get("content-encoding", "identity") != "identity":
            # A few kilobytes may unfold into gigabytes.
            await response.aclose()
            raise httpx2.RemoteProtocolError("compressed, though not asked to be", request=request)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _BoundedStream(response.stream, self._max_bytes, request)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


class _BoundedStream(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream, max_bytes: int, request: httpx2.Request) -> None:
        self._inner = inner
        self._left = max_bytes
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._inner:
            self._left -= len(part)
            if self._left < 0:
                raise httpx2.RemoteProtocolError("an answer without end", request=self._request)
            yield part

    async def aclose(self) -> None:
        await self._inner.aclose()
