"""Rasa's REST channel as its clients know it, and the whole journey of the first version over it."""

from __future__ import annotations

import json
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.app import create_app
from bot.settings import UnsafeSettings, load_settings
from tests.contract.test_web_api import REPLY_FIELDS, assert_problem
from tests.server import Server


class Rasa:
    """A Rasa REST client: a sender, and a token in the metadata if it has one."""

    def __init__(self, server: Server, token: str | None = None, sender: str | None = None) -> None:
        self.server = server
        self.sender = sender or f"s-{uuid.uuid4().hex[:8]}"
        self.metadata = {"token": token} if token else None

    def post(self, text: str, **query: str) -> httpx.Response:
        body = {"sender": self.sender, "message": text, "metadata": self.metadata}
        with self.server.client() as http:
            return http.post("/webhooks/rest/webhook", json=body, params=query)

    def say(self, text: str) -> dict[str, Any]:
        response = self.post(text).raise_for_status()
        [message] = response.json()
        assert message["recipient_id"] == self.sender
        assert message["text"] == message["custom"]["text"]
        found: dict[str, Any] = message
        return found


def stated(message: dict[str, Any], name: str) -> list[str]:
    """The values of the fact *name* in a message's evidence, each checked to stand where the evidence says."""
    spans = [span for span in message["custom"]["evidence"] if span["name"] == name]
    points = list(message["text"])
    assert all("".join(points[span["start"] : span["end"]]) for span in spans)
    return [span["value"] for span in spans]


def outcomes(message: dict[str, Any]) -> list[str]:
    return [decision["outcome"] for decision in message["custom"]["decisions"]]


def test_it_says_that_it_is_there(server: Server) -> None:
    with server.client() as http:
        assert http.get("/webhooks/rest/").json() == {"status": "ok"}


def test_a_reply_is_one_message_with_the_whole_reply_as_its_custom_part(server: Server) -> None:
    message = Rasa(server).say("你能做什么")
    assert message.keys() <= {"recipient_id", "text", "buttons", "custom"}
    assert message["custom"].keys() >= REPLY_FIELDS | {"conversation_id"}
    assert all(button.keys() == {"title", "payload"} for button in message["buttons"])
    assert None not in message.values()


def test_a_stream_is_one_object_a_line(server: Server) -> None:
    response = Rasa(server).post("今天美元汇率", stream="true")
    assert response.headers["content-type"].startswith("text/event-stream")
    [line] = response.text.splitlines()
    assert json.loads(line)["custom"]["evidence"]


@pytest.mark.parametrize("body", [{}, {"sender": "a"}, {"sender": "a", "message": ""}, {"message": None}])
def test_nothing_said_is_answered_with_nothing(server: Server, body: dict[str, Any]) -> None:
    with server.client() as http:
        response = http.post("/webhooks/rest/webhook", json=body)
    assert (response.status_code, response.json()) == (200, [])


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"\xff"])
def test_malformed_json_is_told_in_rasas_words(server: Server, body: bytes) -> None:
    with server.client() as http:
        problem = assert_problem(http.post("/webhooks/rest/webhook", content=body), 400)
    assert problem.keys() >= {"description", "status", "message"}


def test_the_body_is_read_whatever_it_calls_itself(server: Server) -> None:
    body = json.dumps({"sender": "plain", "message": "你好"})
    with server.client() as http:
        response = http.post("/webhooks/rest/webhook", content=body, headers={"Content-Type": "text/plain"})
    assert response.status_code == 200
    assert response.json()[0]["recipient_id"] == "plain"


def test_a_client_that_names_no_sender_is_the_default_one(server: Server) -> None:
    with server.client() as http:
        assert http.post("/webhooks/rest/webhook", json={"message": "你好"}).json()[0]["recipient_id"] == "default"


def test_a_token_that_is_not_valid_is_refused_rather_than_ignored(server: Server) -> None:
    assert_problem(Rasa(server, token="a.b.c").post("查账单"), 401)


