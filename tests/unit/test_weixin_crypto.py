"""The vendor's published vectors hold, and nothing but what the vendor signed is opened."""

from __future__ import annotations

import base64
import datetime as dt

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.weixin import xml
from bot.channels.weixin.crypto import Refused, aes_key, check_signature, decrypt, encrypt, signature
from bot.channels.weixin.envelope import Envelope

# Tencent's WXBizMsgCryptTest (Java).
A_KEY = aes_key("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG")
A_CIPHER = "jn1L23DB+6ELqJ+6bruv21Y6MD7KeIfP82D6gU39rmkgczbWwt5+3bnyg5K55bgVtVzd832WzZGMhkP72vVOfg=="
A_APP = "wxb11529c136998cb6"

# WeCom's official sample.
B_KEY = aes_key("jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C")
B_TOKEN = "QDG6eK"
B_CORP = "wx5823bf96d3bd56c7"
B_ECHO = {
    "msg_signature": "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3",
    "timestamp": "1409659589",
    "nonce": "263014780",
    "echostr": "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==",
}
B_POST = {
    "msg_signature": "477715d11cdb4164915debcba66cb864d751f3e6",
    "timestamp": "1409659813",
    "nonce": "1372623149",
}
B_CIPHER = (
    "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg3W/sYYvuJTs3"
    "TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gs"
    "ijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUa"
    "x5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIG"
    "HBZZIs2pDBS8R07+qN+E7Q=="
)
B_BODY = xml.build({"ToUserName": B_CORP, "Encrypt": B_CIPHER, "AgentID": "218"}).encode()
AGE = dt.timedelta(seconds=300)
B = Envelope(token=B_TOKEN, receiver=B_CORP, keys=(B_KEY,), max_age=AGE)


def at(timestamp: str, later: float = 0) -> dt.datetime:
    return dt.datetime.fromtimestamp(int(timestamp) + later, dt.UTC)


def test_tencents_own_test_is_encrypted_and_decrypted_to_the_letter() -> None:
    message = "我是中文abcd123".encode()
    assert encrypt(message, A_KEY, A_APP, b"aaaabbbbccccdddd") == A_CIPHER
    assert decrypt(A_CIPHER, [A_KEY], A_APP) == (message, A_KEY)


def test_the_plain_signature_is_the_published_one() -> None:
    assert signature("test", "1410685589", "test") == "f21891de399b4e33a1a93c9a7b8a8fffb5a443ff"


def test_wecoms_sample_verifies_an_address() -> None:
    assert B.verify(B_ECHO, at(B_ECHO["timestamp"])) == "1616140317555161061"


def test_wecoms_sample_message_is_read() -> None:
    opened = B.open(B_POST, B_BODY, at(B_POST["timestamp"]))
    assert opened.fields["Content"] == "hello"
    assert (opened.fields["MsgId"], opened.fields["AgentID"]) == ("4561255354251345929", "218")
    assert opened.key == B_KEY


@given(name=st.sampled_from(["msg_signature", "timestamp", "nonce"]), place=st.integers(0), bits=st.integers(1, 255))
def test_a_changed_byte_of_the_signed_query_is_refused(name: str, place: int, bits: int) -> None:
    raw = bytearray(B_POST[name].encode())
    raw[place % len(raw)] ^= bits
    with pytest.raises(Refused):
        B.open({**B_POST, name: raw.decode("latin-1")}, B_BODY, at(B_POST["timestamp"]))


@given(place=st.integers(0), bits=st.integers(1, 255))
def test_a_changed_byte_of_the_encrypted_body_is_refused(place: int, bits: int) -> None:
    start = B_BODY.index(B_CIPHER.encode())
    raw = bytearray(B_BODY)
    raw[start + place % len(B_CIPHER)] ^= bits
    with pytest.raises(Refused):
        B.open(B_POST, bytes(raw), at(B_POST["timestamp"]))


@given(name=st.sampled_from(["signature", "timestamp", "nonce"]), place=st.integers(0), bits=st.integers(1, 255))
def test_a_changed_byte_of_a_plain_callback_is_refused(name: str, place: int, bits: int) -> None:
    known = {
        "signature": "f21891de399b4e33a1a93c9a7b8a8fffb5a443ff",
        "timestamp": "1410685589",
        "nonce": "test",
        "echostr": "5837",
    }
    plain = Envelope(token="test", receiver="", keys=(), max_age=AGE)
    assert plain.verify(known, at(known["timestamp"])) == "5837"
    raw = bytearray(known[name].encode())
    raw[place % len(raw)] ^= bits
    with pytest.raises(Refused):
        plain.verify({**known, name: raw.decode("latin-1")}, at(known["timestamp"]))


@given(name=st.sampled_from(sorted(B_ECHO)), place=st.integers(0), bits=st.integers(1, 255))
def test_a_changed_byte_of_a_verification_is_refused(name: str, place: int, bits: int) -> None:
    raw = bytearray(B_ECHO[name].encode())
    raw[place % len(raw)] ^= bits
    with pytest.raises(Refused):
        B.verify({**B_ECHO, name: raw.decode("latin-1")}, at(B_ECHO["timestamp"]))


