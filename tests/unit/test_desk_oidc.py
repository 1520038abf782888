"""Single sign-on, part by part: what a browser must bring back, what an ID token must say, what groups open, whose account it is."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from bot import doctor
from bot.claims import InvalidToken
from bot.desk.accounts import Accounts, BadAccount, SignInRefused, TooManyTries, demand_sound
from bot.desk.oidc import CALLBACK, Answer, Oidc
from bot.desk.oidc_accounts import OidcAccounts, shown_name
from bot.desk.oidc_attempt import LIFE, AttemptSeal
from bot.desk.oidc_client import LEEWAY, Client, Identity, OidcRefused, demand_ours
from bot.desk.oidc_discovery import ASK_AGAIN, STALE, ProviderAway
from bot.desk.oidc_groups import Grant, granted, groups_in
from bot.desk.passwords import Passwords
from bot.desk.scripted_provider import FAULTS, PEOPLE, Fault, ScriptedProvider
from bot.desk.sessions import Sessions
from bot.desk.tables import RepRow
from bot.issuer import ASK_AGAIN as ASK_KEYS_AGAIN
from bot.records import AuditRow
from bot.settings import UnsafeSettings, load_settings
from bot.store import open_database
from tests.server import serving

ISSUER = "https://login.bank.example"
DESK = "https://desk.bank.example"
GROUPS = {
    "desk-reps": Grant(role="rep", skills=("card",)),
    "desk-fx": Grant(role="rep", skills=("fx",)),
    "desk-leads": Grant(role="supervisor"),
    "desk-admins": Grant(role="admin"),
}


class Wire(httpx.ASGITransport):
    """As good as a network: whoever asks lets others go on meanwhile."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        return await super().handle_async_request(request)


