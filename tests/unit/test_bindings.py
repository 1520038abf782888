"""Who shows a link first is bound, once, for as long as nobody takes it back."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.bindings import LIFETIME, LINKS_AN_HOUR, Bindings, TooManyLinks, code_in
from bot.channels.weixin.cursors import Cursors
from bot.records import AuditRow, BindingLinkRow


async def test_of_many_who_show_a_link_at_once_one_is_bound(database: AsyncEngine, now: dt.datetime) -> None:
    bindings = Bindings(database)
    link = await bindings.make_link("C1001", now)
    users = [f"openid-{n}" for n in range(8)]
    bound = await asyncio.gather(*(bindings.redeem(link.code, "wechat", user, now) for user in users))
    assert sorted(bound) == [False] * 7 + [True]
    owners = [await bindings.customer_of("wechat", user) for user in users]
    assert [owner is not None for owner in owners] == list(bound)


async def test_a_link_is_stored_as_a_hash_and_ends(database: AsyncEngine, now: dt.datetime) -> None:
    bindings = Bindings(database)
    link = await bindings.make_link("C1001", now)
    async with database.connect() as connection:
        rows = (await connection.execute(select(BindingLinkRow.digest))).scalars().all()
    assert len(rows) == 1
    assert link.code not in rows[0]
    assert not await bindings.redeem(link.code, "wechat", "openid-1", now + LIFETIME)
    assert await bindings.redeem(link.code, "wechat", "openid-1", now + LIFETIME - dt.timedelta(seconds=1))


async def test_a_new_link_ends_the_one_before_and_an_hour_has_only_so_many(
    database: AsyncEngine, now: dt.datetime
) -> None:
    bindings = Bindings(database)
    links = [await bindings.make_link("C1001", now) for _ in range(LINKS_AN_HOUR)]
    assert not await bindings.redeem(links[0].code, "wechat", "openid-1", now)
    with pytest.raises(TooManyLinks):
        await bindings.make_link("C1001", now)
    assert await bindings.redeem(links[-1].code, "wechat", "openid-1", now)
    await bindings.make_link("C1001", now + dt.timedelta(hours=1))


async def test_the_same_id_on_another_channel_is_somebody_else(database: AsyncEngine, now: dt.datetime) -> None:
    bindings = Bindings(database)
    await bindings.redeem((await bindings.make_link("C1001", now)).code, "wechat", "user", now)
    assert await bindings.customer_of("wecom", "user") is None


async def test_a_user_who_shows_another_customers_link_becomes_theirs_alone(
    database: AsyncEngine, now: dt.datetime
) -> None:
    bindings = Bindings(database)
    for customer in ("C1001", "C1002"):
        await bindings.redeem((await bindings.make_link(customer, now)).code, "wechat", "user", now)
    assert await bindings.customer_of("wechat", "user") == "C1002"
    assert await bindings.of("C1001") == []


async def test_binding_and_unbinding_leave_a_trace(database: AsyncEngine, now: dt.datetime) -> None:
    bindings = Bindings(database)
    await bindings.redeem((await bindings.make_link("C1001", now)).code, "wechat", "user", now)
    assert not await bindings.unbind("wechat", "user", now, "C1002")
    assert await bindings.unbind("wechat", "user", now, "C1001")
    assert not await bindings.unbind("wechat", "user", now)
    async with database.connect() as connection:
        notes = (await connection.execute(select(AuditRow.action, AuditRow.actor).order_by(AuditRow.id))).all()
    assert [tuple(note) for note in notes] == [("bound", "C1001"), ("unbound", "C1001")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"https://bank.example/bind/{'a' * 32}", True),
        (f"绑定：https://bank.example/bind/{'a-_9' * 8} 谢谢", True),
        (f"qrscene_/bind/{'a' * 32}", True),
        (f"https://bank.example/bind/{'a' * 31}", False),
        (f"https://bank.example/bind/{'a' * 33}", False),
        ("我想绑定微信", False),
    ],
)
def test_a_link_is_known_wherever_it_stands(text: str, found: bool) -> None:
    assert (code_in(text) is not None) is found


async def test_a_cursor_is_moved_by_whoever_saw_where_it_was(database: AsyncEngine) -> None:
    cursors = Cursors(database)
    assert await cursors.read("kf", "wk-1") is None
    assert await cursors.move("kf", "wk-1", None, "1")
    assert not await cursors.move("kf", "wk-1", None, "9")
    assert await cursors.move("kf", "wk-1", "1", "2")
    assert not await cursors.move("kf", "wk-1", "1", "3")
    assert await cursors.read("kf", "wk-1") == "2"