def test_a_label_alone_sees_nothing_of_what_was_said_under_it_signed_in(server: Server) -> None:
    customer = Rasa(server, server.token("C1001"), sender="shared-label")
    customer.say("换五百美金")
    stranger = Rasa(server, sender="shared-label").say("确认")
    other = Rasa(server, server.token("C1004"), sender="shared-label").say("确认")
    own = customer.say("取消")
    ids = {message["custom"]["conversation_id"] for message in (stranger, other, own)}
    assert len(ids) == 3
    assert "code_sent" not in outcomes(stranger) + outcomes(other)


def test_the_message_id_of_a_client_makes_a_repeat_harmless(server: Server) -> None:
    body = {"sender": "repeats", "message": "你好", "metadata": {"message_id": "m-1"}}
    with server.client() as http:
        first, again = (http.post("/webhooks/rest/webhook", json=body).json() for _ in range(2))
    assert first == again


@pytest.mark.parametrize(
    "said",
    [
        ("查账单", "那额度呢", "美元多少了，顺便看看欧元", "换五百美金", "不对，是八百", "确认", "购汇额度还剩多少"),
        (
            "show my credit card bill",
            "and my credit limit?",
            "what's the US dollar rate, and the euro too",
            "buy 500 US dollars",
            "no, make it 800",
            "confirm",
            "how much of my FX quota is left",
        ),
    ],
    ids=["zh", "en"],
)
def test_the_whole_journey_of_a_signed_in_customer(server: Server, said: tuple[str, ...]) -> None:
    customer_id = "C1001"
    token = server.token(customer_id)
    client = Rasa(server, token)
    bill, limit, rates, quote, corrected, sent = (client.say(text) for text in said[:6])

    assert stated(bill, "remaining_due")
    assert stated(limit, "available")
    assert {"USD", "EUR"} <= set(stated(rates, "currency"))
    assert stated(quote, "amount") == ["500.00"]
    assert stated(corrected, "amount") == ["800.00"]
    assert outcomes(sent) == ["code_sent"]

    with server.client() as http:
        code = http.get(f"/demo/phone/{customer_id}").raise_for_status().json()["code"]
    done = client.say(code)
    assert outcomes(done) == ["done"]
    assert stated(done, "amount") == ["800.00"]
    assert stated(done, "cost") == stated(corrected, "cost")

    quota = client.say(said[6])
    assert [Decimal(left) for left in stated(quota, "purchase_left")] == [
        Decimal(left) for left in stated(corrected, "quota_left_after")
    ]
    as_list = {"Accept": "application/json"}
    with server.client(token) as http:
        by_id = http.get(_events(done), headers=as_list).raise_for_status().json()
        by_label = http.get(f"/v1/conversations/{client.sender}/events", headers=as_list).json()
    assert code not in json.dumps(by_id)
    assert by_id == by_label
    spoken = [event for event in by_id if event["type"] == "message.completed"]
    assert [event["actor"] for event in spoken] == ["customer", "bot"] * 8
    assert [event["data"]["text"] for event in spoken[::2]] == [*said[:6], "••••••", said[6]]
    assert spoken[-1]["data"]["text"] == quota["text"]


def _events(message: dict[str, Any]) -> str:
    return f"/v1/conversations/{message['custom']['conversation_id']}/events"


def test_brackets_without_end_are_malformed_like_anything_else(server: Server) -> None:
    with server.client() as http:
        for body in (b"[" * 16_000, b'{"message":' * 1_400, b'{"message": "\\ud800"}'):
            assert_problem(http.post("/webhooks/rest/webhook", content=body), 400)


def test_a_client_may_number_its_senders_and_put_anything_into_metadata(server: Server) -> None:
    bodies = [
        {"sender": 7, "message": "你好", "metadata": ["mine"]},
        {"sender": "7", "message": "你好", "metadata": {"language": ["xx"], "message_id": 12, "page": {"url": "/"}}},
    ]
    with server.client() as http:
        answers = [http.post("/webhooks/rest/webhook", json=body).raise_for_status().json() for body in bodies]
    assert [answer[0]["recipient_id"] for answer in answers] == ["7", "7"]
    assert len({answer[0]["custom"]["conversation_id"] for answer in answers}) == 1


