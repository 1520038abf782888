"""What the page shows where a chat is opened: a hint where nothing was named, checked like everything from outside."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.server import Server, Talk


@pytest.fixture
def hers(server: Server) -> Iterator[httpx.Client]:
    with server.client(server.token("C1004")) as http:
        yield http


def opened_on(server: Server, http: httpx.Client, **context: str) -> Talk:
    opened = http.post("/v1/conversations", json={"context": context})
    assert opened.status_code == 201, opened.text
    return Talk(server, opened.json()["id"], opened.json()["secret"])


def test_this_product_is_the_one_on_the_page(server: Server, hers: httpx.Client) -> None:
    talk = opened_on(server, hers, page="wealth/detail", product="云杉日日盈")
    assert "云杉日日盈" in talk.post("这款产品风险大吗").json()["text"]


def test_somebody_elses_card_on_the_page_shows_nothing_of_theirs(server: Server, hers: httpx.Client) -> None:
    reply = opened_on(server, hers, card_tail="6634").post("这张卡的额度还有多少").json()
    assert {decision["outcome"] for decision in reply["decisions"] if decision["outcome"]} == {"not_found"}


@pytest.mark.parametrize("context", [{"card_tail": "12"}, {"product": "<script>"}, {"balance": "1"}, {"page": "a b"}])
def test_what_no_page_shows_is_refused(hers: httpx.Client, context: dict[str, str]) -> None:
    assert hers.post("/v1/conversations", json={"context": context}).status_code == 422


def test_a_page_opened_later_is_told_with_the_next_message(server: Server, hers: httpx.Client) -> None:
    talk = opened_on(server, hers, product="云杉日日盈")
    with server.client(talk.secret) as http:
        later = {"message_id": "1", "text": "这款产品风险大吗", "context": {"product": "云杉稳盈秋实"}}
        reply = http.post(f"{talk.path}/messages", params={"wait": 20}, json=later)
        assert "云杉稳盈秋实" in reply.json()["text"]
        assert "云杉稳盈秋实" in talk.post("这款产品风险大吗").json()["text"]
        on = {"message_id": "3", "text": "这款产品风险大吗", "context": {"product": "云杉稳盈春晓"}}
        assert "云杉稳盈春晓" in http.post(f"{talk.path}/messages", params={"wait": 20}, json=on).json()["text"]
        refused = http.post(f"{talk.path}/messages", json={**later, "message_id": "2", "context": {"balance": "1"}})
        assert refused.status_code == 422
