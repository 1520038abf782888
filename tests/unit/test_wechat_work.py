"""WeCom's app and 微信客服: the same promises as the Official Account's, by the ways these platforms have."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from bot.channels import platforms, words
from bot.channels.weixin import callbacks
from bot.channels.weixin.crypto import signature
from tests.unit.test_weixin_crypto import A_APP, A_CIPHER, B_BODY, B_ECHO, B_POST, B_TOKEN
from tests.unit.weixin_bot import WECOM, Replica, replica, until
from tests.weixin import AGENT, Weixin

APP_PATH = "/channels/wecom"
KF_PATH = "/channels/wechat-kf"
BILL = "我的信用卡账单"
RATE = "今天美元汇率多少"


@pytest.fixture
def weixin() -> Weixin:
    return Weixin()


@pytest.fixture
async def bot(tmp_path: Path, weixin: Weixin, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Replica]:
    monkeypatch.setattr(callbacks, "REPLY_WITHIN", 0.8)
    monkeypatch.setattr(callbacks, "TYPING_AFTER", 0.4)
    monkeypatch.setattr(platforms, "HELD", {"wecom": dt.timedelta(seconds=0.9)})
    async with replica(tmp_path, weixin, redis, **WECOM) as running:
        yield running


class Account:
    """A 微信客服 account as its customers use it."""

    def __init__(self, weixin: Weixin, http: httpx.AsyncClient) -> None:
        self.weixin = weixin
        self.http = http

    def write(self, text: str, user: str = "wm-external-1", **more: Any) -> None:
        """A message that waits to be pulled."""
        number = len(self.weixin.kf_messages) + 1
        message = {
            "msgid": f"kf-message-{number}",
            "open_kfid": "wk-1",
            "external_userid": user,
            "send_time": int(self.weixin.now()),
            "origin": 3,
            "msgtype": "text",
            "text": {"content": text},
        }
        self.weixin.kf_messages.append({**message, **more})

    async def knock(self) -> int:
        """The callback that says that there is something."""
        event = self.weixin.event("kf_msg_or_event", Token="sync-token", OpenKfId="wk-1", CreateTime=1)
        query, body = self.weixin.callback(event)
        return (await self.http.post(KF_PATH, params=query, content=body)).status_code

    @property
    def shown(self) -> list[str]:
        return self.weixin.shown.get("wm-external-1", [])


@pytest.fixture
def account(weixin: Weixin, bot: Replica) -> Account:
    return Account(weixin, bot.http)


async def test_wecoms_samples_hold_over_http(tmp_path: Path, weixin: Weixin, redis: Redis) -> None:
    def then() -> dt.datetime:
        return dt.datetime.fromtimestamp(1409659700, dt.UTC)

    settings = {**WECOM, "wecom_token": B_TOKEN}
    async with replica(tmp_path, weixin, redis, clock=then, **settings) as bot:
        for path in (APP_PATH, KF_PATH):
            response = await bot.http.get(path, params=B_ECHO)
            assert (response.status_code, response.content) == (200, b"1616140317555161061")
        assert (await bot.http.post(APP_PATH, params=B_POST, content=B_BODY)).status_code == 200
        assert await bot.heard() == ["hello"]
        for name in B_POST:
            forged = {**B_POST, name: B_POST[name][:-1] + ("0" if B_POST[name][-1] != "0" else "1")}
            assert (await bot.http.post(APP_PATH, params=forged, content=B_BODY)).status_code == 403


async def test_tencents_own_cipher_is_opened_over_http(tmp_path: Path, weixin: Weixin, redis: Redis) -> None:
    key = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
    settings = {**WECOM, "wecom_corpid": A_APP, "wecom_token": "pamtest", "wecom_aes_key": key}
    async with replica(tmp_path, weixin, redis, **settings) as bot:
        timestamp = str(int(weixin.now()))
        query = {"timestamp": timestamp, "nonce": "n", "echostr": A_CIPHER}
        shown = {**query, "msg_signature": signature("pamtest", timestamp, "n", A_CIPHER)}
        response = await bot.http.get(APP_PATH, params=shown)
        assert (response.status_code, response.text) == (200, "我是中文abcd123")
        for place in range(0, len(A_CIPHER), 5):
            changed = A_CIPHER[:place] + chr(ord(A_CIPHER[place]) ^ 1) + A_CIPHER[place + 1 :]
            refused = await bot.http.get(APP_PATH, params={**shown, "echostr": changed})
            assert refused.status_code == 403


async def test_without_settings_neither_is_there(tmp_path: Path, weixin: Weixin, redis: Redis) -> None:
    async with replica(tmp_path, weixin, redis) as bot:
        assert (await bot.http.get(APP_PATH, params=B_ECHO)).status_code == 404
        assert (await bot.http.get(KF_PATH, params=B_ECHO)).status_code == 404


async def test_the_app_answers_in_the_request_and_later(bot: Replica, weixin: Weixin) -> None:
    assert "美元" in str(await weixin.post(bot.http, APP_PATH, weixin.text(RATE, "zhangsan", AgentID=AGENT)))
    bot.gate.open.clear()
    assert await weixin.post(bot.http, APP_PATH, weixin.text(RATE, "zhangsan", AgentID=AGENT)) is None
    bot.gate.open.set()
    await until(lambda: weixin.shown)
    assert "美元" in weixin.shown["zhangsan"][0]


async def test_another_apps_message_is_passed_over(bot: Replica, weixin: Weixin) -> None:
    assert await weixin.post(bot.http, APP_PATH, weixin.text(RATE, "zhangsan", AgentID=999)) is None
    assert await bot.heard() == []


async def test_the_app_answers_kindly_and_greets(bot: Replica, weixin: Weixin) -> None:
    picture = weixin.text("", "zhangsan", AgentID=AGENT, MsgType="image")
    assert await weixin.post(bot.http, APP_PATH, picture) == words.NO_PICTURE
    came = weixin.event("subscribe", "zhangsan", AgentID=AGENT)
    assert "人工智能" in str(await weixin.post(bot.http, APP_PATH, came))


async def test_every_page_of_messages_is_taken_in_once(bot: Replica, account: Account) -> None:
    texts = ["今天美元汇率多少", "今天欧元汇率多少", "今天日元汇率多少", "今天英镑汇率多少", "今天港币汇率多少"]
    for text in texts:
        account.write(text)
    assert set(await asyncio.gather(*(account.knock() for _ in range(5)))) == {200}
    assert await account.knock() == 200
    assert sorted(await bot.heard()) == sorted(texts)
    await until(lambda: len(account.shown) == len(texts))
    await asyncio.sleep(0.5)
    assert len(account.shown) == len(texts)


async def test_what_was_there_before_the_first_pull_is_history(bot: Replica, account: Account) -> None:
    account.write("三天前的问题", send_time=int(account.weixin.now()) - 259_000)
    account.write(RATE)
    assert await account.knock() == 200
    assert await bot.heard() == [RATE]


async def test_what_reps_said_is_not_taken_for_a_customers_words(bot: Replica, account: Account) -> None:
    account.write("您好，我是坐席", origin=5)
    assert await account.knock() == 200
    assert await bot.heard() == []


async def test_a_platform_that_is_away_says_it_again_and_nothing_is_lost(bot: Replica, account: Account) -> None:
    account.write(RATE)
    account.weixin.script = [-1]
    assert await account.knock() == 503
    assert await account.knock() == 200
    assert await bot.heard() == [RATE]


async def test_a_send_that_nobody_knows_of_is_repeated_and_shown_once(bot: Replica, account: Account) -> None:
    account.write(RATE)
    bot.gate.open.clear()
    assert await account.knock() == 200
    account.weixin.script = [502]
    bot.gate.open.set()

    async def sent() -> bool:
        return [row[:2] for row in await bot.deliveries()] == [("sent", 2)]

    await until(sent)
    assert len(account.shown) == 1


async def test_a_customer_of_the_service_account_is_bound_as_anywhere(bot: Replica, account: Account) -> None:
    account.write(BILL)
    assert await account.knock() == 200
    await until(lambda: len(account.shown) == 1)
    assert "/bind" in account.shown[0]
    account.write(await bot.link())
    account.write(BILL)
    assert await account.knock() == 200
    await until(lambda: len(account.shown) == 3)
    assert account.shown[1] == words.BOUND
    assert "还款" in account.shown[2]


async def test_who_comes_in_is_greeted_and_a_scene_may_carry_the_link(bot: Replica, account: Account) -> None:
    came = {"event_type": "enter_session", "open_kfid": "wk-1", "external_userid": "wm-external-1"}
    account.write("", msgtype="event", origin=4, external_userid=None, event={**came, "welcome_code": "w1"})
    bound = {**came, "welcome_code": "w2", "scene_param": (await bot.link()).partition("8000")[2]}
    account.write("", msgtype="event", origin=4, external_userid=None, event=bound)
    assert await account.knock() == 200
    assert "人工智能" in account.weixin.shown["w1"][0]
    assert account.weixin.shown["w2"] == [words.BOUND]


async def test_a_picture_to_the_service_account_is_answered_kindly(bot: Replica, account: Account) -> None:
    account.write("", msgtype="image")
    assert await account.knock() == 200
    assert account.shown == [words.NO_PICTURE]
