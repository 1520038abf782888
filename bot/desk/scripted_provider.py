"""A scripted identity provider: as much of OpenID Connect as the desk uses, honest or wrong in one way at a time.

``python -m bot.desk.scripted_provider --port 9000`` is one for ``TELLER_OIDC_ISSUER=http://127.0.0.1:9000``. Its page asks
who comes and believes it: it is for trying the desk out, and for tests.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import datetime as dt
import hashlib
import hmac
import html
import json
import secrets
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args
from urllib.parse import unquote_plus, urlencode

import jwt
import uvicorn
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI, Form, Header, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse
from jwt.algorithms import ECAlgorithm, HMACAlgorithm

from bot.message import Frozen
from bot.parts import Clock, utc_now

Fault = Literal[
    "wrong_nonce", "no_nonce", "wrong_audience", "several_audiences", "azp_of_another", "wrong_issuer", "no_subject",
    "long_subject", "unsigned", "signed_with_the_client_secret", "signed_with_the_public_key", "key_of_another",
    "unpublished_key", "no_kid", "expired", "not_yet", "endless", "no_token", "no_json", "huge", "down", "redirected",
    "other_issuer_in_discovery", "plain_http_endpoint", "no_pkce", "other_iss_in_answer", "no_iss_in_answer",
    "codes_work_twice",
]  # fmt: skip
"""What is wrong with it. The last breaks a promise that the desk cannot see broken, but its users would."""

FAULTS: tuple[Fault, ...] = get_args(Fault)
LIFE = dt.timedelta(minutes=5)
"""How long an ID token holds."""
FAR = dt.timedelta(minutes=10)
"""Farther than any leeway."""
PEOPLE: dict[str, dict[str, Any]] = {
    "lin": {"sub": "u-1001", "name": "林晓", "preferred_username": "lin.xiao", "groups": ["desk-reps"]},
    "he": {"sub": "u-1002", "name": "何敏", "preferred_username": "he.min", "groups": ["desk-leads", "desk-reps"]},
    "root": {"sub": "u-1003", "name": "管理员", "preferred_username": "root", "groups": ["desk-admins"]},
    "guest": {"sub": "u-1004", "name": "访客", "preferred_username": "guest", "groups": ["everybody"]},
}
"""Who may come, by what the page calls them, with their claims."""


class _Granted(Frozen):
    """What a code stands for."""

    person: str
    redirect_uri: str
    challenge: str
    nonce: str


class ScriptedProvider:
    """The provider of ``app``; its issuer is the address that it is asked at. ``fault`` may be set at any time.

    ``asked`` counts the requests for each path, ``issued`` holds every ID token that was given out.
    """

    def __init__(
        self,
        *,
        client_id: str = "teller-desk",
        client_secret: str = "scripted-secret",  # noqa: S107 - of an invented client
        people: Mapping[str, dict[str, Any]] = PEOPLE,
        clock: Clock = utc_now,
        basic: bool = True,
    ) -> None:
        self.client_id = client_id
        self.client_secret = client_secret
        self.people = {person: dict(claims) for person, claims in people.items()}
        self.fault: Fault | None = None
        self.asked: dict[str, int] = {}
        self.issued: list[str] = []
        self._clock = clock
        self._basic = basic
        self._codes: dict[str, _Granted] = {}
        self._keys: dict[str, ec.EllipticCurvePrivateKey] = {}
        self.rotate()
        self.app = _routes(self)

    def rotate(self) -> None:
        """Sign with a new key, and publish no other any more."""
        self._keys = {secrets.token_hex(4): ec.generate_private_key(ec.SECP256R1())}

    def forget_keys(self) -> None:
        """Publish no key at all."""
        self._keys = {}

    def discovery(self, issuer: str) -> dict[str, Any]:
        """The metadata document."""
        named = "https://login.another.example" if self.fault == "other_issuer_in_discovery" else issuer
        token_endpoint = (
            "http://login.another.example/token" if self.fault == "plain_http_endpoint" else f"{issuer}/token"
        )
        return {
            "issuer": named,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": token_endpoint,
            "jwks_uri": f"{issuer}/jwks",
            "end_session_endpoint": f"{issuer}/logout",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic" if self._basic else "client_secret_post"],
            "code_challenge_methods_supported": ["plain"] if self.fault == "no_pkce" else ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }

    def jwks(self) -> dict[str, Any]:
        """The public keys."""
        published = []
        for kid, key in self._keys.items():
            published.append(
                {**json.loads(ECAlgorithm.to_jwk(key.public_key())), "kid": kid, "alg": "ES256", "use": "sig"}
            )
        return {"keys": published}

    def grant(self, person: str, redirect_uri: str, challenge: str, nonce: str) -> str:
        """A code for *person*."""
        code = secrets.token_urlsafe(24)
        self._codes[code] = _Granted(person=person, redirect_uri=redirect_uri, challenge=challenge, nonce=nonce)
        return code

    def redeem(self, code: str, redirect_uri: str, verifier: str, issuer: str) -> str | None:
        """The ID token for *code*; ``None`` where it was used, or is for somebody else."""
        granted = self._codes.get(code) if self.fault == "codes_work_twice" else self._codes.pop(code, None)
        if granted is None or granted.redirect_uri != redirect_uri:
            return None
        digest = hashlib.sha256(verifier.encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != granted.challenge:
            return None
        token = self._signed(self._claims(granted, issuer))
        self.issued.append(token)
        return token

    def is_client(self, client_id: str, client_secret: str) -> bool:
        """Whether these are the desk's."""
        return client_id == self.client_id and client_secret == self.client_secret

    def takes_basic(self) -> bool:
        """Whether the client says who it is in a header, or else in the form."""
        return self._basic

    def _claims(self, granted: _Granted, issuer: str) -> dict[str, Any]:
        now = self._clock()
        claims = {
            **self.people[granted.person],
            "iss": issuer,
            "aud": self.client_id,
            "azp": self.client_id,
            "nonce": granted.nonce,
            "iat": now,
            "exp": now + LIFE,
        }
        changes: dict[Fault, dict[str, Any]] = {
            "wrong_nonce": {"nonce": secrets.token_urlsafe(32)},
            "no_nonce": {"nonce": None},
            "wrong_audience": {"aud": "another-client", "azp": None},
            "several_audiences": {"aud": [self.client_id, "another-client"], "azp": None},
            "azp_of_another": {"azp": "another-client"},
            "wrong_issuer": {"iss": "https://login.another.example"},
            "no_subject": {"sub": None},
            "long_subject": {"sub": "u" * 256},
            "expired": {"iat": now - FAR - LIFE, "exp": now - FAR},
            "not_yet": {"iat": now + FAR, "exp": now + FAR + LIFE},
            "endless": {"exp": None},
        }
        if self.fault is not None:
            claims |= changes.get(self.fault, {})
        return {name: value for name, value in claims.items() if value is not None}

    def _signed(self, claims: dict[str, Any]) -> str:
        [(kid, key)] = self._keys.items()
        headers = {"kid": kid}
        match self.fault:
            case "unsigned":
                return jwt.encode(claims, "", algorithm="none", headers=headers)
            case "signed_with_the_client_secret":
                return _with_secret(claims, kid, self.client_secret.encode())
            case "signed_with_the_public_key":
                form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
                return _with_secret(claims, kid, key.public_key().public_bytes(*form))
            case "key_of_another":
                key = ec.generate_private_key(ec.SECP256R1())
            case "unpublished_key":
                key, headers = ec.generate_private_key(ec.SECP256R1()), {"kid": "unpublished"}
            case "no_kid":
                headers = {}
        return jwt.encode(claims, key, algorithm="ES256", headers=headers)


