"""Every route of the desk, asked by everybody, about every conversation: each answer is the one that is written here."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from bot.desk.access import CSRF_HEADER, is_public, roles_of
from bot.desk.routes import PREFIX, ROUTERS
from bot.desk.sessions import IDLE, LIFE
from tests.desk import ADMIN, OTHER_REP, REP, SUPERVISOR, RepClient, give, hire, strange, waiting
from tests.server import Server, Talk

CONVERSATION = "/desk/conversations/{conversation_id}"
ROLES = ("rep", "supervisor", "admin")
REPS = frozenset({"rep", "supervisor"})
FILLED = {"rep_id": "rep-000000000000", "seq": "1", "suggestion_id": "1", "name": "desk.css", "key": "none"}
"""What stands in for other parameters of a path."""

OPEN_TO: dict[tuple[str, str], frozenset[str]] = {
    ("GET", "/desk/assets/{name}"): frozenset(),
    ("GET", "/desk/sign-in"): frozenset(),
    ("POST", "/desk/sign-in"): frozenset(),
    ("GET", "/desk/oidc/start"): frozenset(),
    ("GET", "/desk/oidc/callback"): frozenset(),
    ("POST", "/desk/sign-out"): frozenset(ROLES),
    ("POST", "/desk/language"): frozenset(ROLES),
    ("GET", "/desk/accounts"): frozenset({"admin"}),
    ("POST", "/desk/accounts"): frozenset({"admin"}),
    ("POST", "/desk/accounts/{rep_id}"): frozenset({"admin"}),
    ("POST", "/desk/accounts/{rep_id}/password"): frozenset({"admin"}),
    ("GET", "/desk/audit"): frozenset({"admin"}),
    ("GET", "/desk/audit.csv"): frozenset({"admin"}),
    ("GET", "/desk"): REPS,
    ("GET", "/desk/queue"): REPS,
    ("GET", "/desk/mine"): REPS,
    ("POST", "/desk/next"): REPS,
    ("POST", "/desk/taking"): REPS,
    ("GET", "/desk/search"): REPS,
    ("GET", "/desk/knowledge"): REPS,
    ("GET", "/desk/stream"): REPS,
    ("GET", "/desk/canned"): frozenset({"supervisor", "admin"}),
    ("POST", "/desk/canned"): frozenset({"supervisor", "admin"}),
    ("POST", "/desk/canned/{key}/retire"): frozenset({"supervisor", "admin"}),
    ("GET", "/desk/board"): frozenset({"supervisor"}),
    ("GET", "/desk/board/figures"): frozenset({"supervisor"}),
    ("GET", "/desk/board.csv"): frozenset({"supervisor"}),
}
"""Routes that are about no conversation, and whom they are for; none are those that are open to all."""

OBJECTS = ("one's own", "waiting", "another rep's", "the bot's", "once one's own", "nobody's")
SEEN, THEIRS, SHUT = "seen", "not held", "shut"
"""What may come: an answer of the route itself; 409, for whoever may see it and does not hold it; 404."""

_READ = {
    "rep": (SEEN, SEEN, SHUT, SHUT, SEEN, SHUT),
    "supervisor": (SEEN, SEEN, SEEN, SEEN, SEEN, SHUT),
}
_ANSWER = {
    "rep": (SEEN, THEIRS, SHUT, SHUT, THEIRS, SHUT),
    "supervisor": (SEEN, THEIRS, THEIRS, THEIRS, THEIRS, SHUT),
}
_LEAD = {"supervisor": (SEEN, SEEN, SEEN, SEEN, SEEN, SHUT)}
ABOUT_ONE: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {
    ("GET", ""): _READ,
    ("GET", "/lines"): _READ,
    ("GET", "/lines/{seq}"): _READ,
    ("GET", "/head"): _READ,
    ("GET", "/customer"): _READ,
    ("GET", "/canned"): _READ,
    ("POST", "/notes"): _READ,
    ("POST", "/messages"): _ANSWER,
    ("POST", "/check"): _ANSWER,
    ("POST", "/typing"): _ANSWER,
    ("POST", "/suggestion"): _ANSWER,
    ("POST", "/suggestion/{suggestion_id}/reject"): _ANSWER,
    ("GET", "/writes"): _ANSWER,
    ("POST", "/writes"): _ANSWER,
    ("POST", "/transfer"): _ANSWER,
    ("POST", "/hand-back"): _ANSWER,
    ("POST", "/assign"): _LEAD,
    ("POST", "/take-over"): {"supervisor": (THEIRS, SEEN, SEEN, SEEN, SEEN, SHUT)},
    ("POST", "/claim"): {
        "rep": (SEEN, SEEN, THEIRS, SHUT, THEIRS, SHUT),
        "supervisor": (SEEN, SEEN, THEIRS, THEIRS, THEIRS, SHUT),
    },
    ("POST", "/release"): {
        "rep": (SEEN, THEIRS, SHUT, SHUT, THEIRS, SHUT),
        "supervisor": (SEEN, THEIRS, SEEN, THEIRS, THEIRS, SHUT),
    },
    ("POST", "/reveal"): {
        "rep": (SEEN, THEIRS, SHUT, SHUT, THEIRS, SHUT),
        "supervisor": (SEEN, SEEN, SEEN, SEEN, SEEN, SHUT),
    },
}
"""For each object in order, what a rep and a supervisor get; an admin and nobody get nothing at all."""
MOVING = {"/transfer", "/hand-back", "/assign", "/take-over", "/claim", "/release"}
"""What leaves the conversation in other hands."""
FORMS = {
    "/messages": {"text": "您好", "message_id": "message-1"},
    "/transfer": {"to": "skill:fx"},
    "/hand-back": {"disposition": "solved"},
    "/writes": {"capability": "card_report_lost", "request_id": "request-1"},
    "/notes": {"text": "一条备注"},
    "/assign": {"to": "rep-000000000000"},
}


def routes() -> Iterator[tuple[str, str, Any]]:
    """Method, path and handler of every route of the desk."""
    for router in ROUTERS:
        for route in router.routes:
            for method in sorted(route.methods - {"HEAD"}):  # type: ignore[attr-defined]
                yield method, f"{PREFIX}{route.path}", route.endpoint  # type: ignore[attr-defined]


def filled(path: str, conversation_id: str = "0" * 24) -> str:
    """*path* with something in every gap."""
    return re.sub(r"\{(\w+)\}", lambda gap: FILLED.get(gap[1], conversation_id), path)


SignIn = Callable[..., RepClient]


@pytest.fixture(scope="module")
def sign_in(server: Server) -> Iterator[SignIn]:
    """Signs in whoever is named, for as long as the module's tests run."""
    with ExitStack() as stack:
        yield lambda *who: stack.enter_context(RepClient(server, *who))


