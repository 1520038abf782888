"""Our half of OpenID Connect: the authorization code flow with PKCE, at one provider.

Sources: OpenID Connect Core 1.0 (3.1, the checks of an ID token in 3.1.3.7), RFC 7636, RFC 9207, RFC 9700,
OpenID Connect RP-Initiated Logout 1.0. Signatures are checked where those of customers' tokens are (``bot.issuer``).
"""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import hmac
import json
import logging
from typing import Any, Literal
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit, urlunsplit

import httpx
import jwt

from bot.claims import InvalidToken, seconds
from bot.desk.oidc_attempt import Attempt
from bot.desk.oidc_discovery import PKCE, TIMEOUT, Discovery, Document, ProviderAway
from bot.issuer import MAX_BYTES, BankIssuer, KeysAway, from_url
from bot.message import Frozen

LEEWAY = dt.timedelta(seconds=60)
"""How far the provider's clock may be from ours, either way."""
MAX_SUBJECT = 255
"""Characters of the longest subject that there may be (OpenID Connect Core 1.0, 2)."""
_LOG = logging.getLogger(__name__)

Why = Literal["forged", "denied", "code", "token", "no_role", "shut"]
"""Not begun by this browser; not let in by the provider; a code that it does not take; an ID token that proves nothing;
groups that open nothing; an account that is shut."""


class OidcRefused(Exception):
    """Nobody is signed in by this."""

    def __init__(self, why: Why, detail: str = "") -> None:
        super().__init__(detail or why)
        self.why = why


class Identity(Frozen):
    """Whom the provider vouches for. Only *issuer* and *subject* together say who it is; *claims* are what is said of them."""

    issuer: str
    subject: str
    claims: dict[str, Any]


class Client:
    """This desk as a client of the provider *issuer*, registered there with *redirect_uri*."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        issuer: str,
        client_id: str,
        client_secret: str,
        redirect_uri: str,
        scope: str,
    ) -> None:
        self._http = http
        self._issuer = issuer
        self._id = client_id
        self._secret = client_secret
        self._redirect_uri = redirect_uri
        self._scope = scope
        self._discovery = Discovery(http, issuer)
        self._keys = BankIssuer(self._published_keys, issuer=issuer, audience=client_id)

    async def authorization_url(self, attempt: Attempt, now: dt.datetime) -> str:
        """Where the browser goes to sign in. Raises ``ProviderAway``."""
        document = await self._discovery.get(now)
        return _with_query(
            document.authorization_endpoint,
            {
                "response_type": "code",
                "client_id": self._id,
                "redirect_uri": self._redirect_uri,
                "scope": self._scope,
                "state": attempt.state,
                "nonce": attempt.nonce,
                "code_challenge": attempt.challenge,
                "code_challenge_method": PKCE,
            },
        )

    async def identify(self, code: str, iss: str | None, attempt: Attempt, now: dt.datetime) -> Identity:
        """Who came back with *code*, and *iss* if the provider says who it is (RFC 9207).

        Raises ``OidcRefused`` and ``ProviderAway``.
        """
        document = await self._discovery.get(now)
        if iss != self._issuer and (iss is not None or document.authorization_response_iss_parameter_supported):
            raise OidcRefused("forged", "the answer is another provider's")
        token = await self._exchange(document, code, attempt)
        try:
            claims = await self._keys.read(token, jwt.get_unverified_header(token).get("kid"), now)
            demand_ours(claims, client_id=self._id, nonce=attempt.nonce, now=now)
        except (InvalidToken, jwt.InvalidTokenError) as error:
            # Not its words: one of the library's may quote the token.
            _LOG.warning("an ID token was refused: %s", error if isinstance(error, InvalidToken) else "malformed")
            raise OidcRefused("token") from None
        except KeysAway as error:
            raise ProviderAway("the provider's keys cannot be had") from error
        return Identity(issuer=self._issuer, subject=claims["sub"], claims=claims)

    async def end_session_url(self, back_to: str, now: dt.datetime) -> str | None:
        """Where the browser goes to sign out there too, if the provider has such a page and can be asked."""
        try:
            document = await self._discovery.get(now)
        except ProviderAway:
            return None
        if document.end_session_endpoint is None:
            return None
        # No ID token goes along as a hint, since none is kept: most providers ask whether that is meant.
        return _with_query(document.end_session_endpoint, {"client_id": self._id, "post_logout_redirect_uri": back_to})

    async def _exchange(self, document: Document, code: str, attempt: Attempt) -> str:
        """The ID token for *code*, which the provider takes once."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": attempt.verifier,
        }
        headers = {"Accept": "application/json"}
        if "client_secret_basic" in document.token_endpoint_auth_methods_supported:
            # RFC 6749, 2.3.1: both are form-encoded before they are joined.
            pair = f"{quote_plus(self._id)}:{quote_plus(self._secret)}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": self._id, "client_secret": self._secret}
        try:
            async with asyncio.timeout(TIMEOUT):
                status, answer = await self._post(document.token_endpoint, form, headers)
        except (httpx.HTTPError, OSError, ValueError, RecursionError) as error:
            raise ProviderAway(f"the token endpoint does not answer ({type(error).__name__})") from error
        if status in (httpx.codes.BAD_REQUEST, httpx.codes.UNAUTHORIZED):
            problem = answer.get("error")
            if problem != "invalid_grant":
                _LOG.error("the provider does not take this desk for its client: check TELLER_OIDC_CLIENT_*")
            raise OidcRefused("code")
        token = answer.get("id_token")
        if status != httpx.codes.OK or not isinstance(token, str):
            raise ProviderAway("the token endpoint answers something else")
        return token

    async def _post(self, url: str, form: dict[str, str], headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
        body = b""
        async with self._http.stream("POST", url, data=form, headers=headers, follow_redirects=False) as response:
            async for part in response.aiter_bytes():
                body += part
                if len(body) > MAX_BYTES:
                    raise ValueError("too large an answer")
        answer = json.loads(body)
        if not isinstance(answer, dict):
            raise ValueError("no object")
        return response.status_code, answer

    async def _published_keys(self) -> bytes:
        document = self._discovery.document
        assert document is not None, "a token was had from the endpoint that the document names"
        return await from_url(document.jwks_uri, self._http)()


def demand_ours(claims: dict[str, Any], *, client_id: str, nonce: str, now: dt.datetime) -> None:
    """Raises ``InvalidToken`` unless the ID token of *claims*, whose signature, ``iss`` and ``aud`` were checked, was
    issued to *client_id* alone, for the attempt of *nonce*, and holds at *now*."""
    if claims.get("azp", client_id) != client_id:
        raise InvalidToken("it was issued to another client")
    if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and "azp" not in claims:
        raise InvalidToken("it is meant for others too, and does not say to whom it was issued")
    told = claims.get("nonce")
    if not isinstance(told, str) or not hmac.compare_digest(told.encode(), nonce.encode()):
        raise InvalidToken("it answers another sign-in")
    issued, leeway = seconds(claims["iat"]), LEEWAY.total_seconds()
    begins = max(issued, seconds(claims.get("nbf", issued)))
    # What is not a number compares as false, and so is refused.
    if not begins - leeway <= now.timestamp() < seconds(claims["exp"]) + leeway:
        raise InvalidToken("outside its time")
    if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= MAX_SUBJECT:
        raise InvalidToken("it names nobody")


def _with_query(url: str, more: dict[str, str]) -> str:
    parts = urlsplit(url)
    query = [*parse_qsl(parts.query, keep_blank_values=True), *more.items()]
    return urlunsplit(parts._replace(query=urlencode(query)))
