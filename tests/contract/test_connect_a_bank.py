"""``docs/connect-a-bank.md`` does what it says: its service is run against its core, its write against the reference."""

from __future__ import annotations

import datetime as dt
import json
import re
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from backends.action import ActionCall, BackendError
from backends.http import client
from backends.http.breaker import Breaker
from backends.http.client import HttpActions
from backends.http.routes import ROUTES
from backends.http.server import create_app
from backends.rules import standing_facts
from backends.wire import LIFETIME, utc_now
from responses.audience import Audience
from responses.compose import compose
from tests.bank import ME, caller, open_bank
from tests.server import serving

PAGE = (Path(__file__).parent.parent.parent / "docs/connect-a-bank.md").read_text("utf-8")
KEY = "a key of the contract test, 32 bytes"
REFERENCE = "http://127.0.0.1:5056"


def blocks(language: str) -> list[str]:
    """The page's fenced blocks of that language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def core() -> Iterator[str]:
    """The bank's core as the page tells it: the first customer's accounts; nobody else's."""
    told = json.loads(blocks("json")[0])

    async def accounts(request: Request) -> JSONResponse:
        mine = request.path_params["customer"] == ME
        return JSONResponse(told if mine else {"accounts": []})

    with serving(Starlette(routes=[Route("/core/v2/customers/{customer}/accounts", accounts)])) as url:
        yield url


@pytest.fixture
async def bank(core: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[HttpActions]:
    """The page's service, and our client of it."""
    monkeypatch.setenv("TELLER_TOKEN_KEY", KEY)
    monkeypatch.setenv("CORE_URL", core)
    module = ModuleType("bank_api")
    monkeypatch.setitem(sys.modules, "bank_api", module)
    exec(compile(blocks("python")[0], "bank_api.py", "exec"), module.__dict__)
    with serving(module.app) as url:
        actions = HttpActions(url, KEY.encode())
        yield actions
        await actions.aclose()


async def test_the_pages_service_answers_as_the_page_tells(bank: HttpActions) -> None:
    both = await bank.run(ActionCall(name="account_balance"), caller(ME))
    assert both.outcome == "found_many"
    now = utc_now()
    audience = Audience.of((), language="zh", channel="web", greeted=True, now=now, variation=0)
    reply = await compose([both], audience, now=now, rules=standing_facts(now), gateway=None)
    told = re.search(r"> 查余额\n((?:    .*\n)+)", PAGE)
    assert told is not None
    assert reply.text == "\n".join(line.strip() for line in told[1].splitlines())
    one = await bank.run(ActionCall(name="account_balance", input={"card_tail": "7788"}), caller(ME))
    assert (one.outcome, one.fact("balance").value) == ("found", "8000.00")
    closed = await bank.run(ActionCall(name="account_balance", input={"card_tail": "1234"}), caller(ME))
    assert closed.outcome == "not_found"
    assert (await bank.run(ActionCall(name="account_balance"), caller("C1002"))).outcome == "no_account"
    assert (await bank.run(ActionCall(name="account_balance"), caller(None))).outcome == "sign_in"


async def test_what_the_pages_service_does_not_serve_and_a_core_that_is_away_are_no_answer(
    bank: HttpActions, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BackendError, match="404"):
        await bank.run(ActionCall(name="card_bill"), caller(ME))
    monkeypatch.setattr(sys.modules["bank_api"], "CORE_URL", "http://127.0.0.1:9")
    with pytest.raises(BackendError, match="503"):
        await bank.run(ActionCall(name="account_balance"), caller(ME))


async def test_the_pages_write_goes_as_it_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELLER_TOKEN_KEY", KEY)
    write = blocks("python")[1]
    assert REFERENCE in write
    async with open_bank(tmp_path) as bank:
        bank.now = utc_now()
        with serving(create_app(bank.actions, KEY.encode())) as url:
            told: dict[str, object] = {}
            exec(compile(write.replace(REFERENCE, url), "write.py", "exec"), told)
            told["api"].close()  # type: ignore[attr-defined]


def test_the_pages_figures_and_paths_are_the_clients() -> None:
    prose = " ".join(PAGE.split())
    breaker = Breaker()
    assert f"a call has {client.TIMEOUT:.0f} seconds" in prose
    assert f"up to {len(client.PAUSES) + 1} times" in prose
    assert f"After {breaker.failures} calls in a row" in prose
    assert f"left alone for {breaker.cool_down:.0f} seconds" in prose
    assert f"good for {LIFETIME // dt.timedelta(seconds=1)} seconds" in prose
    steps = {step: f"{route.method} {route.path}" for (name, step), route in ROUTES.items() if name == "fx_buy"}
    assert dict(reversed(row) for row in re.findall(r"\| `(\S+ \S+)` \| (\w+) \|", PAGE)) == steps
    assert {f"`/{path.split('/')[1]}`" for path in (route.path for route in ROUTES.values())} <= set(
        re.findall(r"`/\w+`", prose)
    )
