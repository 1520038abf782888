"""Nothing that is a secret or personal reaches a log, by whichever logger, formatter or traceback."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Iterator
from urllib.parse import quote

import pytest
import uvicorn.logging
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from bot import logs
from bot.conversations import Conversations
from bot.principal import Principal
from bot.tokens import Tokens
from tests.conftest import NOW

CONVERSATION = "3f9c0b12345678aa00d1e2f4"
CANARIES = {
    "card": "6222021234567894328",
    "spaced card": "6222 0212 3456 7894 328",
    "ID": "110101199003078515",
    "phone": "13912345678",
    "email": "chen.siyuan@mail.example",
    "code": "271828",
    "spoken code": "二七一八二八",
    "full-width code": "２７１８２８",
    "secret": f"{CONVERSATION}~Zk3_x-9QmV7pL0aWc5RtY8uHn2EbGd4s",
    "bearer": "Bearer f81d4fae-opaque_credential",
    "token": Tokens(b"k" * 32).issue("C1001", NOW),
    "password": "密码是Kx92mq7",
    "binding link": "/bind/Zk3_x-9QmV7pL0aWc5RtY8uHn2EbGd4s",
    "URL password": "redis://:hunter-two@redis.example:6379",
}


def visible(canary: str) -> tuple[str, ...]:
    """What of the canary must not be seen."""
    return {
        CANARIES["secret"]: ("Zk3_x",),
        CANARIES["binding link"]: ("Zk3_x",),
        CANARIES["bearer"]: ("opaque",),
        CANARIES["password"]: ("Kx92mq7",),
        CANARIES["URL password"]: ("hunter",),
        CANARIES["token"]: tuple(canary.split(".")),
        CANARIES["spaced card"]: ("6222 0212", "7894"),
    }.get(canary, (canary,))


@pytest.fixture(autouse=True)
def installed() -> Iterator[None]:
    """The real installation, taken back at the end."""
    before = logging.getLogRecordFactory()
    logging.setLogRecordFactory(logging.LogRecord)
    logs.install()
    yield
    logging.setLogRecordFactory(before)


@pytest.fixture
def sink() -> Iterator[tuple[logging.Logger, io.StringIO]]:
    """A logger of somebody else's, with a handler of its own."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    logger = logging.getLogger("somebody.elses")
    logger.addHandler(handler)
    yield logger, written
    logger.removeHandler(handler)


class Quoting:
    """Something whose ``repr`` gives it away."""

    def __init__(self, canary: str) -> None:
        self.canary = canary

    def __repr__(self) -> str:
        return f"<message {self.canary!r}>"


@pytest.mark.parametrize("canary", CANARIES.values(), ids=CANARIES)
def test_no_path_into_a_log_shows_it(sink: tuple[logging.Logger, io.StringIO], canary: str) -> None:
    logger, written = sink
    logger.error(f"in the message: {canary}")
    logger.error("as an argument: %s, and %d", canary, 3)
    logger.error("by name: %(said)s", {"said": canary})
    logger.error("inside another thing: %s %r", [canary], Quoting(canary))
    logger.error(Quoting(canary))
    try:
        try:
            raise ValueError(f"cannot read {canary}")
        except ValueError as cause:
            raise RuntimeError(Quoting(canary)) from cause
    except RuntimeError:
        logger.exception("it failed")
    shown = written.getvalue()
    assert shown.count("\n") > 10
    assert "RuntimeError" in shown
    assert "test_logs.py" in shown
    assert [part for part in visible(canary) if part in shown] == []


@pytest.mark.parametrize("canary", CANARIES.values(), ids=CANARIES)
@pytest.mark.parametrize("escaped", [True, False])
def test_uvicorns_access_log_shows_neither_queries_nor_what_is_in_a_path(
    canary: str, escaped: bool, caplog: pytest.LogCaptureFixture
) -> None:
    # A server that another test ran in this process may have left the logger quiet.
    caplog.set_level(logging.INFO, "uvicorn.access")
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(uvicorn.logging.AccessFormatter('%(client_addr)s "%(request_line)s" %(status_code)s'))
    logger = logging.getLogger("uvicorn.access")
    logger.addHandler(handler)
    said = quote(canary, safe="") if escaped else canary
    try:
        for path in (f"/v1/conversations/{said}/events", f"/v1/conversations/{CONVERSATION}/events?text={said}&n=1"):
            logger.error('%s - "%s %s HTTP/%s" %d', "127.0.0.1:54321", "GET", path, "1.1", 404)
    finally:
        logger.removeHandler(handler)
    shown = written.getvalue()
    assert shown.count('127.0.0.1:54321 "GET ') == 2
    assert shown.count("HTTP/1.1") == 2
    assert shown.count("404 Not Found") == 2
    assert CONVERSATION in shown
    assert [part for part in visible(canary) if part in shown or quote(part) in shown] == []


def test_a_message_that_does_not_fit_its_arguments_shows_none_of_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = f"{CANARIES['phone']}: %s %s"
    record = logging.getLogger().makeRecord("a", logging.ERROR, __file__, 1, said, (CANARIES["card"],), None)
    logging.StreamHandler(io.StringIO()).handle(record)
    shown = capsys.readouterr().err
    assert "Arguments" in shown
    assert [canary for canary in (CANARIES["phone"], CANARIES["card"]) if canary in shown] == []


@pytest.mark.parametrize(
    "line",
    [
        f"turn 12 of {CONVERSATION} failed: TimeoutError",
        "the database is away: OperationalError",
        'File "/srv/teller/bot/worker.py", line 196, in _run',
        "Uvicorn running on http://127.0.0.1:8000 (Press CTRL+C to quit)",
        "fx_buy.commit: refused with 409 after 3 tries in 0.25 s",
        "尾号8888，还有3天到期",
    ],
)
def test_what_an_operator_needs_stays(line: str) -> None:
    assert logs.redact(line) == line


@given(st.text(alphabet="?%4a0=/ ~.eyJ@:五-", max_size=60))
def test_what_is_redacted_is_redacted_once_and_for_all(text: str) -> None:
    once = logs.redact(text)
    assert logs.redact(once) == once


@pytest.mark.parametrize("piece", ["?", "a?", "%41", "a" * 24 + "~", "eyJ.", "://", "1 ", "五", "bearer ", "%"])
def test_a_huge_record_takes_time_in_proportion(piece: str) -> None:
    began = time.perf_counter()
    logs.redact(piece * (20_000 // len(piece)))
    assert time.perf_counter() - began < 2.0


def test_installing_again_changes_nothing() -> None:
    factory = logging.getLogRecordFactory()
    logs.install()
    assert logging.getLogRecordFactory() is factory


async def test_a_secret_of_ours_is_known_by_its_form(database: AsyncEngine) -> None:
    opened, secret = await Conversations(database).create(channel="web", principal=Principal(), now=NOW)
    assert secret not in logs.redact(f"somebody sent {opened.id}~{secret} twice")
    assert opened.id in logs.redact(f"conversation {opened.id} waits")
