"""The signed webhook: heard once, answered by a post that is tried until it is taken, and nobody else let in."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from redis.asyncio import Redis

from bot import delivery
from bot.channels import words
from bot.channels.webhook import to_customer
from bot.settings import UnsafeSettings, load_settings
from tests.adapter import CHANNEL, NAME, OTHER_SECRET, PATH, SECRET, URL, Adapter
from tests.unit.test_settings import PRODUCTION
from tests.unit.weixin_bot import Replica, replica, until

RATE = "今天美元汇率多少"
BILL = "我的信用卡账单"


@pytest.fixture
def adapter() -> Adapter:
    return Adapter()


@pytest.fixture
async def bot(tmp_path: Path, adapter: Adapter, redis: Redis) -> AsyncIterator[Replica]:
    async with replica(tmp_path, adapter, redis, **adapter.settings) as running:
        yield running


async def test_a_message_is_taken_at_once_and_its_reply_is_posted(bot: Replica, adapter: Adapter) -> None:
    taken = await adapter.post(bot.http, RATE)
    assert taken.status_code == 202
    await until(lambda: adapter.posted)
    [reply] = adapter.posted
    assert (reply["user_id"], reply["in_reply_to"]) == ("user-1", taken.json()["seq"])
    assert reply["conversation_id"] == taken.json()["conversation_id"]
    assert "美元" in reply["text"]
    assert reply["evidence"]
    assert reply.keys() == {
        "user_id", "conversation_id", "seq", "in_reply_to", "name", "text", "language", "quick_replies", "cards", "evidence"
    }  # fmt: skip


async def test_the_same_message_again_is_the_same_message(
    tmp_path: Path, bot: Replica, adapter: Adapter, redis: Redis
) -> None:
    async with replica(tmp_path, adapter, redis, **adapter.settings) as other:
        answers = await asyncio.gather(
            *(adapter.post((bot, other)[n % 2].http, RATE, message_id="m-once") for n in range(40))
        )
        await until(lambda: adapter.posted)
    assert {(answer.status_code, answer.text) for answer in answers} == {(202, answers[0].text)}
    assert await bot.heard() == [RATE]
    assert len(adapter.posted) == 1
    changed = await adapter.post(bot.http, BILL, message_id="m-once")
    assert (changed.status_code, changed.json()["type"]) == (422, "urn:teller:problem:message-id-reused")


async def test_what_is_not_signed_lately_by_the_adapter_is_refused(bot: Replica, adapter: Adapter) -> None:
    body = json.dumps({"user_id": "user-1", "text": RATE}).encode()
    good = adapter.signed(body)
    now = adapter.now()
    spoilt = [
        {name: value for name, value in good.items() if name != missing} for missing in good if missing[0] == "w"
    ] + [
        {**good, "webhook-id": "m-other"},
        {**good, "webhook-timestamp": str(int(now) + 1)},
        {**good, "webhook-signature": good["webhook-signature"].replace("v1,", "v1a,")},
        Adapter(OTHER_SECRET).signed(body),
        adapter.signed(body, at=now - 310),
        adapter.signed(body, at=now + 310),
    ]
    for headers in spoilt:
        refused = await bot.http.post(PATH, content=body, headers={"Content-Type": "application/json", **headers})
        assert (refused.status_code, refused.json()["type"]) == (403, "urn:teller:problem:refused"), headers
    assert "clock" in (await bot.http.post(PATH, content=body, headers=spoilt[-1])).json()["detail"]
    assert (await bot.http.post(PATH, content=body + b" ", headers=good)).status_code == 403
    assert await bot.heard() == []
    assert (await bot.http.post(PATH, content=body, headers=good)).status_code == 202


async def test_a_body_that_is_none_or_for_nobody_is_told_so_and_nothing_is_kept(bot: Replica, adapter: Adapter) -> None:
    bad: list[tuple[bytes, dict[str, str], int]] = [
        (b"a" * 1_048_576, {}, 413),
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b"{}", {"Content-Encoding": "gzip"}, 415),
        (b"{}", {"webhook-extra": "a" * 17_000}, 431),
        (b"", {}, 400),
        (b"{", {}, 400),
        (b"[" * 16_000, {}, 400),
        (b"[]", {}, 422),
        (b'{"user_id": "u"}', {}, 422),
        (b'{"user_id": "", "text": "a"}', {}, 422),
        (b'{"user_id": "u\\u0000", "text": "a"}', {}, 422),
        (b'{"user_id": "\\ud800", "text": "a"}', {}, 400),
        (b'{"user_id": 1e999, "text": "a"}', {}, 422),
        (json.dumps({"user_id": "u" * 129, "text": "a"}).encode(), {}, 422),
        (json.dumps({"user_id": "u", "text": "字" * 2_001}).encode(), {}, 422),
        (json.dumps({"user_id": "u", "text": " \u0007 "}).encode(), {}, 422),
        (json.dumps({"user_id": "u", "text": "a", "kind": "sticker"}).encode(), {}, 422),
        (json.dumps({"user_id": "u", "text": "a", "customer_id": "C1001"}).encode(), {}, 422),
    ]
    for body, headers, status in bad:
        answer = await bot.http.post(PATH, content=body, headers={**adapter.signed(body), **headers})
        assert answer.status_code == status, (body[:60], headers, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
    body = b'{"user_id": "u", "text": "a"}'
    for path in ("/channels/webhook/other", "/channels/webhook/wechat", "/channels/webhook/"):
        assert (await bot.http.post(path, content=body, headers=adapter.signed(body))).status_code == 404
    assert await bot.heard() == []


async def test_a_post_that_was_not_taken_is_repeated_under_the_same_id_and_shown_once(
    bot: Replica, adapter: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "FIRST_WAIT", dt.timedelta(milliseconds=2))
    adapter.script, adapter.shows_first = [500, 503, 429, 404, 302], True
    await adapter.post(bot.http, RATE)

    async def sent() -> bool:
        return await bot.deliveries() == [("sent", 6, None)]

    await until(sent)
    assert len(adapter.ids) == 6
    assert len(set(adapter.ids)) == 1
    assert len(adapter.shown["user-1"]) == 1


async def test_a_post_that_will_never_be_taken_is_a_dead_letter(bot: Replica, adapter: Adapter) -> None:
    adapter.script = [410]
    await adapter.post(bot.http, RATE)

    async def dead() -> bool:
        return await bot.deliveries() == [("dead", 1, "HTTP 410")]

    await until(dead)
    assert adapter.posted == []


async def test_an_adapter_that_cannot_be_reached_is_tried_again(
    bot: Replica, adapter: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "FIRST_WAIT", dt.timedelta(milliseconds=20))
    fails = [httpx.ConnectError("refused"), httpx.ReadTimeout("silent"), httpx.RemoteProtocolError("cut")]

    def fail() -> None:
        if fails:
            raise fails.pop()

    adapter.on_post = fail
    await adapter.post(bot.http, RATE)

    async def sent() -> bool:
        return await bot.deliveries() == [("sent", 4, None)]

    await until(sent)
    assert len(adapter.shown["user-1"]) == 1


async def test_both_secrets_hold_while_one_is_changed_for_the_other(
    tmp_path: Path, adapter: Adapter, redis: Redis
) -> None:
    changing = {NAME: {"url": URL, "secret": OTHER_SECRET, "secret_previous": SECRET}}
    async with replica(tmp_path, adapter, redis, webhooks=changing) as bot:
        for count, secret in enumerate((SECRET, OTHER_SECRET), start=1):
            adapter.secret = secret
            assert (await adapter.post(bot.http, RATE)).status_code == 202
            await until(lambda count=count: len(adapter.posted) == count)


async def test_nothing_personal_is_said_before_binding_and_everything_after(bot: Replica, adapter: Adapter) -> None:
    await adapter.post(bot.http, BILL)
    await until(lambda: adapter.posted)
    assert "/bind" in adapter.posted[0]["text"]
    link = await bot.link()
    bound = await adapter.post(bot.http, f"绑定 {link}")
    assert (bound.status_code, bound.json()) == (200, {"text": words.BOUND})
    assert (await adapter.post(bot.http, link, "user-2")).json() == {"text": words.LINK_IS_OVER}
    await adapter.post(bot.http, BILL)
    await until(lambda: len(adapter.posted) == 2)
    assert "还款" in adapter.posted[1]["text"]
    await adapter.post(bot.http, BILL, "user-2")
    await until(lambda: len(adapter.posted) == 3)
    assert "/bind" in adapter.posted[2]["text"]
    assert not any("/bind/" in text for text in await bot.heard())
    await adapter.post(bot.http, "换五百美金")
    await until(lambda: len(adapter.posted) == 4)
    assert bot.service.settings.bank_page() in adapter.posted[3]["text"]
    assert "验证码" not in adapter.posted[3]["text"]


async def test_an_unbinding_heard_again_does_not_take_a_later_binding(bot: Replica, adapter: Adapter) -> None:
    clock = adapter.now
    for asked in ({"text": "解除绑定"}, {"kind": "left"}):
        await adapter.post(bot.http, await bot.link())
        real = clock()
        body = json.dumps({"user_id": "user-1", **asked}).encode()
        captured = adapter.signed(body, at=real - 60)
        assert (await bot.http.post(PATH, content=body, headers=captured)).status_code == 200
        assert await bot.service.bindings.customer_of(CHANNEL, "user-1") == "C1001"
        meant = adapter.signed(body, at=real + 1)
        assert (await bot.http.post(PATH, content=body, headers=meant)).status_code == 200
        assert await bot.service.bindings.customer_of(CHANNEL, "user-1") is None


async def test_what_cannot_be_read_is_answered_kindly_and_who_comes_is_greeted(bot: Replica, adapter: Adapter) -> None:
    assert (await adapter.post(bot.http, None, kind="image")).json() == {"text": words.NO_PICTURE}
    assert (await adapter.post(bot.http, None, kind="voice")).json() == {"text": words.NO_VOICE}
    joined = (await adapter.post(bot.http, None, kind="joined")).json()["text"]
    assert "人工智能" in joined
    assert "/bind" in joined
    assert await bot.heard() == []
    assert (await adapter.post(bot.http, RATE, kind="voice")).status_code == 202


async def test_a_customers_binding_is_taken_away_whatever_the_platforms_ids_look_like(
    bot: Replica, adapter: Adapter
) -> None:
    user = "$:LWCP_v1:$a/b+c=?#张"
    await adapter.post(bot.http, await bot.link(), user)
    [bound] = (await bot.http.get("/v1/bindings", headers=await bot.token())).json()
    assert (bound["channel"], bound["user_id"]) == (CHANNEL, user)
    path = f"/v1/bindings/{CHANNEL}/{quote(user, safe='')}"
    assert (await bot.http.delete(path, headers=await bot.token("C1002"))).status_code == 404
    assert (await bot.http.delete(path, headers=await bot.token())).status_code == 204


@pytest.mark.parametrize(("language", "said"), [("zh", "李敏：您好"), ("en", "Min Li: 您好"), (None, "李敏：您好")])
def test_a_humans_message_is_theirs_by_name(language: str | None, said: str) -> None:
    data = {"seq": 4, "text": "您好", "language": language, "name": "李敏", "name_en": "Min Li", "message_id": "r-1"}
    letter = delivery.Delivery(id=1, conversation_id="c", label="user-1", event_seq=4, attempt=1, data=data)
    posted = to_customer(letter, "user-1", "https://bank.example")
    assert (posted.text, posted.name, posted.in_reply_to) == (said, "李敏", None)


SETTINGS = {"url": "https://adapter.example/in", "secret": SECRET}


@pytest.mark.parametrize(
    ("webhooks", "said"),
    [
        ({"im": {**SETTINGS, "secret": "short"}}, "im.secret"),
        ({"im": {**SETTINGS, "key": "x"}}, "im.key"),
        ({"im": {"url": "https://adapter.example"}}, "im.secret"),
        ({"IM!": SETTINGS}, "IM!"),
        ("{", "not JSON"),
        ({"a": SETTINGS, "b": SETTINGS}, "that of a too"),
        ({"a": {**SETTINGS, "secret_previous": SECRET}}, "once more"),
        ({"a": {**SETTINGS, "url": "http://adapter.example"}}, "not https"),
    ],
)
def test_settings_that_would_not_work_are_refused_in_words_without_the_secret(
    monkeypatch: pytest.MonkeyPatch, webhooks: object, said: str
) -> None:
    for name, value in PRODUCTION.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UnsafeSettings) as refused:
        load_settings(webhooks=webhooks, public_url="https://bank.example")
    assert said in str(refused.value)
    assert "short" not in str(refused.value)
    assert SECRET not in str(refused.value)


def test_settings_come_as_json_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELLER_WEBHOOKS", json.dumps({"im": SETTINGS}))
    [(name, found)] = load_settings(env="demo").webhooks.items()
    assert (name, str(found.url)) == ("im", "https://adapter.example/in")
    assert SECRET not in repr(found)
