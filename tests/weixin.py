"""WeChat's and WeCom's servers as their vendor documents them, for tests: strict about what they are sent."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from collections.abc import Callable
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.channels.weixin import xml
from bot.channels.weixin.crypto import aes_key, check_signature, decrypt, encrypt, signature

APP, SECRET, TOKEN = "wx5823bf96d3bd56c7", "app-secret", "callback-token"
AES_KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
AGENT = 218
MAX_TEXT = 2_048
SENDS_A_MESSAGE = 5


class Weixin:
    """The platform. ``script`` says how its next calls go instead of well: an errcode, or the HTTP status of a failure that
    comes after the message was taken. ``shown`` is what each user saw, in order; ``on_send`` is called when
    a message was taken and before that is said."""

    def __init__(self, *, safe: bool = True) -> None:
        self.safe = safe
        self.key = aes_key(AES_KEY)
        self.now = dt.datetime.now(dt.UTC).timestamp
        self.followers = {"openid-1", "openid-2", "zhangsan", "wm-external-1"}
        self.left: dict[str, int] = {}
        self.shown: dict[str, list[str]] = {}
        self.typing: list[str] = []
        self.tokens_asked = 0
        self.tokens: dict[str, float] = {}
        self.lifetime = 7_200
        self.script: list[int] = []
        self.calls: list[str] = []
        self.on_send: Callable[[], object] | None = None
        self.kf_messages: list[dict[str, Any]] = []
        self.kf_sent: dict[str, dict[str, Any]] = {}
        self._numbers = itertools.count(4_561_255_354_251_345_929)
        self.app = Starlette(
            routes=[
                Route("/cgi-bin/stable_token", self._stable_token, methods=["POST"]),
                Route("/cgi-bin/gettoken", self._gettoken, methods=["GET"]),
                Route("/cgi-bin/message/custom/send", self._custom_send, methods=["POST"]),
                Route("/cgi-bin/message/custom/typing", self._custom_typing, methods=["POST"]),
                Route("/cgi-bin/message/send", self._app_send, methods=["POST"]),
                Route("/cgi-bin/kf/sync_msg", self._kf_sync, methods=["POST"]),
                Route("/cgi-bin/kf/send_msg", self._kf_send, methods=["POST"]),
                Route("/cgi-bin/kf/send_msg_on_event", self._kf_send_on_event, methods=["POST"]),
            ]
        )

    def http(self) -> httpx.AsyncClient:
        """A client of this platform."""
        return httpx.AsyncClient(base_url="https://platform.example", transport=httpx.ASGITransport(self.app))

    def callback(self, fields: dict[str, str | int]) -> tuple[dict[str, str], bytes]:
        """Query and body of a callback as the platform posts it."""
        timestamp, nonce = str(int(self.now())), "1372623149"
        message = xml.build(fields)
        query = {"timestamp": timestamp, "nonce": nonce, "signature": signature(TOKEN, timestamp, nonce)}
        if not self.safe:
            return query, message.encode()
        sealed = encrypt(message.encode(), self.key, APP)
        query |= {"encrypt_type": "aes", "msg_signature": signature(TOKEN, timestamp, nonce, sealed)}
        return query, xml.build({"ToUserName": str(fields.get("ToUserName", "")), "Encrypt": sealed}).encode()

    def text(self, text: str, user: str = "openid-1", **more: str | int) -> dict[str, str | int]:
        """The fields of a customer's text."""
        self.left[user] = SENDS_A_MESSAGE
        fields: dict[str, str | int] = {
            "ToUserName": "gh_bank",
            "FromUserName": user,
            "CreateTime": int(self.now()),
            "MsgType": "text",
            "Content": text,
            "MsgId": next(self._numbers),
        }
        return {**fields, **more}

    def event(self, name: str, user: str = "openid-1", **more: str | int) -> dict[str, str | int]:
        """The fields of an event."""
        fields: dict[str, str | int] = {
            "ToUserName": "gh_bank",
            "FromUserName": user,
            "CreateTime": int(self.now()),
            "MsgType": "event",
            "Event": name,
        }
        return {**fields, **more}

    async def post(self, bot: httpx.AsyncClient, path: str, fields: dict[str, str | int]) -> str | None:
        """Deliver a callback once and take the answer as the platform does: the text it shows, if any."""
        query, body = self.callback(fields)
        response = await bot.post(path, params=query, content=body, headers={"Content-Type": "text/xml"})
        assert response.status_code == 200, response.text
        if response.text in ("success", ""):
            return None
        answer = xml.parse(response.content)
        if self.safe:
            check_signature(answer["MsgSignature"], TOKEN, answer["TimeStamp"], answer["Nonce"], answer["Encrypt"])
            answer = xml.parse(decrypt(answer["Encrypt"], [self.key], APP)[0])
        assert (answer["ToUserName"], answer["FromUserName"]) == (fields["FromUserName"], fields["ToUserName"])
        assert answer["MsgType"] == "text"
        assert 0 < len(answer["Content"].encode()) <= MAX_TEXT
        return answer["Content"]

    async def _stable_token(self, request: Request) -> Response:
        asked = await request.json()
        if asked != {"grant_type": "client_credential", "appid": APP, "secret": SECRET, "force_refresh": False}:
            return JSONResponse({"errcode": 40125, "errmsg": "invalid appsecret"})
        return self._token()

    async def _gettoken(self, request: Request) -> Response:
        if dict(request.query_params) != {"corpid": APP, "corpsecret": SECRET}:
            return JSONResponse({"errcode": 40001, "errmsg": "invalid credential"})
        return self._token()

    def _token(self) -> Response:
        self.tokens_asked += 1
        live = [token for token, until in self.tokens.items() if until > self.now()]
        token = live[0] if live else f"token-{len(self.tokens)}"
        self.tokens.setdefault(token, self.now() + self.lifetime)
        return JSONResponse({"access_token": token, "expires_in": int(self.tokens[token] - self.now())})

    async def _custom_send(self, request: Request) -> Response:
        if (refused := self._refused(request)) is not None:
            return refused
        message = await _message(request)
        user = message["touser"]
        if user not in self.followers:
            return _error(43101)
        if self.left.get(user, 0) < 1:
            return _error(45047)
        self.left[user] -= 1
        return self._show(user, message)

    async def _custom_typing(self, request: Request) -> Response:
        if (refused := self._refused(request)) is not None:
            return refused
        message = await _message(request)
        assert message["command"] == "Typing"
        self.typing.append(message["touser"])
        return _error(0)

    async def _app_send(self, request: Request) -> Response:
        if (refused := self._refused(request)) is not None:
            return refused
        message = await _message(request)
        assert message["agentid"] == AGENT
        if message["touser"] not in self.followers:
            return _error(81013)
        return self._show(message["touser"], message)

    async def _kf_sync(self, request: Request) -> Response:
        if (refused := self._refused(request)) is not None:
            return refused
        asked = await _message(request)
        assert asked["open_kfid"] == "wk-1"
        start = int(asked.get("cursor") or 0)
        page = self.kf_messages[start : start + 2]
        end = start + len(page)
        more = int(end < len(self.kf_messages))
        return JSONResponse({"errcode": 0, "next_cursor": str(end), "has_more": more, "msg_list": page})

    async def _kf_send(self, request: Request) -> Response:
        if (refused := self._refused(request)) is not None:
            return refused
        message = await _message(request)
        assert message["open_kfid"] == "wk-1"
        assert 0 < len(message["msgid"]) <= 32
        assert all(c.isascii() and (c.isalnum() or c in "_-") for c in message["msgid"])
        if message["touser"] not in self.followers:
            return _error(95013)
        if message["msgid"] in self.kf_sent:
            return _error(0)
        self.kf_sent[message["msgid"]] = message
        return self._show(message["touser"], message)

    async def _kf_send_on_event(self, request: Request) -> Response:
        if (refused := self._refused(request)) is not None:
            return refused
        message = await _message(request)
        return self._show(message["code"], message)

    def _refused(self, request: Request) -> Response | None:
        self.calls.append(request.url.path)
        token = request.query_params.get("access_token", "")
        if token not in self.tokens:
            return _error(40014)
        if self.tokens[token] <= self.now():
            return _error(42001)
        if self.script and not 100 <= self.script[0] <= 599:
            return _error(self.script.pop(0))
        return None

    def _show(self, user: str, message: dict[str, Any]) -> Response:
        assert message["msgtype"] == "text"
        text = message["text"]["content"]
        if len(text.encode()) > MAX_TEXT:
            return _error(45002)
        self.shown.setdefault(user, []).append(text)
        if self.on_send is not None:
            self.on_send()
        if self.script:
            return Response("gateway", status_code=self.script.pop(0))
        return _error(0)


async def _message(request: Request) -> dict[str, Any]:
    body = await request.body()
    # The platform shows escapes as they are written.
    assert b"\\u" not in body
    message: dict[str, Any] = json.loads(body)
    return message


def _error(code: int) -> Response:
    return JSONResponse({"errcode": code, "errmsg": "ok" if code == 0 else "as documented"})
