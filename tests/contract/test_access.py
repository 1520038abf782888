"""Every route of ``/v1`` that OpenAPI tells of, asked for one customer's conversation with everything another one has."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.server import Server, Talk

OWNER, OTHER = "C1002", "C1001"
PARAMETER = "{conversation_id}"
OPEN_TO_ALL = {("POST", "/v1/conversations")}
"""The one route that is about no conversation in particular."""
CANARY = "金丝雀夜里唱歌"
BEARERS = (
    "nothing",
    "an empty secret",
    "another customer's token",
    "another customer's secret",
    "a visitor's secret",
    "the secret before sign-in",
    "the owner's token when it is over",
    "another customer's secret under this id",
    "the id as a secret",
)


ABOUT_THE_CALLER = {
    ("POST", "/v1/bindings/links"),
    ("GET", "/v1/bindings"),
    ("DELETE", "/v1/bindings/{channel}/{user_id}"),
}
"""Routes that name nobody: they are about whoever is signed in."""


def routes(server: Server) -> list[tuple[str, str, dict[str, Any] | None]]:
    """Method, path and a body that fits, of every route under ``/v1``."""
    described = server._app.openapi()
    found = []
    for path, methods in described["paths"].items():
        if not path.startswith("/v1/"):
            continue
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {})
            schema = content.get("application/json", {}).get("schema")
            found.append((method.upper(), path, body_of(schema, described) if schema else None))
    return found


def body_of(schema: dict[str, Any], described: dict[str, Any]) -> dict[str, Any]:
    """A body with every field that is asked for."""
    if "$ref" in schema:
        schema = described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        return {}
    by_type = {"string": "canary", "integer": 1}
    return {name: by_type[schema["properties"][name]["type"]] for name in schema.get("required", ())}


@pytest.fixture(scope="module")
def theirs(server: Server) -> tuple[Talk, str]:
    """A customer's conversation with something to see in it, and its secret from before they signed in."""
    visitor = server.open()
    with server.client(visitor.secret) as http:
        opened = http.post(f"{visitor.path}/sign-in", json={"token": server.token(OWNER)}).raise_for_status().json()
    talk = Talk(server, opened["id"], opened["secret"])
    talk.say(f"信用卡账单，{CANARY}")
    return talk, visitor.secret


@pytest.fixture(scope="module")
def bearers(server: Server, theirs: tuple[Talk, str]) -> dict[str, str | None]:
    talk, old_secret = theirs
    others = server.open(server.token(OTHER))
    with server.clock_ahead(dt.timedelta(hours=-1)):
        over = server.token(OWNER)
    held = {
        "nothing": None,
        "an empty secret": f"{talk.id}~",
        "another customer's token": server.token(OTHER),
        "another customer's secret": others.secret,
        "a visitor's secret": server.open().secret,
        "the secret before sign-in": old_secret,
        "the owner's token when it is over": over,
        "another customer's secret under this id": f"{talk.id}~{others.secret.partition('~')[2]}",
        "the id as a secret": talk.id,
    }
    assert tuple(held) == BEARERS
    return held


def answers(server: Server, bearer: str | None, conversation_id: str) -> Iterator[tuple[str, httpx.Response]]:
    with server.client(bearer) as http:
        for (method, path, body), accept in itertools.product(routes(server), ("application/json", "*/*")):
            if (method, path) not in OPEN_TO_ALL | ABOUT_THE_CALLER:
                url = path.replace(PARAMETER, conversation_id)
                yield f"{method} {path}", http.request(method, url, json=body, headers={"Accept": accept})


def test_every_route_is_about_a_conversation_or_known_to_be_open(server: Server) -> None:
    known = {(method, path) for method, path, _ in routes(server)}
    assert known >= OPEN_TO_ALL | ABOUT_THE_CALLER
    others = known - OPEN_TO_ALL - ABOUT_THE_CALLER
    assert all(path.startswith(f"/v1/conversations/{PARAMETER}") for _, path in others)
    assert len(others) >= 4


@pytest.mark.parametrize("held", ["nothing", "another customer's secret", "a visitor's secret"])
def test_what_is_about_the_caller_is_nothing_to_those_who_are_not_signed_in(
    server: Server, bearers: dict[str, str | None], held: str
) -> None:
    with server.client(bearers[held]) as http:
        for method, path in sorted(ABOUT_THE_CALLER):
            assert http.request(method, path).status_code == 401, (method, path)


@pytest.mark.parametrize("held", BEARERS)
def test_nobody_else_reaches_a_customers_conversation_by_any_route(
    server: Server, theirs: tuple[Talk, str], bearers: dict[str, str | None], held: str
) -> None:
    talk, _ = theirs
    before = talk.events()
    assert CANARY in str(before)
    for (route, there), (_, missing) in zip(
        answers(server, bearers[held], talk.id), answers(server, bearers[held], "0" * 24), strict=True
    ):
        assert there.status_code in (401, 404), (route, there.text)
        assert there.headers["content-type"] == "application/problem+json"
        assert (there.status_code, there.json()) == (missing.status_code, missing.json()), route
        assert CANARY not in there.text
    assert talk.events() == before


def test_the_owner_reaches_it_by_every_route_that_reads(server: Server, theirs: tuple[Talk, str]) -> None:
    talk, _ = theirs
    for bearer in (talk.secret, server.token(OWNER)):
        with server.client(bearer) as http:
            assert http.get(talk.path).status_code == 200
            assert CANARY in http.get(f"{talk.path}/events", headers={"Accept": "application/json"}).text
