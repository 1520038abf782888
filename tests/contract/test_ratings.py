"""What customers think is stored once, without secrets, and only for what was said to them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from tests.server import Server, Talk


@pytest.fixture
def talk(server: Server) -> Talk:
    opened = server.open(server.token("C1004"))
    opened.say("你好")
    return opened


def rate(talk: Talk, **body: Any) -> int:
    with talk.server.client(talk.secret) as http:
        return http.put(f"{talk.path}/rating", json=body).status_code


def stored(talk: Talk) -> list[tuple[int, int, str | None]]:
    with closing(sqlite3.connect(talk.server.service.settings.data_dir / "teller.db", timeout=10)) as books:
        query = "SELECT seq, score, comment FROM ratings WHERE conversation_id = ? ORDER BY seq"
        return books.execute(query, (talk.id,)).fetchall()


def test_a_conversation_and_a_reply_have_one_rating_each_the_last_one_given(talk: Talk) -> None:
    for score in (1, 4):
        assert rate(talk, score=score) == 204
        assert rate(talk, score=score, seq=2) == 204
    assert stored(talk) == [(0, 4, None), (2, 4, None)]


def test_a_comment_rests_without_what_must_never_rest(talk: Talk) -> None:
    assert rate(talk, score=5, comment="我的卡号是6222021234567894，服务很好") == 204
    ((_, _, comment),) = stored(talk)
    assert comment is not None
    assert "6222021234567894" not in comment
    assert comment.endswith("服务很好")


@pytest.mark.parametrize("body", [{"score": 0}, {"score": 6}, {"score": 3, "comment": "字" * 501}, {"stars": 3}, {}])
def test_what_is_no_rating_is_refused(talk: Talk, body: dict[str, Any]) -> None:
    assert rate(talk, **body) == 422
    assert stored(talk) == []


def test_what_was_not_said_to_them_cannot_be_rated(server: Server, talk: Talk) -> None:
    assert rate(talk, score=5, seq=1) == 404
    assert rate(talk, score=5, seq=99) == 404
    other = server.open()
    with server.client(other.secret) as http:
        assert http.put(f"{talk.path}/rating", json={"score": 1}).status_code == 404
    assert stored(talk) == []


def test_a_customer_who_waits_sees_how_many_come_first(server: Server) -> None:
    first, second = server.open(server.token("C1001")), server.open(server.token("C1003"))
    places = []
    for talk in (first, second):
        talk.say("转人工")
        with server.client(talk.secret) as http:
            places.append(http.get(talk.path).json()["queue"])
    assert places[0]["ahead"] < places[1]["ahead"]
    assert places[1]["wait_minutes"] > 0
    for talk in (first, second):
        talk.say("取消")
        with server.client(talk.secret) as http:
            assert http.get(talk.path).json()["queue"] is None
