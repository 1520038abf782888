"""The terms on which models are asked: order, breaker, places, budget, and what each call is counted as."""

from __future__ import annotations

import asyncio
import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.http.breaker import Breaker
from responses.gates.refusal import Refusal
from responses.gateway import Completion, Gateway, Meter, ModelFailure, Price, Request, Upstream, Usage
from responses.gateway.usage import NANO, Key, Totals
from responses.mask import Vault
from responses.prompting import prompt_for
from tests.unit.responses_samples import audience, bill, source

PROMPT = prompt_for(source(bill()), audience())
DAY = dt.date(2026, 11, 21)
PRICE = Price(input=Decimal(2), output=Decimal(8))
SEEN = sum(len(each.content) for each in PROMPT.messages)


class Speaks:
    """A provider that says *text* after *wait* seconds; an exception is raised in its place."""

    def __init__(
        self, name: str, text: str | Exception = "好的。", wait: float = 0.0, usage: Usage | None = None
    ) -> None:
        self.name = name
        self.text = text
        self.wait = wait
        self.usage = usage
        self.asked: list[Request] = []

    async def complete(self, request: Request) -> Completion:
        self.asked.append(request)
        await asyncio.sleep(self.wait)
        if isinstance(self.text, Exception):
            raise self.text
        return Completion(self.text, self.name, self.usage)


def meter() -> Meter:
    return Meter(lambda: DAY)


def dead(name: str = "dead") -> Speaks:
    return Speaks(name, ModelFailure("refused"))


def passes(text: str) -> list[Refusal]:
    return []


# -- order ---------------------------------------------------------------------------------


async def test_the_next_provider_is_asked_where_the_first_has_no_word_and_nobody_else():
    first, second, third = dead("a"), Speaks("b"), Speaks("c")
    got = await Gateway(first, second, third).rewrite(PROMPT, passes)
    assert (got.generator, got.attempts, got.verdict) == ("b", 2, "passed")
    assert [len(each.asked) for each in (first, second, third)] == [1, 1, 0]


async def test_a_black_hole_leaves_time_for_those_behind_it():
    hole, second = Speaks("hole", wait=30), Speaks("second")
    got = await Gateway(hole, second, deadline=1.2).rewrite(PROMPT, passes)
    assert got.generator == "second"
    assert hole.asked[0].seconds == pytest.approx(0.72, abs=0.02)
    heard = [piece async for piece in Gateway(hole, second, deadline=1.2).stream(PROMPT)]
    assert isinstance(heard[-1], Completion)
    assert heard[-1].generator == "second"


async def test_one_reply_has_two_refused_drafts_at_most_whoever_wrote_them():
    first, second = Speaks("a", "坏"), Speaks("b", "坏")
    got = await Gateway(first, second).rewrite(PROMPT, lambda text: [Refusal("soft", 0, 1, "坏")])
    assert (got.verdict, got.attempts, len(got.refused)) == ("refused", 2, 2)
    assert (len(first.asked), len(second.asked)) == (2, 0)


async def test_a_model_is_never_told_words_that_are_not_its_own():
    model = Speaks("a")
    await Gateway(model).rewrite(PROMPT, lambda text: [Refusal("number", 0, 9, "8,532.18元")])
    assert "8,532.18" not in repr(model.asked)


# -- breaker -------------------------------------------------------------------------------


async def test_an_open_breaker_is_not_asked_by_a_reply_or_a_stream():
    now = [0.0]
    models = [Speaks(name, TimeoutError()) for name in "abc"]
    gateway = Gateway(*(Upstream(each, Breaker(failures=2, cool_down=30, clock=lambda: now[0])) for each in models))
    for _ in range(2):
        await gateway.rewrite(PROMPT, passes)
    asked = [len(each.asked) for each in models]
    assert asked == [2, 2, 2]
    for _ in range(20):
        got = await gateway.rewrite(PROMPT, passes)
        assert (got.text, got.attempts, got.verdict) == (None, 0, "unavailable")
        with pytest.raises(ModelFailure):
            await anext(gateway.stream(PROMPT))
    assert [len(each.asked) for each in models] == asked
    assert [each.state() for each in gateway.upstreams] == ["open"] * 3
    now[0] += 31
    for _ in range(3):
        # Whether they live again is asked beside the replies, once.
        assert (await gateway.rewrite(PROMPT, passes)).attempts == 0
        await asyncio.sleep(0)
    assert [len(each.asked) for each in models] == [3, 3, 3]


