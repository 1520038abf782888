"""The adapters of docs/adapters: what their platforms sign and encrypt is taken over HTTP, and nothing else is."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.adapter import SECRET, sign

FOLDER = Path(__file__).parent.parent.parent / "docs" / "adapters"

# Slack's own example.
SLACK_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
SLACK_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
    b"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
    b"%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121"
    b".803a0bc887a14d10d2c447fce8b6703c"
)
SLACK_HEADERS = {
    "X-Slack-Request-Timestamp": "1531420618",
    "X-Slack-Signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
}
# Feishu's own example.
FEISHU_KEY = "test key"
FEISHU_SEALED = "P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk="


class Around:
    """Teller and the platform, as an adapter sees them."""

    def __init__(self) -> None:
        self.teller: list[dict[str, Any]] = []
        self.shown: list[dict[str, Any]] = []
        self.answer: tuple[int, dict[str, Any]] = (202, {"conversation_id": "c", "seq": 1})

    def reached(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        if request.url.host == "teller.example":
            headers = request.headers
            made = sign(SECRET, headers["webhook-id"], headers["webhook-timestamp"], request.content)
            assert headers["webhook-signature"] == made
            self.teller.append({"id": headers["webhook-id"], **body})
            return httpx.Response(self.answer[0], json=self.answer[1])
        if "token" not in request.url.path:
            self.shown.append(body)
        return httpx.Response(200, json={"code": 0, "ok": True, "tenant_access_token": "t"})


@pytest.fixture
def around() -> Around:
    return Around()


@pytest.fixture
async def served(
    around: Around, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[[str], tuple[Any, httpx.AsyncClient]]]:
    monkeypatch.setenv("ADAPTER_SECRET", SECRET)
    monkeypatch.setenv("TELLER_WEBHOOK", "https://teller.example/channels/webhook/im")
    monkeypatch.setenv("SLACK_SIGNING_SECRET", SLACK_SECRET)
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-test")
    monkeypatch.setenv("FEISHU_ENCRYPT_KEY", FEISHU_KEY)
    monkeypatch.setenv("FEISHU_APP_ID", "cli_test")
    monkeypatch.setenv("FEISHU_APP_SECRET", "test")
    clients: list[httpx.AsyncClient] = []

    @cache
    def load(name: str) -> tuple[Any, httpx.AsyncClient]:
        spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.http = httpx.AsyncClient(transport=httpx.MockTransport(around.reached))
        client = httpx.AsyncClient(base_url="http://adapter", transport=httpx.ASGITransport(module.app))
        clients.extend((module.http, client))
        return module, client

    async with AsyncExitStack() as stack:
        yield load
        for client in clients:
            stack.push_async_callback(client.aclose)


Load = Callable[[str], tuple[Any, httpx.AsyncClient]]


async def test_slacks_own_example_is_taken_and_nothing_changed_in_it(served: Load, around: Around) -> None:
    slack, http = served("slack")
    slack.now = lambda: 1531420618.0
    taken = await http.post("/slack", content=SLACK_BODY, headers=SLACK_HEADERS)
    assert (taken.status_code, taken.text) == (200, slack.HOW)
    for place in range(0, len(SLACK_BODY), 23):
        changed = SLACK_BODY[:place] + bytes([SLACK_BODY[place] ^ 1]) + SLACK_BODY[place + 1 :]
        assert (await http.post("/slack", content=changed, headers=SLACK_HEADERS)).status_code == 403
    for name, value in SLACK_HEADERS.items():
        for place in range(len(value)):
            changed_value = value[:place] + chr(ord(value[place]) ^ 1) + value[place + 1 :]
            headers = {**SLACK_HEADERS, name: changed_value}
            assert (await http.post("/slack", content=SLACK_BODY, headers=headers)).status_code == 403
    slack.now = lambda: 1531420618.0 + 301
    assert (await http.post("/slack", content=SLACK_BODY, headers=SLACK_HEADERS)).status_code == 403
    assert around.teller == []


async def test_a_slack_question_goes_in_and_its_reply_to_the_user(served: Load, around: Around) -> None:
    slack, http = served("slack")
    body = b"team_id=T1&user_id=U1&text=usd+rate&trigger_id=t.1"
    at = f"{slack.now():.0f}"
    headers = {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": slack.slack_signature(SLACK_SECRET, at, body)}
    assert (await http.post("/slack", content=body, headers=headers)).status_code == 200
    assert around.teller == [{"id": "t.1", "user_id": "T1/U1", "text": "usd rate"}]
    await _reply_twice(http, "T1/U1", at)
    assert around.shown == [{"channel": "U1", "text": "7.12"}]


def _sealed(event: dict[str, Any]) -> bytes:
    padder = PKCS7(128).padder()
    plain = padder.update(json.dumps(event).encode()) + padder.finalize()
    key = hashlib.sha256(FEISHU_KEY.encode()).digest()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(bytes(16))).encryptor()
    sealed = base64.b64encode(bytes(16) + encryptor.update(plain) + encryptor.finalize()).decode()
    return json.dumps({"encrypt": sealed}).encode()


async def test_feishus_own_example_is_decrypted_and_its_address_verified(served: Load) -> None:
    feishu, http = served("feishu")
    assert feishu.decrypted(FEISHU_SEALED, FEISHU_KEY) == b"hello world"
    asked = _sealed({"type": "url_verification", "challenge": "c-1", "token": "t"})
    assert (await http.post("/feishu", content=asked)).json() == {"challenge": "c-1"}
    # What is in the example is no event: it is opened, and refused for what it is.
    assert (await http.post("/feishu", json={"encrypt": FEISHU_SEALED})).status_code == 400


async def test_a_feishu_message_goes_in_if_feishu_signed_it_and_its_reply_is_shown_once(
    served: Load, around: Around
) -> None:
    feishu, http = served("feishu")
    message = {"message_id": "om_1", "chat_type": "p2p", "message_type": "text", "content": '{"text": "美元"}'}
    sender = {"sender_id": {"open_id": "ou_1"}}
    body = _sealed({"header": {"event_type": "im.message.receive_v1"}, "event": {"message": message, "sender": sender}})
    signature = hashlib.sha256(b"1700000000" + b"n" + FEISHU_KEY.encode() + body).hexdigest()
    headers = {"X-Lark-Request-Timestamp": "1700000000", "X-Lark-Request-Nonce": "n", "X-Lark-Signature": signature}
    for name, value in headers.items():
        changed = {**headers, name: value[:-1] + ("0" if value[-1] != "0" else "1")}
        assert (await http.post("/feishu", content=body, headers=changed)).status_code == 403
    around.answer = (200, {"text": "绑定成功"})
    assert (await http.post("/feishu", content=body, headers=headers)).status_code == 200
    assert around.teller == [{"id": "om_1", "user_id": "ou_1", "kind": "text", "text": "美元"}]
    assert json.loads(around.shown[0]["content"]) == {"text": "绑定成功"}
    await _reply_twice(http, "ou_1", f"{feishu.time.time():.0f}")
    assert [json.loads(shown["content"])["text"] for shown in around.shown] == ["绑定成功", "7.12"]


@given(raw=st.binary(max_size=200), sealed=st.binary(max_size=80))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
async def test_no_body_makes_the_adapters_fail(served: Load, raw: bytes, sealed: bytes) -> None:
    _, feishu = served("feishu")
    _, slack = served("slack")
    wrapped = json.dumps({"encrypt": base64.b64encode(sealed).decode()}).encode()
    for body in (raw, wrapped):
        assert (await feishu.post("/feishu", content=body)).status_code in (400, 403)
        assert (await slack.post("/slack", content=body)).status_code == 403
        assert (await feishu.post("/replies", content=body)).status_code == 403
        assert (await slack.post("/replies", content=body)).status_code == 403


async def _reply_twice(http: httpx.AsyncClient, user_id: str, at: str) -> None:
    reply = json.dumps({"user_id": user_id, "text": "7.12"}).encode()
    headers = {"webhook-id": "r-1", "webhook-timestamp": at, "webhook-signature": sign(SECRET, "r-1", at, reply)}
    for _ in range(2):
        assert (await http.post("/replies", content=reply, headers=headers)).status_code == 204
    assert (await http.post("/replies", content=reply + b" ", headers=headers)).status_code == 403
