"""Signing in through the bank's own identity provider, from the first click to the account."""

from __future__ import annotations

import datetime as dt
import hmac
import logging
import re
from contextlib import AsyncExitStack

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.desk import oidc_attempt
from bot.desk.accounts import Rep
from bot.desk.oidc_accounts import OidcAccounts
from bot.desk.oidc_attempt import AttemptSeal
from bot.desk.oidc_client import Client, OidcRefused
from bot.desk.oidc_discovery import TIMEOUT
from bot.desk.oidc_groups import Groups, granted, groups_in
from bot.message import Frozen
from bot.settings import Settings

CALLBACK = "/desk/oidc/callback"
"""Where the provider sends browsers back to; registered there under the desk's own address."""
SIGNED_OUT = "/desk/sign-in"
_ERROR = re.compile(r"[a-z_]{1,64}")
_LOG = logging.getLogger(__name__)


class Answer(Frozen):
    """What a browser brings back from the provider (OpenID Connect Core 1.0, 3.1.2.5 and 3.1.2.6)."""

    state: str
    code: str = ""
    error: str = ""
    iss: str | None = None


class Oidc:
    """The desk's single sign-on. *claim* names the groups in an ID token, *groups* say what each of them opens;
    *desk_url* is where reps' browsers reach the desk."""

    def __init__(
        self, client: Client, accounts: OidcAccounts, seal: AttemptSeal, *, claim: str, groups: Groups, desk_url: str
    ) -> None:
        self._client = client
        self._accounts = accounts
        self._seal = seal
        self._claim = claim
        self._groups = groups
        self._desk_url = desk_url

    async def begin(self, next_page: str, now: dt.datetime) -> tuple[str, str]:
        """Where the browser goes, and the cookie that it comes back with. Raises ``ProviderAway``."""
        attempt = oidc_attempt.begin(next_page, now)
        return await self._client.authorization_url(attempt, now), self._seal.seal(attempt)

    async def finish(self, answer: Answer, cookie: str, address: str | None, now: dt.datetime) -> tuple[Rep, str]:
        """Who is signed in by *answer*, and the page they were going to.

        Raises ``OidcRefused``, ``ProviderAway`` and ``TooManyTries``.
        """
        attempt = self._seal.unseal(cookie, now)
        if attempt is None:
            # Anybody may send this: it is neither counted nor kept.
            raise OidcRefused("forged", "no attempt of this browser")
        await self._accounts.count_try(address, now)
        try:
            if not hmac.compare_digest(answer.state.encode(), attempt.state.encode()):
                raise OidcRefused("forged", "the answer to another attempt")
            if not answer.code:
                # An error of the protocol's is for an operator: a scope that it does not know, a client that may not.
                _LOG.warning("the provider let nobody in: %s", answer.error if _ERROR.fullmatch(answer.error) else "?")
                raise OidcRefused("denied")
            identity = await self._client.identify(answer.code, answer.iss, attempt, now)
        except OidcRefused as error:
            await self._accounts.note_refused(error.why, now)
            raise
        grant = granted(groups_in(identity.claims, self._claim), self._groups)
        return await self._accounts.sign_in(identity, grant, now), attempt.next_page

    async def farewell(self, rep: Rep, now: dt.datetime) -> str | None:
        """Where the browser of *rep*, who signed out here, goes to sign out at the provider; ``None`` where nowhere."""
        if rep.issuer is None:
            return None
        return await self._client.end_session_url(f"{self._desk_url}{SIGNED_OUT}", now)


def open_oidc(settings: Settings, engine: AsyncEngine, stack: AsyncExitStack) -> Oidc | None:
    """The single sign-on of *settings*, closed with *stack*; ``None`` where there is no provider. It is not asked yet."""
    if settings.oidc_issuer is None:
        return None
    assert settings.oidc_client_id is not None
    assert settings.oidc_client_secret is not None
    http = httpx.AsyncClient(timeout=TIMEOUT, trust_env=False)
    stack.push_async_callback(http.aclose)
    desk_url = settings.desk_page()
    client = Client(
        http,
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret.get_secret_value(),
        redirect_uri=f"{desk_url}{CALLBACK}",
        scope=settings.oidc_scope,
    )
    return Oidc(
        client,
        OidcAccounts(engine),
        AttemptSeal(settings.secret_key()),
        claim=settings.oidc_claim,
        groups=settings.oidc_groups,
        desk_url=desk_url,
    )
