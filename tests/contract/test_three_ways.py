"""The bank in this process, behind the action server, and behind its REST API: three ways, the same answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from backends.action import ActionCall, BackendError, BankWrite
from backends.http.client import HttpActions
from backends.http.server import create_app as create_bank_api
from backends.ledger import LedgerActions
from backends.registry import ACTIONS, KNOWLEDGE
from backends.remote import RemoteActions
from backends.result import Result
from backends.server import create_app as create_action_server
from tests.bank import BANK_NOW, ME, Bank, caller, commit_of, open_bank
from tests.server import serving

KEY = b"a key of the contract test, 32 bytes"
Remote = RemoteActions | HttpActions


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Bank]:
    folder = tmp_path / "local"
    folder.mkdir()
    async with open_bank(folder) as bank:
        yield bank


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[LedgerActions]:
    """The bank behind the server, as like to the local one as two fresh banks are."""
    folder = tmp_path / "served"
    folder.mkdir()
    async with open_bank(folder) as bank:
        yield LedgerActions(bank.actions)


@pytest.fixture(params=["action server", "REST API"])
async def remote(request: pytest.FixtureRequest, served: LedgerActions) -> AsyncIterator[Remote]:
    """That bank, from here."""
    client: Remote
    if request.param == "REST API":
        app, connect = create_bank_api(served, KEY, lambda: BANK_NOW), HttpActions
    else:
        app, connect = create_action_server(served, KEY, lambda: BANK_NOW), RemoteActions
    with serving(app) as url:
        client = connect(url, KEY, clock=lambda: BANK_NOW)
        yield client
        await client.aclose()


def without_quote_id(result: Result) -> dict[str, Any]:
    """A result, less the one thing that two banks make at random."""
    dumped = result.model_dump(mode="json")
    if dumped["quote"]:
        dumped["quote"].pop("quote_id")
    return dumped


ASKED: list[tuple[str, str | None, dict[str, Any]]] = [
    ("card_bill", ME, {}),
    ("card_bill", "C1004", {"period": "2026-10-01/2026-10-31"}),
    ("card_bill", "C1002", {}),
    ("card_limit", "C1007", {}),
    ("card_limit", None, {}),
    ("fx_rate", None, {"currency": ["USD", "EUR"]}),
    ("fx_rate", None, {}),
    ("fx_quote", None, {"amount": "500 EUR", "currency": "USD"}),
    ("fx_quota", ME, {}),
    ("wealth_product", None, {"product_type": "fund"}),
    ("wealth_product", None, {"product_name": "云杉大额存单"}),
    ("wealth_recommend", ME, {"risk_level": "R5"}),
    ("wealth_holdings", ME, {"product_type": "fund"}),
    ("risk_assessment", "C1005", {"risk_level": "R5"}),
    ("card_transactions", "C1004", {"period": "2026-11-01/2026-11-20", "amount": None}),
    ("card_transactions", ME, {"date": "2026-11-20"}),
    ("branch", None, {"city": "上海"}),
    ("branch", None, {"city": None}),
    ("complaint", ME, {"detail": "柜台排队太久"}),
    ("account_balance", ME, {}),
    ("customer_profile", "C1005", {}),
    ("loan_status", "C1004", {"loan_kind": "car"}),
    ("loan_repay", ME, {}),
    ("loan_repay", ME, {"amount": "1000000", "term": "P30Y", "loan_kind": None}),
    ("loan_repay", "C1004", {"amount": "200000"}),
    ("pension", ME, {"period": "2025-01-01/2025-12-31"}),
    ("pension", "C1003", {"topic": "tax", "tax_rate": "20"}),
    ("deposit_rate", None, {"amount": "300000", "term": "P3Y", "deposit_kind": None}),
    ("gold", None, {"amount": "20", "measure": "gram", "date": None}),
    ("wealth_compare", None, {"product_name": ["稳盈春晓", "稳盈秋实"], "term": []}),
    ("wealth_compare", None, {"product_type": ["deposit"], "term": ["P1Y", "P3Y"]}),
    ("card_points", ME, {}),
    ("card_annual_fee", "C1004", {}),
    ("card_application_status", ME, {}),
    ("card_declined", "C1004", {}),
    ("remit_status", ME, {}),
    ("account_transactions", ME, {"period": "2026-11-01/2026-11-20", "flow": "out"}),
    ("account_transactions", ME, {"income": "salary", "note": "a slot of another capability"}),
    ("transfer_status", ME, {"amount": ""}),
    *((name, None, {"question": "怎么办", "about": "transfer_rules", "language": None}) for name in KNOWLEDGE),
]
PREPARED: list[tuple[str, dict[str, Any]]] = [
    ("fx_buy", {"amount": "800", "currency": "USD"}),
    ("fx_sell", {"amount": "100", "currency": "USD"}),
    ("fx_cash", {"amount": "500", "currency": "USD", "city": "云杉银行上海陆家嘴支行"}),
    ("wealth_buy", {"product_name": "云杉稳盈春晓", "amount": "20000"}),
    ("wealth_redeem", {"product_name": "云杉安心添利", "amount": "5000"}),
    ("card_limit_change", {"amount": "30000", "limit_kind": "permanent", "direction": "lower", "measure": "to"}),
    ("card_dispute", {"transaction": "C1001-1-1", "reason": "unauthorised"}),
    ("card_installment", {"term": "P12I"}),
    ("card_repay", {"part": "full", "card_tail": "8888"}),
    ("autopay", {"change": "open", "card_tail": []}),
    ("card_replace", {"card_tail": "8888", "reason": "damaged"}),
    ("card_report_lost", {"card_tail": "8888"}),
]
"""In this order one does not stand in another's way."""


