"""A server process by itself: what it never reads to the end, and how it goes when it is told to stop."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

SERVE = "from bot.cli import main; main()"


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("drain")


@pytest.fixture(scope="module")
def process(data_dir: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A server process in which every turn takes its time, and where it listens; the last test of the file ends it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TELLER_")}
    started = subprocess.Popen(
        [sys.executable, "-c", SERVE, "serve", "--port", str(port)],
        env={**kept, "TELLER_DATA_DIR": str(data_dir), "TELLER_FAILPOINTS": "turn.understood=sleep:0.7"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while not _answers(url):
            assert started.poll() is None, "the server did not start"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.05)
        yield started, url
    finally:
        started.kill()
        started.wait()


def _answers(url: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"{url}/readyz").status_code == 200
    return False


def test_headers_that_never_end_are_not_kept(process: tuple[subprocess.Popen[bytes], str]) -> None:
    _, url = process
    with socket.create_connection(("127.0.0.1", httpx.URL(url).port or 0), timeout=10) as client:
        client.sendall(b"POST /v1/conversations HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        client.sendall((b"X-More: " + b"x" * 8_000 + b"\r\n") * 10)
        # They are not over: who would wait for the rest says nothing.
        assert b" 400 " in client.recv(200)


def test_a_process_that_is_told_to_stop_finishes_its_turn_and_sends_streams_away(
    process: tuple[subprocess.Popen[bytes], str], data_dir: Path
) -> None:
    server, url = process
    with httpx.Client(base_url=url, timeout=30) as http:
        opened = http.post("/v1/conversations", json={}).raise_for_status().json()
        http.headers["Authorization"] = f"Bearer {opened['secret']}"
        path = f"/v1/conversations/{opened['id']}"
        with http.stream("GET", f"{path}/events") as stream:
            lines = stream.iter_lines()
            assert next(lines).startswith("retry:")
            with httpx.Client(base_url=url, headers=http.headers, timeout=30) as other:
                sent = other.post(f"{path}/messages", json={"message_id": "m1", "text": "你好"})
                assert sent.status_code == 202
            time.sleep(0.2)
            server.send_signal(signal.SIGTERM)
            told = time.monotonic()
            rest = [line for line in lines if line]
            assert time.monotonic() - told < 3.0, "the stream was not ended"
    assert rest[-1].startswith("retry:")
    assert server.wait(timeout=20) in (0, -signal.SIGTERM)
    with contextlib.closing(sqlite3.connect(data_dir / "teller.db")) as database:
        assert database.execute("SELECT status FROM inbox").fetchall() == [("done",)]
        assert database.execute("SELECT lease_until FROM conversations").fetchall() == [(None,)]
        assert database.execute("SELECT actor FROM events ORDER BY seq").fetchall() == [("customer",), ("bot",)]
