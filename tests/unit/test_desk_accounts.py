"""Accounts of the desk: who may sign in, how often they may guess, and how long it holds."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.desk.accounts import LOCKED_FOR, WRONG_TRIES, Accounts, BadAccount, Rep, SignInRefused, TooManyTries
from bot.desk.customer import masked_name
from bot.desk.desk import make_demo_reps
from bot.desk.passwords import NOBODYS, Passwords, WeakPassword, demand_strong
from bot.desk.rules import desk_rules
from bot.desk.sessions import IDLE, LIFE, Sessions
from bot.desk.speaking import edit_distance
from bot.desk.trail import csv_line
from bot.desk.urgency import skill_of, urgency_of
from bot.records import AuditRow

RIGHT = "correct horse"
CHEAPEST = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
CHEAP = CHEAPEST.hash(RIGHT)


class Counting(Passwords):
    """Passwords that count how often one was looked at."""

    def __init__(self) -> None:
        super().__init__(CHEAPEST)
        self.looked = 0

    async def match(self, hash_: str, password: str) -> bool:
        self.looked += 1
        return hash_ != NOBODYS and await super().match(hash_, password)


@pytest.fixture
def passwords() -> Counting:
    return Counting()


@pytest.fixture
def accounts(database: AsyncEngine, passwords: Counting) -> Accounts:
    return Accounts(database, passwords)


async def hire(accounts: Accounts, now: dt.datetime, name: str = "lin", **given: object) -> Rep:
    given = {"role": "rep", "password_hash": CHEAP, **given}
    return await accounts.create(name, "", now=now, actor="test", **given)  # type: ignore[arg-type]


async def test_many_guesses_at_once_are_looked_at_five_times_and_the_right_one_after_the_lock_is_over(
    accounts: Accounts, passwords: Counting, now: dt.datetime
) -> None:
    await hire(accounts, now)

    async def guess(n: int, at: dt.datetime) -> str:
        try:
            await accounts.sign_in("lin", RIGHT if n == 16 else f"guess {n}", None, at)
        except (SignInRefused, TooManyTries) as error:
            return type(error).__name__
        return "in"

    outcomes = await asyncio.gather(*(guess(n, now) for n in range(16)))
    assert (outcomes.count("SignInRefused"), outcomes.count("TooManyTries")) == (WRONG_TRIES, 16 - WRONG_TRIES)
    assert passwords.looked == WRONG_TRIES
    assert await guess(16, now) == "TooManyTries"
    assert await guess(16, now + LOCKED_FOR) == "in"
    assert [await guess(1, now + LOCKED_FOR) for _ in range(4)] == ["SignInRefused"] * 4
    assert await guess(16, now + LOCKED_FOR) == "in"


async def test_no_such_name_and_a_shut_account_read_like_a_wrong_password_and_cost_as_much(
    accounts: Accounts, passwords: Counting, now: dt.datetime
) -> None:
    rep = await hire(accounts, now)
    await accounts.change(rep.id, now, actor="test", active=False)
    for name, password in (("nobody", RIGHT), ("lin", RIGHT), ("LIN ", "wrong one")):
        with pytest.raises(SignInRefused):
            await accounts.sign_in(name, password, None, now)
    assert passwords.looked == 3


async def test_an_address_may_try_only_so_often_whatever_the_names(
    database: AsyncEngine, passwords: Counting, now: dt.datetime
) -> None:
    accounts = Accounts(database, passwords, address_tries=3)
    for n in range(3):
        with pytest.raises(SignInRefused):
            await accounts.sign_in(f"name{n}", "x", "192.0.2.1", now)
    with pytest.raises(TooManyTries):
        await accounts.sign_in("name3", "x", "192.0.2.1", now)
    assert passwords.looked == 3


async def test_processes_that_start_at_once_make_the_demos_reps_once(
    open_engine: Callable[[], AsyncEngine], now: dt.datetime
) -> None:
    started = [Accounts(open_engine(), Passwords()) for _ in range(3)]
    await asyncio.gather(*(make_demo_reps(accounts, now) for accounts in started))
    assert len(await started[0].all()) == len(desk_rules().demo_reps)


async def test_the_last_admin_stays(accounts: Accounts, now: dt.datetime) -> None:
    admin = await hire(accounts, now, "root", role="admin")
    for change in ({"active": False}, {"role": "rep"}):
        with pytest.raises(BadAccount, match="last admin"):
            await accounts.change(admin.id, now, actor="test", **change)
    await hire(accounts, now, "root2", role="admin")
    assert not (await accounts.change(admin.id, now, actor="test", active=False)).active


async def test_a_session_ends_with_the_shift_with_silence_and_with_the_account(
    accounts: Accounts, database: AsyncEngine, now: dt.datetime
) -> None:
    sessions, rep = Sessions(database), await hire(accounts, now)
    token = await sessions.begin(rep, None, now)
    found = await sessions.find(token, now)
    assert found is not None
    assert found.rep.id == rep.id
    assert found.has_sent(found.csrf)
    assert not found.has_sent("")
    assert not found.has_sent(None)
    assert await sessions.find(f"{token}x", now) is None
    assert await sessions.find(token, now + IDLE) is None
    at = now
    while at - now < LIFE - IDLE:
        at += IDLE / 2
        assert await sessions.find(token, at) is not None
    assert await sessions.find(token, now + LIFE) is None
    await accounts.change(rep.id, now, actor="test", active=False)
    assert await sessions.find(token, now) is None


@pytest.mark.parametrize("changes", [{"role": "supervisor"}, {"active": False}])
async def test_who_gets_another_role_signs_in_anew(
    accounts: Accounts, database: AsyncEngine, now: dt.datetime, changes: dict[str, object]
) -> None:
    sessions, rep = Sessions(database), await hire(accounts, now)
    token = await sessions.begin(rep, None, now)
    await accounts.change(rep.id, now, actor="test", **changes)
    await accounts.change(rep.id, now, actor="test", active=True)
    assert await sessions.find(token, now) is None


@pytest.mark.parametrize(
    "given",
    [
        {"name": "Lin Xiao"},
        {"name": "queue!"},
        {"role": "owner"},
        {"capacity": 0},
        {"display_name": "x" * 33},
        {"display_name": "林\u202e晓"},
    ],
)
async def test_an_account_that_makes_no_sense_is_refused_with_a_sentence(
    accounts: Accounts, now: dt.datetime, given: dict[str, object]
) -> None:
    rest = {key: value for key, value in given.items() if key != "name"}
    with pytest.raises(BadAccount, match=r"\.$"):
        await hire(accounts, now, str(given.get("name", "lin")), **rest)


async def test_no_password_is_kept_or_noted(accounts: Accounts, database: AsyncEngine, now: dt.datetime) -> None:
    await accounts.create("zhou", "a long password", role="rep", now=now, actor="test")
    with pytest.raises(SignInRefused):
        await accounts.sign_in("zhou", "wrong secret guess", None, now)
    assert (await accounts.sign_in("zhou", "a long password", None, now)).name == "zhou"
    async with database.connect() as connection:
        lines = str((await connection.execute(select(AuditRow.actor, AuditRow.action, AuditRow.data))).all())
    assert "password" not in lines.replace("password_set", "")
    assert "secret guess" not in lines


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaaa", "x" * 300, "zhou zhou 12345"])
def test_a_weak_password_is_refused_with_a_sentence(password: str) -> None:
    with pytest.raises(WeakPassword, match=r"\.$"):
        demand_strong(password, "zhou")


@given(st.text(max_size=12), st.text(max_size=12), st.text(max_size=12))
def test_the_edit_distance_is_a_distance(a: str, b: str, c: str) -> None:
    assert edit_distance(a, b) == edit_distance(b, a)
    assert (edit_distance(a, b) == 0) == (a == b)
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)
    assert abs(len(a) - len(b)) <= edit_distance(a, b) <= max(len(a), len(b))


def test_what_happened_weighs_more_than_who_they_are_and_how_they_write() -> None:
    fraud, _ = urgency_of("fraud", "fraud_security", "我被骗了", ())
    lost, why = urgency_of("customer_request", "card_report_lost", "转人工！！！", ())
    angry, _ = urgency_of("customer_request", None, "快点！！！你们这什么破银行", ())
    calm, none = urgency_of("customer_request", "card_bill", "转人工", ())
    assert fraud > lost > angry > calm == 0
    assert (why, none) == (("lost_card", "anger"), ())


@pytest.mark.parametrize(
    ("about", "text", "skill"),
    [
        ("card_bill", "转人工", "card"),
        ("card_report_lost", "转人工", "security"),
        ("fx_buy", "Talk to a person", "english"),
        (None, "转人工", "general"),
        ("chitchat", "转人工", "general"),
    ],
)
def test_a_ticket_asks_for_who_knows_its_subject(about: str | None, text: str, skill: str) -> None:
    assert skill_of(about, text) == skill


@pytest.mark.parametrize(
    ("name", "masked"), [("陈雨晴", "陈**"), ("王五", "王*"), ("Chen Yuqing", "C*** Y***"), ("", "")]
)
def test_a_masked_name_keeps_its_beginning_only(name: str, masked: str) -> None:
    assert masked_name(name) == masked


def test_a_spreadsheet_runs_nothing_of_what_is_exported() -> None:
    assert csv_line(("=1+1", "@x", "-2", "a,b", 3)) == "'=1+1,'@x,'-2,\"a,b\",3\r\n"
