"""An Official Account: heard once, answered in time or later, and never with somebody else's data."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.channels import platforms, words
from bot.channels.weixin import callbacks
from bot.channels.weixin.crypto import signature
from responses.scripted import ScriptedModel
from tests.unit.weixin_bot import WECHAT, Replica, replica, until
from tests.weixin import SENDS_A_MESSAGE, TOKEN, Weixin

PATH = "/channels/wechat"


@pytest.fixture
def weixin() -> Weixin:
    return Weixin()


@pytest.fixture
async def bot(tmp_path: Path, weixin: Weixin, redis: Redis) -> AsyncIterator[Replica]:
    async with replica(tmp_path, weixin, redis, **WECHAT) as running:
        yield running


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform that waits half a second."""
    monkeypatch.setattr(callbacks, "REPLY_WITHIN", 0.5)
    monkeypatch.setattr(callbacks, "TYPING_AFTER", 0.2)
    monkeypatch.setattr(platforms, "HELD", {"wechat": dt.timedelta(seconds=0.6)})


async def test_the_platform_is_shown_that_the_address_is_ours(tmp_path: Path, weixin: Weixin, redis: Redis) -> None:
    def then() -> dt.datetime:
        return dt.datetime.fromtimestamp(1410685589, dt.UTC)

    async with replica(tmp_path, weixin, redis, clock=then, **{**WECHAT, "wechat_token": "test"}) as bot:
        query = {"timestamp": "1410685589", "nonce": "test", "echostr": "5837"}
        known = "f21891de399b4e33a1a93c9a7b8a8fffb5a443ff"
        response = await bot.http.get(PATH, params={**query, "signature": known})
        assert (response.status_code, response.text) == (200, "5837")
        assert response.headers["content-type"].startswith("text/plain")
        changed = known.replace("f", "e", 1)
        assert (await bot.http.get(PATH, params={**query, "signature": changed})).status_code == 403
        assert (await bot.http.get(PATH, params=query)).status_code == 403


async def test_without_settings_there_is_no_such_channel(tmp_path: Path, weixin: Weixin, redis: Redis) -> None:
    async with replica(tmp_path, weixin, redis) as bot:
        assert (await bot.http.get(PATH)).status_code == 404
        query, body = weixin.callback(weixin.text("你好"))
        assert (await bot.http.post(PATH, params=query, content=body)).status_code == 404


async def test_a_question_is_answered_in_the_request_itself(bot: Replica, weixin: Weixin) -> None:
    shown = await weixin.post(bot.http, PATH, weixin.text("今天美元汇率多少"))
    assert shown is not None
    assert "美元" in shown
    assert await bot.deliveries() == [("sent", 0, None)]
    assert weixin.calls == []


async def test_plain_mode_is_answered_in_plain(tmp_path: Path, redis: Redis) -> None:
    weixin = Weixin(safe=False)
    async with replica(tmp_path, weixin, redis, **{**WECHAT, "wechat_aes_key": None}) as bot:
        assert "美元" in str(await weixin.post(bot.http, PATH, weixin.text("今天美元汇率多少")))


async def test_one_delivery_a_hundred_times_at_once_over_two_replicas_is_one_turn(
    tmp_path: Path, bot: Replica, weixin: Weixin, redis: Redis
) -> None:
    async with replica(tmp_path, weixin, redis, **WECHAT) as other:
        message = weixin.text("今天美元汇率多少")
        answers = await asyncio.gather(*(weixin.post((bot, other)[n % 2].http, PATH, message) for n in range(100)))
    assert len(await bot.heard()) == 1
    assert len(await bot.deliveries()) == 1
    assert len({answer for answer in answers if answer is not None}) == 1
    assert weixin.shown == {}


async def test_a_late_answer_is_sent_once_it_is_there(bot_late: Replica, weixin: Weixin) -> None:
    bot_late.gate.open.clear()
    message = weixin.text("今天美元汇率多少")
    assert await weixin.post(bot_late.http, PATH, message) is None
    assert weixin.typing == ["openid-1"]
    bot_late.gate.open.set()
    await until(lambda: weixin.shown)
    assert "美元" in weixin.shown["openid-1"][0]
    # The platform's own repetition, come too late, says it no second time.
    assert await weixin.post(bot_late.http, PATH, message) is None
    assert len(weixin.shown["openid-1"]) == 1