@pytest.fixture(scope="module")
def reps(sign_in: SignIn) -> dict[str, RepClient]:
    """One signed in for each role, and the other rep."""
    found = {"rep": REP, "other": OTHER_REP, "supervisor": SUPERVISOR, "admin": ADMIN}
    return {role: sign_in(name) for role, name in found.items()}


@pytest.fixture(scope="module")
def talk(server: Server) -> Talk:
    """A signed-in customer's conversation, which a human was asked for in."""
    return waiting(server, "C1002", "信用卡账单")


def test_every_route_says_whom_it_is_for_and_is_written_down_here() -> None:
    for method, path, handler in routes():
        if path.startswith("/desk/corrections") or "/corrections" in path:
            assert roles_of(handler), path
        elif path.startswith(CONVERSATION):
            assert roles_of(handler) == ABOUT_ONE[method, path.removeprefix(CONVERSATION)].keys(), path
        else:
            assert roles_of(handler) == OPEN_TO[method, path], path
            assert is_public(handler) == (not OPEN_TO[method, path]), path


def test_a_route_that_says_nothing_is_shut_to_everybody(server: Server, reps: dict[str, RepClient]) -> None:
    """Deny by default: the door itself refuses, whatever the handler would have answered."""
    from bot.desk.routes import board

    handler = board.figures
    marks = {name: vars(handler).pop(name) for name in ("__desk_roles__",)}
    try:
        assert reps["supervisor"].get("/board/figures").status_code == 403
    finally:
        vars(handler).update(marks)
    assert reps["supervisor"].get("/board/figures").status_code == 200


