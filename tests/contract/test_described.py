"""The documents in docs/openapi and docs/asyncapi say what is served, and no request that they allow, or do not, fails us."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator

from bot.described_async import asyncapi
from bot.documents import openapi
from bot.event_data import EVENTS
from tests.server import Server, Talk

ROOT = Path(__file__).parent.parent.parent
OPENAPI, ASYNCAPI = openapi(), asyncapi()
OPERATIONS = [
    (method.upper(), path, operation) for path, item in OPENAPI["paths"].items() for method, operation in item.items()
]


def references(document: Any) -> Iterator[str]:
    """Every ``$ref`` in it."""
    if isinstance(document, dict):
        for name, value in document.items():
            if name == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(document, list):
        for value in document:
            yield from references(value)


def found(document: Any, reference: str) -> Any:
    for part in reference.removeprefix("#/").split("/"):
        document = document[part.replace("~1", "/").replace("~0", "~")]
    return document


@pytest.mark.parametrize(("file", "document"), [("openapi/teller.json", OPENAPI), ("asyncapi/teller.json", ASYNCAPI)])
def test_what_is_shipped_is_what_is_served(file: str, document: dict[str, Any]) -> None:
    assert json.loads((ROOT / "docs" / file).read_text("utf-8")) == document, "make openapi"


@pytest.mark.parametrize("document", [OPENAPI, ASYNCAPI], ids=["openapi", "asyncapi"])
def test_every_reference_leads_somewhere_and_every_schema_is_one(document: dict[str, Any]) -> None:
    for reference in references(document):
        assert isinstance(found(document, reference), dict), reference
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_the_asyncapi_document_is_one_by_its_own_specification() -> None:
    specification = json.loads((ROOT / "tests/data/asyncapi-3.0.0.json").read_text("utf-8"))
    errors = [error.message for error in Draft7Validator(specification).iter_errors(ASYNCAPI)]
    assert errors == []
    broken = {**ASYNCAPI, "operations": {"x": {"action": "shout"}}}
    assert list(Draft7Validator(specification).iter_errors(broken))


def test_operations_have_names_of_their_own_and_say_how_they_fail() -> None:
    names = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(set(names)) == len(names)
    for _, path, operation in OPERATIONS:
        for status, answer in operation["responses"].items():
            if status[0] in "45":
                assert answer["content"].keys() == {"application/problem+json"}, (path, status)


def test_every_event_that_is_made_somewhere_is_described() -> None:
    made = re.compile(r'NewEvent\(\s*type="([a-z_.]+)", actor="([a-z]+)"|_say\(connection,[^"]*"([a-z_.]+)"')
    for file in (ROOT / "bot").rglob("*.py"):
        for kind, actor, said in made.findall(file.read_text("utf-8")):
            assert (actor or "rep") in EVENTS[kind or said], (file.name, kind or said, actor)


def test_real_events_are_as_they_are_described(server: Server) -> None:
    visitor = server.open()
    with server.client(visitor.secret) as http:
        opened = http.post(f"{visitor.path}/sign-in", json={"token": server.token("C1003")}).raise_for_status().json()
    talk = Talk(server, opened["id"], opened["secret"])
    for text in ("今天美元汇率多少", "我的信用卡账单", "转人工", "不用人工了"):
        talk.say(text)
    events = talk.events()
    for event in events:
        described = ASYNCAPI["components"]["messages"][f"{event['type']}.{event['actor']}"]
        schema = {**described["payload"], "components": ASYNCAPI["components"]}
        errors = [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(event)]
        assert errors == [], event["type"]
    assert {event["type"] for event in events} >= {"message.completed", "conversation.signed_in", "handover.queued"}
    wrong = {**events[-1], "seq": "last"}
    assert list(Draft202012Validator(schema).iter_errors(wrong))


# -- requests at random -----------------------------------------------------------------------

NASTY = st.sampled_from(
    [
        "",
        "0",
        "-1",
        "1e400",
        "NaN",
        "\x00",
        "\ud800",
        "💳" * 60,
        "../../etc/passwd",
        "%00",
        "' OR 1=1 --",
        "a" * 3_000,
        "你好",
    ]
)
TEXTS = st.one_of(st.text(max_size=40), NASTY)
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)


def fitting(schema: dict[str, Any], depth: int = 0) -> st.SearchStrategy[Any]:
    """Values that *schema* allows, more or less, and now and then some that it does not."""
    if "$ref" in schema:
        return fitting(found(OPENAPI, schema["$ref"]), depth)
    if "anyOf" in schema:
        return st.one_of(*(fitting(one, depth) for one in schema["anyOf"]))
    if "enum" in schema:
        return st.one_of(st.sampled_from(schema["enum"]), TEXTS)
    match schema.get("type"):
        case "object" if depth < 3:
            fields = {name: fitting(inner, depth + 1) for name, inner in schema.get("properties", {}).items()}
            required = {name: fields.pop(name) for name in schema.get("required", ())}
            return st.fixed_dictionaries(required, optional={**fields, "surplus": ANYTHING})
        case "array":
            return st.lists(fitting(schema.get("items", {}), depth + 1), max_size=3)
        case "integer" | "number":
            return st.one_of(st.integers(-3, 10), st.floats(), TEXTS)
        case "boolean":
            return st.booleans()
        case "string":
            return st.one_of(TEXTS, st.integers())
    return ANYTHING


@st.composite
def requests(draw: st.DrawFn, mine: Talk, token: str) -> tuple[str, str, dict[str, Any]]:
    """A request: method, path, and the rest as httpx takes it."""
    method, path, operation = draw(st.sampled_from(OPERATIONS))
    query: dict[str, str] = {}
    # A list, never a stream: that one would not end.
    headers = {"Accept": "application/json"}
    for parameter in operation.get("parameters", ()):
        value = str(draw(fitting(parameter["schema"])))
        if parameter["in"] == "path":
            value = mine.id if parameter["name"] == "conversation_id" and draw(st.booleans()) else value
            safe = value.encode("utf-8", "surrogatepass") or b"-"
            path = path.replace(f"{{{parameter['name']}}}", "".join(f"%{byte:02X}" for byte in safe))
        elif parameter["in"] == "query" and draw(st.booleans()):
            query[parameter["name"]] = value.encode("utf-8", "replace").decode()
        elif parameter["in"] == "header" and draw(st.booleans()):
            headers[parameter["name"]] = re.sub(r"[^\x20-\x7e]", "?", value)[:200]
    credential = draw(st.sampled_from([None, mine.secret, token, "a.b.c", "~", mine.secret[:-1]]))
    if credential is not None:
        headers["Authorization"] = f"Bearer {credential}"
    rest: dict[str, Any] = {"params": query, "headers": headers}
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if body is not None:
        sent = draw(st.one_of(fitting(body), fitting(body), ANYTHING, st.binary(max_size=30)))
        headers["Content-Type"] = draw(st.sampled_from(["application/json", "application/json", "text/plain", "x"]))
        rest["content"] = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    return method, path, rest


def test_no_request_at_random_fails_us(server: Server) -> None:
    mine, token = server.open(server.token("C1002")), server.token("C1002")
    seen: set[tuple[str, int]] = set()

    with server.client() as http:

        @given(requests(mine, token))
        @settings(
            max_examples=100, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        def ask(request: tuple[str, str, dict[str, Any]]) -> None:
            method, path, rest = request
            response = http.request(method, path, **rest)
            assert response.status_code < 500, (method, path, rest, response.text)
            if response.status_code >= 400:
                assert response.headers["content-type"] == "application/problem+json", (method, path, response.text)
            seen.add((method, response.status_code))

        ask()
    # It got past the door, too.
    assert {("GET", 200), ("POST", 422)} <= seen
    assert any(method == "POST" and status < 300 for method, status in seen)


def test_methods_that_are_not_there_are_refused_in_the_same_words(server: Server) -> None:
    with server.client() as http:
        for method, path in (("DELETE", "/v1/conversations"), ("PUT", "/webhooks/rest/webhook"), ("GET", "/nowhere")):
            answer: httpx.Response = http.request(method, path)
            assert answer.status_code in (404, 405)
            assert answer.headers["content-type"] == "application/problem+json"
