"""What was read back is what is done, and it is done once."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from backends.action import ActionCall, BackendError
from backends.effects import digest_of
from backends.fx.tables import Order
from backends.result import Fact, Result
from backends.service.tables import ComplaintRecord
from tests.bank import BANK_NOW, ME, Bank, caller, commit_of, open_bank


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as bank:
        yield bank


async def buy(bank: Bank) -> Result:
    return await bank.ask("fx_buy", ME, "prepare", amount="800", currency="USD")


async def count(bank: Bank, table: type[Order] | type[ComplaintRecord]) -> int:
    async with AsyncSession(bank.engine) as db:
        return await db.scalar(select(func.count()).select_from(table)) or 0


# -- once ---------------------------------------------------------------------------------


async def test_the_same_key_gets_the_same_answer_and_one_effect(bank: Bank) -> None:
    ready = await buy(bank)
    first = await bank.commit(ready)
    bank.now += dt.timedelta(days=400)
    assert await bank.commit(ready) == first
    assert await count(bank, Order) == 1


async def test_one_confirmation_is_carried_out_once_under_any_number_of_keys(bank: Bank) -> None:
    ready = await buy(bank)
    first = await bank.commit(ready, key="one")
    assert await bank.commit(ready, key="two") == first
    assert await count(bank, Order) == 1


async def test_a_commit_without_a_key_is_an_error(bank: Bank) -> None:
    ready = await buy(bank)
    with pytest.raises(BackendError, match="idempotency key") as raised:
        await bank.actions.run(commit_of(ready).model_copy(update={"key": None}), caller(ME))
    assert not raised.value.unknown
    assert await count(bank, Order) == 0


async def test_a_key_used_by_another_capability_is_an_error_and_does_nothing(bank: Bank) -> None:
    await bank.commit(await bank.ask("card_report_lost", step="prepare", card_tail="8888"), key="shared")
    ready = await buy(bank)
    with pytest.raises(BackendError, match="its key is taken"):
        await bank.commit(ready, key="shared")
    assert await count(bank, Order) == 0


async def test_a_key_that_was_given_up_can_no_longer_be_used(bank: Bank) -> None:
    ready = await buy(bank)
    given_up = await bank.actions.run(ActionCall(name="fx_buy", step="void", key="key"), caller(ME))
    assert (given_up.outcome, given_up.completed) == ("not_done", False)
    assert await bank.commit(ready) == given_up
    assert await bank.actions.run(ActionCall(name="fx_buy", step="outcome", key="key"), caller(ME)) == given_up
    assert await count(bank, Order) == 0


async def test_what_was_done_cannot_be_given_up(bank: Bank) -> None:
    done = await bank.commit(await buy(bank))
    assert await bank.actions.run(ActionCall(name="fx_buy", step="void", key="key"), caller(ME)) == done
    assert await count(bank, Order) == 1


async def test_giving_up_and_committing_at_once_end_alike_for_both(bank: Bank) -> None:
    for n in range(6):
        ready = await buy(bank)
        void = bank.actions.run(ActionCall(name="fx_buy", step="void", key=f"key {n}"), caller(ME))
        commit = bank.commit(ready, key=f"key {n}")
        first, second = await asyncio.gather(*((void, commit) if n % 2 else (commit, void)))
        assert first == second


# -- what was read back ---------------------------------------------------------------------


async def test_a_quote_can_be_confirmed_until_the_second_it_runs_out(bank: Bank) -> None:
    early, late = await buy(bank), await buy(bank)
    assert early.quote is not None
    bank.now = early.quote.expires_at - dt.timedelta(microseconds=1)
    assert (await bank.commit(early, key="early")).outcome == "done"
    bank.now = early.quote.expires_at
    expired = await bank.commit(late, key="late")
    assert (expired.outcome, expired.facts, expired.completed) == ("expired", (), False)
    assert await count(bank, Order) == 1


@pytest.mark.parametrize("digest", ["", "0" * 64, None, "数"])
async def test_a_confirmation_of_other_figures_is_refused(bank: Bank, digest: str | None) -> None:
    ready = await buy(bank)
    assert (await bank.commit(ready, digest=digest)).outcome == "changed"
    assert await count(bank, Order) == 0


@pytest.mark.parametrize("quote_id", ["q_unknown", "", None])
async def test_an_unknown_quote_reads_like_one_that_ran_out(bank: Bank, quote_id: str | None) -> None:
    ready = await buy(bank)
    assert (await bank.commit(ready, quote_id=quote_id)).outcome == "expired"


async def test_a_quote_of_another_capability_reads_like_one_that_ran_out(bank: Bank) -> None:
    ready = await buy(bank)
    assert (await bank.commit(ready, name="card_report_lost")).outcome == "expired"


async def test_a_refusal_is_remembered_like_an_effect(bank: Bank) -> None:
    ready = await buy(bank)
    assert ready.quote is not None
    bank.now = ready.quote.expires_at
    assert (await bank.commit(ready)).outcome == "expired"
    bank.now = BANK_NOW
    assert (await bank.commit(ready)).outcome == "expired"


async def test_the_outcome_of_a_key_is_what_it_was_answered(bank: Bank) -> None:
    ready = await buy(bank)
    ask = ActionCall(name="fx_buy", step="outcome", key="key")
    assert (await bank.actions.run(ask, caller(ME))).outcome == "unknown_key"
    done = await bank.commit(ready)
    assert await bank.actions.run(ask, caller(ME)) == done
    assert (await bank.actions.run(ask, caller("C1002"))).outcome == "unknown_key"


async def test_the_digest_covers_what_is_read_back(bank: Bank) -> None:
    ready = await buy(bank)
    assert ready.quote is not None
    assert ready.quote.digest == digest_of("fx_buy", ready.facts)


@given(
    st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5), st.none() | st.text(max_size=3)), max_size=4),
    st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5), st.none() | st.text(max_size=3)), max_size=4),
)
def test_two_digests_are_equal_only_for_the_same_facts(
    one: list[tuple[str, str, str | None]], other: list[tuple[str, str, str | None]]
) -> None:
    def facts(spec: list[tuple[str, str, str | None]]) -> list[Fact]:
        return [
            Fact(name=name, kind="text", value=value, unit=unit, source="fx", as_of=BANK_NOW)
            for name, value, unit in spec
        ]

    assert (digest_of("fx_buy", facts(one)) == digest_of("fx_buy", facts(other))) == (one == other)
    assert digest_of("fx_buy", facts(one)) != digest_of("card_report_lost", facts(one))


# -- complaints -----------------------------------------------------------------------------


async def test_two_visitors_with_one_key_have_a_complaint_each(bank: Bank) -> None:
    call = ActionCall(name="complaint", input={"detail": "服务差"}, key="1")
    answers = [await bank.actions.run(call, caller(None, conversation)) for conversation in ("one", "two")]
    assert answers[0].reference != answers[1].reference
    assert await count(bank, ComplaintRecord) == 2


async def test_a_purchase_is_not_committed_for_a_caller_who_answered_no_code(bank: Bank) -> None:
    prepared = await bank.ask("fx_buy", step="prepare", amount="100", currency="USD")
    signed_in = caller(ME).model_copy(update={"assurance": "signed_in"})
    with pytest.raises(BackendError, match="one-time code"):
        await bank.actions.run(commit_of(prepared), signed_in)
    assert (await bank.commit(prepared)).outcome == "done"


async def test_freezing_a_card_needs_no_code(bank: Bank) -> None:
    prepared = await bank.ask("card_report_lost", step="prepare", card_tail="8888")
    signed_in = caller(ME).model_copy(update={"assurance": "signed_in"})
    assert (await bank.actions.run(commit_of(prepared), signed_in)).outcome == "done"
