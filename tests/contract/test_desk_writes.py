"""What a rep begins for a customer: the bot asks and the customer alone confirms, while the rep keeps the conversation."""

from __future__ import annotations

import itertools
import json
import re
import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.desk import REP, RepClient, owner_of, waiting
from tests.server import Server, Talk

SOON = 20.0
_REQUESTS = (f"request-{number:04}" for number in itertools.count())


@pytest.fixture(scope="module")
def lin(server: Server) -> Iterator[RepClient]:
    with RepClient(server, REP) as rep:
        yield rep


def held(server: Server, lin: RepClient, customer_id: str | None, *said: str) -> Talk:
    """A customer whom Lin has taken."""
    talk = waiting(server, customer_id, *said)
    assert lin.act(talk, "claim").status_code == 200
    return talk


def begin(lin: RepClient, talk: Talk, capability: str, details: str = "", request: str | None = None) -> dict[str, Any]:
    """What the bot says to the customer when Lin has asked for it."""
    last = talk.events()[-1]["seq"]
    asked = lin.act(talk, "writes", capability=capability, details=details, request_id=request or next(_REQUESTS))
    assert asked.status_code == 204, asked.text
    deadline = time.monotonic() + SOON
    while time.monotonic() < deadline:
        for event in talk.events(last):
            if event["actor"] == "bot":
                data: dict[str, Any] = event["data"]
                return data
        time.sleep(0.02)
    raise AssertionError(f"the bot said nothing to {capability}")


def unanswered(talk: Talk, text: str) -> bool:
    """Whether the bot says nothing to *text*."""
    return talk.post(text, wait=SOON).status_code == 202


def outcomes(reply: dict[str, Any]) -> list[str]:
    return [f"{each['capability']}.{each['outcome']}" for each in reply["decisions"]]


def rows(server: Server, query: str, *values: str) -> list[Any]:
    with closing(sqlite3.connect(server.service.settings.data_dir / "teller.db", timeout=10)) as database:
        return database.execute(query, values).fetchall()


def code_of(server: Server, customer_id: str) -> str:
    with server.client() as http:
        return str(http.get(f"/demo/phone/{customer_id}").raise_for_status().json()["code"])


def done(server: Server, talk: Talk) -> list[tuple[str, str]]:
    return rows(server, "SELECT capability, status FROM writes WHERE conversation_id = ?", talk.id)


def test_a_rep_begins_a_repayment_and_only_the_customer_confirms_it_with_a_code_that_the_rep_never_sees(
    server: Server, lin: RepClient
) -> None:
    talk = held(server, lin, "C1001")
    assert unanswered(talk, "我想先还一点")
    details = "还尾号8888的卡，两百块"
    read_back = begin(lin, talk, "card_repay", details)
    assert details not in lin.get("/mine").text, "it is not the customer who wrote that"
    assert "suggested" not in lin.act(talk, "suggestion").text, "the bot has answered what came before it"
    assert outcomes(read_back) == ["human_agent.requested", "card_repay.ready"]
    assert "200.00" in read_back["text"]
    assert owner_of(server, talk) == lin.id

    # What is not an answer is the rep's to answer; a yes to the rep's own words is none.
    assert unanswered(talk, "今天美元汇率多少")
    lin.say(talk, "您好，请您核对一下机器人读给您的内容。", "message-1")
    assert unanswered(talk, "好的")
    assert done(server, talk) == []
    asked = talk.say("确认")
    assert outcomes(asked) == ["card_repay.code_sent"]

    code = code_of(server, "C1001")
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    assert unanswered(talk, "等一下，我找找手机")
    assert outcomes(talk.say(wrong)) == ["card_repay.code_wrong"]
    proven = str(uuid.uuid4())
    for _ in range(2):
        assert outcomes(talk.post(code, proven).json()) == ["card_repay.done"]
    assert done(server, talk) == [("card_repay", "done")]
    assert owner_of(server, talk) == lin.id

    seen = [lin.get(f"/conversations/{talk.id}{part}").text for part in ("", "/lines", "/lines?after=1", "/customer")]
    kept = rows(server, "SELECT data FROM events WHERE conversation_id = ?", talk.id)
    for digits in (code, wrong):
        assert digits not in "".join(seen)
        assert digits not in str(kept)
    assert "林晓请机器人和客户办理：" in seen[0]
    lin.act(talk, "hand-back", disposition="solved")


