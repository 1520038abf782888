"""What an identity provider says of itself (OpenID Connect Discovery 1.0), fetched when it is needed, and kept."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from typing import Annotated
from urllib.parse import urlsplit

import httpx
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from bot.issuer import from_url
from bot.settings import is_loopback

TIMEOUT = 3.0
"""Seconds the whole of a fetch may take; a rep waits for it."""
ASK_AGAIN = dt.timedelta(minutes=1)
"""Between two fetches that failed."""
STALE = dt.timedelta(hours=1)
"""Age from which the document is fetched again though there is one."""
PKCE = "S256"
_LOG = logging.getLogger(__name__)


class ProviderAway(ConnectionError):
    """The provider cannot be reached, or answers nonsense: nobody can sign in through it now."""


class ProviderUnsound(ValueError):
    """What the provider says of itself cannot be worked with; the sentence says why."""


def is_private(url: str) -> bool:
    """Whether what is said to *url* is read by nobody between: https, or this machine."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
    )


def _private(url: str) -> str:
    if not is_private(url):
        raise ValueError("not https")
    return url


_Endpoint = Annotated[str, AfterValidator(_private)]


class Document(BaseModel):
    """The provider's metadata, as far as it is used here; names are those of the specification."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    issuer: str
    authorization_endpoint: _Endpoint
    token_endpoint: _Endpoint
    jwks_uri: _Endpoint
    end_session_endpoint: _Endpoint | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    code_challenge_methods_supported: tuple[str, ...] | None = None
    authorization_response_iss_parameter_supported: bool = False


async def fetch(http: httpx.AsyncClient, issuer: str) -> Document:
    """The document of *issuer*. Raises ``ProviderAway`` and ``ProviderUnsound``."""
    try:
        async with asyncio.timeout(TIMEOUT):
            published = await from_url(f"{issuer.rstrip('/')}/.well-known/openid-configuration", http)()
    except (httpx.HTTPError, OSError, ValueError) as error:
        raise ProviderAway(f"the discovery document cannot be had ({type(error).__name__})") from error
    try:
        document = Document.model_validate_json(published)
    except ValidationError as error:
        wrong = ", ".join(
            sorted({str(problem["loc"][0]) if problem["loc"] else "it all" for problem in error.errors()})
        )
        raise ProviderUnsound(f"The discovery document is not as it should be: {wrong}.") from None
    if document.issuer != issuer:
        # Discovery 1.0, 4.3: identical, or somebody else's keys would be taken for this issuer's.
        raise ProviderUnsound("The discovery document names another issuer.")
    offered = document.code_challenge_methods_supported
    if offered is not None and PKCE not in offered:
        raise ProviderUnsound(f"The provider does not know PKCE with {PKCE}.")
    return document


class Discovery:
    """The document of one *issuer*. Where it cannot be fetched anew, the one of before stays."""

    def __init__(self, http: httpx.AsyncClient, issuer: str) -> None:
        self._http = http
        self._issuer = issuer
        self._asking = asyncio.Lock()
        self._asked_at: dt.datetime | None = None
        self._seen_at: dt.datetime | None = None
        self.document: Document | None = None

    async def get(self, now: dt.datetime) -> Document:
        """The document, fetched if there is none or it is stale. Raises ``ProviderAway``."""
        # Without any document all wait for the one who asks; with one, the others go on with it.
        if self.document is None or self._wants(now):
            async with self._asking:
                if self._wants(now):
                    await self._ask(now)
        if self.document is None:
            raise ProviderAway("the provider has not been reached yet")
        return self.document

    def _wants(self, now: dt.datetime) -> bool:
        is_stale = self._seen_at is None or now - self._seen_at >= STALE
        return is_stale and (self._asked_at is None or now - self._asked_at >= ASK_AGAIN)

    async def _ask(self, now: dt.datetime) -> None:
        self._asked_at = now
        try:
            self.document = await fetch(self._http, self._issuer)
        except (ProviderAway, ProviderUnsound) as error:
            _LOG.warning("the identity provider cannot be asked about itself: %s", error)
        else:
            self._seen_at = now
