"""Prices, conversions, quotas and buying foreign currency."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from backends.account.tables import Balance
from backends.action import BackendError, Refused
from backends.fx.rates import CURRENCIES
from backends.fx.tables import MidPrice, Order, QuotaUse
from backends.inputs import MAX_AMOUNT, exact_money, read_amount
from backends.result import Result
from tests.bank import ME, Bank, open_bank, said


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as bank:
        yield bank


async def buy(bank: Bank, amount: str = "800", currency: str = "USD", customer_id: str = ME, **given: str) -> Result:
    return await bank.ask("fx_buy", customer_id, "prepare", amount=amount, currency=currency, **given)


async def balances(bank: Bank, account_id: str = "C1001-6217") -> dict[str, int]:
    async with AsyncSession(bank.engine) as db:
        rows = await db.scalars(select(Balance).where(Balance.account_id == account_id))
        return {row.currency: row.minor for row in rows}


# -- prices -------------------------------------------------------------------------------


async def test_one_currency_gives_its_four_prices(bank: Bank) -> None:
    result = await bank.ask("fx_rate", None, currency=["USD"])
    facts = said(result)
    assert result.outcome == "found"
    assert (facts["currency"], facts["unit_amount"], facts["quoted_at"]) == ("USD", "100", "2026-11-21T02:30:00Z")
    assert {fact.unit for fact in result.facts if fact.kind == "rate"} == {"CNY/100 USD"}
    assert Decimal(facts["cash_buy"]) < Decimal(facts["spot_buy"]) < Decimal(facts["spot_sell"])


@pytest.mark.parametrize(
    ("asked", "listed"),
    [
        ([], list(CURRENCIES)),
        (["CNY"], list(CURRENCIES)),
        (["USD", "EUR", "USD"], ["USD", "EUR"]),
        (["CNY", "JPY", "KRW"], ["JPY", "KRW"]),
    ],
)
async def test_several_currencies_or_none_are_listed(bank: Bank, asked: list[str], listed: list[str]) -> None:
    result = await bank.ask("fx_rate", None, currency=asked)
    assert result.outcome == "found_many"
    assert [row[0].value for row in result.rows] == listed


async def test_a_currency_the_bank_does_not_quote_is_named_back(bank: Bank) -> None:
    result = await bank.ask("fx_rate", None, currency=["VND"])
    assert result.outcome == "unsupported"
    assert [(fact.name, fact.value, fact.source) for fact in result.facts] == [("currency_asked", "VND", "customer")]


async def test_beside_a_currency_it_quotes_an_unknown_one_is_still_named(bank: Bank) -> None:
    result = await bank.ask("fx_rate", None, currency=["USD", "VND"])
    assert (result.outcome, said(result)["currency"], said(result)["currency_asked"]) == ("found", "USD", "VND")


async def test_a_later_minute_quotes_another_price_at_another_time(bank: Bank) -> None:
    first = said(await bank.ask("fx_rate", None, currency=["USD"]))
    bank.now += dt.timedelta(minutes=1)
    second = said(await bank.ask("fx_rate", None, currency=["USD"]))
    assert second["quoted_at"] == "2026-11-21T02:31:00Z"
    assert second["spot_sell"] != first["spot_sell"]


# -- conversions --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "amount", "into", "side"),
    [
        ({"amount": "500 USD", "currency": "CNY"}, "500.00 USD", "CNY", "buy"),
        ({"amount": "500", "currency": "CNY", "currency_from": "USD"}, "500.00 USD", "CNY", "buy"),
        ({"amount": "5000 CNY", "currency": "USD"}, "5000.00 CNY", "USD", "sell"),
        ({"amount": "5000", "currency": "USD", "currency_from": "CNY"}, "5000.00 CNY", "USD", "sell"),
        ({"amount": "500 EUR", "currency": "USD"}, "500.00 EUR", "USD", "cross"),
        ({"amount": "10000", "currency": "HKD", "currency_from": "JPY"}, "10000 JPY", "HKD", "cross"),
    ],
)
async def test_which_currency_the_sum_is_in_decides_the_side(
    bank: Bank, given: dict[str, str], amount: str, into: str, side: str
) -> None:
    result = await bank.ask("fx_quote", None, **given)
    asked, converted = result.fact("amount"), result.fact("converted")
    assert result.outcome == "found"
    assert f"{asked.value} {asked.unit}" == amount
    assert (converted.unit, said(result)["side"]) == (into, side)


@pytest.mark.parametrize(
    ("given", "amount", "paid_in", "side"),
    [
        ({"amount": "500", "currency": "USD"}, "500.00 USD", "CNY", "sell"),
        ({"amount": "500 USD", "currency": "USD", "currency_from": "CNY"}, "500.00 USD", "CNY", "sell"),
        ({"amount": "10000", "currency": "JPY"}, "10000 JPY", "CNY", "sell"),
        ({"amount": "500 USD", "currency": "USD", "currency_from": "EUR"}, "500.00 USD", "EUR", "cross"),
        ({"amount": "500 CNY", "currency": "CNY", "currency_from": "USD"}, "500.00 CNY", "USD", "buy"),
    ],
)
async def test_a_sum_in_the_currency_that_is_wanted_is_priced_and_not_converted(
    bank: Bank, given: dict[str, str], amount: str, paid_in: str, side: str
) -> None:
    result = await bank.ask("fx_quote", None, **given)
    asked, cost = result.fact("amount"), result.fact("cost")
    assert result.outcome == "cost"
    assert f"{asked.value} {asked.unit}" == amount
    assert (cost.unit, said(result)["side"]) == (paid_in, side)


async def test_every_stated_rate_says_for_how_many_units_it_is(bank: Bank) -> None:
    stated = [
        await bank.ask("fx_rate", None, currency=["USD"]),
        await bank.ask("fx_rate", None),
        await bank.ask("fx_quote", None, amount="1000 USD", currency="CNY"),
        await bank.ask("fx_quote", None, amount="1000", currency="USD"),
        ready := await buy(bank),
        await bank.commit(ready),
        await bank.ask("fx_buy", ME, "status"),
    ]
    for result in stated:
        assert {fact.value for fact in result.facts if fact.name == "unit_amount"} == {"100"}, result.outcome


@pytest.mark.parametrize(
    ("name", "asked"),
    [("fx_rate", {}), ("fx_rate", {"currency": ["USD"]}), ("fx_quote", {"amount": "5", "currency": "USD"})],
)
async def test_prices_carry_the_words_that_say_whose_and_when_they_are(
    bank: Bank, name: str, asked: dict[str, str]
) -> None:
    assert (await bank.ask(name, None, **asked)).disclosures == ("fx_quote_time",)


async def test_where_no_price_is_given_none_is_hedged(bank: Bank) -> None:
    assert (await bank.ask("fx_rate", None, currency=["VND"])).disclosures == ()


async def test_a_conversion_uses_the_price_that_is_listed(bank: Bank) -> None:
    listed = said(await bank.ask("fx_rate", None, currency=["USD"]))
    sold = said(await bank.ask("fx_quote", None, amount="1000 USD", currency="CNY"))
    bought = said(await bank.ask("fx_quote", None, amount="1000", currency="USD"))
    assert (sold["rate"], Decimal(sold["converted"])) == (listed["spot_buy"], 10 * Decimal(listed["spot_buy"]))
    assert (bought["rate"], Decimal(bought["cost"])) == (listed["spot_sell"], 10 * Decimal(listed["spot_sell"]))


@pytest.mark.parametrize(
    "given",
    [
        {"amount": "500 CNY", "currency": "CNY"},
        {"amount": "500", "currency": "USD", "currency_from": "USD"},
    ],
)
async def test_a_currency_is_not_converted_into_itself(bank: Bank, given: dict[str, str]) -> None:
    assert (await bank.ask("fx_quote", None, **given)).outcome == "same_currency"


@pytest.mark.parametrize(
    "given",
    [
        {"amount": "500 VND", "currency": "USD"},
        {"amount": "500 USD", "currency": "VND"},
        {"amount": "500", "currency": "USD", "currency_from": "VND"},
        {"amount": "500 USD", "currency": "USD", "currency_from": "VND"},
    ],
)
async def test_a_conversion_of_an_unknown_currency_names_it_back(bank: Bank, given: dict[str, str]) -> None:
    result = await bank.ask("fx_quote", None, **given)
    assert (result.outcome, said(result)) == ("unsupported", {"currency_asked": "VND"})


# -- amounts ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "asked",
    [
        "0",
        "0.00",
        "-1",
        "0.001",
        "1000000000.01",
        "9" * 30,
        "1e5",
        "NaN",
        "Infinity",
        "五百",
        "500 usd",
        "1,000",
        "",
        "٣٠٠",
    ],
)
async def test_an_amount_that_cannot_be_bought_is_refused_by_name(bank: Bank, asked: str) -> None:
    if not asked:
        with pytest.raises(BackendError, match="unreadable input amount"):
            await buy(bank, asked)
        return
    result = await buy(bank, asked)
    assert (result.outcome, said(result), result.quote) == ("invalid_amount", {"amount_asked": asked}, None)


async def test_yen_have_no_cents(bank: Bank) -> None:
    assert (await buy(bank, "1000.5", "JPY")).outcome == "invalid_amount"
    assert (await buy(bank, "1000", "JPY")).outcome == "ready"


async def test_a_sum_of_yuan_too_small_to_buy_anything_is_refused(bank: Bank) -> None:
    assert (await buy(bank, "0.01 CNY")).outcome == "invalid_amount"


@given(st.decimals(allow_nan=True, allow_infinity=True) | st.integers().map(Decimal), st.text(max_size=4))
def test_whatever_is_read_as_an_amount_is_a_plain_number_within_bounds(number: Decimal, suffix: str) -> None:
    try:
        amount = read_amount(f"{number}{suffix}")
    except Refused:
        return
    assert amount.number.is_finite()
    assert 0 < amount.number <= MAX_AMOUNT
    assert amount.currency is None or amount.currency == suffix.strip()


@given(st.decimals(min_value="0.00000001", max_value=MAX_AMOUNT, places=8), st.sampled_from(["", " USD", " JPY"]))
def test_every_plain_number_within_bounds_is_an_amount(number: Decimal, suffix: str) -> None:
    amount = read_amount(f"{number:f}{suffix}")
    assert (amount.number, amount.currency) == (number, suffix.strip() or None)


@given(st.decimals(min_value="0.0001", max_value=10**9, places=4), st.sampled_from(["USD", "JPY"]))
def test_an_amount_finer_than_its_currency_is_never_rounded_into_one_that_fits(number: Decimal, code: str) -> None:
    try:
        money = exact_money(number, code, str(number))
    except Refused:
        assert number % Decimal("1" if code == "JPY" else "0.01") != 0
    else:
        assert money.number == number


# -- quotas and buying ----------------------------------------------------------------------


async def test_the_quota_shows_both_directions_apart(bank: Bank) -> None:
    assert said(await bank.ask("fx_quota", "C1004")) == {
        "quota_year": "2026",
        "purchase_limit": "50000.00",
        "purchase_used": "46500.00",
        "purchase_left": "3500.00",
        "settle_limit": "50000.00",
        "settle_used": "12000.00",
        "settle_left": "38000.00",
    }


async def test_a_new_year_in_beijing_begins_a_new_quota(bank: Bank) -> None:
    bank.now = dt.datetime(2026, 12, 31, 16, 0, tzinfo=dt.UTC)
    facts = said(await bank.ask("fx_quota", "C1004"))
    assert (facts["quota_year"], facts["purchase_used"]) == ("2027", "0.00")
    done = await bank.commit(await buy(bank, "800", customer_id="C1004"), "C1004")
    assert said(done)["purchase_left"] == "49200.00"


async def test_a_quote_reads_back_every_figure_and_changes_nothing(bank: Bank) -> None:
    before = await balances(bank)
    result = await buy(bank)
    facts = said(result)
    assert result.outcome == "ready"
    assert (facts["amount"], facts["purpose"], facts["account_tail"]) == ("800.00", "travel", "6217")
    assert Decimal(facts["cost"]) == 8 * Decimal(facts["rate"])
    assert facts["quota_left_after"] == "46000.00"
    assert facts["expires_at"] == "2026-11-21T02:33:12Z"
    assert result.quote is not None
    assert result.quote.expires_at == dt.datetime(2026, 11, 21, 2, 33, 12, tzinfo=dt.UTC)
    assert await balances(bank) == before
    assert said(await bank.ask("fx_quota"))["purchase_used"] == "3200.00"


async def test_a_confirmed_purchase_moves_both_balances_and_the_quota_by_what_was_quoted(bank: Bank) -> None:
    before = await balances(bank)
    ready = await buy(bank)
    bank.now += dt.timedelta(minutes=2)  # the market has moved; the quote has not
    done = await bank.commit(ready)
    quoted, facts = said(ready), said(done)
    assert (done.outcome, done.completed, done.reference) == ("done", True, facts["reference"])
    assert (facts["amount"], facts["cost"], facts["rate"]) == (quoted["amount"], quoted["cost"], quoted["rate"])
    cost = int(Decimal(quoted["cost"]) * 100)
    assert await balances(bank) == {"CNY": before["CNY"] - cost, "USD": before["USD"] + 80_000}
    assert (Decimal(facts["balance"]) * 100, facts["fx_balance"]) == (before["CNY"] - cost, "2000.00")
    assert facts["purchase_left"] == quoted["quota_left_after"] == said(await bank.ask("fx_quota"))["purchase_left"]
    status = said(await bank.ask("fx_buy", step="status"))
    assert {name: facts[name] for name in status} == status


async def test_a_currency_never_held_before_gets_a_balance_of_its_own(bank: Bank) -> None:
    done = await bank.commit(await buy(bank, "10000", "JPY"))
    assert said(done)["fx_balance"] == "10000"
    assert (await balances(bank))["JPY"] == 10_000


@pytest.mark.parametrize(
    ("given", "amount"),
    [
        ({"amount": "5000 CNY"}, None),
        ({"amount": "5000", "currency_from": "CNY"}, None),
        ({"amount": "500 USD", "currency_from": "CNY"}, "500.00"),
        ({"amount": "500", "currency_from": "USD"}, "500.00"),
    ],
)
async def test_a_sum_in_yuan_is_what_to_spend(bank: Bank, given: dict[str, str], amount: str | None) -> None:
    facts = said(await buy(bank, **given))
    if amount is None:
        assert Decimal("4992") < Decimal(facts["cost"]) <= 5000
    else:
        assert facts["amount"] == amount


@pytest.mark.parametrize(
    "given",
    [{"currency": "VND"}, {"currency": "CNY"}, {"currency_from": "EUR"}, {"amount": "800 EUR"}],
)
async def test_only_quoted_currencies_are_sold_and_only_for_yuan(bank: Bank, given: dict[str, str]) -> None:
    assert (await buy(bank, **given)).outcome == "unsupported"


@pytest.mark.parametrize(("purpose", "recorded"), [("study", "study"), ("gambling", "other")])
async def test_the_purpose_is_read_back_and_kept(bank: Bank, purpose: str, recorded: str) -> None:
    ready = await buy(bank, purpose=purpose)
    assert said(ready)["purpose"] == recorded
    await bank.commit(ready)
    async with AsyncSession(bank.engine) as db:
        assert (await db.scalars(select(Order.purpose))).all() == [recorded]


async def test_the_account_they_name_pays(bank: Bank) -> None:
    assert said(await buy(bank, "100", customer_id="C1009"))["account_tail"] == "2468"
    assert said(await buy(bank, "100", customer_id="C1009", card_tail="1357"))["account_tail"] == "1357"


async def test_a_customer_without_an_account_cannot_buy(bank: Bank) -> None:
    assert (await buy(bank, customer_id="C1008")).outcome == "no_account"


@pytest.mark.parametrize("tail", ["8888", "2468"])
async def test_a_credit_card_or_somebody_elses_account_cannot_pay(bank: Bank, tail: str) -> None:
    result = await buy(bank, card_tail=tail)
    assert (result.outcome, said(result)) == ("not_found", {"card_tail": tail})


async def test_too_little_money_is_refused_with_what_it_would_cost_and_what_there_is(bank: Bank) -> None:
    result = await buy(bank, "800", customer_id="C1006")
    facts = said(result)
    assert (result.outcome, result.quote) == ("insufficient_funds", None)
    assert (facts["balance"], facts["account_tail"]) == ("1860.35", "5581")
    assert Decimal(facts["cost"]) > Decimal(facts["balance"])


async def test_the_quota_can_be_used_to_the_last_cent_and_not_beyond(bank: Bank) -> None:
    assert said(await buy(bank, "3500", customer_id="C1004"))["quota_left_after"] == "0.00"
    over = await buy(bank, "3500.01", customer_id="C1004")
    assert (over.outcome, said(over)) == (
        "over_quota",
        {"amount": "3500.01", "amount_usd": "3500.01", "purchase_left": "3500.00"},
    )


async def test_money_spent_between_quote_and_confirmation_refuses_it_and_leaves_the_quota_alone(bank: Bank) -> None:
    ready = await buy(bank)
    async with AsyncSession(bank.engine) as db, db.begin():
        await db.execute(update(Balance).where(Balance.account_id == "C1001-6217").values(minor=100))
    refused = await bank.commit(ready)
    assert (refused.outcome, refused.completed, said(refused)["balance"]) == ("insufficient_funds", False, "1.00")
    assert said(await bank.ask("fx_quota"))["purchase_used"] == "3200.00"
    assert await balances(bank) == {"CNY": 100, "USD": 100}


async def test_quota_used_between_quote_and_confirmation_refuses_it(bank: Bank) -> None:
    ready = await buy(bank)
    async with AsyncSession(bank.engine) as db, db.begin():
        await db.execute(update(QuotaUse).where(QuotaUse.customer_id == ME).values(purchased=4_950_000))
    refused = await bank.commit(ready)
    assert (refused.outcome, said(refused)["purchase_left"]) == ("over_quota", "500.00")


async def test_without_an_order_there_is_no_record(bank: Bank) -> None:
    assert (await bank.ask("fx_buy", step="status")).outcome == "no_record"


async def test_a_lost_price_list_is_an_error_not_an_empty_answer(bank: Bank) -> None:
    async with AsyncSession(bank.engine) as db, db.begin():
        await db.execute(delete(MidPrice))
    with pytest.raises(BackendError, match="KeyError"):
        await bank.ask("fx_rate", None)