async def test_an_answer_that_a_stalled_model_delays_is_sent_later_within_the_quota(
    tmp_path: Path, weixin: Weixin, redis: Redis, impatient: None
) -> None:
    model = ScriptedModel("stalled")
    async with replica(tmp_path, weixin, redis, provider=model, **WECHAT) as bot:
        assert await weixin.post(bot.http, PATH, weixin.text("今天美元汇率多少")) is None
        assert weixin.shown == {}
        await until(lambda: weixin.shown)
    assert model.asked == 1
    assert "美元" in weixin.shown["openid-1"][0]
    assert len(weixin.shown["openid-1"]) == SENDS_A_MESSAGE - weixin.left["openid-1"]


async def test_a_killed_request_leaves_its_answer_to_a_later_send(bot_late: Replica, weixin: Weixin) -> None:
    request = asyncio.create_task(weixin.post(bot_late.http, PATH, weixin.text("今天美元汇率多少")))
    bot_late.gate.open.clear()
    await until(bot_late.heard)
    request.cancel()
    bot_late.gate.open.set()
    await until(lambda: weixin.shown)
    assert len(weixin.shown["openid-1"]) == 1


async def test_a_send_that_nobody_knows_of_is_not_repeated_and_is_put_aside(bot_late: Replica, weixin: Weixin) -> None:
    await _send_late(bot_late, weixin, 502)

    async def ended() -> bool:
        return [row[0] for row in await bot_late.deliveries()] == ["dead"]

    await until(ended)
    assert len(weixin.shown["openid-1"]) == 1
    assert (await bot_late.deliveries())[0][2] == "nobody knows if it was sent: HTTP 502"


async def test_a_closed_window_is_final(bot_late: Replica, weixin: Weixin) -> None:
    await _send_late(bot_late, weixin, 45015)

    async def ended() -> bool:
        return await bot_late.deliveries() == [("dead", 1, "errcode 45015")]

    await until(ended)
    assert weixin.shown == {}


async def test_a_busy_platform_is_asked_again(bot_late: Replica, weixin: Weixin) -> None:
    await _send_late(bot_late, weixin, -1)
    await until(lambda: weixin.shown)
    assert len(weixin.shown["openid-1"]) == 1


async def test_a_token_that_the_platform_refuses_is_fetched_anew(bot_late: Replica, weixin: Weixin) -> None:
    await _send_late(bot_late, weixin)
    await until(lambda: weixin.shown)
    weixin.tokens = dict.fromkeys(weixin.tokens, 0.0)
    await _send_late(bot_late, weixin)
    await until(lambda: len(weixin.shown["openid-1"]) == 2)
    assert len(weixin.tokens) == 2


async def test_a_voice_that_was_recognised_is_a_text(bot: Replica, weixin: Weixin) -> None:
    voice = weixin.text("", MsgType="voice", MediaId="m", Format="amr", Recognition="今天美元汇率多少")
    assert "美元" in str(await weixin.post(bot.http, PATH, voice))


@pytest.mark.parametrize(("kind", "said"), [("voice", words.NO_VOICE), ("image", words.NO_PICTURE)])
async def test_what_cannot_be_read_is_answered_kindly(bot: Replica, weixin: Weixin, kind: str, said: str) -> None:
    message = weixin.text("", MsgType=kind, MediaId="m", Recognition="")
    assert await weixin.post(bot.http, PATH, message) == said
    assert await bot.heard() == []


async def test_a_new_follower_is_greeted_by_a_machine_that_says_so(bot: Replica, weixin: Weixin) -> None:
    greeting = str(await weixin.post(bot.http, PATH, weixin.event("subscribe", EventKey="")))
    assert "人工智能" in greeting
    assert "/bind" in greeting