@given(message=st.text(max_size=300), receiver=st.text(max_size=40), random=st.binary(min_size=16, max_size=16))
def test_what_was_encrypted_is_decrypted_and_for_nobody_else(message: str, receiver: str, random: bytes) -> None:
    sealed = encrypt(message.encode(), A_KEY, receiver, random)
    assert decrypt(sealed, [A_KEY], receiver)[0].decode() == message
    with pytest.raises(Refused):
        decrypt(sealed, [A_KEY], receiver + "x")


@given(place=st.integers(0), bits=st.integers(1, 255))
def test_a_decryption_never_fails_otherwise_than_by_refusing(place: int, bits: int) -> None:
    raw = bytearray(base64.b64decode(B_CIPHER))
    raw[place % len(raw)] ^= bits
    try:
        message, _ = decrypt(base64.b64encode(raw).decode(), [B_KEY], B_CORP)
    except Refused:
        return
    # Without the signature a change in the middle goes unseen by the cipher: that is what the signature is for.
    assert message != decrypt(B_CIPHER, [B_KEY], B_CORP)[0] or place % len(raw) < 16


@pytest.mark.parametrize("fill", [0, 33, 200])
def test_padding_that_is_none_is_refused(fill: int) -> None:
    encryptor = Cipher(algorithms.AES(A_KEY), modes.CBC(A_KEY[:16])).encryptor()
    plain = bytes(16) + (11).to_bytes(4, "big") + bytes(32) + bytes([fill])
    sealed = encryptor.update(plain[-64:].rjust(64, b"\0")) + encryptor.finalize()
    with pytest.raises(Refused):
        decrypt(base64.b64encode(sealed).decode(), [A_KEY], "")


def test_a_callback_outside_the_window_is_refused_though_well_signed() -> None:
    for later in (-301, 301):
        with pytest.raises(Refused):
            B.open(B_POST, B_BODY, at(B_POST["timestamp"], later))
    assert B.open(B_POST, B_BODY, at(B_POST["timestamp"], 299)).fields


def test_the_key_before_still_opens_and_its_answer_is_sealed_with_it() -> None:
    rotated = Envelope(token=B_TOKEN, receiver=B_CORP, keys=(A_KEY, B_KEY), max_age=AGE)
    now = at(B_POST["timestamp"])
    opened = rotated.open(B_POST, B_BODY, now)
    answer = xml.parse(rotated.seal({"Content": "好"}, opened.key, now).encode())
    check_signature(answer["MsgSignature"], B_TOKEN, answer["TimeStamp"], answer["Nonce"], answer["Encrypt"])
    assert xml.parse(decrypt(answer["Encrypt"], [B_KEY], B_CORP)[0]) == {"Content": "好"}


def test_a_plain_body_is_no_way_around_the_key() -> None:
    now = at("1410685589")
    query = {"timestamp": "1410685589", "nonce": "n", "signature": signature(B_TOKEN, "1410685589", "n")}
    with pytest.raises(Refused):
        B.open(query, xml.build({"Content": "hello"}).encode(), now)
    plain = Envelope(token=B_TOKEN, receiver=B_CORP, keys=(), max_age=AGE)
    assert plain.open(query, xml.build({"Content": "hello"}).encode(), now).fields == {"Content": "hello"}


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE xml [<!ENTITY x SYSTEM "file:///etc/passwd">]><xml><Content>&x;</Content></xml>',
        b'<!DOCTYPE xml SYSTEM "http://evil.example/x.dtd"><xml><Content>a</Content></xml>',
        b'<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><xml><Content>&b;</Content></xml>',
        '<?xml version="1.0"?><!DOCTYPE xml [<!ENTITY x "y">]><xml><C>&x;</C></xml>'.encode("utf-16"),
        b"<xml><Content>&undefined;</Content></xml>",
        b"<?xml-stylesheet href='x'?><xml><Content>a</Content></xml>",
        b"<xml><Content>a</Content>",
        b"<xml><Content>a</Content><Content>b</Content></xml>",
        b"<xml>" + b"<a>" * 10 + b"</a>" * 10 + b"</xml>",
        b"<xml>" + b"".join(b"<a%d/>" % n for n in range(300)) + b"</xml>",
        b"<xml><Content>" + b"a" * 16_384 + b"</Content></xml>",
        b"\xff\xfe",
        b"",
    ],
)  # fmt: skip
def test_what_xml_can_do_beyond_naming_texts_is_refused(body: bytes) -> None:
    with pytest.raises(Refused):
        xml.parse(body)


@given(
    st.dictionaries(
        st.sampled_from(["Content", "MsgId", "a"]),
        st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"])),
    )
)
def test_texts_survive_the_envelope_whatever_brackets_they_hold(fields: dict[str, str]) -> None:
    assert xml.parse(xml.build(fields).encode()) == fields


@given(st.binary(max_size=200))
def test_no_body_does_anything_but_parse_or_be_refused(body: bytes) -> None:
    try:
        xml.parse(body)
    except Refused:
        return
