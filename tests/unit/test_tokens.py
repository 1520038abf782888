"""Customers' tokens: whose they are, for how long, and that nobody else can make one."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.claims import LEEWAY, MAX_LIFETIME, MAX_SUBJECT, InvalidToken
from bot.principal import Principal
from bot.tokens import AUDIENCE, LIFETIME, Tokens, looks_like_a_token

NOW = dt.datetime(2026, 11, 21, 2, 30, tzinfo=dt.UTC)
KEY = b"k" * 32
TOKENS = Tokens(KEY)
CLAIMS: dict[str, Any] = {
    "sub": "C1001",
    "aud": AUDIENCE,
    "iat": int(NOW.timestamp()),
    "exp": int(NOW.timestamp()) + 60,
}


def read(token: str, now: dt.datetime = NOW, tokens: Tokens = TOKENS, channel: str = "web") -> Principal:
    return asyncio.run(tokens.principal(token, channel, now))


def refused(token: str, now: dt.datetime = NOW, tokens: Tokens = TOKENS) -> bool:
    try:
        read(token, now, tokens)
    except InvalidToken:
        return True
    return False


def test_a_token_vouches_for_its_customer() -> None:
    principal = read(TOKENS.issue("C1001", NOW), channel="rasa")
    assert (principal.customer_id, principal.channel, principal.assurance) == ("C1001", "rasa", "signed_in")


def test_a_token_is_good_until_its_end_and_not_a_second_longer() -> None:
    token = TOKENS.issue("C1001", NOW)
    assert not refused(token, NOW + LIFETIME - dt.timedelta(seconds=1))
    assert refused(token, NOW + LIFETIME)


def test_a_token_from_the_future_is_refused_beyond_the_leeway() -> None:
    token = TOKENS.issue("C1001", NOW)
    assert not refused(token, NOW - LEEWAY)
    assert refused(token, NOW - LEEWAY - dt.timedelta(seconds=1))


@pytest.mark.parametrize(
    "claims",
    [
        {**CLAIMS, "aud": "another"},
        {**CLAIMS, "sub": ""},
        {**CLAIMS, "exp": "tomorrow"},
        {**CLAIMS, "exp": True},
        {**CLAIMS, "exp": float("nan")},
        {**CLAIMS, "exp": float("inf")},
        {**CLAIMS, "exp": CLAIMS["iat"] + MAX_LIFETIME.total_seconds() + 1},
        {**CLAIMS, "nbf": CLAIMS["iat"] + 30},
        {**CLAIMS, "sub": "C" * (MAX_SUBJECT + 1)},
        {**CLAIMS, "sub": 1001},
        {name: value for name, value in CLAIMS.items() if name != "exp"},
        {name: value for name, value in CLAIMS.items() if name != "sub"},
        {name: value for name, value in CLAIMS.items() if name != "iat"},
    ],
)
def test_a_token_that_lacks_a_claim_is_refused(claims: dict[str, object]) -> None:
    assert not refused(jwt.encode(CLAIMS, KEY, algorithm="HS256"))
    assert refused(jwt.encode(claims, KEY, algorithm="HS256"))


def test_another_key_or_no_signature_is_refused() -> None:
    assert refused(Tokens(b"o" * 32).issue("C1001", NOW))
    assert refused(jwt.encode(CLAIMS, None, algorithm="none"))
    assert refused(jwt.encode(CLAIMS, b"k" * 64, algorithm="HS512"))


@given(at=st.integers(0, 10_000), bit=st.integers(0, 5))
def test_a_token_with_one_character_changed_is_refused(at: int, bit: int) -> None:
    token = TOKENS.issue("C1001", NOW)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    # The last character of a segment may hold bits that decode to nothing; those before it all count.
    place = [i for i, c in enumerate(token) if c in alphabet and token[i + 1 : i + 2] not in (".", "")]
    i = place[at % len(place)]
    changed = token[:i] + alphabet[alphabet.index(token[i]) ^ (1 << bit)] + token[i + 1 :]
    assert refused(changed)


@given(st.text(max_size=80))
def test_no_text_is_mistaken_for_a_token(text: str) -> None:
    assert refused(text)


def test_a_token_is_told_from_a_conversations_secret() -> None:
    assert looks_like_a_token(TOKENS.issue("C1001", NOW))
    assert not looks_like_a_token("0123abcd~s-e_cret")


class TestRotation:
    OLD, NEW = b"o" * 32, b"n" * 32
    before, after = Tokens(OLD), Tokens(NEW, OLD)

    def test_a_token_of_the_key_before_is_good_until_the_key_goes(self) -> None:
        token = self.before.issue("C1001", NOW)
        assert read(token, tokens=self.after).customer_id == "C1001"
        assert refused(token, tokens=Tokens(self.NEW))

    def test_the_new_key_signs_and_says_so(self) -> None:
        token = self.after.issue("C1001", NOW)
        assert not refused(token, tokens=Tokens(self.NEW))
        assert refused(token, tokens=self.before)
        kid = jwt.get_unverified_header(token)["kid"]
        assert kid != jwt.get_unverified_header(self.before.issue("C1001", NOW))["kid"]
        assert self.NEW.decode() not in kid

    def test_a_token_that_names_no_key_is_tried_under_both(self) -> None:
        for key in (self.OLD, self.NEW):
            assert not refused(jwt.encode(CLAIMS, key, algorithm="HS256"), tokens=self.after)
        assert refused(jwt.encode(CLAIMS, KEY, algorithm="HS256"), tokens=self.after)

    @pytest.mark.parametrize("kid", ["another", "", "../../dev/null"])
    def test_a_key_that_is_not_there_signs_nothing(self, kid: str) -> None:
        assert refused(jwt.encode(CLAIMS, self.NEW, algorithm="HS256", headers={"kid": kid}), tokens=self.after)

    def test_shared_keys_sign_nobody_in_where_the_bank_has_its_own_issuer(self) -> None:
        assert refused(self.after.issue("C1001", NOW), tokens=Tokens(self.NEW, own=False))
