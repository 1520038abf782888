"""A customer's profile is remembered for a while, for this conversation and who is signed in to it, and no longer."""

from __future__ import annotations

import datetime as dt

from backends.action import Caller
from backends.result import Result
from bot import profiles
from bot.profiles import LIFE, Profiles
from tests.conftest import NOW

CHEN = Caller(customer_id="C1001", assurance="signed_in", conversation_id="a")
PROFILE = Result(capability="customer_profile", outcome="found")


def test_a_profile_is_good_for_a_while_and_no_longer() -> None:
    known = Profiles()
    assert known.get(CHEN, NOW) is None
    known.learn(CHEN, PROFILE, NOW)
    assert known.get(CHEN, NOW + LIFE - dt.timedelta(microseconds=1)) is PROFILE
    assert known.get(CHEN, NOW + LIFE) is None


def test_whoever_else_asks_and_wherever_else_is_told_nothing() -> None:
    known = Profiles()
    known.learn(CHEN, PROFILE, NOW)
    for other in ({"customer_id": "C1002"}, {"assurance": "stepped_up"}, {"conversation_id": "b"}, {"channel": "rasa"}):
        assert known.get(CHEN.model_copy(update=other), NOW) is None


def test_what_is_too_old_or_too_much_is_not_kept() -> None:
    known = Profiles()
    callers = [CHEN.model_copy(update={"conversation_id": str(n)}) for n in range(profiles.MOST + 5)]
    for caller in callers:
        known.learn(caller, PROFILE, NOW)
    assert [known.get(caller, NOW) is None for caller in callers] == [True] * 5 + [False] * profiles.MOST
    known.learn(CHEN, PROFILE, NOW + LIFE)
    assert list(known._known) == [CHEN]