def test_every_action_is_asked_below() -> None:
    writes = {action.name for action in ACTIONS if isinstance(action, BankWrite)}
    assert {name for name, _ in PREPARED} == writes
    assert {name for name, _, _ in ASKED} | writes == {action.name for action in ACTIONS}


async def test_a_query_gives_the_same_result_here_and_there(local: Bank, remote: Remote) -> None:
    for name, customer_id, given in ASKED:
        call = ActionCall(name=name, input=given, key="key")
        assert await remote.run(call, caller(customer_id)) == await local.actions.run(call, caller(customer_id))


async def test_a_write_goes_through_all_its_steps_alike_here_and_there(local: Bank, remote: Remote) -> None:
    for name, given in PREPARED:
        for step in ("explain", "status", "prepare"):
            call = ActionCall(name=name, step=step, input=given)
            here, there = await local.actions.run(call, caller(ME)), await remote.run(call, caller(ME))
            assert without_quote_id(here) == without_quote_id(there)
        commits = [commit_of(ready, key=f"key of {name}") for ready in (here, there)]
        done_here, done_there = (
            await local.actions.run(commits[0], caller(ME)),
            await remote.run(commits[1], caller(ME)),
        )
        assert done_here == done_there
        assert done_there.completed
        assert await remote.run(commits[1], caller(ME)) == done_there
        asked = ActionCall(name=name, step="outcome", key=f"key of {name}")
        assert await remote.run(asked, caller(ME)) == done_there
        status = ActionCall(name=name, step="status")
        assert await remote.run(status, caller(ME)) == await local.actions.run(status, caller(ME))


async def test_what_is_an_error_here_is_the_same_error_there(local: Bank, remote: Remote) -> None:
    for call in (
        ActionCall(name="fx_quote"),
        ActionCall(name="greet"),
        ActionCall(name="card_bill", step="commit", key="key"),
        ActionCall(name="complaint", input={"detail": "慢"}),
        ActionCall(name="card_limit", input={"card_tail": ["8888", "6217"]}),
        ActionCall(name="account_transactions", input={"flow": "sideways"}),
    ):
        for runner in (local.actions, remote):
            with pytest.raises(BackendError) as raised:
                await runner.run(call, caller(ME))
            assert not raised.value.unknown


async def test_a_visitor_is_asked_to_sign_in_here_and_there(local: Bank, remote: Remote) -> None:
    asked = {name: given for name, _, given in ASKED} | dict(PREPARED)
    for action in (action for action in ACTIONS if action.access == "customer"):
        for step in action.steps:
            call = ActionCall(
                name=action.name, step=step, input=asked[action.name], key="key", quote_id="q", digest="d"
            )
            assert await remote.run(call, caller(None)) == await local.actions.run(call, caller(None))


async def test_a_commit_without_a_code_is_refused_here_and_there(local: Bank, remote: Remote) -> None:
    signed_in = caller(ME).model_copy(update={"assurance": "signed_in"})
    for runner in (local.actions, remote):
        ready = await runner.run(ActionCall(name="fx_buy", step="prepare", input=PREPARED[0][1]), signed_in)
        with pytest.raises(BackendError) as raised:
            await runner.run(commit_of(ready), signed_in)
        assert not raised.value.unknown
        stepped_up = await runner.run(commit_of(ready), caller(ME))
        assert stepped_up.completed


async def test_a_closed_key_stays_closed_here_and_there(local: Bank, remote: Remote) -> None:
    for runner in (local.actions, remote):
        ready = await runner.run(ActionCall(name="fx_buy", step="prepare", input=PREPARED[0][1]), caller(ME))
        for step, outcome in (("outcome", "unknown_key"), ("void", "not_done"), ("outcome", "not_done")):
            asked = await runner.run(ActionCall(name="fx_buy", step=step, key="key"), caller(ME))
            assert (asked.outcome, asked.completed) == (outcome, False)
        late = await runner.run(commit_of(ready), caller(ME))
        assert (late.outcome, late.completed) == ("not_done", False)


async def test_a_reply_lost_behind_the_server_is_unknown_and_can_be_asked_after(
    remote: Remote, served: LedgerActions
) -> None:
    ready = await remote.run(ActionCall(name="fx_buy", step="prepare", input=PREPARED[0][1]), caller(ME))
    served.fail("lost")
    with pytest.raises(BackendError) as raised:
        await remote.run(commit_of(ready), caller(ME))
    assert raised.value.unknown
    found = await remote.run(ActionCall(name="fx_buy", step="outcome", key="key"), caller(ME))
    assert [found] == served.effects()