async def test_nobody_waits_for_a_model_that_may_live_again():
    now = [0.0]
    hole = Speaks("hole", wait=30)
    breaker = Breaker(failures=1, cool_down=30, clock=lambda: now[0])
    breaker.record(answered=False)
    now[0] += 31
    gateway = Gateway(Upstream(hole, breaker), deadline=20)
    got = await asyncio.wait_for(gateway.rewrite(PROMPT, passes), 5)
    await asyncio.sleep(0)
    assert (got.text, len(hole.asked)) == (None, 1)
    await gateway.close()
    assert gateway.upstreams[0].state() == "open"


# -- places --------------------------------------------------------------------------------


async def test_nobody_waits_for_a_place():
    slow, other = Speaks("slow", wait=0.05), Speaks("other")
    gateway = Gateway(Upstream(slow, concurrency=2), other, deadline=5)
    said = await asyncio.gather(*(gateway.rewrite(PROMPT, passes) for _ in range(5)))
    assert sorted(each.generator for each in said) == ["other"] * 3 + ["slow"] * 2
    assert (await gateway.rewrite(PROMPT, passes)).generator == "slow"


async def test_a_listener_who_leaves_gives_the_place_back():
    model = Speaks("a")
    gateway = Gateway(Upstream(model, concurrency=1))
    stream = gateway.stream(PROMPT)
    await anext(stream)
    assert gateway.upstreams[0].state() == "busy"
    await stream.aclose()
    assert gateway.upstreams[0].state() == "ok"


# -- budget --------------------------------------------------------------------------------


async def test_a_budget_is_never_overspent_however_many_ask_at_once():
    counted = meter()
    most = PRICE.cost(Usage(SEEN, 200 + 2 * len(PROMPT.draft)))
    model = Speaks("dear", wait=0.02, usage=Usage(SEEN, 200 + 2 * len(PROMPT.draft)))
    upstream = Upstream(model, concurrency=100, price=PRICE, daily_budget=3 * most + 5, meter=counted)
    gateway = Gateway(upstream, Speaks("free"), deadline=5)
    said = await asyncio.gather(*(gateway.rewrite(PROMPT, passes) for _ in range(10)))
    assert sorted(each.generator for each in said) == ["dear"] * 3 + ["free"] * 7
    assert counted.spent("dear") == 3 * most
    assert (await gateway.rewrite(PROMPT, passes)).generator == "free"


async def test_a_budget_is_for_a_day_and_counts_what_other_processes_spent():
    today = [DAY]
    counted = Meter(lambda: today[0])
    upstream = Upstream(Speaks("dear"), price=PRICE, daily_budget=NANO, meter=counted)
    gateway = Gateway(upstream)
    counted.stored({}, {(DAY, "dear"): NANO})
    assert upstream.state() == "over budget"
    assert (await gateway.rewrite(PROMPT, passes)).text is None
    today[0] += dt.timedelta(days=1)
    assert (await gateway.rewrite(PROMPT, passes)).text == "好的。"


# -- what is counted -----------------------------------------------------------------------


