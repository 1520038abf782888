"""The bank's own service that texts one-time codes, over HTTP."""

from __future__ import annotations

import datetime as dt

import httpx

from bot.otp import CodeNotSent

TIMEOUT = 5.0
"""Seconds the service has to take a code; the customer waits meanwhile."""


class OtpGateway:
    """An ``OtpSender``: posts ``{"customer_id", "code", "expires_at"}`` to *url* with *key* as its bearer credential."""

    def __init__(self, url: str, key: str | None, transport: httpx.AsyncBaseTransport | None = None) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._url = url
        self._http = httpx.AsyncClient(headers=headers, timeout=TIMEOUT, trust_env=False, transport=transport)

    async def send(self, customer_id: str, code: str, expires_at: dt.datetime) -> None:
        """Hand *code* over for the customer's registered phone. Raises ``CodeNotSent``, which never quotes it."""
        message = {"customer_id": customer_id, "code": code, "expires_at": expires_at.isoformat()}
        try:
            response = await self._http.post(self._url, json=message)
        except httpx.HTTPError as error:
            raise CodeNotSent(type(error).__name__) from None
        if not response.is_success:
            raise CodeNotSent(f"status {response.status_code}")

    async def aclose(self) -> None:
        """Close its connections."""
        await self._http.aclose()
