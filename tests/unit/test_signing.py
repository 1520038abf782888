"""A message is taken if the other side signed it lately, and for nothing less."""

from __future__ import annotations

import base64
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.signing import ID, MAX_SIGNATURES, SIGNATURE, TIMESTAMP, Refused, key_of, signed_headers, verified

# The example that the specification's own libraries are tested with.
KEY = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
BODY = b'{"test": 2432232314}'
HEADERS = {
    ID: "msg_p5jXN8AQM9LWM0D4loKWxJek",
    TIMESTAMP: "1614265330",
    SIGNATURE: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
AGE = dt.timedelta(seconds=300)
NOW = dt.datetime.fromtimestamp(1614265330, dt.UTC)
OTHER = bytes(range(32))


def test_the_specifications_own_example_is_signed_and_verified_to_the_letter() -> None:
    assert signed_headers([KEY], HEADERS[ID], NOW, BODY) == HEADERS
    signed = verified([KEY], HEADERS, BODY, AGE, NOW)
    assert (signed.id, signed.at) == (HEADERS[ID], NOW)


@given(name=st.sampled_from([*HEADERS, "body"]), place=st.integers(0), bits=st.integers(1, 255))
def test_any_changed_byte_of_what_is_signed_is_refused(name: str, place: int, bits: int) -> None:
    raw = bytearray(BODY if name == "body" else HEADERS[name].encode())
    raw[place % len(raw)] ^= bits
    headers = HEADERS if name == "body" else {**HEADERS, name: raw.decode("latin-1")}
    with pytest.raises(Refused):
        verified([KEY], headers, bytes(raw) if name == "body" else BODY, AGE, NOW)


@given(st.dictionaries(st.sampled_from([*HEADERS]), st.text(max_size=200)), st.binary(max_size=50))
def test_whatever_else_is_shown_is_refused_and_nothing_worse(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(Refused):
        verified([KEY], headers, body, AGE, NOW)


@pytest.mark.parametrize(("later", "taken"), [(-301, False), (-300, True), (300, True), (301, False)])
def test_a_message_is_good_for_its_age_either_way(later: int, taken: bool) -> None:
    now = NOW + dt.timedelta(seconds=later)
    if taken:
        assert verified([KEY], HEADERS, BODY, AGE, now).at == NOW
    else:
        with pytest.raises(Refused, match="301 s"):
            verified([KEY], HEADERS, BODY, AGE, now)


def test_a_secret_is_changed_without_a_moment_at_which_neither_holds() -> None:
    for signing, knowing in (([KEY], [OTHER, KEY]), ([OTHER, KEY], [KEY]), ([OTHER, KEY], [OTHER])):
        headers = signed_headers(signing, "m-1", NOW, BODY)
        assert verified(knowing, headers, BODY, AGE, NOW).id == "m-1"
    with pytest.raises(Refused):
        verified([OTHER], signed_headers([KEY], "m-1", NOW, BODY), BODY, AGE, NOW)


def test_signatures_are_not_compared_without_end() -> None:
    right = HEADERS[SIGNATURE]
    assert verified([KEY], {**HEADERS, SIGNATURE: " ".join(["v2,x", right])}, BODY, AGE, NOW)
    with pytest.raises(Refused):
        verified([KEY], {**HEADERS, SIGNATURE: " ".join(["v1,x"] * MAX_SIGNATURES + [right])}, BODY, AGE, NOW)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_短", "not base64!" * 4, base64.b64encode(bytes(23)).decode(),
                                    base64.b64encode(bytes(65)).decode()])  # fmt: skip
def test_a_secret_that_is_none_or_too_short_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="secret"):
        key_of(secret)
