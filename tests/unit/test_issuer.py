"""A bank's own issuer: whose signatures count, and what happens when its keys change or cannot be had."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms
from redis.asyncio import Redis

from bot.app import Instead, running
from bot.claims import InvalidToken
from bot.issuer import ASK_AGAIN, MAX_BYTES, STALE, BankIssuer, KeysAway, from_file, from_url
from bot.settings import load_settings
from bot.tokens import AUDIENCE as OWN_AUDIENCE
from bot.tokens import Tokens

NOW = dt.datetime(2026, 11, 21, 2, 30, tzinfo=dt.UTC)
ISSUER, AUDIENCE = "https://login.bank.example", "teller-assistant"
URL = "https://login.bank.example/jwks"
SHARED = b"s" * 32
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "C1001",
    "iat": int(NOW.timestamp()),
    "exp": int(NOW.timestamp()) + 600,
}
PRIVATE: dict[str, Any] = {
    "RS256": rsa.generate_private_key(65537, 2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


def public(algorithm: str, kid: str | None = None, private: Any = None) -> dict[str, Any]:
    """The public half as a JWKS holds it; its ``kid`` is the algorithm's name unless told."""
    key = (private or PRIVATE[algorithm]).public_key()
    held: dict[str, Any] = json.loads(get_default_algorithms()[algorithm].to_jwk(key))
    return {**held, "alg": algorithm, "use": "sig", "kid": kid or algorithm}


def signed(algorithm: str = "RS256", kid: str | None = None, **changed: Any) -> str:
    claims = {name: value for name, value in {**CLAIMS, **changed}.items() if value is not None}
    return jwt.encode(claims, PRIVATE[algorithm], algorithm=algorithm, headers={"kid": kid or algorithm})