class Stage:
    """A desk and a provider without a network between them; ``now`` is what both take the time to be."""

    def __init__(self, engine: AsyncEngine, now: dt.datetime, **provider: Any) -> None:
        self.now = now
        self.engine = engine
        self.provider = ScriptedProvider(clock=lambda: self.now, **provider)
        self.oidc = self.desk()

    def desk(self, secret: str = "scripted-secret", address_tries: int = 600) -> Oidc:
        """The desk in another process."""
        self.http = httpx.AsyncClient(transport=Wire(self.provider.app))
        client = Client(
            self.http,
            issuer=ISSUER,
            client_id="teller-desk",
            client_secret=secret,
            redirect_uri=f"{DESK}{CALLBACK}",
            scope="openid",
        )
        accounts = OidcAccounts(self.engine, address_tries=address_tries)
        seal = AttemptSeal(b"s" * 32)
        return Oidc(client, accounts, seal, claim="groups", groups=GROUPS, desk_url=DESK)

    async def away(self, person: str, next_page: str = "") -> tuple[Answer, str]:
        """A browser that went to the provider: what it brings back, and the cookie of its attempt."""
        url, cookie = await self.oidc.begin(next_page, self.now)
        sent_back = (await self.http.get(url, params={**parameters(url), "as": person})).headers["location"]
        assert sent_back.startswith(f"{DESK}{CALLBACK}?")
        brought = {name: value for name, value in parameters(sent_back).items() if name in Answer.model_fields}
        return Answer.model_validate(brought), cookie

    async def sign_in(self, person: str = "lin", oidc: Oidc | None = None) -> str:
        """The role with which they are in, or why they are not."""
        try:
            answer, cookie = await self.away(person)
            rep, _ = await (oidc or self.oidc).finish(answer, cookie, None, self.now)
        except OidcRefused as refused:
            return refused.why
        except ProviderAway:
            return "away"
        return rep.role

    async def trail(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Every line of the audit trail."""
        async with self.engine.connect() as connection:
            query = select(AuditRow.actor, AuditRow.action, AuditRow.data).order_by(AuditRow.id)
            return [tuple(row) for row in await connection.execute(query)]  # type: ignore[misc]


def parameters(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


@pytest.fixture
def stage(database: AsyncEngine, now: dt.datetime) -> Stage:
    return Stage(database, now)


@pytest.mark.parametrize(("person", "outcome"), [("lin", "rep"), ("he", "supervisor"), ("root", "admin")])
async def test_whom_the_provider_vouches_for_has_what_their_groups_open(
    stage: Stage, person: str, outcome: str
) -> None:
    answer, cookie = await stage.away(person, "/desk/search")
    rep, next_page = await stage.oidc.finish(answer, cookie, "192.0.2.1", stage.now)
    assert (rep.role, rep.issuer, next_page) == (outcome, ISSUER, "/desk/search")
    assert rep.display_name == PEOPLE[person]["name"]
    assert [line[:2] for line in await stage.trail()] == [("oidc", "account.created"), (rep.id, "sign_in")]


@pytest.fixture
async def sqlite(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """A database of one kind, for what does not depend on the kind."""
    shutil.copy(sqlite_template, tmp_path / "teller.db")
    engine = open_database(None, tmp_path)
    yield engine
    await engine.dispose()


OUTCOMES: dict[Fault, str] = {
    "wrong_nonce": "token",
    "no_nonce": "token",
    "wrong_audience": "token",
    "several_audiences": "token",
    "azp_of_another": "token",
    "wrong_issuer": "token",
    "no_subject": "token",
    "long_subject": "token",
    "unsigned": "token",
    "signed_with_the_client_secret": "token",
    "signed_with_the_public_key": "token",
    "key_of_another": "token",
    "unpublished_key": "token",
    "no_kid": "token",
    "expired": "token",
    "not_yet": "token",
    "endless": "token",
    "no_token": "away",
    "no_json": "away",
    "huge": "away",
    "down": "away",
    "redirected": "away",
    "other_issuer_in_discovery": "away",
    "plain_http_endpoint": "away",
    "no_pkce": "away",
    "other_iss_in_answer": "forged",
    "no_iss_in_answer": "forged",
    "codes_work_twice": "rep",
}


def test_every_fault_of_the_provider_has_an_outcome() -> None:
    assert OUTCOMES.keys() == set(FAULTS)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_provider_that_is_wrong_in_any_way_signs_nobody_in_and_an_honest_one_does_after_it(
    sqlite: AsyncEngine, now: dt.datetime, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    stage = Stage(sqlite, now)
    stage.provider.fault = fault
    with caplog.at_level(logging.DEBUG, logger="bot"):
        assert await stage.sign_in() == OUTCOMES[fault]
    async with sqlite.connect() as connection:
        made = await connection.scalar(select(func.count()).select_from(RepRow))
    assert made == (OUTCOMES[fault] == "rep")
    stage.provider.fault = None
    stage.now += max(ASK_AGAIN, ASK_KEYS_AGAIN)
    assert await stage.sign_in() == "rep"
    kept = caplog.text + str(await stage.trail())
    assert [token for token in stage.provider.issued if token in kept or token.split(".")[1] in kept] == []


@pytest.mark.parametrize("basic", [True, False])
async def test_the_client_says_who_it_is_as_the_provider_wants_it_and_a_wrong_secret_lets_nobody_in(
    sqlite: AsyncEngine, now: dt.datetime, basic: bool
) -> None:
    secret = "of+odd/char:acters %"
    stage = Stage(sqlite, now, client_secret=secret, basic=basic)
    stage.oidc = stage.desk(secret)
    assert await stage.sign_in() == "rep"
    stage.oidc = stage.desk("another")
    assert await stage.sign_in() == "code"


async def test_an_answer_fits_only_the_attempt_that_this_browser_began(sqlite: AsyncEngine, now: dt.datetime) -> None:
    stage = Stage(sqlite, now)
    answer, cookie = await stage.away("lin")
    others, others_cookie = await stage.away("he")
    own = AttemptSeal(b"s" * 32).unseal(cookie, now)
    assert own is not None
    forged = [
        (answer, others_cookie),
        (others, cookie),
        (answer, ""),
        (answer, "x.y.z"),
        (answer.model_copy(update={"state": ""}), cookie),
        (answer.model_copy(update={"state": others.state}), cookie),
        (answer, AttemptSeal(b"o" * 32).seal(own)),
    ]
    for given_, shown in forged:
        with pytest.raises(OidcRefused) as refused:
            await stage.oidc.finish(given_, shown, None, now)
        assert refused.value.why == "forged"
    assert "/token" not in stage.provider.asked
    # The right state, another browser's code: its challenge does not fit this verifier (RFC 7636).
    with pytest.raises(OidcRefused) as refused:
        await stage.oidc.finish(answer.model_copy(update={"code": others.code}), cookie, None, now)
    assert refused.value.why == "code"


async def test_a_code_signs_in_once(sqlite: AsyncEngine, now: dt.datetime) -> None:
    stage = Stage(sqlite, now)
    answer, cookie = await stage.away("lin")
    await stage.oidc.finish(answer, cookie, None, now)
    with pytest.raises(OidcRefused) as refused:
        await stage.oidc.finish(answer, cookie, None, now)
    assert refused.value.why == "code"


async def test_an_attempt_is_over_after_ten_minutes(sqlite: AsyncEngine, now: dt.datetime) -> None:
    stage = Stage(sqlite, now)
    answer, cookie = await stage.away("lin")
    stage.now = now + LIFE
    with pytest.raises(OidcRefused):
        await stage.oidc.finish(answer, cookie, None, stage.now)
    stage.now -= dt.timedelta(seconds=1)
    assert (await stage.oidc.finish(answer, cookie, None, stage.now))[0].role == "rep"


async def test_who_is_not_let_in_there_is_not_let_in_here(
    sqlite: AsyncEngine, now: dt.datetime, caplog: pytest.LogCaptureFixture
) -> None:
    stage = Stage(sqlite, now)
    assert await stage.sign_in("a stranger") == "denied"
    assert "access_denied" in caplog.text
    assert await stage.sign_in("guest") == "no_role"
    assert [line[1:] for line in await stage.trail()] == [
        ("sign_in.refused", {"by": "oidc", "why": why}) for why in ("denied", "no_role")
    ]


async def test_keys_that_change_are_found_and_the_old_ones_sign_nothing(sqlite: AsyncEngine, now: dt.datetime) -> None:
    stage = Stage(sqlite, now)
    assert await stage.sign_in() == "rep"
    stage.provider.rotate()
    assert await stage.sign_in() == "token"
    stage.now += ASK_KEYS_AGAIN
    assert await stage.sign_in() == "rep"
    assert stage.provider.asked["/jwks"] == 2


async def test_the_provider_is_asked_about_itself_once_an_hour_however_many_come(
    sqlite: AsyncEngine, now: dt.datetime
) -> None:
    stage = Stage(sqlite, now)
    path = "/.well-known/openid-configuration"
    await asyncio.gather(*(stage.oidc.begin("", now) for _ in range(20)))
    assert stage.provider.asked[path] == 1
    stage.provider.fault = "other_issuer_in_discovery"
    for seconds in range(0, 300, 30):
        stage.now = now + STALE + dt.timedelta(seconds=seconds)
        url, _ = await stage.oidc.begin("", stage.now)
        assert url.startswith(f"{ISSUER}/authorize?")
    assert stage.provider.asked[path] == 6


async def test_an_address_may_have_the_provider_asked_only_so_often(sqlite: AsyncEngine, now: dt.datetime) -> None:
    stage = Stage(sqlite, now)
    oidc = stage.desk(address_tries=2)
    for _ in range(2):
        answer, cookie = await stage.away("lin")
        await oidc.finish(answer, cookie, "192.0.2.1", now)
    answer, cookie = await stage.away("lin")
    with pytest.raises(TooManyTries):
        await oidc.finish(answer, cookie, "192.0.2.1", now)
    assert (await oidc.finish(answer, cookie, "192.0.2.2", now))[0].role == "rep"


CLAIMS: dict[str, Any] = {"sub": "u-1", "aud": "teller-desk", "nonce": "n" * 43, "iat": 1_000, "exp": 1_300}


@given(
    st.sampled_from(["sub", "nonce", "iat", "exp", "nbf", "azp"]),
    st.one_of(st.none(), st.booleans(), st.lists(st.integers()), st.just(""), st.dictionaries(st.text(), st.none())),
)
def test_a_claim_of_another_kind_is_refused_and_never_an_error_of_ours(claim: str, value: object) -> None:
    at = dt.datetime.fromtimestamp(1_100, dt.UTC)
    demand_ours(CLAIMS, client_id="teller-desk", nonce="n" * 43, now=at)
    with pytest.raises(InvalidToken):
        demand_ours({**CLAIMS, claim: value}, client_id="teller-desk", nonce="n" * 43, now=at)


@pytest.mark.parametrize(
    ("changed", "at", "holds"),
    [
        ({}, 1_300 + LEEWAY.total_seconds() - 1, True),
        ({}, 1_300 + LEEWAY.total_seconds(), False),
        ({}, 1_000 - LEEWAY.total_seconds(), True),
        ({}, 1_000 - LEEWAY.total_seconds() - 1, False),
        ({"nbf": 1_250}, 1_100, False),
        ({"aud": ["teller-desk"]}, 1_100, True),
        ({"aud": ["teller-desk", "b"]}, 1_100, False),
        ({"aud": ["teller-desk", "b"], "azp": "teller-desk"}, 1_100, True),
        ({"aud": ["teller-desk", "b"], "azp": "b"}, 1_100, False),
    ],
)
def test_clocks_may_differ_by_a_minute_and_a_token_for_several_says_that_it_was_issued_to_us(
    changed: dict[str, Any], at: float, holds: bool
) -> None:
    given_ = {"client_id": "teller-desk", "nonce": "n" * 43, "now": dt.datetime.fromtimestamp(at, dt.UTC)}
    if holds:
        demand_ours({**CLAIMS, **changed}, **given_)
    else:
        with pytest.raises(InvalidToken):
            demand_ours({**CLAIMS, **changed}, **given_)


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ([], None),
        (["everybody"], None),
        (["DESK-REPS"], None),
        (["desk-reps"], ("rep", ("card",))),
        (["desk-reps", "desk-fx", "everybody"], ("rep", ("fx", "card"))),
        (["desk-leads"], ("supervisor", None)),
        (["desk-reps", "desk-leads"], ("supervisor", ("card",))),
        (["desk-admins"], ("admin", None)),
        (["desk-admins", "desk-reps"], None),
        (["desk-admins", "desk-leads", "desk-reps"], None),
    ],
)
def test_groups_open_one_role_or_nothing(groups: list[str], expected: tuple[str, object] | None) -> None:
    grant = granted(frozenset(groups), GROUPS)
    assert (grant and (grant.role, grant.skills)) == expected


@pytest.mark.parametrize(
    ("claims", "claim", "found"),
    [
        ({"groups": ["a", "b"]}, "groups", {"a", "b"}),
        ({"groups": "a b"}, "groups", {"a b"}),
        ({"groups": ["a", 1, None, ["b"], {"c": 1}]}, "groups", {"a"}),
        ({"groups": {"a": True}}, "groups", set()),
        ({"groups": 7}, "groups", set()),
        ({}, "groups", set()),
        ({"realm_access": {"roles": ["a"]}}, "realm_access.roles", {"a"}),
        ({"realm_access": ["roles"]}, "realm_access.roles", set()),
        ({"https://bank.example/roles": ["a"]}, "https://bank.example/roles", {"a"}),
    ],
)
def test_groups_are_read_where_providers_write_them(claims: dict[str, Any], claim: str, found: set[str]) -> None:
    assert groups_in(claims, claim) == found


def identity(subject: str = "u-1", issuer: str = ISSUER, **claims: Any) -> Identity:
    return Identity(issuer=issuer, subject=subject, claims={"sub": subject, **claims})


REP = Grant(role="rep")


async def test_an_account_goes_by_issuer_and_subject_and_by_no_name_or_address(
    database: AsyncEngine, now: dt.datetime
) -> None:
    local = await Accounts(database, Passwords()).create(
        "lin", "", role="admin", now=now, actor="test", password_hash="!"
    )
    accounts = OidcAccounts(database)
    told = {"preferred_username": "lin", "email": "lin@bank.example", "name": "林晓"}
    first = await accounts.sign_in(identity("u-1", **told), REP, now)
    other = await accounts.sign_in(identity("u-2", **told), REP, now)
    elsewhere = await accounts.sign_in(
        identity("u-1", "https://login.another.example", **told, locale="en-GB"), REP, now
    )
    assert (first.language, elsewhere.language) == ("zh", "en")
    assert len({local.id, first.id, other.id, elsewhere.id}) == 4
    assert len({local.name, first.name, other.name, elsewhere.name}) == 4
    renamed = await accounts.sign_in(identity("u-1", preferred_username="root", name="林小晓"), REP, now)
    assert (renamed.id, renamed.name, renamed.display_name) == (first.id, first.name, "林小晓")
    assert (await Accounts(database, Passwords()).named("lin")) == local


async def test_two_processes_that_meet_somebody_new_at_once_make_one_account(
    open_engine: Callable[[], AsyncEngine], now: dt.datetime
) -> None:
    several = [OidcAccounts(open_engine()) for _ in range(4)]
    told = identity(preferred_username="lin")
    reps = await asyncio.gather(*(accounts.sign_in(told, REP, now) for accounts in several))
    assert len({rep.id for rep in reps}) == 1


async def test_each_sign_in_renews_role_and_skills_and_another_role_signs_out_everywhere(
    sqlite: AsyncEngine, now: dt.datetime
) -> None:
    accounts, sessions = OidcAccounts(sqlite), Sessions(sqlite)
    rep = await accounts.sign_in(identity(), Grant(role="admin", skills=("card", "fx")), now)
    token = await sessions.begin(rep, None, now)
    await Accounts(sqlite, Passwords()).change(rep.id, now, actor="test", capacity=9)
    same = await accounts.sign_in(identity(), Grant(role="admin"), now)
    assert (same.skills, same.capacity) == (("card", "fx"), 9)
    assert await sessions.find(token, now) is not None
    # The provider may take away the last admin too: who is one is its to say.
    less = await accounts.sign_in(identity(), Grant(role="rep", skills=()), now)
    assert (less.id, less.role, less.skills) == (rep.id, "rep", ())
    assert await sessions.find(token, now) is None


async def test_who_lost_every_group_is_signed_out_where_they_still_were(sqlite: AsyncEngine, now: dt.datetime) -> None:
    accounts, sessions = OidcAccounts(sqlite), Sessions(sqlite)
    rep = await accounts.sign_in(identity(), REP, now)
    token = await sessions.begin(rep, None, now)
    with pytest.raises(OidcRefused):
        await accounts.sign_in(identity(), None, now)
    assert await sessions.find(token, now) is None


async def test_a_shut_account_stays_shut_whatever_the_groups(sqlite: AsyncEngine, now: dt.datetime) -> None:
    accounts = OidcAccounts(sqlite)
    rep = await accounts.sign_in(identity(), REP, now)
    await Accounts(sqlite, Passwords()).change(rep.id, now, actor="test", active=False)
    for grant in (REP, Grant(role="admin")):
        with pytest.raises(OidcRefused) as refused:
            await accounts.sign_in(identity(), grant, now)
        assert refused.value.why == "shut"
    shut = await Accounts(sqlite, Passwords()).get(rep.id)
    assert shut is not None
    assert (shut.active, shut.role) == (False, "rep")


async def test_an_account_of_the_provider_has_no_password_and_its_role_is_not_the_pages_to_change(
    sqlite: AsyncEngine, now: dt.datetime
) -> None:
    local = Accounts(sqlite, Passwords())
    rep = await OidcAccounts(sqlite).sign_in(identity(preferred_username="lin"), REP, now)
    with pytest.raises(BadAccount, match="no password"):
        await local.set_password(rep.id, "a long password", now, actor="test")
    with pytest.raises(BadAccount, match="role"):
        await local.change(rep.id, now, actor="test", role="admin")
    # Were there one all the same, it would open nothing.
    async with sqlite.begin() as connection:
        hashed = await Passwords().hashed("a long password")
        await connection.execute(update(RepRow).where(RepRow.id == rep.id).values(password_hash=hashed))
    with pytest.raises(SignInRefused):
        await local.sign_in("lin", "a long password", None, now)


@given(st.dictionaries(st.sampled_from(["name", "preferred_username"]), st.one_of(st.text(), st.integers())))
def test_whatever_a_provider_calls_somebody_makes_an_account_that_makes_sense(claims: dict[str, Any]) -> None:
    from bot.desk.accounts import _NAME
    from bot.desk.oidc_accounts import _names

    names = list(_names(identity(**claims)))
    assert [name for name in names if not _NAME.fullmatch(name)] == []
    shown = shown_name(claims, names[0])
    demand_sound({"display_name": shown})
    assert shown == shown.strip()


PROVIDER: dict[str, Any] = {
    "oidc_issuer": ISSUER,
    "oidc_client_id": "teller-desk",
    "oidc_client_secret": "scripted-secret",
    "oidc_groups": '{"desk-reps": {"role": "rep", "skills": ["card"]}, "desk-leads": "supervisor"}',
}
PRODUCTION: dict[str, Any] = {
    "env": "production",
    "secret": "s" * 40,
    "token_key": "t" * 40,
    "otp_url": "https://otp.bank.example/send",
    "database_url": "postgresql://teller@db.example/teller",
    "redis_url": "redis://redis.example",
    "desk_url": DESK,
}


def test_a_provider_is_set_by_five_settings_and_a_groups_role_may_stand_alone() -> None:
    settings = load_settings(**PRODUCTION, **PROVIDER)
    assert settings.oidc_groups == {"desk-reps": GROUPS["desk-reps"], "desk-leads": GROUPS["desk-leads"]}
    assert settings.desk_page() == DESK
    assert load_settings(**PRODUCTION, **PROVIDER, desk_passwords=False).desk_passwords is False


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"oidc_issuer": None}, "TELLER_OIDC_ISSUER"),
        ({"oidc_client_id": None}, "TELLER_OIDC_CLIENT_ID"),
        ({"oidc_client_secret": None}, "TELLER_OIDC_CLIENT_SECRET"),
        ({"oidc_groups": None}, "TELLER_OIDC_GROUPS"),
        ({"oidc_groups": '{"g": "owner"}'}, "TELLER_OIDC_GROUPS"),
        ({"oidc_groups": '{"g": {"role": "rep", "skills": ["juggling"]}}'}, "juggling"),
        ({"oidc_groups": "desk-reps=rep"}, "TELLER_OIDC_GROUPS"),
        ({"oidc_issuer": "http://login.bank.example"}, "TELLER_OIDC_ISSUER is not https"),
        ({"oidc_issuer": "login.bank.example"}, "TELLER_OIDC_ISSUER"),
        ({"oidc_issuer": f"{ISSUER}?tenant=1"}, "TELLER_OIDC_ISSUER"),
        ({"oidc_scope": "profile"}, "TELLER_OIDC_SCOPE"),
        ({"desk_url": None}, "TELLER_DESK_URL"),
        ({"desk_url": "http://desk.bank.example"}, "not https"),
    ],
)
def test_a_provider_that_is_half_set_or_not_safe_is_refused_with_a_sentence(
    changed: dict[str, Any], named: str
) -> None:
    with pytest.raises(UnsafeSettings) as refused:
        load_settings(**{**PRODUCTION, **PROVIDER, **changed})
    assert [named in reason and reason.endswith(".") for reason in refused.value.reasons] == [True]
    assert "scripted-secret" not in str(refused.value)


def test_passwords_are_not_switched_off_where_nothing_else_signs_anybody_in() -> None:
    with pytest.raises(UnsafeSettings, match="TELLER_DESK_PASSWORDS"):
        load_settings(**PRODUCTION, desk_passwords=False)


async def looked_at(issuer: str, **settings: Any) -> tuple[str, str]:
    """How the doctor finds the provider."""
    told = load_settings(**{**PROVIDER, "oidc_issuer": issuer, "env": "demo", **settings})
    [finding] = await doctor._identity_provider(told)
    assert finding.state == "ok" or finding.advice
    return finding.state, finding.found


async def test_the_doctor_says_how_the_provider_stands_and_where_it_sends_reps_back_to() -> None:
    provider = ScriptedProvider()
    with serving(provider.app) as issuer:
        state, found = await looked_at(issuer, desk_url=DESK)
        assert state == "ok"
        assert f"{DESK}{CALLBACK}" in found
        assert (await looked_at(f"{issuer}/"))[0] == "warn"
        for fault, said in (("other_issuer_in_discovery", "another issuer"), ("no_pkce", "PKCE")):
            provider.fault = fault  # type: ignore[assignment]
            state, found = await looked_at(issuer)
            assert (state, said in found) == ("warn", True)
        provider.fault = None
        provider.forget_keys()
        assert "no key" in (await looked_at(issuer))[1]
    assert [(await looked_at(issuer, desk_passwords=on))[0] for on in (True, False)] == ["warn", "fail"]