def test_who_is_not_signed_in_is_sent_to_the_door_by_every_route(server: Server) -> None:
    with httpx.Client(base_url=server.url, headers={"Origin": server.url}) as nobody:
        for method, path, handler in routes():
            if is_public(handler):
                continue
            refused = nobody.request(method, filled(path))
            assert (refused.status_code, refused.headers["content-type"]) == (401, "application/problem+json"), path
        page = nobody.get("/desk", headers={"Accept": "text/html"})
        assert (page.status_code, page.headers["location"]) == (303, "/desk/sign-in?next=/desk")
        part = nobody.get("/desk/mine", headers={"HX-Request": "true"})
        assert (part.status_code, part.headers["hx-redirect"]) == (401, "/desk/sign-in")


def test_no_role_opens_a_route_that_is_anothers(reps: dict[str, RepClient]) -> None:
    for (method, path, handler), role in itertools.product(routes(), ROLES):
        if is_public(handler) or role in roles_of(handler):
            continue
        refused = reps[role].http.request(method, filled(path))
        assert (refused.status_code, refused.json()["type"]) == (403, "urn:teller:problem:not-yours"), (role, path)


def test_an_act_without_the_sessions_token_or_from_another_site_is_refused_everywhere(
    server: Server, reps: dict[str, RepClient]
) -> None:
    own = {"Origin": server.url}
    wrong = [
        ("forged", {**own, CSRF_HEADER: ""}),
        ("forged", {**own, CSRF_HEADER: "x" * 43}),
        ("forged", {**own, CSRF_HEADER: reps["other"].http.headers[CSRF_HEADER]}),
        ("foreign-origin", {"Origin": "https://evil.test"}),
        ("foreign-origin", {"Origin": "null"}),
        ("foreign-origin", {"Origin": server.url.replace("127.0.0.1", "localhost")}),
        ("foreign-origin", {"Origin": f"{server.url}.evil.test"}),
        ("foreign-origin", {"Origin": ""}),
    ]
    for method, path, handler in routes():
        if method == "GET":
            continue
        role = next((role for role in ROLES if role in roles_of(handler)), "rep")
        for kind, headers in wrong:
            if kind == "forged" and is_public(handler):
                continue
            refused = reps[role].http.request(method, filled(path), headers=headers)
            kinds = {f"urn:teller:problem:{kind}", "urn:teller:problem:demo-is-local"}
            assert refused.status_code == 403, (path, headers)
            assert refused.json()["type"] in kinds, (path, headers)


def test_each_rep_reaches_each_conversation_as_far_as_it_is_theirs(
    server: Server, reps: dict[str, RepClient], talk: Talk
) -> None:
    for role, kind in itertools.product(("rep", "supervisor"), OBJECTS):
        rep = reps[role]
        owners = {"one's own": rep.id, "waiting": "queue", "another rep's": reps["other"].id}
        moved = True
        for (method, tail), expected in ABOUT_ONE.items():
            if role not in expected:
                continue
            if moved:
                # Nobody holds or held it but those whom this cell is about.
                give(server, talk, owners.get(kind, "bot"), rep.id if kind == "once one's own" else None)
            path = filled(f"{CONVERSATION}{tail}", talk.id if kind != "nobody's" else "0" * 24)
            answer = rep.http.request(method, path, data=FORMS.get(tail, {}) if method == "POST" else None)
            moved = tail in MOVING and answer.status_code < 300
            cell = (method, tail, role, kind, answer.status_code, answer.text[:200])
            match expected[role][OBJECTS.index(kind)]:
                case "shut":
                    assert answer.status_code == 404, cell
                    assert "账单" not in answer.text
                case "not held":
                    assert answer.status_code == 409, cell
                case _:
                    # The route's own answer: to an assignment it is that there is no such rep.
                    missing = tail == "/assign" and answer.status_code == 404
                    assert missing or answer.status_code in (200, 204), cell


def test_somebody_elses_customer_reads_like_one_that_is_not_there(
    server: Server, reps: dict[str, RepClient], talk: Talk
) -> None:
    give(server, talk, reps["other"].id)
    there = reps["rep"].get(f"/conversations/{talk.id}")
    missing = reps["rep"].get(f"/conversations/{'0' * 24}")
    assert (there.status_code, there.text) == (missing.status_code, missing.text)
    assert talk.id not in reps["rep"].get("/search?q=账单").text
    assert talk.id in reps["other"].get("/search?q=账单").text
    assert talk.id in reps["supervisor"].get("/search?q=账单").text
    give(server, talk, "bot")


