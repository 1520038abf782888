"""Canned replies on the page: added, changed and retired by who may, checked before reps have them, every version kept."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpx
import pytest

from bot.desk.canned import seed
from tests.desk import ADMIN, REP, SUPERVISOR, RepClient, waiting
from tests.server import Server, Talk

HI = next(each for each in seed() if each.key == "hi")


@pytest.fixture(scope="module")
def he(server: Server) -> Iterator[RepClient]:
    with RepClient(server, SUPERVISOR) as supervisor:
        yield supervisor


@pytest.fixture(scope="module")
def lin(server: Server) -> Iterator[RepClient]:
    with RepClient(server, REP) as rep:
        yield rep


@contextmanager
def held(server: Server, lin: RepClient) -> Iterator[Talk]:
    talk = waiting(server, "C1001")
    assert lin.act(talk, "claim").status_code == 200
    yield talk
    lin.act(talk, "hand-back", disposition="gone")


def save(rep: RepClient, key: str, zh: str, en: str = "Welcome.", **more: Any) -> httpx.Response:
    form = {"key": key, "title_zh": "标题", "title_en": "Title", "text_zh": zh, "text_en": en, "version": 0}
    return rep.post("/canned", **{**form, **more})


def trail(server: Server, key: str) -> list[tuple[str, dict[str, Any]]]:
    with closing(sqlite3.connect(server.service.settings.data_dir / "teller.db", timeout=10)) as rows:
        found = rows.execute("SELECT action, data FROM audit WHERE action LIKE 'canned.%' ORDER BY id").fetchall()
    return [(action, data) for action, text in found if (data := json.loads(text))["key"] == key]


def test_what_a_supervisor_adds_and_changes_is_what_reps_have_and_nothing_is_overwritten(
    server: Server, he: RepClient, lin: RepClient
) -> None:
    with held(server, lin) as talk:
        assert (
            save(he, "parking", "{customer}，{bank}网点都可以停车。", "{customer}, you can park.", new=True).status_code
            == 200
        )
        shown = lin.get(f"/conversations/{talk.id}/canned").text
        assert "/parking" in shown
        assert "云杉银行网点都可以停车。" in shown
        assert "{" not in shown
        assert save(he, "parking", "网点门口可以停车。", version=1).status_code == 200
        assert "网点门口可以停车。" in lin.get(f"/conversations/{talk.id}/canned").text
        assert "云杉银行网点都可以停车。" not in lin.get(f"/conversations/{talk.id}/canned").text
        assert he.post("/canned/parking/retire", version=2).status_code == 200
        assert "/parking" not in lin.get(f"/conversations/{talk.id}/canned").text
    page = he.get("/canned").text
    for version in ("网点都可以停车。", "网点门口可以停车。"):
        assert version in page
    assert [(what, data["version"]) for what, data in trail(server, "parking")] == [
        ("canned.changed", 1),
        ("canned.changed", 2),
        ("canned.retired", 3),
    ]


def test_who_saw_an_older_version_changes_nothing_and_a_key_that_is_taken_is_not_added(
    server: Server, he: RepClient
) -> None:
    with RepClient(server, ADMIN) as admin:
        assert save(admin, "wifi", "网点有无线网络。", new=True).status_code == 200
    for stale in ({"version": 0}, {"new": True}, {"version": 7}):
        refused = save(he, "wifi", "换掉", **stale)
        assert refused.status_code == 422
        assert "别人刚改过这一条" in refused.text
    assert save(he, "hi", "换掉", new=True).status_code == 422
    assert he.post("/canned/wifi/retire", version=0).status_code == 422
    assert he.post("/canned/none/retire", version=0).status_code == 404
    assert len(trail(server, "wifi")) == 1
    assert trail(server, "hi") == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"zh": "{customer_id}，您好"}, "没有这个占位：{customer_id}"),
        ({"zh": "{customer，您好"}, "没有这个占位：{"),
        ({"zh": " "}, "中英文内容都要填"),
        ({"zh": "您好", "title_en": " "}, "中英文标题都要填"),
        ({"key": "Über", "zh": "您好"}, "短名要用小写字母开头"),
    ],
)
def test_what_cannot_be_filled_in_or_found_is_not_kept(he: RepClient, change: dict[str, str], told: str) -> None:
    refused = save(he, **{"key": "odd", **change}, new=True)
    assert refused.status_code == 422
    assert told in refused.text
    assert "/odd" not in he.get("/canned").text


def test_a_promise_is_kept_for_reps_only_with_a_reason_which_is_kept_too(server: Server, he: RepClient) -> None:
    warned = save(he, "refund", "我保证三天内给您退款。", new=True)
    assert warned.status_code == 422
    assert '<mark class="wrong" title="guarantee">保证</mark>' in warned.text
    assert "我保证三天内给您退款。</textarea>" in warned.text
    assert save(he, "refund", "我保证三天内给您退款。", new=True, reason="  ").status_code == 422
    assert trail(server, "refund") == []
    assert save(he, "refund", "我保证三天内给您退款。", new=True, reason="法务已批准").status_code == 200
    [(_, kept)] = trail(server, "refund")
    assert (kept["reason"], "guarantee" in kept["overridden"]) == ("法务已批准", True)
    he.post("/canned/refund/retire", version=1)


def test_a_reply_of_the_file_is_changed_like_any_other_and_can_be_brought_back(
    server: Server, he: RepClient, lin: RepClient
) -> None:
    try:
        assert he.post("/canned/hi/retire", version=0).status_code == 200
        with held(server, lin) as talk:
            assert "<code>/hi</code>" not in lin.get(f"/conversations/{talk.id}/canned").text
    finally:
        back = {"title_zh": HI.title.zh, "title_en": HI.title.en, "version": 1}
        assert save(he, "hi", HI.text.zh, HI.text.en, **back).status_code == 200
    with held(server, lin) as talk:
        assert "<code>/hi</code>" in lin.get(f"/conversations/{talk.id}/canned").text
