"""The bank's REST API itself: what it answers a stranger, what its document says, and the same as a process of its own."""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from backends import wire
from backends.action import ActionCall, Caller
from backends.http.client import HttpActions
from backends.http.routes import ROUTES, repeatable
from backends.http.server import MAX_BODY, create_app, openapi
from backends.registry import ACTIONS, BY_NAME
from backends.result import Result
from bot.tokens import Tokens
from tests.bank import BANK_NOW, ME, caller, commit_of, open_bank, said
from tests.server import serving

ROOT = Path(__file__).parent.parent.parent
KEY = b"a key of the contract test, 32 bytes"
CANARY = "6217000012345678"


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with open_bank(tmp_path) as bank:
        with serving(create_app(bank.actions, KEY, lambda: BANK_NOW)) as url:
            async with httpx.AsyncClient(base_url=url) as client:
                yield client


def bearer(assertion: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {assertion}"}


def signed(key: bytes = KEY, at: dt.datetime = BANK_NOW) -> dict[str, str]:
    return bearer(wire.sign(caller(ME), key, at))


async def test_an_answer_is_the_result_and_is_kept_nowhere(api: httpx.AsyncClient) -> None:
    answer = await api.get("/fx/rate", params={"currency": ["USD", "EUR"]})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert Result.model_validate(answer.json()).outcome == "found_many"
    mine = await api.get("/card/bill", headers=signed())
    assert Result.model_validate(mine.json()).facts


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Basic QzEwMDE6"},
        bearer("nonsense"),
        bearer(Tokens(KEY).issue(ME, BANK_NOW)),
        signed(b"another key of just as many bytes!!!"),
        signed(at=BANK_NOW - dt.timedelta(minutes=1)),
    ],
    ids=["absent", "of another scheme", "nonsense", "a customer's own token", "signed with another key", "over"],
)
async def test_a_stranger_is_told_to_sign_in_and_nothing_else(api: httpx.AsyncClient, headers: dict[str, str]) -> None:
    for path in ("/card/bill", "/account/balance", "/card/repay/latest", "/card/repay/effects/key"):
        answer = await api.get(path, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
        assert answer.json().keys() == {"type", "title", "status", "detail", "effect", "outcome"}
        assert answer.json()["outcome"] == "sign_in"


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("GET", "/card/nothing", {}, 404),
        ("DELETE", "/card/bill", {}, 405),
        ("GET", "/fx/quote", {}, 422),
        ("GET", "/card/bill", {"params": {"customer_id": CANARY}}, 422),
        ("GET", "/card/transactions", {"params": {"period": CANARY}}, 422),
        ("POST", "/service/complaint", {"json": {"detail": CANARY}}, 422),
        ("POST", "/service/complaint", {"json": {"detail": [CANARY]}, "headers": {"Idempotency-Key": "k"}}, 422),
        ("POST", "/service/complaint", {"content": CANARY, "headers": {"Idempotency-Key": "k"}}, 422),
        ("POST", "/card/repay", {"json": {"quote_id": CANARY, "digest": ""}, "headers": {"Idempotency-Key": "k"}}, 422),
        ("POST", "/card/repay", {"json": {"quote_id": CANARY, "digest": "d"}}, 422),
        ("POST", "/knowledge/overdue", {"json": {"question": CANARY + "问" * MAX_BODY}}, 413),
    ],
)
async def test_a_request_that_cannot_be_served_is_a_problem_that_repeats_none_of_it(
    api: httpx.AsyncClient, method: str, path: str, options: dict[str, Any], status: int
) -> None:
    options = options | {"headers": signed() | options.get("headers", {})}
    answer = await api.request(method, path, **options)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["effect"] == "none"
    assert CANARY not in answer.text


async def test_a_failure_says_that_its_effect_is_unknown_and_nothing_of_the_request() -> None:
    class Broken:
        async def run(self, call: ActionCall, caller: Caller) -> Result:
            raise RuntimeError(f"cannot handle {call.input}")

    with serving(create_app(Broken(), KEY, lambda: BANK_NOW)) as url:
        async with httpx.AsyncClient(base_url=url) as client:
            answer = await client.get("/card/bill", params={"card_tail": CANARY}, headers=signed())
    assert (answer.status_code, answer.json()["effect"]) == (500, "unknown")
    assert CANARY not in answer.text


