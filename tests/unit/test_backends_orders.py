"""Buying and redeeming: suitability, minimum, step, funds, quota, cut-off, and what is left afterwards."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from backends.account.tables import Balance
from backends.result import Result
from backends.values import Money, Term
from backends.wealth.holdings import maturity, units_for, worth
from backends.wealth.tables import Holding, Product, RiskAssessment, Sale
from backends.wealth.trading import fee_within
from tests.bank import ME, Bank, open_bank, said

FRIDAY_CLOSE = dt.datetime(2026, 11, 20, 7, 0, tzinfo=dt.UTC)  # 15:00 in Beijing


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as bank:
        yield bank


async def buy(bank: Bank, product: str, amount: str, customer_id: str = ME, **given: Any) -> Result:
    return await bank.ask("wealth_buy", customer_id, "prepare", product_name=product, amount=amount, **given)


async def redeem(bank: Bank, product: str, customer_id: str = ME, **given: Any) -> Result:
    return await bank.ask("wealth_redeem", customer_id, "prepare", product_name=product, **given)


async def change(bank: Bank, table: type[Any], where: Any, **values: Any) -> None:
    async with AsyncSession(bank.engine) as db, db.begin():
        await db.execute(update(table).where(where).values(**values))


async def lots(bank: Bank, customer_id: str, code: str) -> list[tuple[int, int]]:
    query = select(Holding.units, Holding.cost).where(Holding.customer_id == customer_id, Holding.code == code)
    async with AsyncSession(bank.engine) as db:
        return [(row.units, row.cost) for row in await db.execute(query.order_by(Holding.confirm_on))]


async def quota(bank: Bank, code: str) -> int | None:
    async with AsyncSession(bank.engine) as db:
        return (await db.get_one(Sale, code)).quota_left


# -- buying: what is read back ------------------------------------------------------------


async def test_a_purchase_reads_back_everything_that_is_confirmed(bank: Bank) -> None:
    ready = await buy(bank, "云杉稳盈春晓", "20000")
    assert (ready.outcome, said(ready)) == (
        "ready",
        {
            "product_name": "云杉稳盈春晓",
            "product_code": "WP2602",
            "amount": "20000.00",
            "purchase_fee": "0.00",
            "risk_level": "R2",
            "customer_risk": "C3",
            "account_tail": "6217",
            "trade_on": "2026-11-23",
            "confirm_on": "2026-11-24",
            "matures_on": "2027-02-22",
            "expires_at": "2026-11-21T02:35:12Z",
        },
    )
    assert ready.disclosures == ("wealth_risk",)


async def test_an_open_ended_product_has_no_maturity_to_read_back(bank: Bank) -> None:
    assert "matures_on" not in said(await buy(bank, "云杉安心添利", "100"))


@pytest.mark.parametrize(
    ("before_close", "trade_on", "confirm_on"),
    [(1, "2026-11-20", "2026-11-23"), (0, "2026-11-23", "2026-11-24")],
)
async def test_the_cutoff_decides_which_trading_day_it_is(
    bank: Bank, before_close: int, trade_on: str, confirm_on: str
) -> None:
    bank.now = FRIDAY_CLOSE - dt.timedelta(seconds=before_close)
    facts = said(await buy(bank, "云杉安心添利", "100"))
    assert (facts["trade_on"], facts["confirm_on"]) == (trade_on, confirm_on)


async def test_a_quote_never_outlives_the_cutoff_its_days_rest_on(bank: Bank) -> None:
    bank.now = FRIDAY_CLOSE - dt.timedelta(minutes=2)
    ready = await buy(bank, "云杉安心添利", "100")
    assert ready.quote is not None
    assert ready.quote.expires_at == FRIDAY_CLOSE
    bank.now = FRIDAY_CLOSE
    assert (await bank.commit(ready)).outcome == "expired"
    assert said(await buy(bank, "云杉安心添利", "100"))["trade_on"] == "2026-11-23"


# -- buying: who may ------------------------------------------------------------------------


@pytest.mark.parametrize("level", ["C1", "C2", "C3", "C4", "C5"])
async def test_nothing_above_the_customers_own_level_is_ever_sold(bank: Bank, level: str) -> None:
    await change(bank, RiskAssessment, RiskAssessment.customer_id == ME, level=level)
    async with AsyncSession(bank.engine) as db:
        sold = (await db.scalars(select(Product).join(Sale, Sale.code == Product.code))).all()
    for product in sold:
        rated = max(product.risk_level, product.issuer_risk_level or "R1")
        result = await buy(bank, product.code, str(product.min_amount // 100))
        assert (result.outcome == "unsuitable") == (rated[1] > level[1]), product.code


@pytest.mark.parametrize(("own", "issuer"), [("R2", "R4"), ("R4", "R2"), ("R4", None)])
async def test_of_two_ratings_the_higher_one_counts_for_buying_and_for_telling(
    bank: Bank, own: str, issuer: str | None
) -> None:
    await change(bank, Product, Product.code == "WP2602", risk_level=own, issuer_risk_level=issuer)
    result = await buy(bank, "WP2602", "1000")
    assert (result.outcome, said(result)) == (
        "unsuitable",
        {"product_name": "云杉稳盈春晓", "risk_level": "R4", "customer_risk": "C3"},
    )
    assert said(await bank.ask("wealth_product", None, product_name="WP2602"))["risk_level"] == "R4"
    suggested = await bank.ask("wealth_recommend", product_type="wealth", term="P90D")
    assert suggested.outcome == "none_suitable"


async def test_an_assessment_that_is_missing_or_expired_comes_first(bank: Bank) -> None:
    assert (await buy(bank, "云杉安心添利", "100", "C1003")).outcome == "assessment_missing"
    expired = await buy(bank, "云杉安心添利", "100", "C1007")
    assert (expired.outcome, said(expired)["valid_until"]) == ("assessment_expired", "2026-09-21")


async def test_an_assessment_lowered_after_the_quote_stops_the_purchase(bank: Bank) -> None:
    ready = await buy(bank, "云杉稳盈春晓", "20000")
    await change(bank, RiskAssessment, RiskAssessment.customer_id == ME, level="C1")
    refused = await bank.commit(ready)
    assert (refused.outcome, refused.completed) == ("unsuitable", False)
    assert await lots(bank, ME, "WP2602") == [(2944063, 3000000)]


# -- buying: what and how much ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("product", "amount", "outcome", "facts"),
    [
        ("余额宝", "100", "no_product", {"product_asked": "余额宝"}),
        ("云杉大额存单", "300000", "elsewhere", {"product_name": "云杉大额存单", "product_type": "large_cd"}),
        (
            "WP2604",
            "9999.99",
            "below_minimum",
            {"product_name": "云杉恒丰优选", "amount": "9999.99", "min_amount": "10000.00"},
        ),
        (
            "WP2604",
            "10500",
            "wrong_step",
            {
                "product_name": "云杉恒丰优选",
                "amount": "10500.00",
                "min_amount": "10000.00",
                "amount_step": "1000.00",
            },
        ),
        ("WP2601", "0", "invalid_amount", {"amount_asked": "0"}),
        ("WP2601", "-100", "invalid_amount", {"amount_asked": "-100"}),
        ("WP2601", "100.001", "invalid_amount", {"amount_asked": "100.001"}),
        ("WP2601", "1000 USD", "invalid_amount", {"amount_asked": "1000 USD"}),
        (
            "WP2601",
            "186500.01",
            "insufficient_funds",
            {"amount": "186500.01", "balance": "186500.00", "account_tail": "6217"},
        ),
        ("WP2604", "61000", "sold_out", {"amount": "61000.00", "quota_left": "60000.00"}),
    ],
)
async def test_what_cannot_be_bought_is_said_with_its_figures(
    bank: Bank, product: str, amount: str, outcome: str, facts: dict[str, str]
) -> None:
    result = await buy(bank, product, amount)
    assert (result.outcome, said(result), result.quote) == (outcome, facts, None)


async def test_a_name_that_several_products_share_asks_which(bank: Bank) -> None:
    result = await buy(bank, "稳盈", "20000")
    assert (result.outcome, result.quote) == ("choose", None)
    assert [(choice.slot, choice.value) for choice in result.choices] == [
        ("product_name", "云杉稳盈春晓"),
        ("product_name", "云杉稳盈秋实"),
    ]


async def test_the_account_is_the_oldest_or_the_one_that_was_named(bank: Bank) -> None:
    assert said(await buy(bank, "WP2601", "100", "C1009"))["account_tail"] == "2468"
    assert said(await buy(bank, "WP2601", "100", "C1009", card_tail="1357"))["account_tail"] == "1357"
    assert (await buy(bank, "WP2601", "100", "C1009", card_tail="6217")).outcome == "not_found"
    assert (await buy(bank, "WP2601", "100", "C1008")).outcome == "no_account"


# -- buying: the effect -------------------------------------------------------------------------


async def test_a_confirmed_purchase_takes_money_and_quota_and_awaits_confirmation(bank: Bank) -> None:
    done = await bank.commit(await buy(bank, "WP2604", "20000"))
    assert (done.outcome, done.completed, said(done)["balance"]) == ("done", True, "166500.00")
    assert done.reference == said(done)["reference"]
    assert await quota(bank, "WP2604") == 4_000_000
    status = said(await bank.ask("wealth_buy", step="status"))
    assert (status["order_status"], status["confirm_on"], status["amount"]) == ("awaiting", "2026-11-24", "20000.00")
    bank.now = dt.datetime(2026, 11, 23, 16, 0, tzinfo=dt.UTC)  # midnight in Beijing
    assert said(await bank.ask("wealth_buy", step="status"))["order_status"] == "confirmed"


async def test_what_was_bought_is_held_at_the_net_value_less_the_fee(bank: Bank) -> None:
    done = await bank.commit(await buy(bank, "FD3103", "10000"))
    assert said(done)["purchase_fee"] == "14.98"
    units, cost = (await lots(bank, ME, "FD3103"))[-1]
    assert cost == 1_000_000
    assert units == units_for(Money(1_000_000 - 1498), Decimal("1.4271"))


async def test_funds_gone_between_quote_and_confirmation_buy_nothing_and_keep_the_quota(bank: Bank) -> None:
    ready = await buy(bank, "WP2604", "20000")
    await change(bank, Balance, (Balance.account_id == "C1001-6217") & (Balance.currency == "CNY"), minor=1_999_999)
    refused = await bank.commit(ready)
    assert (refused.outcome, said(refused)["balance"]) == ("insufficient_funds", "19999.99")
    assert await quota(bank, "WP2604") == 6_000_000
    assert await lots(bank, ME, "WP2604") == []


async def test_the_quota_is_never_sold_twice(bank: Bank) -> None:
    first, second = await buy(bank, "WP2604", "40000"), await buy(bank, "WP2604", "40000", "C1004")
    assert (await bank.commit(first)).outcome == "done"
    refused = await bank.commit(second, "C1004")
    assert (refused.outcome, said(refused)) == ("sold_out", {"amount": "40000.00", "quota_left": "20000.00"})


async def test_anyone_may_hear_how_buying_and_redeeming_work(bank: Bank) -> None:
    for name in ("wealth_buy", "wealth_redeem"):
        result = await bank.ask(name, None, "explain")
        assert said(result)["cutoff"] == "15:00"
        assert {fact.source for fact in result.facts} == {"rule"}
        assert (await bank.ask(name, step="status")).outcome == "no_record"


@pytest.mark.parametrize(
    ("now", "trade_on", "money_market", "growth"),
    [
        ("2026-11-20T14:59:59+08:00", "2026-11-20", "2026-11-23", "2026-11-25"),
        ("2026-11-20T15:00:00+08:00", "2026-11-23", "2026-11-24", "2026-11-26"),
        ("2026-11-21T10:30:00+08:00", "2026-11-23", "2026-11-24", "2026-11-26"),
        ("2026-09-30T10:00:00+08:00", "2026-09-30", "2026-10-08", "2026-10-12"),
    ],
)
async def test_how_redeeming_works_names_the_day_the_money_comes_by_the_trading_calendar(
    bank: Bank, now: str, trade_on: str, money_market: str, growth: str
) -> None:
    bank.now = dt.datetime.fromisoformat(now).astimezone(dt.UTC)
    result = await bank.ask("wealth_redeem", None, "explain")
    told = [tuple(fact.value for fact in row) for row in result.rows]
    assert said(result)["trade_on"] == trade_on
    assert ("云杉货币宝", money_market) in told
    assert ("云杉均衡成长混合", growth) in told
    assert not any(name == "云杉稳盈春晓" for name, _ in told)


# -- redeeming ----------------------------------------------------------------------------------


async def test_a_full_redemption_reads_back_units_estimate_fee_and_payout(bank: Bank) -> None:
    ready = await redeem(bank, "均衡成长")
    assert (ready.outcome, said(ready)) == (
        "ready",
        {
            "product_name": "云杉均衡成长混合",
            "product_code": "FD3103",
            "scope": "full",
            "units": "7200.50",
            "estimate": "10275.83",
            "redemption_fee": "51.38",
            "nav": "1.4271",
            "nav_date": "2026-11-20",
            "account_tail": "6217",
            "trade_on": "2026-11-23",
            "arrives_on": "2026-11-26",
            "expires_at": "2026-11-21T02:35:12Z",
        },
    )


async def test_a_confirmed_redemption_takes_the_units_and_their_share_of_the_cost(bank: Bank) -> None:
    done = await bank.commit(await redeem(bank, "安心添利", amount="5000"))
    assert (done.outcome, done.completed) == ("done", True)
    assert said(done)["units"] == "4937.78"
    assert await lots(bank, ME, "WP2601") == [(1_980_000 - 493_778, 2_000_000 - 2_000_000 * 493_778 // 1_980_000)]
    status = said(await bank.ask("wealth_redeem", step="status"))
    assert (status["units"], status["arrives_on"], status["reference"]) == ("4937.78", "2026-11-24", done.reference)


async def test_what_is_redeemed_in_full_is_held_no_more(bank: Bank) -> None:
    await bank.commit(await redeem(bank, "安心添利"))
    assert await lots(bank, ME, "WP2601") == [(0, 0)]
    assert (await bank.ask("wealth_holdings", product_name="安心添利")).outcome == "not_held"
    assert (await redeem(bank, "安心添利")).outcome == "not_held"


async def test_what_was_redeemed_is_on_its_way_until_it_is_paid_out(bank: Bank) -> None:
    await bank.commit(await redeem(bank, "均衡成长"))
    facts = said(await bank.ask("wealth_holdings"))
    assert (facts["incoming_amount"], facts["incoming_by"]) == ("10224.45", "2026-11-26")
    bank.now = dt.datetime(2026, 11, 25, 16, 0, tzinfo=dt.UTC)  # midnight in Beijing
    assert "incoming_amount" not in said(await bank.ask("wealth_holdings"))


async def test_the_earliest_lot_goes_first(bank: Bank) -> None:
    await bank.commit(await buy(bank, "WP2601", "1000"), key="buy")
    bank.now += dt.timedelta(days=5)
    await bank.commit(await redeem(bank, "安心添利", amount="20500"), key="redeem")
    first, second = await lots(bank, ME, "WP2601")
    assert first == (0, 0)
    assert 0 < second[0] < units_for(Money(100_000), Decimal("1.0126"))


async def test_two_quotes_of_one_lot_redeem_it_once(bank: Bank) -> None:
    one, two = await redeem(bank, "安心添利"), await redeem(bank, "安心添利", amount="5000")
    assert (await bank.commit(one, key="one")).outcome == "done"
    late = await bank.commit(two, key="two")
    assert (late.outcome, late.completed) == ("changed", False)
    assert await lots(bank, ME, "WP2601") == [(0, 0)]


@pytest.mark.parametrize(
    ("product", "given", "outcome", "facts"),
    [
        ("稳盈春晓", {}, "locked", {"product_name": "云杉稳盈春晓", "matures_on": "2026-12-19"}),
        ("纯债优选", {}, "unconfirmed", {"product_name": "云杉纯债优选债券", "confirm_on": "2026-11-23"}),
        ("科技先锋", {}, "not_held", {"product_asked": "科技先锋"}),
        (
            "安心添利",
            {"amount": "20049.49"},
            "too_much",
            {"product_name": "云杉安心添利", "amount": "20049.49", "value": "20049.48"},
        ),
        (
            "安心添利",
            {"amount": "20000"},
            "below_holding",
            {"product_name": "云杉安心添利", "min_units": "100.00", "value": "20049.48"},
        ),
        ("安心添利", {"amount": "0"}, "invalid_amount", {"amount_asked": "0"}),
        ("安心添利", {"amount": "0.005"}, "invalid_amount", {"amount_asked": "0.005"}),
        ("安心添利", {"card_tail": "7701"}, "not_found", {"card_tail": "7701"}),
    ],
)
async def test_what_cannot_be_redeemed_is_said_with_its_figures(
    bank: Bank, product: str, given: dict[str, str], outcome: str, facts: dict[str, str]
) -> None:
    result = await redeem(bank, product, **given)
    assert (result.outcome, said(result), result.quote) == (outcome, facts, None)


async def test_the_exact_value_redeems_all_of_it(bank: Bank) -> None:
    assert said(await redeem(bank, "安心添利", amount="20049.48"))["scope"] == "full"


async def test_each_account_redeems_its_own_lots(bank: Bank) -> None:
    oldest = said(await redeem(bank, "货币宝", "C1009"))
    assert (oldest["account_tail"], oldest["units"]) == ("2468", "8000.00")
    named = said(await redeem(bank, "货币宝", "C1009", card_tail="1357"))
    assert (named["account_tail"], named["units"]) == ("1357", "3000.00")


async def test_a_name_that_several_holdings_share_asks_which(bank: Bank) -> None:
    result = await redeem(bank, "云杉")
    assert result.outcome == "choose"
    assert {choice.value for choice in result.choices} == {
        "云杉安心添利",
        "云杉稳盈春晓",
        "云杉均衡成长混合",
        "云杉纯债优选债券",
    }


# -- arithmetic -----------------------------------------------------------------------------------

NAVS = st.decimals("0.1000", "20.0000", places=4)
AMOUNTS = st.integers(100, 10**11).map(Money)


@given(AMOUNTS, NAVS)
def test_units_are_worth_what_was_paid_but_for_half_a_hundredth_of_a_unit(amount: Money, nav: Decimal) -> None:
    off = abs(worth(units_for(amount, nav), nav).number - amount.number)
    assert off <= nav * Decimal("0.005") + Decimal("0.005")


@given(AMOUNTS, st.decimals("0", "2.00", places=2))
def test_a_purchase_fee_is_its_percentage_of_what_is_invested(amount: Money, percent: Decimal) -> None:
    fee = fee_within(amount, percent)
    assert 0 <= fee.minor < amount.minor
    net = amount - fee
    assert abs(fee.number - net.number * percent / 100) <= Decimal("0.011")


@pytest.mark.parametrize(
    ("day", "term", "end"),
    [
        ("2026-11-24", Term(90, "day"), "2027-02-22"),
        ("2026-08-31", Term(6, "month"), "2027-02-28"),
        ("2027-08-31", Term(6, "month"), "2028-02-29"),
        ("2028-02-29", Term(1, "year"), "2029-02-28"),
        ("2026-11-24", Term(2, "week"), "2026-12-08"),
    ],
)
def test_a_term_ends_on_the_same_day_of_a_later_month_or_its_last(day: str, term: Term, end: str) -> None:
    assert maturity(dt.date.fromisoformat(day), term) == dt.date.fromisoformat(end)
