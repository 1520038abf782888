"""The frame for another desk: opened once by a ticket, shut to cookies, strangers and other origins."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import sqlite3
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from bot.desk.embedding import LIFE
from tests.server import Server, Talk

KEY = "the key that the bank's own desk has, and nobody else"
ORIGIN = "https://desk.bank.example"
HOSTILE = '<img src=x onerror="alert(1)">'


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("embed"), embed_key=KEY, embed_origins=ORIGIN).serving() as running:
        yield running


@pytest.fixture(scope="module")
def talk(desk: Server) -> Talk:
    opened = desk.open()
    opened.say(f"美元汇率多少 {HOSTILE}")
    return opened


def ticket(desk: Server, talk: Talk, key: str = KEY, **said: str) -> httpx.Response:
    body = {"conversation_id": talk.id, "agent": "wang.li", **said}
    with desk.client(key) as http:
        return http.post("/embed/tickets", json=body)


def path_of(answer: httpx.Response) -> str:
    return urlsplit(answer.raise_for_status().json()["url"]).path


def get(desk: Server, path: str, session: str | None = None) -> httpx.Response:
    with desk.client() as http:
        return http.get(path, headers={"X-Embed-Token": session} if session is not None else {})


def words(page: httpx.Response) -> str:
    """The page without its marks: the slots of a message are marked in it."""
    return re.sub(r"<[^>]+>", "", page.text)


def session_of(page: httpx.Response) -> str:
    assert page.status_code == 200, page.text
    return str(re.findall(r'"X-Embed-Token": "([^"]+)"', page.text)[0])


def test_a_frame_shows_the_talk_with_its_reasons_and_then_what_is_said_next(desk: Server) -> None:
    talk = desk.open()
    talk.say("欧元汇率多少")
    page = get(desk, path_of(ticket(desk, talk)))
    assert "欧元汇率多少" in words(page)
    assert 'class="insight"' in page.text
    last = int(re.findall(r"/embed/lines\?after=(\d+)", page.text)[0])
    session = session_of(page)
    assert get(desk, f"/embed/lines?after={last}", session).status_code == 204
    talk.say("那日元呢")
    more = get(desk, f"/embed/lines?after={last}", session)
    assert "那日元呢" in words(more)
    assert "欧元汇率多少" not in words(more)


def test_a_ticket_opens_once(desk: Server, talk: Talk) -> None:
    path = path_of(ticket(desk, talk))
    assert get(desk, path).status_code == 200
    assert get(desk, path).status_code == 403
    assert get(desk, "/embed/guessed").status_code == 403


def test_only_the_origins_that_were_named_may_frame_it(desk: Server, talk: Talk) -> None:
    page = get(desk, path_of(ticket(desk, talk)))
    assert f"frame-ancestors {ORIGIN};" in page.headers["content-security-policy"]
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    with desk.client() as http:
        assert "frame-ancestors 'none'" in http.get("/desk/sign-in").headers["content-security-policy"]


def test_a_session_sees_its_own_conversation_and_ends(desk: Server, talk: Talk) -> None:
    session = session_of(get(desk, path_of(ticket(desk, talk))))
    other = desk.open()
    other.say("你好呀在不在")
    seen = words(get(desk, "/embed/lines", session))
    assert "美元汇率多少" in seen
    assert "你好呀在不在" not in seen
    for bad in (None, "", "guessed"):
        assert get(desk, "/embed/lines", bad).status_code == 401
    with desk.clock_ahead(LIFE + dt.timedelta(seconds=1)):
        assert get(desk, "/embed/lines", session).status_code == 401


def test_only_who_has_the_key_gets_tickets(desk: Server, talk: Talk, server: Server) -> None:
    assert ticket(desk, talk, key="guessed").status_code == 401
    with desk.client() as http:
        assert http.post("/embed/tickets", json={"conversation_id": talk.id, "agent": "a"}).status_code == 401
    assert ticket(desk, talk, conversation_id="0" * 24).status_code == 404
    assert ticket(desk, talk, agent="a b\n").status_code == 422
    # Where no key is configured there is no such view.
    assert ticket(server, talk).status_code == 404


def test_what_is_written_is_text_and_the_look_is_in_the_trail(desk: Server, talk: Talk) -> None:
    page = get(desk, path_of(ticket(desk, talk, language="en")))
    assert 'lang="en"' in page.text
    assert "&lt;img" in page.text
    assert "<img" not in page.text
    assert "/desk/corrections" not in page.text
    with contextlib.closing(sqlite3.connect(desk.service.settings.data_dir / "teller.db")) as database:
        rows = database.execute("SELECT actor, action FROM audit WHERE conversation_id = ?", (talk.id,)).fetchall()
    assert ("embed:wang.li", "view.embedded") in rows