def test_pages_run_no_script_of_their_own_and_are_framed_by_nobody(reps: dict[str, RepClient]) -> None:
    for role, path in (("rep", ""), ("supervisor", "/board"), ("admin", "/accounts"), ("admin", "/audit")):
        page = reps[role].get(path)
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert strange(page.text) == []


def test_the_cookie_is_kept_from_scripts_and_ends_with_the_session(server: Server, sign_in: SignIn) -> None:
    rep = sign_in(REP)
    with httpx.Client(base_url=server.url, headers={"Origin": server.url}) as http:
        answer = http.post("/desk/sign-in", data={"name": REP, "password": "spruce-rep-1"})
        assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(answer.headers["set-cookie"].split("; "))
    assert rep.get("/queue").status_code == 200
    with server.clock_ahead(IDLE + dt.timedelta(seconds=1)):
        assert rep.get("/queue").status_code == 401
    with server.clock_ahead(LIFE):
        assert rep.get("/queue").status_code == 401
    stolen = dict(rep.http.cookies)
    assert rep.post("/sign-out").status_code == 204
    assert httpx.get(f"{server.url}/desk/queue", cookies=stolen).status_code == 401


def test_a_page_that_asks_by_itself_keeps_nobody_signed_in(server: Server, sign_in: SignIn) -> None:
    rep = sign_in(OTHER_REP)
    for minutes, path in ((40, "/queue"), (70, "/queue")):
        with server.clock_ahead(dt.timedelta(minutes=minutes)):
            last = rep.get(path)
    assert last.status_code == 401
    rep = sign_in(OTHER_REP)
    for minutes, path in ((40, "/search"), (70, "/queue")):
        with server.clock_ahead(dt.timedelta(minutes=minutes)):
            last = rep.get(path)
    assert last.status_code == 200


def test_a_shut_account_is_signed_out_at_once_and_a_new_one_works(sign_in: SignIn, reps: dict[str, RepClient]) -> None:
    admin = reps["admin"]
    made = admin.post(
        "/accounts",
        name="new.rep",
        password="a long password",
        role="rep",
        display_name="新人",
        skills=["fx", "no such"],
    )
    assert made.status_code == 200, made.text
    again = admin.post("/accounts", name="new.rep", password="a long password", role="rep", display_name="新人")
    assert (again.status_code, "There is an account called new.rep." in again.text) == (422, True)
    rep = sign_in("new.rep", "a long password")
    assert rep.get("/queue").status_code == 200
    assert admin.post(f"/accounts/{rep.id}", role="rep", capacity=3).status_code == 200
    assert rep.get("/queue").status_code == 401
    trail = admin.get("/audit").text
    assert "account.changed" in trail
    assert "a long password" not in trail


def test_the_audit_trail_is_exported_whole_and_formulas_in_it_are_only_text(
    server: Server, reps: dict[str, RepClient]
) -> None:
    day = server.now().date()
    lines = reps["admin"].get(f"/audit.csv?since={day}&until={day}").text.splitlines()
    assert lines[0] == "id,at,actor,action,conversation,data"
    assert any("view.audit.csv" in line for line in lines)
    assert reps["admin"].get("/audit.csv?since=2001-01-01&until=2001-01-02").text.splitlines() == lines[:1]


def test_ten_thousand_guesses_at_once_are_not_looked_at(server: Server) -> None:
    """Few enough here to be quick; the sixth is refused before it is looked at, like the ten-thousandth."""
    hire(server, "guessed", "correct horse battery")

    def guess(n: int) -> int:
        form = {"name": "guessed", "password": "correct horse battery" if n == 7 else f"wrong {n}"}
        return httpx.post(f"{server.url}/desk/sign-in", data=form, headers={"Origin": server.url}).status_code

    with ThreadPoolExecutor(4) as pool:
        wrong = list(pool.map(guess, range(5)))
    assert wrong == [401] * 5
    assert guess(7) == 429
    with server.clock_ahead(dt.timedelta(minutes=16)):
        assert guess(7) == 303
    assert guess(7) == 303