async def test_each_call_is_counted_by_day_capability_and_model_failed_ones_too():
    counted = meter()
    told = Upstream(Speaks("told", usage=Usage(100, 20)), price=PRICE, model="Qwen/Qwen3-8B", meter=counted)
    gone = Upstream(Speaks("gone", ModelFailure("down")), price=PRICE, meter=counted)
    late = Upstream(Speaks("late", wait=30), price=PRICE, meter=counted)
    await Gateway(gone, told).rewrite(PROMPT, passes, capability="card_bill")
    await Gateway(late, deadline=0.05).rewrite(PROMPT, passes, capability="fx_rate")
    sums = {(key.capability, key.model): each for key, each in counted.counted().items()}
    assert set(counted.counted()) >= {Key(DAY, "card_bill", "told", "Qwen/Qwen3-8B", "CNY")}
    assert (sums["card_bill", "Qwen/Qwen3-8B"].tokens_in, sums["card_bill", "Qwen/Qwen3-8B"].tokens_out) == (100, 20)
    assert sums["card_bill", "Qwen/Qwen3-8B"].cost == (100 * 2 + 20 * 8) * 1000
    assert (sums["card_bill", "gone"].failures, sums["card_bill", "gone"].cost) == (1, 0)
    # What was sent and never answered may be charged for.
    assert (sums["fx_rate", "late"].estimated, sums["fx_rate", "late"].tokens_in) == (1, SEEN)


async def test_a_stream_that_nobody_hears_to_its_end_is_counted_as_far_as_it_was_heard():
    counted = meter()
    stream = Gateway(Upstream(Speaks("a", "好的。"), meter=counted)).stream(PROMPT)
    await anext(stream)
    await stream.aclose()
    [sums] = counted.counted().values()
    assert (sums.calls, sums.failures, sums.tokens_out, sums.estimated) == (1, 0, 3, 1)


@given(st.decimals(0, 1000, places=3), st.decimals(0, 1000, places=3), st.integers(0, 10**6), st.integers(0, 10**6))
def test_no_cost_is_rounded(price_in: Decimal, price_out: Decimal, tokens_in: int, tokens_out: int):
    cost = Price(input=price_in, output=price_out).cost(Usage(tokens_in, tokens_out))
    assert Decimal(cost) / NANO == (price_in * tokens_in + price_out * tokens_out) / 10**6


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 50), st.booleans()), max_size=20))
def test_what_is_counted_while_something_is_stored_is_neither_lost_nor_counted_twice(calls):
    counted = meter()
    rows: dict[Key, Totals] = {}
    for provider, tokens, store in calls:
        if store:
            batch = counted.counted()
        counted.record(
            capability="c", provider=provider, model="m", price=PRICE, usage=Usage(tokens), failed=False, seconds=0.0
        )
        if store:
            for key, each in batch.items():
                rows[key] = rows.get(key, Totals()) + each
            counted.stored(batch, {(key.day, key.provider): each.cost for key, each in rows.items()})
    for name in "ab":
        assert counted.spent(name) == sum(2000 * tokens for other, tokens, _ in calls if other == name)
    unstored = sum((each.calls for each in counted.counted().values()), 0)
    assert unstored + sum(each.calls for each in rows.values()) == len(calls)


# -- what leaves the house -----------------------------------------------------------------


@pytest.mark.parametrize("on_premises", [True, False])
async def test_what_leaves_the_house_is_swept_whoever_wrote_the_prompt(on_premises: bool):
    model = Speaks("a", "好的，⟦NAME_1⟧。")
    vault = Vault()
    vault.token("NAME", "陈思远")
    careless = PROMPT.again("陈思远您好，电话13912345678", [])
    gateway = Gateway(Upstream(model, on_premises=on_premises))
    got = await gateway.rewrite(careless, passes, vault=vault)
    told = repr(model.asked[0].prompt.messages)
    assert ("陈思远" in told) is on_premises
    assert ("13912345678" in told) is on_premises
    assert got.text == "好的，陈思远。"


async def test_the_gates_see_tokens_and_the_customer_what_they_stand_for():
    vault = Vault()
    token = vault.token("PHONE", "13912345678")
    seen: list[str] = []

    def check(text: str) -> list[Refusal]:
        seen.append(text)
        return []

    got = await Gateway(Speaks("a", f"打{token}。")).rewrite(PROMPT, check, vault=vault)
    assert (seen, got.text) == ([f"打{token}。"], "打13912345678。")


def test_two_providers_of_one_name_are_refused():
    with pytest.raises(ValueError):
        Gateway(Speaks("a"), Speaks("a"))
    with pytest.raises(ValueError):
        Gateway()