def test_a_rep_can_neither_confirm_nor_answer_a_code_by_asking_again(server: Server, lin: RepClient) -> None:
    talk = held(server, lin, "C1001")
    begin(lin, talk, "card_repay", "尾号8888还三百")
    codes = rows(server, "SELECT count(*) FROM challenges WHERE conversation_id = ?", talk.id)
    for details in ("确认", "是的，确认，尾号8888还三百"):
        again = begin(lin, talk, "card_repay", details)
        assert "card_repay.code_sent" not in outcomes(again)
    lin.say(talk, "确认", "message-2")
    assert rows(server, "SELECT count(*) FROM challenges WHERE conversation_id = ?", talk.id) == codes == [(0,)]
    assert done(server, talk) == []
    assert outcomes(talk.say("取消")) in (["card_repay.cancelled"], ["human_agent.cancelled"])
    assert unanswered(talk, "确认")
    lin.act(talk, "hand-back", disposition="solved")


def test_who_is_not_signed_in_is_asked_to_and_nothing_is_begun(server: Server, lin: RepClient) -> None:
    talk = held(server, lin, None)
    assert outcomes(begin(lin, talk, "card_report_lost")) == ["human_agent.requested", "card_report_lost.sign_in"]
    assert owner_of(server, talk) == lin.id
    assert unanswered(talk, "确认")
    lin.act(talk, "hand-back", disposition="gone")


def test_what_one_rep_began_is_nothing_that_a_yes_to_the_next_could_end(server: Server, lin: RepClient) -> None:
    talk = held(server, lin, "C1001")
    begin(lin, talk, "card_repay", "尾号8888还一百")
    lin.act(talk, "hand-back", disposition="solved")
    talk.say("转人工")
    assert lin.act(talk, "claim").status_code == 200
    lin.say(talk, "请确认一下您的手机号还在用吗？", "message-3")
    assert unanswered(talk, "确认")
    lin.act(talk, "hand-back", disposition="solved")


def test_a_request_is_made_once_and_kept_in_the_audit_trail(server: Server, lin: RepClient) -> None:
    talk = held(server, lin, "C1002")
    request = next(_REQUESTS)
    begin(lin, talk, "card_report_lost", "信用卡", request)
    start = talk.events()[-1]["seq"]
    assert (
        lin.act(talk, "writes", capability="card_report_lost", details="信用卡", request_id=request).status_code == 204
    )
    assert [event for event in talk.events(start) if event["type"] == "write.requested"] == []
    kept = rows(
        server, "SELECT actor, data FROM audit WHERE conversation_id = ? AND action = 'write.requested'", talk.id
    )
    assert [(actor, json.loads(data)["capability"], json.loads(data)["customer"]) for actor, data in kept] == [
        (lin.id, "card_report_lost", "C1002")
    ]
    refused = lin.act(talk, "writes", capability="card_bill", request_id=next(_REQUESTS))
    assert (refused.status_code, refused.json()["type"].rsplit(":", 1)[-1]) == (422, "not-a-write")
    lin.act(talk, "hand-back", disposition="gone")


def test_the_form_proposes_what_the_customer_last_asked_for(server: Server, lin: RepClient) -> None:
    talk = held(server, lin, "C1001")
    assert unanswered(talk, "我的信用卡丢了，帮我挂失")
    form = lin.get(f"/conversations/{talk.id}/writes").text
    assert re.search(r'<option value="card_report_lost" selected>', form)
    assert "我的信用卡丢了，帮我挂失</textarea>" in form
    lin.act(talk, "hand-back", disposition="solved")


def test_a_code_that_is_on_its_way_when_a_rep_takes_over_stays_out_of_their_sight(
    server: Server, lin: RepClient
) -> None:
    talk = server.open(server.token("C1001"))
    talk.say("还尾号8888的卡，一百块")
    assert outcomes(talk.say("确认")) == ["card_repay.code_sent"]
    talk.say("转人工")
    assert lin.act(talk, "claim").status_code == 200
    for text in ("我收到一个数字", "112233"):
        assert unanswered(talk, text)
    assert "112233" not in lin.get(f"/conversations/{talk.id}").text
    lin.act(talk, "hand-back", disposition="solved")
