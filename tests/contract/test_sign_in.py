"""A visitor signs in within their conversation: it becomes theirs alone, whoever knew its secret before."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from bot.conversations import SIGNED_IN
from tests.server import Server, Talk


@pytest.fixture
def visitor(server: Server) -> Talk:
    talk = server.open()
    talk.say("今天美元汇率")
    return talk


def sign_in(talk: Talk, token: str, bearer: str | None = None) -> httpx.Response:
    with talk.server.client(talk.secret if bearer is None else bearer) as http:
        return http.post(f"{talk.path}/sign-in", json={"token": token})


def signed_in(talk: Talk, customer_id: str = "C1001") -> Talk:
    opened = sign_in(talk, talk.server.token(customer_id)).raise_for_status().json()
    assert opened["id"] == talk.id
    return Talk(talk.server, opened["id"], opened["secret"])


class Stream:
    """An open stream of events, read in a thread; ``over`` is set when the server has ended it, or *enough* events came."""

    def __init__(self, talk: Talk, after: int = 0, enough: int = 100) -> None:
        self.lines: list[str] = []
        self.open, self.over = threading.Event(), threading.Event()
        self._talk, self._after, self._enough = talk, after, enough
        threading.Thread(target=self._read, daemon=True).start()
        assert self.open.wait(10)

    def _read(self) -> None:
        with self._talk.server.client(self._talk.secret) as http:
            parameters = {"after": self._after}
            with http.stream("GET", f"{self._talk.path}/events", params=parameters) as response:
                for line in response.iter_lines():
                    self.lines.append(line)
                    self.open.set()
                    if self.text.count("data:") == self._enough:
                        break
        self.over.set()

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def statuses(talk: Talk) -> Iterator[int]:
    """What every route answers to the talk's secret."""
    with talk.server.client(talk.secret) as http:
        yield http.get(talk.path).status_code
        yield http.get(f"{talk.path}/events", headers={"Accept": "application/json"}).status_code
        yield http.get(f"{talk.path}/events").status_code
        yield http.post(f"{talk.path}/messages", json={"message_id": "late", "text": "账单"}).status_code
        yield http.post(f"{talk.path}/sign-in", json={"token": talk.server.token("C1001")}).status_code


def test_the_conversation_is_the_customers_with_what_was_said_before(visitor: Talk) -> None:
    mine = signed_in(visitor)
    assert [event["type"] for event in mine.events()] == ["message.completed", "message.completed", SIGNED_IN]
    assert "remaining_due" in {span["name"] for span in mine.say("信用卡账单")["evidence"]}
    with mine.server.client(mine.server.token("C1001")) as http:
        assert http.get(mine.path).json()["signed_in"] is True


def test_the_secret_of_before_opens_nothing_from_then_on(visitor: Talk) -> None:
    signed_in(visitor)
    assert set(statuses(visitor)) == {401}


@pytest.mark.parametrize("ahead", [0, 1, 2, 10**6])
def test_a_stream_opened_with_the_secret_of_before_ends_and_shows_nothing_more(visitor: Talk, ahead: int) -> None:
    stream = Stream(visitor, after=2 + ahead)
    began = time.monotonic()
    mine = signed_in(visitor)
    assert stream.over.wait(5), "the stream stayed open"
    assert time.monotonic() - began < 5
    mine.say("信用卡账单")
    assert SIGNED_IN not in stream.text
    assert "data:" not in stream.text


def test_a_stream_of_the_owners_token_goes_on_through_a_second_sign_in(visitor: Talk) -> None:
    mine = signed_in(visitor)
    # Two messages, two sign-ins, two messages.
    owners = Stream(Talk(mine.server, mine.id, mine.server.token("C1001")), enough=6)
    again = signed_in(mine)
    assert again.secret != mine.secret
    assert set(statuses(mine)) == {401}
    again.say("谢谢")
    assert owners.over.wait(5)
    assert owners.text.count(f"event: {SIGNED_IN}") == 2
    assert owners.text.count("event: message.completed") == 4


def test_another_customer_cannot_take_a_signed_in_conversation_over(visitor: Talk) -> None:
    mine = signed_in(visitor)
    refused = sign_in(mine, mine.server.token("C1002"))
    assert refused.status_code == 409
    assert refused.json()["type"] == "urn:teller:problem:signed-in-already"
    with mine.server.client(mine.server.token("C1002")) as http:
        assert http.get(mine.path).status_code == 404
    mine.say("谢谢")


def test_it_takes_the_secret_and_a_token_that_is_good(visitor: Talk) -> None:
    server = visitor.server
    token = server.token("C1001")
    assert sign_in(visitor, token, bearer="").status_code == 401
    assert sign_in(visitor, token, bearer=token).status_code == 404
    assert sign_in(visitor, token, bearer=server.open().secret).status_code == 404
    assert sign_in(visitor, token, bearer=f"{visitor.id}~guess").status_code == 401
    for wrong in ("", "a.b.c", token[:-4] + "AAAA", "eyJhbGciOiJub25lIn0.e30."):
        assert sign_in(visitor, wrong).status_code == 401
    with server.clock_ahead(dt.timedelta(minutes=31)):
        assert sign_in(visitor, token).status_code == 401
    assert sign_in(visitor, "x" * 9_000).status_code == 422
    mine = signed_in(visitor)
    assert sign_in(mine, token, bearer=token).status_code == 401
    mine.say("谢谢")
