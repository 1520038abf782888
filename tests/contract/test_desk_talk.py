"""A rep and a customer over HTTP: what each says reaches the other, and the bot keeps quiet meanwhile."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from decimal import Decimal
from pathlib import Path

import pytest

from tests.desk import OTHER_REP, REP, SUPERVISOR, RepClient, owner_of, strange, waiting
from tests.server import Server, Talk

HOSTILE = Path(__file__).parents[1].joinpath("data/hostile_markup.txt").read_text("utf-8").splitlines()


@pytest.fixture(scope="module")
def sign_in(server: Server) -> Iterator[Callable[[str], RepClient]]:
    with ExitStack() as stack:
        yield lambda name: stack.enter_context(RepClient(server, name))


@pytest.fixture(scope="module")
def lin(sign_in: Callable[[str], RepClient]) -> RepClient:
    return sign_in(REP)


@pytest.fixture(scope="module")
def zhou(sign_in: Callable[[str], RepClient]) -> RepClient:
    return sign_in(OTHER_REP)


@pytest.fixture(scope="module")
def he(sign_in: Callable[[str], RepClient]) -> RepClient:
    return sign_in(SUPERVISOR)


@pytest.fixture
def held(server: Server, lin: RepClient) -> Iterator[Talk]:
    """A customer whom Lin has taken."""
    talk = waiting(server, "C1001", "信用卡账单")
    assert lin.act(talk, "claim").status_code == 200
    yield talk
    if owner_of(server, talk) == lin.id:
        lin.act(talk, "hand-back", disposition="solved")


def kinds(talk: Talk, after: int = 0) -> list[tuple[str, str]]:
    """Who did what."""
    return [(event["actor"], event["type"]) for event in talk.events(after)]


def test_a_rep_takes_answers_and_hands_back_and_the_bot_speaks_only_before_and_after(
    server: Server, lin: RepClient, held: Talk
) -> None:
    start = held.events()[-1]["seq"]
    assert lin.say(held, "您好，我来帮您看。").status_code == 200
    assert held.post("账单日是哪天？", wait=3).status_code == 202
    assert lin.act(held, "typing").status_code == 204
    told = held.events(start)
    assert [(event["actor"], event["type"]) for event in told] == [
        ("rep", "message.completed"),
        ("customer", "message.completed"),
        ("rep", "typing"),
    ]
    assert (told[0]["data"]["text"], told[0]["data"]["name"]) == ("您好，我来帮您看。", "林晓")
    ended = lin.act(held, "hand-back", disposition="solved", tags=["praise"], summary="已答")
    assert ended.status_code == 200
    assert owner_of(server, held) == "bot"
    reply = held.say("今天美元汇率")
    assert reply["how"]["verdict"]
    assert kinds(held, start)[3:5] == [("rep", "handover.left"), ("rep", "rating.requested")]


def test_who_was_handed_back_without_a_word_is_not_asked_how_it_was(lin: RepClient, held: Talk) -> None:
    start = held.events()[-1]["seq"]
    assert lin.act(held, "hand-back", disposition="gone").status_code == 200
    assert kinds(held, start) == [("rep", "handover.left")]


def test_of_two_reps_who_reach_for_one_customer_the_second_is_told_who_has_them(
    server: Server, lin: RepClient, zhou: RepClient
) -> None:
    talk = waiting(server)
    assert lin.act(talk, "claim").status_code == 200
    late = zhou.act(talk, "claim")
    assert (late.status_code, late.json()["holder"]) == (409, lin.id)
    assert "林晓" in late.json()["detail"]
    before = talk.events()
    assert lin.act(talk, "claim").status_code == 200
    assert talk.events() == before, "a proxy that tried the other replica took nobody twice"
    lin.act(talk, "hand-back", disposition="gone")


def test_the_same_message_sent_twice_is_said_once(lin: RepClient, held: Talk) -> None:
    start = held.events()[-1]["seq"]
    for _ in range(2):
        assert lin.say(held, "请稍等。", "twice-0001").status_code == 200
    assert kinds(held, start) == [("rep", "message.completed")]


def test_a_promise_is_sent_only_with_a_reason_which_is_kept(server: Server, lin: RepClient, held: Talk) -> None:
    start = held.events()[-1]["seq"]
    text = "我保证三天内给您退款 500 元。"
    for form in ({}, {"override": "true"}, {"override": "true", "reason": "  "}):
        warned = lin.say(held, text, "promise-1", **form)
        assert warned.status_code == 422
        assert '<mark class="wrong" title="guarantee">保证</mark>' in warned.text
        assert text in warned.text
    assert kinds(held, start) == []
    assert lin.say(held, text, "promise-1", override="true", reason="主管已批准").status_code == 200
    assert kinds(held, start) == [("rep", "message.completed")]
    with closing(sqlite3.connect(server.service.settings.data_dir / "teller.db", timeout=10)) as rows:
        query = "SELECT data FROM audit WHERE action = 'message.sent' AND conversation_id = ? ORDER BY id DESC LIMIT 1"
        [kept] = rows.execute(query, (held.id,)).fetchone()
    assert "主管已批准" in str(kept).encode().decode("unicode_escape") or "主管已批准" in kept
    assert "guarantee" in kept


def test_figures_that_the_bank_gave_in_this_conversation_are_not_warned_of(lin: RepClient, held: Talk) -> None:
    figures = {
        Decimal(one["value"])
        for event in held.events()
        for one in event["data"].get("evidence", ())
        if one["unit"] == "CNY"
    }
    assert figures
    for figure in figures:
        assert "warnings" not in lin.act(held, "check", text=f"您这期账单里有一笔是{figure:,.2f}元。").text
    assert "figure_ungrounded" in lin.act(held, "check", text="您这期账单是6,842.38元。").text


def test_a_suggestion_is_the_bots_own_answer_and_what_became_of_it_is_kept(
    server: Server, lin: RepClient, held: Talk
) -> None:
    held.post("今天美元汇率多少", wait=1)
    start = held.events()[-1]["seq"]
    shown = lin.act(held, "suggestion")
    suggestion, text = _suggested(shown.text)
    assert "美元" in text
    assert held.events()[-1]["seq"] == start, "a suggestion is no event"
    edited = text.replace("。", "，请参考。", 1)
    assert lin.say(held, edited, "edited-0001", suggestion=suggestion).status_code == 200
    assert held.events()[-1]["data"]["text"] == edited
    with closing(sqlite3.connect(server.service.settings.data_dir / "teller.db", timeout=10)) as rows:
        row = rows.execute("SELECT outcome, distance FROM desk_suggestions WHERE id = ?", (suggestion,)).fetchone()
    assert row == ("edited", 4)


def test_a_suggestion_never_writes_and_takes_up_nothing_that_the_bot_had_begun(server: Server, lin: RepClient) -> None:
    talk = server.open(server.token("C1001"))
    for text in ("换五百美金", "转人工"):
        talk.say(text)
    assert lin.act(talk, "claim").status_code == 200
    before = _effects(server)
    for text in ("确认", "我要投诉你们的服务态度", "帮我挂失信用卡", "123456"):
        talk.post(text, wait=1)
        lin.act(talk, "suggestion")
    assert _effects(server) == before
    talk.post("信用卡还款日是哪天", wait=1)
    _, text = _suggested(lin.act(talk, "suggestion").text)
    assert "还款" in text
    assert "购汇" not in text
    assert "确认" not in text
    lin.act(talk, "hand-back", disposition="gone")


def test_a_transfer_shows_the_next_rep_what_the_last_one_wrote(
    server: Server, lin: RepClient, zhou: RepClient, held: Talk
) -> None:
    refused = lin.act(held, "transfer", to="rep-nobody")
    assert refused.status_code == 404
    assert lin.act(held, "transfer", to=zhou.id, summary="客户要外汇同事").status_code == 200
    assert owner_of(server, held) == zhou.id
    assert "客户要外汇同事" in zhou.get(f"/conversations/{held.id}").text
    assert lin.say(held, "我还在吗", "late-00001").status_code == 409
    assert zhou.act(held, "transfer", to="skill:wealth").status_code == 200
    assert owner_of(server, held) == "queue"
    assert zhou.act(held, "claim").status_code == 200
    zhou.act(held, "hand-back", disposition="solved")


def test_a_supervisor_assigns_and_takes_over(server: Server, zhou: RepClient, he: RepClient) -> None:
    talk = waiting(server)
    assert he.act(talk, "assign", to=zhou.id).status_code == 200
    assert owner_of(server, talk) == zhou.id
    assert he.act(talk, "take-over").status_code == 200
    assert owner_of(server, talk) == he.id
    assert zhou.say(talk, "喂", "gone-00001").status_code == 409
    assert he.act(talk, "hand-back", disposition="advised").status_code == 200
    quiet = server.open()
    quiet.say("你好")
    assert he.act(quiet, "take-over").status_code == 200
    assert quiet.post("在吗", wait=2).status_code == 202
    assert he.act(quiet, "hand-back", disposition="advised").status_code == 200


def test_who_signs_out_leaves_nobody_behind(server: Server, sign_in: Callable[[str], RepClient]) -> None:
    rep, talk = sign_in(OTHER_REP), waiting(server)
    other_tab = sign_in(OTHER_REP)
    assert rep.act(talk, "claim").status_code == 200
    assert rep.post("/sign-out").status_code == 204
    assert owner_of(server, talk) == rep.id, "the same rep is still there"
    # The module's own Zhou is signed in too: the last one of all counts.
    with closing(sqlite3.connect(server.service.settings.data_dir / "teller.db", timeout=10)) as rows, rows:
        rows.execute(
            "DELETE FROM desk_sessions WHERE rep_id = ? AND csrf != ?",
            (rep.id, other_tab.http.headers["X-CSRF-Token"]),
        )
    assert other_tab.post("/sign-out").status_code == 204
    assert owner_of(server, talk) == "queue"
    talk.say("不用了")


def test_the_customers_card_is_masked_until_it_is_asked_for_and_that_is_kept(
    server: Server, lin: RepClient, held: Talk
) -> None:
    masked = lin.get(f"/conversations/{held.id}/customer").text
    assert "陈**" in masked
    for secret in ("陈雨晴", "C1001", "6721"):
        assert secret not in masked
    revealed = lin.act(held, "reveal").text
    for secret in ("陈雨晴", "C1001", "6721"):
        assert secret in revealed
    with closing(sqlite3.connect(server.service.settings.data_dir / "teller.db", timeout=10)) as rows:
        query = "SELECT actor FROM audit WHERE action = 'view.customer' AND conversation_id = ?"
        assert rows.execute(query, (held.id,)).fetchall() == [(lin.id,)]


def test_the_transcript_shows_what_was_understood_and_what_the_answer_rests_on(lin: RepClient, held: Talk) -> None:
    page = lin.get(f"/conversations/{held.id}").text
    for shown in ("card_bill", "信用卡账单", '<mark class="slot"', '<mark class="fact"', "模板", "card_bill.run"):
        assert shown in page, shown


def test_whatever_markup_a_customer_or_a_rep_writes_is_text(server: Server, lin: RepClient) -> None:
    talk = waiting(server, None)
    lin.act(talk, "claim")
    for start in range(0, len(HOSTILE), 20):
        talk.post("\n".join(HOSTILE[start : start + 20])[:2000], wait=0)
    hostile = '"><script>window.pwned=1</script><img src=x onerror=window.pwned=1>'
    lin.act(talk, "notes", text=hostile)
    lin.say(talk, hostile, "hostile-01", override="true", reason=hostile)
    for page in (f"/conversations/{talk.id}", "/mine", "/search?q=%3Cscript%3E", f"/knowledge?q={hostile}"):
        text = lin.get(page).text
        assert strange(text) == [], page
        assert "pwned" in text or not page.startswith("/conversations"), page
    lin.act(talk, "hand-back", disposition="abuse")


def test_markup_in_a_merchants_name_is_a_name_in_every_fact_and_suggestion(server: Server, lin: RepClient) -> None:
    names = [name[:80] for name in HOSTILE if "pwned" in name][:8]
    newest = """
        SELECT transaction_id FROM bank_card_transactions JOIN bank_cards USING (card_id)
        WHERE customer_id = 'C1001' ORDER BY spent_at DESC LIMIT ?
    """
    with closing(sqlite3.connect(server.service.settings.data_dir / "bank.db", timeout=10)) as books, books:
        for (row,), name in zip(books.execute(newest, (len(names),)).fetchall(), names, strict=False):
            change = "UPDATE bank_card_transactions SET merchant = ?, merchant_en = ? WHERE transaction_id = ?"
            books.execute(change, (name, name, row))
    talk = waiting(server, "C1001", "查一下信用卡最近的消费记录")
    lin.act(talk, "claim")
    talk.post("再查一下信用卡最近的消费记录", wait=1)
    for text in (lin.get(f"/conversations/{talk.id}").text, lin.act(talk, "suggestion").text):
        assert "pwned" in text
        assert strange(text) == []
    lin.act(talk, "hand-back", disposition="solved")


def test_knowledge_is_found_over_all_subjects_and_its_figures_are_todays(lin: RepClient) -> None:
    found = lin.get("/knowledge?q=购汇额度是多少").text
    assert "50,000.00美元" in found
    assert "{" not in re.sub(r"<[^>]*>", "", found)


def test_canned_replies_know_the_customer_and_the_rep(lin: RepClient, held: Talk) -> None:
    page = lin.get(f"/conversations/{held.id}/canned").text
    assert "您好，陈女士，我是云杉银行客服林晓" in page


def test_the_stream_tells_of_new_lines_at_once_and_never_what_they_say(
    server: Server, lin: RepClient, held: Talk
) -> None:
    heard: list[str] = []
    ready, told = threading.Event(), threading.Event()

    def listen() -> None:
        with lin.http.stream("GET", f"/desk/stream?watch={held.id}") as stream:
            for line in stream.iter_lines():
                heard.append(line)
                if line == "event: mine":
                    ready.set()
                if ready.is_set() and line.startswith(f"data: {held.id} ") and not line.endswith(" 0"):
                    told.set()
                    return

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    assert ready.wait(10)
    held.post("还有一个问题：金丝雀", wait=0)
    assert told.wait(10), heard
    listener.join(5)
    assert "金丝雀" not in "\n".join(heard)


def _suggested(page: str) -> tuple[int, str]:
    match = re.search(r'id="suggested" data-id="(\d+)"[^>]*>([^<]*)<', page)
    assert match, page
    return int(match[1]), match[2]


def _effects(server: Server) -> list[int]:
    """How many rows each table of effects has: the bot's, and the bank's own."""
    counts = []
    for name, tables in (
        ("teller.db", ("writes", "challenges", "tickets", "deliveries")),
        ("bank.db", ("bank_effects", "bank_quotes", "bank_complaints", "bank_card_plastics")),
    ):
        with closing(sqlite3.connect(server.service.settings.data_dir / name, timeout=10)) as rows:
            counts += [rows.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] for table in tables]
    return counts