# -- its paths and its document -------------------------------------------------------------


def test_every_step_of_every_action_has_a_request_of_its_own() -> None:
    assert ROUTES.keys() == {(action.name, step) for action in ACTIONS for step in action.steps}
    assert len({(route.method, route.path) for route in ROUTES.values()}) == len(ROUTES)
    for action in ACTIONS:
        assert {ROUTES[action.name, step].path.split("/")[1] for step in action.steps} == {action.source}


def test_what_may_have_an_effect_bears_a_key_and_is_never_sent_twice() -> None:
    for (name, step), route in ROUTES.items():
        if BY_NAME[name].acts(step):
            assert route.method == "POST"
            assert route.keyed or "{key}" in route.path
            assert not repeatable(name, step)
        elif route.method == "POST":
            assert step == "prepare" or BY_NAME[name].source == "knowledge"
    assert not repeatable("fx_buy", "prepare")
    assert repeatable("fx_buy", "outcome")


def test_the_document_that_is_shipped_is_the_apis() -> None:
    shipped = json.loads((ROOT / "docs/openapi/bank.json").read_text("utf-8"))
    assert shipped == openapi(), "make openapi"


def test_the_document_tells_every_request_and_what_it_may_be_answered() -> None:
    document = openapi()
    told = {(method.upper(), path) for path, operations in document["paths"].items() for method in operations}
    assert told == {(route.method, route.path) for route in ROUTES.values()}
    commit = document["paths"]["/fx/buy"]["post"]
    assert commit["security"] == [{"assertion": []}]
    assert [one["name"] for one in commit["parameters"] if one["required"]] == ["Idempotency-Key"]
    assert commit["responses"]["4XX"]["content"].keys() == {"application/problem+json"}
    flow = next(one for one in document["paths"]["/account/transactions"]["get"]["parameters"] if one["name"] == "flow")
    assert flow["schema"]["enum"] == ["in", "out"]


# -- a process of its own -------------------------------------------------------------------


@contextmanager
def started(folder: Path) -> Iterator[str]:
    """``python -m backends.http.server`` over a bank in *folder*; yields its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    (folder / "key").write_bytes(KEY)
    options = ["--port", str(port), "--key-file", str(folder / "key")]
    options += ["--database", f"sqlite+aiosqlite:///{folder / 'of-its-own' / 'bank.db'}"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TELLER_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "backends.http.server", *options], cwd=ROOT, env=environment, stderr=subprocess.PIPE
    )
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(600):
            try:
                httpx.get(f"{url}/health", trust_env=False).raise_for_status()
                break
            except httpx.TransportError:
                assert process.poll() is None, process.communicate()[1].decode()
                time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=10)
    assert errors == b""


async def test_a_bank_in_another_process_quotes_does_it_once_and_remembers(tmp_path: Path) -> None:
    with started(tmp_path) as url:
        bank = HttpActions(url, KEY)
        before = said(await bank.run(ActionCall(name="fx_quota"), caller(ME)))
        ready = await bank.run(
            ActionCall(name="fx_buy", step="prepare", input={"amount": "800", "currency": "USD"}), caller(ME)
        )
        done = [await bank.run(commit_of(ready), caller(ME)) for _ in range(2)]
        assert done[0].completed
        assert done[0] == done[1]
        assert await bank.run(ActionCall(name="fx_buy", step="outcome", key="key"), caller(ME)) == done[0]
        after = said(await bank.run(ActionCall(name="fx_quota"), caller(ME)))
        assert before != after
        assert (await bank.run(ActionCall(name="card_bill"), caller(None))).outcome == "sign_in"
        await bank.aclose()


def test_a_server_without_a_key_says_what_to_do_and_does_not_start(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TELLER_")}
    told = ["--key-file", str(tmp_path / "none")]
    done = subprocess.run(
        [sys.executable, "-m", "backends.http.server", *told], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "TELLER_TOKEN_KEY" in done.stderr