async def test_nothing_personal_is_said_before_binding_and_everything_after(bot: Replica, weixin: Weixin) -> None:
    before = str(await weixin.post(bot.http, PATH, weixin.text("我的信用卡账单")))
    assert "/bind" in before
    link = await bot.link()
    assert await weixin.post(bot.http, PATH, weixin.text(f"绑定 {link}")) == words.BOUND
    after = str(await weixin.post(bot.http, PATH, weixin.text("我的信用卡账单")))
    assert "还款" in after
    assert "/bind" not in after
    assert "/bind" in str(await weixin.post(bot.http, PATH, weixin.text("我的信用卡账单", "openid-2")))
    assert not any("/bind/" in text for text in await bot.heard())
    assert await weixin.post(bot.http, PATH, weixin.text("解除绑定")) == words.UNBOUND
    assert "/bind" in str(await weixin.post(bot.http, PATH, weixin.text("我的信用卡账单")))


async def test_a_write_that_needs_a_code_is_done_on_the_banks_page(bot: Replica, weixin: Weixin) -> None:
    await weixin.post(bot.http, PATH, weixin.text(await bot.link()))
    said = str(await weixin.post(bot.http, PATH, weixin.text("换五百美金")))
    assert bot.service.settings.bank_page() in said
    assert "验证码" not in said


async def test_a_link_binds_once_and_unfollowing_takes_it_back(bot: Replica, weixin: Weixin) -> None:
    link = await bot.link()
    texts = [weixin.text(link, user) for user in ("openid-1", "openid-2")]
    answers = await asyncio.gather(*(weixin.post(bot.http, PATH, text) for text in texts))
    assert sorted(map(str, answers)) == sorted([words.BOUND, words.LINK_IS_OVER])
    again = await weixin.post(bot.http, PATH, texts[answers.index(words.BOUND)])
    assert again == words.BOUND
    bound = (await bot.http.get("/v1/bindings", headers=await bot.token())).json()
    assert [binding["channel"] for binding in bound] == ["wechat"]
    await weixin.post(bot.http, PATH, weixin.event("unsubscribe", bound[0]["user_id"]))
    assert (await bot.http.get("/v1/bindings", headers=await bot.token())).json() == []


async def test_only_the_customer_takes_a_binding_away_on_the_page(bot: Replica, weixin: Weixin) -> None:
    await weixin.post(bot.http, PATH, weixin.text(await bot.link()))
    path = "/v1/bindings/wechat/openid-1"
    assert (await bot.http.delete(path)).status_code == 401
    assert (await bot.http.delete(path, headers=await bot.token("C1002"))).status_code == 404
    assert (await bot.http.delete(path, headers=await bot.token())).status_code == 204


async def test_a_large_body_and_a_foreign_one_are_refused_before_anything_is_asked(
    bot: Replica, weixin: Weixin
) -> None:
    query, body = weixin.callback(weixin.text("你好"))
    assert (await bot.http.post(PATH, params=query, content=b"<xml>" + b"a" * 1_048_576)).status_code == 413
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><xml><Encrypt>&a;</Encrypt></xml>'
    for refused in (bomb, b"", b"{}", body.replace(b"Encrypt", b"Encrypted")):
        assert (await bot.http.post(PATH, params=query, content=refused)).status_code == 403
    old = {**query, "timestamp": "1409659813", "msg_signature": signature(TOKEN, "1409659813", "1372623149")}
    assert (await bot.http.post(PATH, params=old, content=body)).status_code == 403
    assert await bot.heard() == []


@pytest.fixture
async def bot_late(tmp_path: Path, weixin: Weixin, redis: Redis, impatient: None) -> AsyncIterator[Replica]:
    """A bot beside an impatient platform."""
    async with replica(tmp_path, weixin, redis, **WECHAT) as running:
        yield running


async def _send_late(bot: Replica, weixin: Weixin, *script: int) -> None:
    """Have one answer sent by customer-service message; *script* is how the platform takes it."""
    bot.gate.open.clear()
    weixin.script = []
    assert await weixin.post(bot.http, PATH, weixin.text("今天美元汇率多少")) is None
    weixin.script = list(script)
    bot.gate.open.set()