def test_a_clients_own_first_words_are_understood_as_a_greeting_in_its_language(server: Server) -> None:
    bodies: list[tuple[dict[str, Any], str, str]] = [
        ({"message": "/start"}, "zh", "greet"),
        ({"message": "/greet", "metadata": {"language": "en-US"}}, "en", "greet"),
        ({"message": "/restart"}, "zh", "cancel"),
    ]
    with server.client() as http:
        for body, language, intent in bodies:
            sender = uuid.uuid4().hex
            [answer] = http.post("/webhooks/rest/webhook", json={**body, "sender": sender}).json()
            assert (answer["custom"]["language"], _intent(answer)) == (language, intent)


def test_the_token_may_come_as_a_bearer_credential(server: Server) -> None:
    body = {"sender": uuid.uuid4().hex, "message": "信用卡账单"}
    with server.client(server.token("C1001")) as http:
        [answer] = http.post("/webhooks/rest/webhook", json=body).json()
    assert stated(answer, "remaining_due")
    with server.client("not-a-token") as http:
        assert_problem(http.post("/webhooks/rest/webhook", json=body), 401)


def test_what_is_refused_is_refused_before_a_stream_begins(server: Server) -> None:
    assert_problem(Rasa(server, token="a.b.c").post("查账单", stream="true"), 401)
    with server.client() as http:
        nothing = http.post("/webhooks/rest/webhook", params={"stream": "true"}, json={})
    assert (nothing.status_code, nothing.text) == (200, "")
    assert Rasa(server).post("你好", stream="yes").json()[0]["text"]


def test_a_reply_is_a_text_to_rasas_own_widget_too(server: Server) -> None:
    # It shows a message's custom part where there is one and no buttons, and goes by these names.
    custom = Rasa(server).say("今天美元汇率")["custom"]
    assert custom["text"]
    assert not custom.keys() & {"type", "attachment", "image"}


def test_addresses_may_end_in_a_slash_as_with_rasa(server: Server) -> None:
    with server.client() as http:
        assert http.get("/webhooks/rest").json() == {"status": "ok"}
        assert http.post("/webhooks/rest/webhook/", json={}).json() == []


async def _preflight(http: httpx.AsyncClient, origin: str, path: str = "/webhooks/rest/webhook") -> httpx.Response:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,authorization"}
    return await http.options(path, headers={"Origin": origin, **asked})


async def test_pages_of_other_origins_are_let_in_where_the_settings_name_them(tmp_path: Path) -> None:
    page, other = "https://www.bank.example", "https://evil.example"
    allowed = "access-control-allow-origin"

    def client(**given: Any) -> httpx.AsyncClient:
        # What stands before the handlers needs nothing that is opened when a server starts.
        app = create_app(load_settings(env="demo", data_dir=tmp_path, **given))
        return httpx.AsyncClient(base_url="http://127.0.0.1", transport=httpx.ASGITransport(app))

    async with client(rasa_origins=page) as http:
        told = await _preflight(http, page)
        assert told.headers[allowed] == page
        assert "authorization" in told.headers["access-control-allow-headers"]
        assert allowed not in (await _preflight(http, other)).headers
        assert (await http.get("/webhooks/rest/", headers={"Origin": page})).headers[allowed] == page
        refused = await http.post("/webhooks/rest/webhook", content=b"a" * 20_000, headers={"Origin": page})
        assert (refused.status_code, refused.headers[allowed]) == (413, page)
        for path in ("/v1/conversations", "/demo/customers"):
            assert allowed not in (await _preflight(http, page, path)).headers
    async with client() as http:
        assert allowed not in (await _preflight(http, page)).headers
    for wrong in ("www.bank.example", "https://bank.example/", "https://*.example"):
        with pytest.raises(UnsafeSettings, match="TELLER_RASA_ORIGINS"):
            load_settings(env="demo", rasa_origins=wrong)


def _intent(answer: dict[str, Any]) -> str:
    return str(answer["custom"]["understood"]["intents"][0]["name"])
