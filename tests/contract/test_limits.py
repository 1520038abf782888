"""Too much is refused early and told when to come again; whoever is inside is served as ever."""

from __future__ import annotations

import contextlib
import gzip
import json
import sqlite3
from collections.abc import Iterator

import httpx
import pytest

from tests.server import Server


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A bot that takes three messages a minute in a conversation."""
    with Server(tmp_path_factory.mktemp("narrow"), conversation_rate=3).serving() as running:
        yield running


def test_a_flood_in_one_conversation_is_told_when_to_come_again_and_others_are_served(narrow: Server) -> None:
    talk, other = narrow.open(), narrow.open()
    answers = [talk.post("你好", f"m{n}") for n in range(6)]
    refused = [answer for answer in answers if answer.status_code == 429]
    # Six in a row may straddle a minute.
    assert 0 < len(refused) <= 3
    assert refused[0].headers["content-type"] == "application/problem+json"
    assert 1 <= int(refused[0].headers["retry-after"]) <= 60
    assert refused[0].json()["type"] == "urn:teller:problem:too-many"
    assert other.post("你好").status_code == 200
    with narrow.client() as http:
        assert 'teller_messages_refused_total{reason="conversation"}' in http.get("/metrics").text


def test_the_address_of_a_message_travels_with_it(server: Server) -> None:
    talk = server.open()
    talk.say("你好")
    with server.client() as http:
        http.post("/webhooks/rest/webhook", json={"sender": "who", "message": "你好"}).raise_for_status()
    with contextlib.closing(sqlite3.connect(server.service.settings.data_dir / "teller.db")) as database:
        rows = database.execute("SELECT principal FROM inbox ORDER BY received_at DESC LIMIT 2").fetchall()
    assert [json.loads(principal)["address"] for (principal,) in rows] == ["127.0.0.1"] * 2


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, gzip", "x-unheard-of"])
def test_a_compressed_body_is_refused_unread(server: Server, encoding: str) -> None:
    bomb = gzip.compress(json.dumps({"sender": "x" * 10_000_000, "message": "你好"}).encode())
    with server.client() as http:
        response = http.post("/webhooks/rest/webhook", content=bomb[:16_000], headers={"Content-Encoding": encoding})
    assert response.status_code == 415
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("headers", [{"X-Big": "x" * 17_000}, {f"X-{n}": "x" * 80 for n in range(200)}])
def test_headers_have_a_limit_too(server: Server, headers: dict[str, str]) -> None:
    with server.client() as http:
        response = http.get("/healthz", headers=headers)
    assert response.status_code == 431


def test_a_body_that_says_it_is_as_it_is_is_read(server: Server) -> None:
    with httpx.Client(base_url=server.url, headers={"Content-Encoding": "identity"}, timeout=30) as http:
        assert http.post("/v1/conversations", json={}).status_code == 201
