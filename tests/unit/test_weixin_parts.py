"""Lengths, tokens and calls: what the three platforms share."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from bot.channels.weixin.api import FINAL, TOKEN_IS_OVER, Api
from bot.channels.weixin.lengths import MAX_BYTES, pieces
from bot.channels.weixin.sending import PartlySent, send_parts
from bot.channels.weixin.tokens import EARLY, AccessTokens, Fetched
from bot.delivery import Delivery, NotSent, Undeliverable, Unsure

MORE = "其余请在手机银行查看。"
SENTENCES = st.lists(st.text(st.sampled_from("账单金额一二三 abc123,.¥"), min_size=1, max_size=60), max_size=60)


@given(SENTENCES, st.integers(1, 5), st.integers(60, 400))
def test_pieces_fit_and_say_nothing_twice_and_nothing_else(sentences: list[str], most: int, limit: int) -> None:
    text = "".join(f"{sentence}。" for sentence in sentences)
    cut = pieces(text, most, MORE, limit)
    assert len(cut) <= most
    assert all(0 < len(piece.encode()) <= limit for piece in cut)
    kept = "".join(cut)
    squeezed = "".join(text.split())
    if not kept.endswith(MORE):
        assert "".join(kept.split()) == squeezed
    else:
        assert squeezed.startswith("".join(kept.removesuffix(MORE).split()))


def test_a_reply_is_cut_behind_a_sentence() -> None:
    sentence = "您的账单金额为人民币一万二千三百四十五元六角七分，请在到期日之前还清。"
    cut = pieces(sentence * 40, 5, MORE)
    assert len(cut) > 1
    assert all(piece.endswith("。") and len(piece.encode()) <= MAX_BYTES for piece in cut)


@given(st.integers(0, 200), st.integers(10**6, 10**12))
def test_a_figure_is_never_cut_in_two(before: int, figure: int) -> None:
    amount = f"{figure:,}.00"
    cut = pieces("账" * before + amount + "元" * 300, 50, MORE, limit=120)
    assert any(amount in piece for piece in cut)


class Platform:
    """Gives tokens, and keeps how often it was asked."""

    def __init__(self, seconds: int = 7_200) -> None:
        self.seconds = seconds
        self.asked = 0

    async def fetch(self) -> Fetched:
        self.asked += 1
        await asyncio.sleep(0.05)
        return Fetched(f"token-{self.asked}", self.seconds)


async def test_many_processes_fetch_one_token(redis: Redis) -> None:
    platform = Platform()
    processes = [AccessTokens(redis, "app", platform.fetch) for _ in range(20)]
    assert set(await asyncio.gather(*(process.get() for process in processes))) == {"token-1"}
    assert platform.asked == 1


async def test_a_token_is_renewed_before_it_ends(redis: Redis) -> None:
    platform = Platform()
    await AccessTokens(redis, "app", platform.fetch).get()
    assert 0 < await redis.ttl("teller:weixin:token:app") <= 7_200 - EARLY
    ending = Platform(seconds=EARLY)
    tokens = AccessTokens(redis, "ending", ending.fetch)
    assert [await tokens.get(), await tokens.get()] == ["token-1", "token-2"]


async def test_a_refused_token_is_dropped_and_a_newer_one_stays(redis: Redis) -> None:
    platform = Platform()
    tokens = AccessTokens(redis, "app", platform.fetch)
    first = await tokens.get()
    await tokens.drop(first)
    second = await tokens.get()
    await tokens.drop(first)
    assert await tokens.get() == second != first


async def test_a_fetch_that_fails_lets_the_next_one_try_at_once(redis: Redis) -> None:
    async def fail() -> Fetched:
        raise NotSent("away")

    with pytest.raises(NotSent):
        await AccessTokens(redis, "app", fail).get()
    async with asyncio.timeout(1):
        assert await AccessTokens(redis, "app", Platform().fetch).get() == "token-1"


async def test_without_redis_a_process_asks_for_itself() -> None:
    dead = Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0))
    tokens = AccessTokens(dead, "app", Platform().fetch)
    assert await tokens.get() == "token-1"
    await tokens.drop("token-1")
    await dead.aclose()


Answer = Callable[[httpx.Request], httpx.Response]


def api(redis: Redis, answer: Answer) -> Api:
    """Calls to a platform that answers so to all but the question for a token."""

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            return httpx.Response(200, json={"access_token": "t", "expires_in": 7_200})
        return answer(request)

    http = httpx.AsyncClient(base_url="https://platform.example", transport=httpx.MockTransport(handle))
    return Api(http, redis, "app", lambda: http.build_request("POST", "/token"))


def _fails(error: Exception) -> Answer:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    return answer


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (lambda _: httpx.Response(200, json={"errcode": 45047}), Undeliverable),
        (lambda _: httpx.Response(200, json={"errcode": 45009}), NotSent),
        (lambda _: httpx.Response(200, json={"errcode": 40001}), NotSent),
        (lambda _: httpx.Response(429), NotSent),
        (lambda _: httpx.Response(502), Unsure),
        (lambda _: httpx.Response(302, headers={"Location": "https://elsewhere.example"}), Unsure),
        (lambda _: httpx.Response(200, text="<html>"), Unsure),
        (lambda _: httpx.Response(200, json=[]), Unsure),
        (_fails(httpx.ConnectError("refused")), NotSent),
        (_fails(httpx.ReadTimeout("silent")), Unsure),
        (_fails(httpx.RemoteProtocolError("cut")), Unsure),
    ],
)
async def test_every_answer_is_told_apart(redis: Redis, answer: Answer, outcome: type[Exception]) -> None:
    with pytest.raises(outcome):
        await api(redis, answer).call("/send", {"touser": "u"})


async def test_a_call_carries_the_token_and_chinese_as_it_is(redis: Redis) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"errcode": 0, "msgid": "1"})

    assert (await api(redis, answer).call("/send", {"text": "您好"}))["msgid"] == "1"
    assert seen[0].url.params["access_token"] == "t"
    assert "您好".encode() in seen[0].content
    assert json.loads(seen[0].content) == {"text": "您好"}


def test_no_error_is_both_final_and_cured_by_a_new_token() -> None:
    assert not FINAL & TOKEN_IS_OVER


async def test_a_reply_that_was_sent_in_part_is_not_begun_again() -> None:
    delivery = Delivery(id=1, conversation_id="c", label="openid", event_seq=2, attempt=1, data={})
    sent: list[str] = []

    async def one(_: str, text: str) -> None:
        if text == "b":
            raise NotSent("errcode -1")
        sent.append(text)

    with pytest.raises(PartlySent):
        await send_parts(delivery, ["a", "b"], one)
    with pytest.raises(NotSent):
        await send_parts(delivery, ["b", "a"], one)
    with pytest.raises(Undeliverable):
        await send_parts(delivery.model_copy(update={"label": None}), ["a"], one)
    assert sent == ["a"]
