"""The actions over Rasa's protocol, against a server that really runs: the same results, and nothing for a stranger."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import socket
import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from backends import wire
from backends.action import ActionCall, BackendError, Caller
from backends.ledger import LedgerActions
from backends.registry import ACTIONS
from backends.remote import RemoteActions
from backends.result import Result
from backends.server import MAX_BODY, create_app
from bot.tokens import Tokens
from tests.bank import BANK_NOW, ME, Bank, caller, open_bank, said
from tests.server import serving

KEY = b"a key of the contract test, 32 bytes"
OTHER_KEY = b"another key of just as many bytes!!!"


@pytest.fixture
async def behind(tmp_path: Path) -> AsyncIterator[Bank]:
    """The bank behind the server, as like to the local one as two fresh banks are."""
    folder = tmp_path / "served"
    folder.mkdir()
    async with open_bank(folder) as bank:
        yield bank


@pytest.fixture
def served(behind: Bank) -> LedgerActions:
    return LedgerActions(behind.actions)


@pytest.fixture
def url(behind: Bank, served: LedgerActions) -> Iterator[str]:
    with serving(create_app(served, KEY, lambda: BANK_NOW, closing=behind.engine.dispose)) as url:
        yield url


@pytest.fixture
async def remote(url: str) -> AsyncIterator[RemoteActions]:
    client = RemoteActions(url, KEY, clock=lambda: BANK_NOW)
    yield client
    await client.aclose()


def body(
    action: str, *, assertion: object = None, slots: dict[str, Any] | None = None, **metadata: Any
) -> dict[str, Any]:
    """A request as Rasa sends it."""
    message = {"text": "", "metadata": {wire.ASSERTION: assertion, **metadata}}
    tracker = {"sender_id": "someone", "slots": slots or {}, "latest_message": message, "events": []}
    return {"next_action": action, "sender_id": "someone", "tracker": tracker, "domain": {}, "version": "3.6.21"}


# -- nothing for a stranger -----------------------------------------------------------------


def signed(key: bytes = KEY, algorithm: str = "HS256", **changes: Any) -> str:
    """An assertion for the first customer, with some claims changed; ``None`` takes one out."""
    at = int(BANK_NOW.timestamp())
    claims: dict[str, Any] = {
        "aud": wire.AUDIENCE,
        "iat": at,
        "exp": at + 30,
        "caller": Caller(customer_id=ME, assurance="signed_in").model_dump(mode="json"),
    }
    claims |= changes
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key if algorithm != "none" else "", algorithm=algorithm)


AT = int(BANK_NOW.timestamp())
STRANGERS: dict[str, object] = {
    "absent": None,
    "empty": "",
    "not a token": "C1001",
    "not even text": {"customer_id": ME},
    "signed with another key": signed(OTHER_KEY),
    "not signed at all": signed(algorithm="none"),
    "over": signed(exp=AT),
    "not yet": signed(iat=AT + 10, exp=AT + 40),
    "good for too long": signed(exp=AT + 61),
    "without an end": signed(exp=None),
    "without a beginning": signed(iat=None),
    "for someone else": signed(aud="teller"),
    "for nobody": signed(aud=None),
    "without a caller": signed(caller=None),
    "with a caller that is none": signed(caller={"customer_id": 5}),
    "a customer's own token": Tokens(KEY).issue(ME, BANK_NOW),
    "cut": signed()[:-4],
}


def test_the_assertion_itself_is_good() -> None:
    assert wire.read(signed(), KEY, BANK_NOW).customer_id == ME


@pytest.mark.parametrize("assertion", STRANGERS.values(), ids=STRANGERS.keys())
def test_without_a_valid_assertion_the_caller_is_nobody(assertion: object) -> None:
    assert wire.read(assertion, KEY, BANK_NOW) == Caller()


def test_an_assertion_is_over_within_a_minute() -> None:
    token = wire.sign(caller(ME), KEY, BANK_NOW)
    assert wire.read(token, KEY, BANK_NOW + dt.timedelta(seconds=29)) == caller(ME)
    assert wire.read(token, KEY, BANK_NOW + dt.timedelta(seconds=60)) == Caller()


def test_while_keys_change_both_processes_may_sign_and_a_visitor_stays_who_they_are() -> None:
    new, visitor = b"n" * 32, Caller(channel="wechat", conversation_id="c-1")
    for signing_key in (KEY, new):
        for who in (caller(ME), visitor):
            assert wire.read(wire.sign(who, signing_key, BANK_NOW), new, BANK_NOW, previous=KEY) == who
    assert wire.read(wire.sign(caller(ME), KEY, BANK_NOW), new, BANK_NOW) == Caller()
    assert wire.read(wire.sign(caller(ME), b"x" * 32, BANK_NOW), new, BANK_NOW, previous=KEY) == Caller()


async def test_a_stranger_gets_nothing_from_any_action(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as client:
        for kind in ("absent", "signed with another key", "over", "a customer's own token"):
            for action in (action for action in ACTIONS if action.access == "customer"):
                for step in (step for step in action.steps if step != "explain"):
                    request = body(wire.action_name(action.name, step), assertion=STRANGERS[kind])
                    request["tracker"]["slots"] = {"customer_id": ME, "card_tail": "8888"}
                    answer = (await client.post("/webhook", json=request)).json()
                    assert answer["responses"][0]["custom"]["outcome"] == "sign_in"
                    assert answer["responses"][0]["custom"]["facts"] == []


async def test_the_sender_is_a_label_and_opens_nothing(url: str) -> None:
    request = body("action_card_bill")
    request["sender_id"] = request["tracker"]["sender_id"] = ME
    request["tracker"]["user_id"] = ME
    async with httpx.AsyncClient(base_url=url) as client:
        answer = (await client.post("/webhook", json=request)).json()
    assert answer["responses"][0]["custom"]["outcome"] == "sign_in"


# -- the protocol ---------------------------------------------------------------------------


async def test_health_and_the_list_of_actions(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as client:
        assert (await client.get("/health")).json() == {"status": "ok"}
        names = {entry["name"] for entry in (await client.get("/actions")).json()}
    assert {"action_fx_rate", "action_fx_buy_prepare", "action_fx_buy_commit", "action_fx_buy_outcome"} <= names
    assert "action_fx_buy" not in names
    assert len(names) == sum(len(action.steps) for action in ACTIONS)


async def test_an_answer_is_readable_and_has_the_result_beside_it(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as client:
        answer = (await client.post("/webhook", json=body("action_fx_rate", slots={"currency": ["USD"]}))).json()
    (message,) = answer["responses"]
    result = Result.model_validate(message["custom"])
    assert (answer["events"], result.outcome) == ([], "found")
    assert said(result)["spot_sell"] in message["text"]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b'{"next_action": "action_fx_rate"}', 400),
        (b'{"next_action": "action_fx_rate", "tracker": {"sender_id": "a", "slots": [1]}, "domain": {}}', 400),
        (b'{"next_action": "action_nobody_knows", "tracker": {"sender_id": "a"}, "domain": {}}', 404),
        (b'{"next_action": "action_fx_rate", "tracker": {"sender_id": "a"}}', 449),
        (b'{"next_action": "action_fx_quote", "tracker": {"sender_id": "a"}, "domain": {}}', 400),
        (b" " * (MAX_BODY + 1), 413),
    ],
)
async def test_a_request_that_cannot_be_served_says_why_in_rasas_words(url: str, content: bytes, status: int) -> None:
    async with httpx.AsyncClient(base_url=url) as client:
        answer = await client.post("/webhook", content=content)
    assert answer.status_code == status
    assert answer.json().keys() == {"error", "action_name"}


@pytest.mark.parametrize("latest_message", [None, "text", {"metadata": "text"}, {"metadata": {wire.KEY: 5}}])
async def test_metadata_of_any_shape_is_no_failure(url: str, latest_message: object) -> None:
    request = body("action_fx_rate")
    request["tracker"]["latest_message"] = latest_message
    async with httpx.AsyncClient(base_url=url) as client:
        assert (await client.post("/webhook", json=request)).status_code in (200, 400)


async def test_a_deflated_request_is_inflated_but_not_without_bound(url: str) -> None:
    headers = {"content-encoding": "deflate"}
    async with httpx.AsyncClient(base_url=url, headers=headers) as client:
        plain = json.dumps(body("action_fx_rate")).encode()
        assert (await client.post("/webhook", content=zlib.compress(plain))).status_code == 200
        assert (await client.post("/webhook", content=zlib.compress(b" " * (MAX_BODY * 20)))).status_code == 413
        assert (await client.post("/webhook", content=plain)).status_code == 400


async def test_a_failure_does_not_repeat_the_request() -> None:
    class Broken:
        async def run(self, call: ActionCall, caller: Caller) -> Result:
            raise RuntimeError(f"cannot handle {call.input}")

    canary = "6217000012345678"
    with serving(create_app(Broken(), KEY, lambda: BANK_NOW)) as url:
        async with httpx.AsyncClient(base_url=url) as client:
            answer = await client.post("/webhook", json=body("action_card_bill", slots={"card_tail": canary}))
    assert answer.status_code == 500
    assert answer.json() == {"error": "internal error", "action_name": "action_card_bill"}


# -- servers that are not ours, or not well -------------------------------------------------


class Stub:
    """A server that answers its webhook with whatever it is given, and a client of it."""

    def __init__(self) -> None:
        self.answer: Response = PlainTextResponse("")
        self.url = ""

    async def webhook(self, request: Request) -> Response:
        return self.answer

    async def ask(self, call: ActionCall, answer: Response) -> Result:
        self.answer = answer
        client = RemoteActions(f"{self.url}/webhook", KEY, clock=lambda: BANK_NOW)
        try:
            return await client.run(call, caller(ME))
        finally:
            await client.aclose()


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    stub = Stub()
    with serving(Starlette(routes=[Route("/webhook", stub.webhook, methods=["POST"])])) as stub.url:
        yield stub


def replies(*messages: object) -> JSONResponse:
    return JSONResponse({"events": [], "responses": list(messages)})


COMMIT = ActionCall(name="fx_buy", step="commit", quote_id="q", digest="d", key="key")
COMPLAINT = ActionCall(name="complaint", input={"detail": "慢"}, key="key")
QUERY = ActionCall(name="fx_rate")


async def test_a_foreign_actions_words_are_one_opaque_fact(stub: Stub) -> None:
    words = replies({"text": "您的快递已到"}, {"text": None}, {"text": "请取件", "custom": {"a": 1}})
    result = await stub.ask(QUERY, words)
    assert (result.capability, result.outcome, result.completed) == ("fx_rate", "foreign", False)
    (fact,) = result.facts
    assert (fact.name, fact.value, fact.source, fact.sensitivity) == (
        "text",
        "您的快递已到\n请取件",
        "foreign",
        "secret",
    )


@pytest.mark.parametrize(
    "answer",
    [
        replies(),
        replies({"text": None}),
        replies({"text": "", "custom": {"capability": "fx_rate", "outcome": "found", "surprise": 1}}),
        replies({"text": "", "custom": {"capability": "card_bill", "outcome": "found"}}),
        JSONResponse({"responses": "none"}),
        JSONResponse([]),
        JSONResponse(None),
        PlainTextResponse("hello"),
        PlainTextResponse("down", status_code=503),
        PlainTextResponse("elsewhere", status_code=307, headers={"location": "http://127.0.0.1:9/"}),
    ],
)
async def test_an_answer_that_makes_no_sense_is_an_error_unknown_only_for_an_effect(
    stub: Stub, answer: Response
) -> None:
    for call, unknown in ((QUERY, False), (COMMIT, True), (COMPLAINT, True)):
        with pytest.raises(BackendError) as raised:
            await stub.ask(call, answer)
        assert raised.value.unknown is unknown


async def test_a_refused_request_is_known_not_to_be_done(stub: Stub) -> None:
    with pytest.raises(BackendError) as raised:
        await stub.ask(COMMIT, JSONResponse({"error": "no", "action_name": ""}, status_code=400))
    assert not raised.value.unknown


async def test_a_server_that_is_not_there_was_never_asked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    client = RemoteActions(f"http://127.0.0.1:{port}", KEY, clock=lambda: BANK_NOW)
    with pytest.raises(BackendError) as raised:
        await client.run(COMMIT, caller(ME))
    assert not raised.value.unknown
    await client.aclose()


async def test_a_server_that_never_answers_is_given_up_in_time_and_unknown() -> None:
    class Silent:
        async def run(self, call: ActionCall, caller: Caller) -> Result:
            await asyncio.Event().wait()
            raise AssertionError("nothing sets that event")

    with serving(create_app(Silent(), KEY, lambda: BANK_NOW)) as url:
        client = RemoteActions(url, KEY, 0.1, clock=lambda: BANK_NOW)
        with pytest.raises(BackendError) as raised:
            async with asyncio.timeout(5):
                await client.run(COMMIT, caller(ME))
        await client.aclose()
    assert raised.value.unknown
