"""Calls to the platform: with its token, and with every answer told apart as sent, not sent, never to be sent, unknown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
from redis.asyncio import Redis

from bot.channels.weixin.tokens import AccessTokens, Fetched
from bot.delivery import NotSent, Undeliverable, Unsure

TIMEOUT = 4.0
"""Seconds that one call may take."""
MAX_ANSWER = 4 * 1024 * 1024
"""Bytes of the longest answer that is read: a page of a thousand messages of 微信客服."""
TOKEN_IS_OVER = frozenset({40001, 40014, 42001})
FINAL = frozenset(
    {
        40003, 43004, 43101, 45002, 45015, 45047, 48001, 48002, 50002, 50005,  # Official Account
        60111, 81013,  # WeCom
        95001, 95013, 95018,  # 微信客服
    }
)  # fmt: skip
"""``errcode`` of what will not be taken later either: a window that is closed, a quota that is used up, a customer who is
gone, an app without the right. One that is missing here costs some useless attempts and ends the same. Source: the
platforms' lists of global codes (developers.weixin.qq.com; developer.work.weixin.qq.com/document/path/90313)."""


class Api:
    """One app's calls. *token_request* is what fetches its token: method, path, and query or body."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        redis: Redis,
        name: str,
        token_request: Callable[[], httpx.Request],
    ) -> None:
        self._http = http
        self._token_request = token_request
        self._tokens = AccessTokens(redis, name, self._fetch)

    async def call(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The platform's answer to a POST of *body*; a token that it refuses is fetched anew, once.

        Raises ``NotSent``, ``Undeliverable`` and ``Unsure``.
        """
        for last in (False, True):
            token = await self._tokens.get()
            # The platform reads neither escapes nor another charset right everywhere: UTF-8 as it is.
            request = self._http.build_request("POST", path, params={"access_token": token}, json=body)
            answer = await self._send(request)
            code = answer.get("errcode", 0)
            if code == 0:
                return answer
            if code not in TOKEN_IS_OVER:
                raise _refusal(code)
            await self._tokens.drop(token)
            if last:
                raise _refusal(code)
        raise AssertionError

    async def _fetch(self) -> Fetched:
        try:
            answer = await self._send(self._token_request())
        except Unsure as error:
            # No message was in it: whatever became of the token, nothing was sent.
            raise NotSent("the access token cannot be had") from error
        token, seconds = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not token or not isinstance(seconds, int):
            raise NotSent(f"no access token: errcode {answer.get('errcode')}")
        return Fetched(token, seconds)

    async def _send(self, request: httpx.Request) -> dict[str, Any]:
        try:
            response = await self._http.send(request, follow_redirects=False)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise NotSent(type(error).__name__) from error
        except httpx.HTTPError as error:
            raise Unsure(type(error).__name__) from error
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise NotSent("HTTP 429")
        if response.status_code != httpx.codes.OK or len(response.content) > MAX_ANSWER:
            raise Unsure(f"HTTP {response.status_code}")
        try:
            answer = response.json()
        except ValueError as error:
            raise Unsure("not JSON") from error
        if not isinstance(answer, dict):
            raise Unsure("not an object")
        return answer


def _refusal(code: object) -> NotSent | Undeliverable:
    # Its number only: the platform's words quote the customer's id, and change.
    return Undeliverable(f"errcode {code}") if code in FINAL else NotSent(f"errcode {code}")
