"""The client of the bank's REST API: what it sends, how often, and what it makes of every answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from backends import wire
from backends.action import ActionCall, BackendError, Caller, Rejected
from backends.http.breaker import Breaker
from backends.http.client import PAUSES, HttpActions
from backends.http.routes import ROUTES, Route
from backends.result import Result
from tests.bank import BANK_NOW, ME, caller

KEY = b"k" * 32
QUERY = ActionCall(name="card_bill", input={"card_tail": "8888", "period": None, "currency": "USD"})
COMMIT = ActionCall(name="fx_buy", step="commit", quote_id="q", digest="d", key="key of it")
PREPARE = ActionCall(name="fx_buy", step="prepare", input={"amount": "800", "currency": "USD"})
OUTCOME = ActionCall(name="fx_buy", step="outcome", key="key of it")
COMPLAINT = ActionCall(name="complaint", input={"detail": "慢"}, key="key")
FOUND = Result(capability="card_bill", outcome="settled")

Answer = httpx.Response | Exception


class Bank:
    """A bank that answers with *answers* in turn, the last one for ever, and remembers what it was asked."""

    def __init__(self, *answers: Answer, **options: Any) -> None:
        self.asked: list[httpx.Request] = []
        self._answers = list(answers)
        self.client = HttpActions(
            "http://bank.example/api/",
            KEY,
            clock=lambda: BANK_NOW,
            transport=httpx.MockTransport(self._answer),
            **options,
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def run(self, call: ActionCall, who: Caller | None = None) -> Result:
        return await self.client.run(call, who or caller(ME))

    async def error(self, call: ActionCall) -> BackendError:
        with pytest.raises(BackendError) as raised:
            await self.run(call)
        return raised.value


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backends.http.client.PAUSES", (0.0,) * len(PAUSES))


def ok(result: Result, status: int = 200) -> httpx.Response:
    return httpx.Response(status, content=result.model_dump_json())


def problem(status: int, **members: object) -> httpx.Response:
    return httpx.Response(status, content=json.dumps(members), headers={"content-type": "application/problem+json"})


# -- what it sends --------------------------------------------------------------------------


async def test_a_query_is_a_get_with_the_slots_that_it_knows_and_who_asks() -> None:
    bank = Bank(ok(FOUND))
    assert await bank.run(QUERY) == FOUND
    (sent,) = bank.asked
    assert (sent.method, str(sent.url)) == ("GET", "http://bank.example/api/card/bill?card_tail=8888")
    scheme, assertion = sent.headers["authorization"].split()
    assert scheme == "Bearer"
    assert wire.read(assertion, KEY, BANK_NOW) == caller(ME)
    assert ME not in str(sent.url)
    assert "idempotency-key" not in sent.headers


async def test_a_commit_names_the_quote_what_was_confirmed_and_its_key() -> None:
    bank = Bank(ok(Result(capability="fx_buy", outcome="expired")))
    await bank.run(COMMIT)
    (sent,) = bank.asked
    assert (sent.method, sent.url.path, sent.headers["idempotency-key"]) == ("POST", "/api/fx/buy", "key of it")
    assert json.loads(sent.content) == {"quote_id": "q", "digest": "d"}


async def test_a_key_is_one_part_of_a_path_whatever_it_holds() -> None:
    bank = Bank(ok(Result(capability="fx_buy", outcome="unknown_key")))
    for key in ("key of it", "a?b#c%2F..", "..a"):
        await bank.run(OUTCOME.model_copy(update={"key": key}))
        assert bank.asked[-1].url.raw_path.startswith(b"/api/fx/buy/effects/")
        assert bank.asked[-1].url.query == b""
    assert bank.asked[0].url.path == "/api/fx/buy/effects/key of it"


@pytest.mark.parametrize(
    "call",
    [
        ActionCall(name="greet"),
        ActionCall(name="card_bill", step="commit", key="k"),
        ActionCall(name="fx_quote"),
        ActionCall(name="card_bill", input={"card_tail": ["8888", "6217"]}),
        ActionCall(name="card_bill", input={"card_tail": 8888}),
        COMMIT.model_copy(update={"key": None}),
        COMMIT.model_copy(update={"key": "钥匙"}),
        COMMIT.model_copy(update={"key": "a\r\nHost: b"}),
        COMMIT.model_copy(update={"key": "k" * 256}),
        COMMIT.model_copy(update={"digest": None}),
        OUTCOME.model_copy(update={"key": "../latest"}),
        OUTCOME.model_copy(update={"key": ".."}),
        OUTCOME.model_copy(update={"key": " padded "}),
    ],
)
async def test_a_call_that_cannot_be_made_is_rejected_before_anything_is_sent(call: ActionCall) -> None:
    bank = Bank(ok(FOUND))
    assert isinstance(await bank.error(call), Rejected)
    assert bank.asked == []


async def test_a_bank_whose_paths_differ_is_asked_at_its_own() -> None:
    routes = {**ROUTES, ("card_bill", "run"): Route("POST", "/v3/statements/search", "input")}
    bank = Bank(ok(FOUND), routes=routes)
    await bank.run(QUERY)
    assert (bank.asked[0].method, bank.asked[0].url.path) == ("POST", "/api/v3/statements/search")
    assert json.loads(bank.asked[0].content) == {"card_tail": "8888"}


# -- how often it asks ----------------------------------------------------------------------

LOST: list[Callable[[], Answer]] = [
    lambda: httpx.ReadTimeout("late"),
    lambda: httpx.ReadError("cut"),
    lambda: httpx.RemoteProtocolError("gone"),
    lambda: httpx.Response(502),
    lambda: httpx.Response(503),
    lambda: httpx.Response(504),
]


@pytest.mark.parametrize("lost", LOST)
async def test_what_changes_nothing_is_asked_up_to_three_times(lost: Callable[[], Answer]) -> None:
    healed = Bank(lost(), lost(), ok(FOUND))
    assert await healed.run(QUERY) == FOUND
    down = Bank(lost())
    for call in (QUERY, OUTCOME, ActionCall(name="fx_buy", step="status"), ActionCall(name="fx_buy", step="explain")):
        down.asked.clear()
        assert not (await down.error(call)).unknown
        assert len(down.asked) == 3


@pytest.mark.parametrize("lost", LOST)
async def test_what_may_have_an_effect_is_sent_once_and_its_end_is_unknown(lost: Callable[[], Answer]) -> None:
    for call in (COMMIT, COMPLAINT, COMMIT.model_copy(update={"step": "void"})):
        bank = Bank(lost())
        assert (await bank.error(call)).unknown
        assert len(bank.asked) == 1


async def test_a_quote_is_asked_for_once_and_was_known_to_change_nothing() -> None:
    bank = Bank(httpx.ReadTimeout("late"))
    assert not (await bank.error(PREPARE)).unknown
    assert len(bank.asked) == 1


async def test_a_server_that_was_never_reached_did_nothing() -> None:
    for error in (httpx.ConnectError("refused"), httpx.ConnectTimeout("late"), httpx.PoolTimeout("full")):
        bank = Bank(error)
        assert not (await bank.error(COMMIT)).unknown
        assert len(bank.asked) == 1


async def test_a_refusal_and_a_failure_of_one_request_are_not_asked_again() -> None:
    for answer in (httpx.Response(400), httpx.Response(404), httpx.Response(429), httpx.Response(500)):
        bank = Bank(answer)
        await bank.error(QUERY)
        assert len(bank.asked) == 1


# -- what it makes of an answer -------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "unknown"),
    [
        (httpx.Response(400), False),
        (httpx.Response(403), False),
        (httpx.Response(404, content=b"<html>"), False),
        (problem(422, effect="none"), False),
        (problem(429), False),
        (problem(503, effect="none"), False),
        (problem(409, effect="none"), False),
        (problem(409, title="one with the same key is at work"), True),
        (problem(408), True),
        (problem(400, effect="unknown"), True),
        (problem(500, effect="unknown"), True),
        (httpx.Response(503), True),
        (httpx.Response(202, content=b"{}"), True),
        (httpx.Response(204), True),
        (httpx.Response(307, headers={"location": "http://elsewhere.example"}), True),
        (httpx.Response(200, content=b"hello"), True),
        (httpx.Response(200, content=b"[]"), True),
        (httpx.Response(200, content=b'{"capability": "fx_buy", "outcome": "done", "surprise": 1}'), True),
        (ok(Result(capability="fx_sell", outcome="done")), True),
        (ok(Result(capability="fx_buy", outcome="an outcome without words")), True),
        (ok(Result(capability="fx_buy", outcome="done", completed=True)), True),
        (problem(422, outcome="an outcome without words"), True),
    ],
)
async def test_a_commit_without_a_believable_answer_is_unknown_unless_it_is_told_not_to_be_done(
    answer: httpx.Response, unknown: bool
) -> None:
    assert (await Bank(answer).error(COMMIT)).unknown is unknown


async def test_a_read_without_a_believable_answer_is_an_error_and_never_unknown() -> None:
    for answer in (httpx.Response(200, content=b"hello"), httpx.Response(500), problem(400, effect="unknown")):
        assert not (await Bank(answer).error(QUERY)).unknown


async def test_nothing_but_an_effect_or_a_question_after_one_may_claim_that_something_was_done() -> None:
    done = Result(capability="fx_buy", outcome="done", completed=True, reference="20261121")
    assert await Bank(ok(done, 201)).run(COMMIT) == done
    assert await Bank(ok(done)).run(OUTCOME) == done
    for call in (PREPARE, ActionCall(name="fx_buy", step="status"), ActionCall(name="fx_buy", step="explain")):
        assert not (await Bank(ok(done)).error(call)).unknown


async def test_a_rules_no_may_come_as_a_problem_that_names_the_outcome_and_its_facts() -> None:
    fact = {"name": "hotline", "kind": "text", "value": "400-820-9966", "source": "rule", "as_of": BANK_NOW.isoformat()}
    result = await Bank(problem(409, outcome="expired", facts=[fact])).run(COMMIT)
    assert (result.outcome, result.completed, result.fact("hotline").value) == ("expired", False, "400-820-9966")
    assert (await Bank(problem(401, outcome="sign_in")).run(QUERY)).outcome == "sign_in"


# -- the breaker ----------------------------------------------------------------------------


async def test_a_system_that_is_down_is_left_alone_while_others_are_asked_and_is_asked_again_when_it_heals() -> None:
    seconds = [0.0]
    down = problem(503, effect="none")
    bank = Bank(down, breaker=lambda: Breaker(failures=3, cool_down=5, clock=lambda: seconds[0]))
    for _ in range(3):
        await bank.error(COMMIT)
    assert len(bank.asked) == 3
    assert not (await bank.error(COMMIT)).unknown
    assert len(bank.asked) == 3, "an open breaker asks nothing"
    await bank.error(QUERY)
    assert len(bank.asked) == 6, "the cards are another system"
    seconds[0] = 5.0
    await bank.error(COMMIT)
    await bank.error(COMMIT)
    assert len(bank.asked) == 7, "one probe a pause"
    seconds[0] = 10.0
    bank._answers = [ok(Result(capability="fx_buy", outcome="expired"))]
    for _ in range(3):
        assert (await bank.run(COMMIT)).outcome == "expired"


async def test_refusals_open_no_breaker() -> None:
    bank = Bank(httpx.Response(400), breaker=lambda: Breaker(failures=2))
    for _ in range(5):
        await bank.error(QUERY)
    assert len(bank.asked) == 5


def test_an_answer_in_between_starts_the_count_again() -> None:
    breaker = Breaker(failures=2, clock=lambda: 0.0)
    for answered in (False, True, False):
        breaker.record(answered=answered)
    assert breaker.admits()
    breaker.record(answered=False)
    assert not breaker.admits()
