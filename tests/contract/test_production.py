"""The bot as production runs it: PostgreSQL and Redis by URL, secrets from outside, codes through the bank's own service."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from backends.demo import seed
from bot.app import open_bank, running
from bot.otp import CodeNotSent
from bot.otp_gateway import OtpGateway
from bot.parts import utc_now
from bot.principal import Principal
from bot.settings import load_settings

KEY = "the-otp-service-key"
EXPIRES = dt.datetime(2026, 11, 21, 2, 35, tzinfo=dt.UTC)


class OtpService(ThreadingHTTPServer):
    """The bank's texting service: keeps what it is given."""

    sent: list[dict[str, Any]]


@pytest.fixture
def otp_service() -> Iterator[OtpService]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            allowed = self.headers["Authorization"] == f"Bearer {KEY}"
            if allowed:
                service.sent.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204 if allowed else 403)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    service = OtpService(("127.0.0.1", 0), Handler)
    service.sent = []
    threading.Thread(target=service.serve_forever, daemon=True).start()
    yield service
    service.shutdown()
    service.server_close()


async def test_a_purchase_goes_through_on_the_banks_own_stores(
    postgres: str, redis: Redis, otp_service: OtpService, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "TELLER_ENV": "production",
        "TELLER_SECRET": "s" * 40,
        "TELLER_TOKEN_KEY": "t" * 40,
        "TELLER_OTP_URL": f"http://127.0.0.1:{otp_service.server_port}/send",
        "TELLER_OTP_KEY": KEY,
        "DATABASE_URL": postgres % "postgres",
        "REDIS_URL": f"unix://{redis.connection_pool.connection_kwargs['path']}",
    }.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    bank = open_bank(settings)
    await seed(bank, utc_now())
    await bank.dispose()

    async with running(settings) as service:
        assert service.demo is None
        for probe in service.probes.values():
            await probe()
        customer = Principal(channel="web", customer_id="C1001", assurance="signed_in")
        talk, _ = await service.conversations.create(channel="web", principal=customer, now=service.clock())

        async def say(text: str) -> dict[str, Any]:
            message_id = f"m-{text}"
            taken = await service.inbox.accept(
                talk.id, message_id, text, principal=customer, channel="web", now=service.clock()
            )
            event = await service.events.reply_to(talk.id, taken.seq, 15)
            assert event is not None
            return event.data

        await say("换五百美金")
        await say("确认")
        [message] = otp_service.sent
        assert message["customer_id"] == "C1001"
        done = await say(message["code"])
    assert [decision["outcome"] for decision in done["decisions"]] == ["done"]


async def test_a_code_that_was_not_taken_is_not_sent_and_never_quoted(otp_service: OtpService) -> None:
    url = f"http://127.0.0.1:{otp_service.server_port}/send"

    def fails(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError(f"no route for {request.content!r}")

    for gateway in (
        OtpGateway(url, "a wrong key"),
        OtpGateway(url, KEY, httpx.MockTransport(fails)),
        OtpGateway(url, KEY, httpx.MockTransport(lambda _: httpx.Response(302))),
    ):
        with pytest.raises(CodeNotSent) as refused:
            await gateway.send("C1001", "314159", EXPIRES)
        await gateway.aclose()
        assert "314159" not in str(refused.value)
        assert refused.value.__cause__ is None
    assert otp_service.sent == []
