"""Reps who sign in through the bank's identity provider, over HTTP as their browsers do, against a scripted one."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import AsyncExitStack, closing
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from bot.desk.oidc import open_oidc
from bot.desk.oidc_attempt import LIFE
from bot.desk.routes.rendering import words
from bot.desk.scripted_provider import ScriptedProvider
from bot.parts import utc_now
from tests.desk import ADMIN, PASSWORDS, REP, hire, strange
from tests.server import Server, serving

GROUPS = {"desk-reps": {"role": "rep", "skills": ["card"]}, "desk-leads": "supervisor", "desk-admins": "admin"}
DESK = "https://desk.bank.example"
"""Where the provider sends browsers back to; the tests' browser goes to the server instead."""


@pytest.fixture(scope="module")
def provider() -> ScriptedProvider:
    return ScriptedProvider(clock=utc_now)


@pytest.fixture(scope="module")
def issuer(provider: ScriptedProvider) -> Iterator[str]:
    with serving(provider.app) as url:
        yield url


@pytest.fixture(scope="module")
def desk(issuer: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {
        "desk_url": DESK,
        "oidc_issuer": issuer,
        "oidc_client_id": "teller-desk",
        "oidc_client_secret": "scripted-secret",
        "oidc_groups": json.dumps(GROUPS),
    }
    with Server(tmp_path_factory.mktemp("oidc"), **settings).serving() as running:
        yield running


@pytest.fixture
def browser(desk: Server, provider: ScriptedProvider) -> Iterator[Browser]:
    provider.fault = None
    with httpx.Client(base_url=desk.url, timeout=30, headers={"Origin": desk.url}) as http:
        yield Browser(http)


class Browser:
    """A browser that follows the desk to the provider and back."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def away(self, person: str, next_page: str = "") -> str:
        """To the provider; the path that it sends the browser back to."""
        start = self.http.get("/desk/oidc/start", params={"next": next_page})
        assert start.status_code == 303, start.text
        asked = start.headers["location"]
        assert parse_qs(urlsplit(asked).query)["code_challenge_method"] == ["S256"]
        sent_back = httpx.get(asked, params={**dict(httpx.URL(asked).params), "as": person}).headers["location"]
        assert sent_back.startswith(f"{DESK}/desk/oidc/callback?")
        return sent_back.removeprefix(DESK)

    def sign_in(self, person: str, next_page: str = "") -> httpx.Response:
        """What the callback answers."""
        return self.http.get(self.away(person, next_page))

    def csrf(self, path: str) -> str:
        """The token of that page's session."""
        found = re.search(r'"X-CSRF-Token": "([\w-]+)"', self.http.get(path).raise_for_status().text)
        assert found
        return found[1]


def test_a_rep_signs_in_there_works_here_and_signs_out_at_both(browser: Browser, issuer: str, desk: Server) -> None:
    answer = browser.sign_in("lin", "/desk/search")
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk/search")
    assert "林晓" in browser.http.get("/desk").text
    token = browser.csrf("/desk")
    cookies = dict(browser.http.cookies)
    signed_out = browser.http.post("/desk/sign-out", headers={"X-CSRF-Token": token})
    there = httpx.URL(signed_out.headers["hx-redirect"])
    assert str(there).startswith(f"{issuer}/logout?")
    assert dict(there.params) == {"client_id": "teller-desk", "post_logout_redirect_uri": f"{DESK}/desk/sign-in"}
    assert httpx.get(there).status_code == 200
    assert httpx.get(f"{desk.url}/desk/queue", cookies=cookies).status_code == 401


def test_each_comes_to_the_page_of_their_role_and_to_no_page_of_another_site(browser: Browser) -> None:
    for person, next_page, page in (
        ("root", "/desk", "/desk/accounts"),
        ("he", "", "/desk"),
        ("lin", "https://evil.test/", "/desk"),
        ("lin", "//evil.test/desk", "/desk"),
    ):
        answer = browser.sign_in(person, next_page)
        assert (answer.status_code, answer.headers["location"]) == (303, page), person


def test_the_attempt_is_kept_from_scripts_for_ten_minutes_and_gone_after_its_end(browser: Browser) -> None:
    kept = browser.http.get("/desk/oidc/start").headers["set-cookie"]
    assert {"HttpOnly", "SameSite=lax", "Path=/", f"Max-Age={int(LIFE.total_seconds())}"} <= set(kept.split("; "))
    assert browser.sign_in("lin").status_code == 303
    assert "teller_desk_oidc" not in browser.http.cookies
    browser.sign_in("nobody")
    assert "teller_desk_oidc" not in browser.http.cookies


@pytest.mark.parametrize("language", ["zh", "en"])
def test_whoever_is_refused_reads_why_on_the_sign_in_page(
    browser: Browser, provider: ScriptedProvider, language: str
) -> None:
    browser.http.headers["Accept-Language"] = language

    def refused(path: str) -> tuple[int, str]:
        answer = browser.http.get(path)
        assert strange(answer.text) == []
        assert "teller_desk" not in browser.http.cookies
        said = re.search(r'role="alert">(.*?)</p>', answer.text)
        key = next(key for key, word in words().items() if said and word[language] == said[1])
        return answer.status_code, key

    assert refused("/desk/oidc/callback?state=x&code=y") == (400, "oidc.forged")
    assert refused(browser.away("nobody")) == (401, "oidc.denied")
    assert refused(browser.away("guest")) == (403, "oidc.no_role")
    path = browser.away("lin")
    provider.fault = "wrong_nonce"
    assert refused(path) == (401, "oidc.failed")
    path = browser.away("lin")
    provider.fault = "down"
    assert refused(path) == (503, "oidc.away")


def test_one_browsers_answer_signs_no_other_browser_in(browser: Browser, desk: Server) -> None:
    """Else whoever began a sign-in could have somebody else work in their name (RFC 9700, 4.7)."""
    path = browser.away("he")
    with httpx.Client(base_url=desk.url) as victim:
        assert victim.get(path).status_code == 400
        Browser(victim).away("lin")
        assert victim.get(path).status_code == 400
        assert "teller_desk" not in victim.cookies
    assert browser.http.get(path).status_code == 303


def test_an_admin_shuts_an_account_of_the_provider_and_neither_its_role_nor_a_password_is_theirs_to_set(
    browser: Browser, desk: Server
) -> None:
    browser.sign_in("lin")
    found = re.search(r'data-rep="(rep-[0-9a-f]+)"', browser.http.get("/desk").text)
    assert found
    with httpx.Client(base_url=desk.url, headers={"Origin": desk.url}) as http:
        assert http.post("/desk/sign-in", data={"name": ADMIN, "password": PASSWORDS[ADMIN]}).status_code == 303
        admin = Browser(http)
        http.headers["X-CSRF-Token"] = admin.csrf("/desk/accounts")
        page = http.get("/desk/accounts").text
        row = page[page.index("lin.xiao") :].split("</tr>")[0]
        assert "SSO" in row or "统一认证" in row
        assert "password" not in row
        assert f"/accounts/{found[1]}" in row
        account = f"/desk/accounts/{found[1]}"
        assert http.post(f"{account}/password", data={"password": "a long password"}).status_code == 422
        assert http.post(account, data={"role": "admin", "capacity": "5", "active": "true"}).status_code == 422
        assert http.post(account, data={"role": "rep", "capacity": "5"}).status_code == 200
        assert browser.http.get("/desk/queue").status_code == 401
        assert browser.sign_in("lin").status_code == 403
        assert http.post(account, data={"role": "rep", "capacity": "5", "active": "true"}).status_code == 200
    assert browser.sign_in("lin").status_code == 303


def test_nothing_that_signs_anybody_in_is_stored(browser: Browser, desk: Server, provider: ScriptedProvider) -> None:
    path = browser.away("lin")
    assert browser.http.get(path).status_code == 303
    with closing(sqlite3.connect(desk.service.settings.data_dir / "teller.db")) as rows:
        stored = "\n".join(rows.iterdump())
    assert "lin.xiao" in stored
    for secret in (*provider.issued, *(values[0] for values in parse_qs(urlsplit(path).query).values())):
        if not secret.startswith("http"):
            assert secret not in stored


def test_without_a_provider_there_is_no_such_way_in_and_nothing_offers_it(server: Server) -> None:
    for path in ("/desk/oidc/start", "/desk/oidc/callback?state=x&code=y"):
        assert httpx.get(f"{server.url}{path}").status_code == 404
    assert "/desk/oidc" not in httpx.get(f"{server.url}/desk/sign-in").text


def test_both_ways_in_are_offered_unless_passwords_are_off(browser: Browser, desk: Server) -> None:
    page = browser.http.get("/desk/sign-in?next=/desk/search").text
    assert 'href="/desk/oidc/start?next=/desk/search"' in page
    assert 'type="password"' in page
    off = desk.service.settings.model_copy(update={"desk_passwords": False})
    on, service = desk.service.settings, desk.service
    hire(desk, "local", "a long password")
    form = {"name": "local", "password": "a long password"}
    assert browser.http.post("/desk/sign-in", data=form).status_code == 303
    browser.http.cookies.clear()
    object.__setattr__(service, "settings", off)
    try:
        page = browser.http.get("/desk/sign-in").text
        assert "/desk/oidc/start" in page
        assert 'type="password"' not in page
        assert PASSWORDS[REP] not in page
        assert browser.http.post("/desk/sign-in", data=form).status_code == 403
        assert "teller_desk" not in browser.http.cookies
        assert browser.sign_in("root").status_code == 303
        assert 'type="password"' not in browser.http.get("/desk/accounts").text
    finally:
        object.__setattr__(service, "settings", on)


def test_a_provider_that_is_away_stops_only_those_who_need_it(browser: Browser, desk: Server) -> None:
    whole = desk.service.desk
    away = desk.service.settings.model_copy(update={"oidc_issuer": "http://127.0.0.1:9"})
    # Nothing of it is asked when the desk opens: a desk that starts while the provider is away serves.
    oidc = open_oidc(away, create_async_engine("sqlite+aiosqlite://"), AsyncExitStack())
    object.__setattr__(desk.service, "desk", replace(whole, oidc=oidc))
    try:
        refused = browser.http.get("/desk/oidc/start")
        assert (refused.status_code, "set-cookie" in refused.headers) == (503, False)
        assert words()["oidc.away"]["zh"] in refused.text
        assert browser.http.post("/desk/sign-in", data={"name": ADMIN, "password": PASSWORDS[ADMIN]}).status_code == 303
    finally:
        object.__setattr__(desk.service, "desk", whole)