def _with_secret(claims: dict[str, Any], kid: str, secret: bytes) -> str:
    """An HS256 token under any secret: the library itself refuses to take a public key for one."""
    times = {name: int(value.timestamp()) for name, value in claims.items() if isinstance(value, dt.datetime)}
    parts = [{"alg": "HS256", "typ": "JWT", "kid": kid}, {**claims, **times}]
    head = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
    signature = hmac.digest(secret, head, HMACAlgorithm.SHA256)
    return b".".join([head, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


def _routes(provider: ScriptedProvider) -> FastAPI:
    app = FastAPI(title="scripted identity provider", openapi_url=None)

    def issuer_of(request: Request) -> str:
        path = request.url.path
        provider.asked[path] = provider.asked.get(path, 0) + 1
        return str(request.base_url).rstrip("/")

    @app.get("/.well-known/openid-configuration")
    async def discovery(request: Request) -> dict[str, Any]:
        return provider.discovery(issuer_of(request))

    @app.get("/jwks")
    async def jwks(request: Request) -> dict[str, Any]:
        issuer_of(request)
        return provider.jwks()

    @app.get("/authorize")
    async def authorize(
        request: Request,
        client_id: str,
        redirect_uri: str,
        response_type: Literal["code"],
        scope: str,
        state: str,
        nonce: str,
        code_challenge: str,
        code_challenge_method: Literal["S256"],
        person: Annotated[str, Query(alias="as")] = "",
    ) -> Response:
        issuer = issuer_of(request)
        if client_id != provider.client_id or "openid" not in scope.split():
            return PlainTextResponse("no such client", 400)
        if not person:
            return _who_comes(provider, request)
        answer = {"state": state, "iss": issuer}
        if person in provider.people:
            answer["code"] = provider.grant(person, redirect_uri, code_challenge, nonce)
        else:
            answer |= {"error": "access_denied", "error_description": "<b>nobody</b> of that name"}
        if provider.fault == "other_iss_in_answer":
            answer["iss"] = "https://login.another.example"
        if provider.fault == "no_iss_in_answer":
            del answer["iss"]
        return RedirectResponse(f"{redirect_uri}?{urlencode(answer)}", 303)

    @app.post("/token")
    async def token(
        request: Request,
        grant_type: Annotated[Literal["authorization_code"], Form()],
        code: Annotated[str, Form()],
        redirect_uri: Annotated[str, Form()],
        code_verifier: Annotated[str, Form()],
        client_id: Annotated[str, Form()] = "",
        client_secret: Annotated[str, Form()] = "",
        authorization: Annotated[str, Header()] = "",
    ) -> Response:
        issuer = issuer_of(request)
        broken = _broken(provider, request)
        if broken is not None:
            return broken
        given = _basic(authorization) if provider.takes_basic() else (client_id, client_secret)
        if not provider.is_client(*given):
            return JSONResponse({"error": "invalid_client"}, 401)
        id_token = provider.redeem(code, redirect_uri, code_verifier, issuer)
        if id_token is None:
            return JSONResponse({"error": "invalid_grant"}, 400)
        answer = {"access_token": secrets.token_urlsafe(24), "token_type": "Bearer", "expires_in": 300}
        return JSONResponse(answer if provider.fault == "no_token" else {**answer, "id_token": id_token})

    @app.get("/logout")
    async def logout(request: Request, client_id: str, post_logout_redirect_uri: str) -> Response:
        issuer_of(request)
        if client_id != provider.client_id:
            return PlainTextResponse("no such client", 400)
        return _page(f'<p>Signed out.</p><p><a href="{html.escape(post_logout_redirect_uri)}">Back</a></p>')

    return app


def _broken(provider: ScriptedProvider, request: Request) -> Response | None:
    match provider.fault:
        case "down":
            return PlainTextResponse("upstream connect error", 503)
        case "redirected" if not request.query_params:
            return RedirectResponse("/token?followed=1", 307)
        case "no_json":
            return HTMLResponse("<html>sign in to the network</html>")
        case "huge":
            return JSONResponse({"id_token": "x" * (1 << 20)})
    return None


def _basic(header: str) -> tuple[str, str]:
    """Who the client says it is (RFC 6749, 2.3.1)."""
    try:
        told = base64.b64decode(header.removeprefix("Basic "), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    name, _, secret = told.partition(":")
    return unquote_plus(name), unquote_plus(secret)


def _who_comes(provider: ScriptedProvider, request: Request) -> Response:
    links = []
    for person, claims in [*provider.people.items(), ("nobody", {"name": "—"})]:
        url = html.escape(str(request.url.include_query_params(**{"as": person})))
        links.append(f'<li><a href="{url}">{html.escape(str(claims.get("name")))} ({html.escape(person)})</a></li>')
    return _page(f"<h1>Who comes?</h1><ul>{''.join(links)}</ul>")


def _page(body: str) -> Response:
    return HTMLResponse(f'<!doctype html><meta charset="utf-8"><title>Scripted identity provider</title>{body}')


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="A scripted identity provider for the desk.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--fault", choices=FAULTS, default=None)
    given = parser.parse_args()
    provider = ScriptedProvider()
    provider.fault = given.fault
    uvicorn.run(provider.app, host=given.host, port=given.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
