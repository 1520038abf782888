"""Corrections over HTTP: two clicks for a rep, another person's review, an export, and nothing for anybody else."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml

from bot.desk.rules import desk_rules
from tests.server import Server, Talk

HOSTILE = '<img src=x onerror="alert(1)">'


class Rep:
    """Somebody of the demo who is signed in at the desk."""

    def __init__(self, server: Server, name: str) -> None:
        password = next(rep.password for rep in desk_rules().demo_reps if rep.name == name)
        self.http = httpx.Client(base_url=server.url, headers={"Origin": server.url, "HX-Request": "true"}, timeout=30)
        self.http.post("/desk/sign-in", data={"name": name, "password": password})
        page = self.http.get("/desk/accounts" if name == "admin" else "/desk/corrections").text
        found = re.search(r'"X-CSRF-Token": "([^"]+)"', page)
        assert found, page
        self.http.headers["X-CSRF-Token"] = found[1]
        self.id = re.findall(r'data-rep="([^"]+)"', page)[0]

    def propose(self, talk: Talk, seq: int = 1, **said: Any) -> httpx.Response:
        return self.http.post(f"/desk/corrections/turn/{talk.id}/{seq}", data=said)

    def settle(self, correction: str, how: str = "", **said: Any) -> httpx.Response:
        return self.http.post(f"/desk/corrections/{correction}{how and f'/{how}'}", data=said)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("desk")).serving() as running:
        yield running


@pytest.fixture(scope="module")
def author(desk: Server) -> Iterator[Rep]:
    rep = Rep(desk, "linxiao")
    yield rep
    rep.http.close()


@pytest.fixture(scope="module")
def supervisor(desk: Server) -> Iterator[Rep]:
    rep = Rep(desk, "hemin")
    yield rep
    rep.http.close()


@pytest.fixture(scope="module")
def stranger(desk: Server) -> Iterator[Rep]:
    rep = Rep(desk, "zhouyue")
    yield rep
    rep.http.close()


@pytest.fixture(scope="module")
def proposed(desk: Server, author: Rep) -> tuple[Talk, str]:
    """A conversation, and the correction of it that waits for its reviewer."""
    talk = held_by(desk, author, "蓝色那张卡前天在三亚刷掉的是啥")
    return talk, correction_in(author.propose(talk, intent="insurance").text)


def held_by(desk: Server, rep: Rep, text: str) -> Talk:
    """A conversation in which *text* was said to the bot, and which *rep* then has."""
    talk = desk.open()
    assert talk.post(text).status_code == 200
    with contextlib.closing(sqlite3.connect(desk.service.settings.data_dir / "teller.db")) as database, database:
        database.execute("UPDATE conversations SET owner = ? WHERE id = ?", (rep.id, talk.id))
    return talk


def correction_in(page: str) -> str:
    found = re.search(r"/desk/corrections/([0-9a-f]{16})", page)
    assert found, page
    return found[1]


def test_two_clicks_correct_an_intent_and_another_person_lets_it_into_training(
    desk: Server, author: Rep, supervisor: Rep
) -> None:
    talk = held_by(desk, author, "我那张蓝色的卡昨天在海南刷了多少呀")
    panel = author.http.get(f"/desk/corrections/turn/{talk.id}/1")
    assert panel.status_code == 200
    assert 'name="intent" value="' in panel.text
    done = author.propose(talk, intent="insurance")
    assert done.status_code == 200
    correction = correction_in(done.text)
    shown = supervisor.http.get(f"/desk/corrections/{correction}").text
    assert "insurance" in shown
    approved = supervisor.settle(correction, "approve", revision=1)
    assert approved.status_code == 200
    rows = supervisor.http.get("/desk/corrections/export/rows")
    assert "attachment" in rows.headers["content-disposition"]
    (row,) = [json.loads(line) for line in rows.text.splitlines() if correction in line]
    assert (row["text"], row["intents"]) == ("我那张蓝色的卡昨天在海南刷了多少呀", ["insurance"])
    catalogue = yaml.safe_load(supervisor.http.get("/desk/corrections/export/catalogue").text)
    assert "insurance" in catalogue


def test_the_form_corrects_act_slots_and_reply_and_whoever_changed_it_does_not_review_it(
    desk: Server, author: Rep, supervisor: Rep
) -> None:
    talk = held_by(desk, author, "把白金卡上个月在杭州吃饭的钱列一列")
    marked = "把[白金卡](card_product)[上个月](period)在[杭州](city)吃饭的钱列一列"
    done = author.propose(talk, intent="complaint", act="status", text=marked, reply="马上给您列出来。", why="餐饮")
    correction = correction_in(done.text)
    page = author.http.get(f"/desk/corrections/{correction}").text
    assert "<sub>card_product</sub>" in page
    assert "马上给您列出来。" in page
    changed = supervisor.settle(correction, intent="complaint", act="do", text=marked, revision=1)
    assert changed.status_code == 200, changed.text
    assert supervisor.settle(correction, "approve", revision=2).status_code == 409
    assert supervisor.settle(correction, "approve", revision=1).status_code == 409
    assert author.settle(correction, "withdraw").status_code == 200


def test_a_bad_form_is_told_in_words_and_changes_nothing(author: Rep, desk: Server) -> None:
    talk = held_by(desk, author, "那张卡大前天在洱海边花了什么")
    for said in ({"intent": "nothing_known"}, {"text": "[那张](no_slot)卡"}, {"text": "[那张](卡"}, {}):
        refused = author.propose(talk, **said)
        assert refused.status_code == 422, said
        assert 'role="alert"' in refused.text
    assert author.propose(talk, intent="x" * 100).status_code == 422
    assert author.propose(talk, intent="gold").status_code == 200
    assert author.propose(talk, intent="pension").status_code == 409


def test_a_supervisor_sees_why_it_cannot_be_approved_yet(desk: Server, author: Rep, supervisor: Rep) -> None:
    talk = held_by(desk, author, "我留的13912345678能换成我妈的吗，前天刚办的")
    correction = correction_in(author.propose(talk, intent="insurance").text)
    page = supervisor.http.get(f"/desk/corrections/{correction}").text
    assert 'class="problem-words"' in page
    assert "手机号" in page
    assert supervisor.settle(correction, "approve", revision=1).status_code == 409
    assert supervisor.settle(correction, "reject", revision=1).status_code == 422
    assert supervisor.settle(correction, "reject", revision=1, why="留了手机号").status_code == 200
    assert "13912345678" not in supervisor.http.get(f"/desk/corrections/{correction}").text


def test_what_a_customer_wrote_is_text_on_every_page(desk: Server, author: Rep, supervisor: Rep) -> None:
    talk = held_by(desk, author, f"{HOSTILE} 前天在鼓浪屿刷了多少")
    pages = [author.http.get(f"/desk/corrections/turn/{talk.id}/1").text]
    done = author.propose(talk, intent="insurance", why=HOSTILE)
    correction = correction_in(done.text)
    pages += [
        done.text,
        supervisor.http.get("/desk/corrections").text,
        supervisor.http.get(f"/desk/corrections/{correction}").text,
    ]
    for page in pages:
        assert "&lt;img" in page
        assert "<img" not in page


@pytest.mark.parametrize("who", ["author", "stranger", "supervisor", "admin", "nobody"])
def test_every_role_finds_every_route_open_or_shut(
    who: str, desk: Server, author: Rep, supervisor: Rep, stranger: Rep, proposed: tuple[Talk, str]
) -> None:
    talk, correction = proposed
    routes = {
        ("GET", "/desk/corrections"): {"author": 200, "stranger": 200, "supervisor": 200},
        ("GET", f"/desk/corrections/turn/{talk.id}/1"): {"author": 200, "stranger": 404, "supervisor": 200},
        ("GET", f"/desk/corrections/turn/{talk.id}/99"): {"author": 404, "stranger": 404, "supervisor": 404},
        ("POST", f"/desk/corrections/turn/{talk.id}/1"): {"author": 422, "stranger": 404, "supervisor": 422},
        ("GET", f"/desk/corrections/{correction}"): {"author": 200, "stranger": 404, "supervisor": 200},
        ("GET", "/desk/corrections/none"): {"author": 404, "stranger": 404, "supervisor": 404},
        # Stale, each for whoever it is open to: the test changes nothing.
        ("POST", f"/desk/corrections/{correction}"): {"author": 422, "stranger": 422, "supervisor": 422},
        ("POST", f"/desk/corrections/{correction}/withdraw"): {"stranger": 404, "supervisor": 409},
        ("POST", f"/desk/corrections/{correction}/approve"): {"author": 403, "stranger": 403, "supervisor": 422},
        ("POST", f"/desk/corrections/{correction}/reject"): {"author": 403, "stranger": 403, "supervisor": 422},
        ("GET", "/desk/corrections/export/rows"): {"author": 403, "stranger": 403, "supervisor": 200},
        ("GET", "/desk/corrections/export/none"): {"author": 403, "stranger": 403, "supervisor": 404},
    }
    clients = {"author": author.http, "stranger": stranger.http, "supervisor": supervisor.http}
    http = clients.get(who) or httpx.Client(base_url=desk.url, headers={"Origin": desk.url}, timeout=30)
    if who == "admin":
        http = Rep(desk, "admin").http
    other = {"admin": 403, "nobody": 401}
    expected = {route: open_to.get(who, other.get(who)) for route, open_to in routes.items()}
    found = {
        (method, path): http.request(method, path, follow_redirects=False).status_code
        for (method, path), status in expected.items()
        if status is not None
    }
    if who not in clients:
        http.close()
    assert found == {route: status for route, status in expected.items() if status is not None}


@pytest.mark.parametrize("forged", [{"Origin": "https://elsewhere.example"}, {"X-CSRF-Token": "guessed"}])
def test_an_act_from_elsewhere_is_refused(forged: dict[str, str], author: Rep, desk: Server) -> None:
    talk = held_by(desk, author, "蓝卡昨天在敦煌的那几笔是什么呀")
    path = f"/desk/corrections/turn/{talk.id}/1"
    assert author.http.post(path, data={"intent": "insurance"}, headers=forged).status_code == 403
    assert "insurance" in author.propose(talk, intent="insurance").text


def test_who_looked_at_a_turn_and_who_took_the_rows_out_is_in_the_trail(
    desk: Server, author: Rep, supervisor: Rep, proposed: tuple[Talk, str]
) -> None:
    talk, _ = proposed
    supervisor.http.get("/desk/corrections/export/rows")
    with contextlib.closing(sqlite3.connect(desk.service.settings.data_dir / "teller.db")) as database:
        rows = database.execute("SELECT actor, action FROM audit WHERE conversation_id = ?", (talk.id,)).fetchall()
        taken = database.execute("SELECT actor FROM audit WHERE action = 'corrections.exported'").fetchall()
    assert {(author.id, "view.turn"), (author.id, "correction.proposed")} <= set(rows)
    assert (supervisor.id,) in taken