class Login:
    """The bank's JWKS server, as scripted: ``answer`` says what it does now, ``asked`` how often it was asked."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.asked = 0
        self.answer: Callable[[], httpx.Response] = lambda: httpx.Response(200, json={"keys": []})
        self.publish(*(keys or [public(algorithm) for algorithm in PRIVATE]))

    def publish(self, *keys: dict[str, Any]) -> None:
        self.answer = lambda: httpx.Response(200, json={"keys": list(keys)})

    def die(self) -> None:
        def dead() -> httpx.Response:
            raise httpx.ConnectError("no route to the bank")

        self.answer = dead

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        assert str(request.url) == URL
        await asyncio.sleep(0)
        return self.answer()

    def tokens(self, *, own: bool = False) -> Tokens:
        http = httpx.AsyncClient(transport=httpx.MockTransport(self._handle))
        return Tokens(SHARED, issuer=BankIssuer(from_url(URL, http), issuer=ISSUER, audience=AUDIENCE), own=own)


async def customer(tokens: Tokens, token: str, now: dt.datetime = NOW) -> str | None:
    """The customer that the token signs in; ``None`` where it is refused."""
    try:
        return (await tokens.principal(token, "web", now)).customer_id
    except InvalidToken:
        return None


@pytest.mark.parametrize("algorithm", PRIVATE)
async def test_a_token_that_the_bank_signed_signs_its_customer_in(algorithm: str) -> None:
    principal = await Login().tokens().principal(signed(algorithm), "web", NOW)
    assert (principal.customer_id, principal.assurance) == ("C1001", "signed_in")


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://login.evil.example"},
        {"iss": None},
        {"aud": OWN_AUDIENCE},
        {"aud": None},
        {"sub": None},
        {"exp": None},
        {"iat": None},
        {"exp": CLAIMS["iat"]},
        {"nbf": CLAIMS["iat"] + 60},
        {"exp": CLAIMS["iat"] + 10**9},
    ],
)
async def test_a_token_for_others_or_without_its_times_is_refused(changed: dict[str, Any]) -> None:
    tokens = Login().tokens()
    assert await customer(tokens, signed()) == "C1001"
    assert await customer(tokens, signed(**changed)) is None


def segment(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def hmac_over(header: dict[str, Any], secret: bytes) -> str:
    """A token whose "secret" is whatever one likes: the library itself refuses to sign with a public key."""
    signing_input = f"{segment(header)}.{segment(CLAIMS)}"
    signature = get_default_algorithms()["HS256"].sign(signing_input.encode(), secret)
    return f"{signing_input}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


@pytest.mark.parametrize("own", [True, False])
async def test_a_public_key_is_never_taken_for_a_secret_and_no_signature_for_a_signature(own: bool) -> None:
    key = PRIVATE["RS256"].public_key()
    shapes = (
        (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
        (serialization.Encoding.PEM, serialization.PublicFormat.PKCS1),
    )
    forged = [hmac_over({"alg": "HS256", "kid": "RS256"}, key.public_bytes(*shape)) for shape in shapes]
    forged.append(hmac_over({"alg": "HS256", "kid": "RS256"}, SHARED))
    for none in ("none", "None", "NONE", ""):
        forged.append(f"{segment({'alg': none, 'kid': 'RS256'})}.{segment(CLAIMS)}.")
    tokens = Login().tokens(own=own)
    assert await customer(tokens, signed()) == "C1001"
    assert [token for token in forged if await customer(tokens, token) is not None] == []


async def test_a_secret_among_the_published_keys_signs_nothing() -> None:
    secret = b"0" * 32
    published = {"kty": "oct", "k": base64.urlsafe_b64encode(secret).rstrip(b"=").decode(), "kid": "oct"}
    tokens = Login(public("ES256"), {**published, "alg": "HS256"}, {**published, "kid": "bare"}).tokens()
    assert await customer(tokens, signed("ES256")) == "C1001"
    for kid in ("oct", "bare"):
        assert await customer(tokens, hmac_over({"alg": "HS256", "kid": kid}, secret)) is None


async def test_a_weak_key_and_one_that_encrypts_are_left_out() -> None:
    weak = rsa.generate_private_key(65537, 1024)
    tokens = Login(public("RS256", "weak", weak), {**public("ES256"), "use": "enc"}, public("EdDSA")).tokens()
    assert await customer(tokens, signed("EdDSA")) == "C1001"
    assert await customer(tokens, signed("ES256")) is None
    headers = {"kid": "weak"}
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = jwt.encode(CLAIMS, weak, algorithm="RS256", headers=headers)
    assert await customer(tokens, token) is None


async def test_a_key_of_another_name_or_the_right_name_with_another_key_is_refused() -> None:
    tokens = Login().tokens()
    assert await customer(tokens, signed("RS256", kid="ES256")) is None
    another = jwt.encode(CLAIMS, ec.generate_private_key(ec.SECP256R1()), algorithm="ES256", headers={"kid": "ES256"})
    assert await customer(tokens, another) is None
    assert await customer(tokens, jwt.encode(CLAIMS, PRIVATE["ES256"], algorithm="ES256")) is None


async def test_the_keys_are_asked_for_once_however_many_sign_in() -> None:
    login = Login()
    tokens = login.tokens()
    assert set(await asyncio.gather(*(customer(tokens, signed()) for _ in range(50)))) == {"C1001"}
    assert login.asked == 1


async def test_a_new_key_is_found_when_a_token_names_it() -> None:
    login = Login(public("ES256"))
    tokens = login.tokens()
    assert await customer(tokens, signed("ES256")) == "C1001"
    login.publish(public("ES256"), public("EdDSA"))
    later = NOW + ASK_AGAIN
    assert await customer(tokens, signed("EdDSA"), later) == "C1001"
    assert login.asked == 2


async def test_names_that_nobody_knows_ask_the_bank_once_a_minute_at_most() -> None:
    login = Login()
    tokens = login.tokens()
    for second in range(0, 180, 5):
        now = NOW + dt.timedelta(seconds=second)
        assert await customer(tokens, signed(kid=f"made-up-{second}"), now) is None
    assert login.asked == 3


async def test_a_key_that_the_bank_took_away_goes_though_nobody_names_a_new_one() -> None:
    login = Login(public("ES256"), public("EdDSA"))
    tokens = login.tokens()
    stolen = signed("ES256", exp=CLAIMS["iat"] + 7_200)
    assert await customer(tokens, stolen) == "C1001"
    login.publish(public("EdDSA"))
    assert await customer(tokens, stolen, NOW + STALE) is None


@pytest.mark.parametrize(
    "broken",
    [
        lambda: httpx.Response(503),
        lambda: httpx.Response(302, headers={"Location": "https://evil.example/jwks"}),
        lambda: httpx.Response(200, text="<html>"),
        lambda: httpx.Response(200, text="[]"),
        lambda: httpx.Response(200, json={"keys": []}),
        lambda: httpx.Response(200, json={"keys": "all of them"}),
        lambda: httpx.Response(200, json={"keys": [{"kty": "RSA", "kid": "RS256", "n": "!", "e": "AQAB"}]}),
        lambda: httpx.Response(200, content=b"\xff\xfe"),
        lambda: httpx.Response(200, json={"keys": [public("ES256", "evil")], "padding": "x" * MAX_BYTES}),
        None,
    ],
)
async def test_a_server_that_is_away_or_answers_nonsense_leaves_the_keys_of_before(
    broken: Callable[[], httpx.Response] | None,
) -> None:
    login = Login()
    tokens = login.tokens()
    assert await customer(tokens, signed()) == "C1001"
    if broken is None:
        login.die()
    else:
        login.answer = broken
    later = NOW + STALE
    fresh = signed(exp=CLAIMS["exp"] + 3_600)
    assert await customer(tokens, fresh, later) == "C1001"
    assert login.asked == 2
    assert await customer(tokens, fresh, later + dt.timedelta(seconds=5)) == "C1001"
    assert login.asked == 2


async def test_without_any_key_it_is_not_said_that_a_token_is_wrong() -> None:
    login = Login()
    login.die()
    tokens = login.tokens()
    for second in range(3):
        with pytest.raises(KeysAway):
            await tokens.principal(signed(), "web", NOW + dt.timedelta(seconds=second))
    assert login.asked == 1
    login.publish(public("RS256"))
    assert await customer(tokens, signed(), NOW + ASK_AGAIN) == "C1001"


async def test_keys_in_a_file_are_read_again_when_they_change(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [public("ES256")]}))
    tokens = Tokens(SHARED, issuer=BankIssuer(from_file(path), issuer=ISSUER, audience=AUDIENCE), own=False)
    assert await customer(tokens, signed("ES256")) == "C1001"
    path.write_text(json.dumps({"keys": [public("EdDSA")]}))
    later = NOW + ASK_AGAIN
    assert await customer(tokens, signed("EdDSA"), later) == "C1001"
    assert await customer(tokens, signed("ES256"), later) is None
    path.unlink()
    assert await customer(tokens, signed("EdDSA"), NOW + ASK_AGAIN * 2) == "C1001"


@pytest.mark.parametrize("env", ["demo", "production"])
async def test_in_production_the_banks_issuer_takes_the_place_of_the_shared_key(
    env: str, postgres: str, redis: Redis, tmp_path: Path
) -> None:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [public("ES256")]}))
    production = {
        "env": "production",
        "secret": "o" * 32,
        "token_key": SHARED.decode(),
        "otp_url": "https://otp.bank.example/send",
        "database_url": postgres % "postgres",
        "redis_url": f"unix://{redis.connection_pool.connection_kwargs['path']}",
    }
    settings = load_settings(
        data_dir=tmp_path,
        jwks_file=path,
        jwt_issuer=ISSUER,
        jwt_audience=AUDIENCE,
        **(production if env == "production" else {"env": "demo"}),
    )
    async with running(settings, Instead(clock=lambda: NOW, understand=lambda *_: pytest.fail("unused"))) as service:
        assert await customer(service.tokens, signed("ES256")) == "C1001"
        shared = await customer(service.tokens, service.tokens.issue("C1001", NOW))
        assert shared == ("C1001" if env == "demo" else None)
