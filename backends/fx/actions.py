"""What customers ask about foreign exchange."""

from __future__ import annotations

from typing import Literal

from backends.account import service as account
from backends.action import ActionInput, BankAction, BankWrite, Context, Offer, Refused
from backends.effects import expiry, reference_for
from backends.facts import Said
from backends.fx import rates, service, trend
from backends.fx.rates import Prices
from backends.fx.service import PurchaseTerms
from backends.inputs import OptionalPeriod, OptionalText, Text, Texts, exact_money, read_amount
from backends.result import Result
from backends.rules import minutes_rule, ruled
from backends.search import recent
from backends.values import Count, Money, Period, Rate

PER = Count(rates.UNIT, "currency_unit")
"""Stated beside every rate: how many units of the foreign currency it is for."""
QUOTED = ("fx_quote_time",)
PURPOSES = ("travel", "study", "medical", "family", "trade", "other")


class FxRateInput(ActionInput):
    """``about`` is read from plain words: whether the way the price went is asked for."""

    currency: Texts = ()
    period: OptionalPeriod = None
    about: Literal["trend"] | None = None


class FxRate(BankAction[FxRateInput]):
    """The bank's prices of one currency, of several, or of all it quotes; and how one went over some time."""

    name = "fx_rate"
    outcomes = frozenset({"found", "found_many", "history", "no_history", "unsupported"})
    source = "fx"
    access = "public"
    Input = FxRateInput

    async def run(self, given: FxRateInput, context: Context) -> Result:
        asked = [code for code in dict.fromkeys(given.currency) if code != "CNY"]
        unknown = [code for code in asked if code not in rates.CURRENCIES]
        if asked and len(unknown) == len(asked):
            service.require_supported(unknown[0])
        quoted = await service.prices(context.db, context.now)
        period = given.period if given.period is not None and given.period.start <= context.today else None
        if (period is not None or given.about == "trend") and len(asked) <= 1:
            return await self._history(quoted[asked[0] if asked else trend.USUAL], period, context)
        chosen = [quoted[code] for code in asked if code not in unknown] or list(quoted.values())
        missing = Said(unknown[0]) if unknown else None
        if len(chosen) == 1:
            one = chosen[0]
            return self.answer(
                "found",
                self.facts(
                    context,
                    currency=one.currency,
                    unit_amount=PER,
                    **_four(one),
                    quoted_at=one.at,
                    currency_asked=missing,
                ),
                disclosures=QUOTED,
            )
        rows = tuple(self.facts(context, currency=each.currency, **_four(each)) for each in chosen)
        return self.answer(
            "found_many",
            self.facts(context, quoted_at=chosen[0].at, unit_amount=PER, currency_asked=missing),
            rows=rows,
            disclosures=QUOTED,
        )

    async def _history(self, prices: Prices, period: Period | None, context: Context) -> Result:
        """How the middle price went in *period*, else lately, and today's prices beside it."""
        asked = period or recent(context.today)
        points = await trend.daily_mids(context.db, prices.currency, asked, context.now)
        if not points:
            raise Refused("no_history", currency=prices.currency, period=asked)
        went = trend.Trend(prices.currency, points)
        return self.answer(
            "history",
            self.facts(
                context,
                currency=prices.currency,
                unit_amount=PER,
                period=went.period,
                trend=went.direction,
                change_percent=went.change if went.direction != "unchanged" else None,
                high=prices.rate(went.high[1]),
                high_on=went.high[0],
                low=prices.rate(went.low[1]),
                low_on=went.low[0],
                spot_buy=prices.rate(prices.spot_buy),
                spot_sell=prices.rate(prices.spot_sell),
                quoted_at=prices.at,
            ),
            card=went.card(),
            disclosures=QUOTED,
        )


def _four(prices: Prices) -> dict[str, Rate]:
    return {name: prices.rate(getattr(prices, name)) for name in ("spot_buy", "spot_sell", "cash_buy", "cash_sell")}


class FxQuoteInput(ActionInput):
    amount: Text
    currency: Text
    currency_from: OptionalText = None


class FxQuote(BankAction[FxQuoteInput]):
    """What a sum is worth in another currency (``found``), or what having it costs (``cost``).

    ``currency`` is what it is changed into and ``currency_from`` what the sum is in. Where only one currency is named,
    or the sum itself is in ``currency``, the question is what having that sum costs, in ``currency_from`` or in CNY.
    """

    name = "fx_quote"
    outcomes = frozenset({"found", "cost", "unsupported", "same_currency", "invalid_amount"})
    source = "fx"
    access = "public"
    Input = FxQuoteInput

    async def run(self, given: FxQuoteInput, context: Context) -> Result:
        amount = read_amount(given.amount)
        own = service.require_supported(amount.currency or given.currency_from or given.currency, or_cny=True)
        to = service.require_supported(given.currency, or_cny=True)
        money = exact_money(amount.number, own, given.amount)
        payer = given.currency_from or "CNY"
        if own == to:
            if payer == own:
                raise Refused("same_currency", amount=money)
            service.require_supported(payer, or_cny=True)
        quoted = await service.prices(context.db, context.now)
        if own != to:
            outcome, result, found = "found", "converted", rates.convert(money, to, quoted)
        else:
            outcome, result, found = "cost", "cost", rates.price_of(money, payer, quoted)
        return self.answer(
            outcome,
            self.facts(
                context,
                amount=found.given,
                **{result: found.received},
                rate=found.rate,
                unit_amount=PER,
                side=found.side,
                quoted_at=quoted["USD"].at,
            ),
            disclosures=QUOTED,
        )


class FxQuota(BankAction[ActionInput]):
    """The customer's yearly quota for buying and selling foreign exchange."""

    name = "fx_quota"
    outcomes = frozenset({"found"})
    source = "fx"
    Input = ActionInput

    async def run(self, given: ActionInput, context: Context) -> Result:
        quota = await service.quota(context.db, context.customer_id, context.today)
        return self.answer(
            "found",
            self.facts(
                context,
                quota_year=Count(quota.year, "year"),
                purchase_limit=quota.purchase_limit,
                purchase_used=quota.purchase_used,
                purchase_left=quota.purchase_left,
                settle_limit=quota.settle_limit,
                settle_used=quota.settle_used,
                settle_left=quota.settle_left,
            ),
        )


class FxBuyInput(ActionInput):
    amount: Text
    currency: Text
    currency_from: OptionalText = None
    purpose: OptionalText = None
    card_tail: OptionalText = None


class FxBuy(BankWrite[FxBuyInput, PurchaseTerms]):
    """Buys foreign currency out of the customer's CNY, against balance and quota."""

    name = "fx_buy"
    outcomes = frozenset(
        {
            "explain",
            "status",
            "no_record",
            "ready",
            "insufficient_funds",
            "over_quota",
            "unsupported",
            "invalid_amount",
            "no_account",
            "not_found",
            "done",
        }
    )
    source = "fx"
    Input = FxBuyInput
    Terms = PurchaseTerms

    async def explain(self, context: Context) -> Result:
        day = context.today
        return self.answer(
            "explain",
            self.facts(
                context,
                purchase_limit=ruled("fx_purchase_limit", day),
                hours_from=ruled("fx_hours_from", day),
                hours_to=ruled("fx_hours_to", day),
                hotline=ruled("hotline", day),
            ),
        )

    async def status(self, context: Context) -> Result:
        order = await service.latest_order(context.db, context.customer_id)
        if order is None:
            raise Refused("no_record")
        return self.answer(
            "status",
            self.facts(
                context,
                amount=Money(order.amount, order.currency),
                cost=Money(order.cost),
                rate=Rate(order.rate, base=order.currency),
                unit_amount=PER,
                done_at=order.done_at,
                reference=order.reference,
            ),
        )

    async def offer(self, given: FxBuyInput, context: Context) -> Offer[PurchaseTerms]:
        currency = service.require_supported(given.currency)
        quoted = await service.prices(context.db, context.now)
        price = quoted[currency]
        bought = service.to_buy(given.amount, currency, given.currency_from, price)
        payer = await account.funding_account(context.db, context.customer_id, given.card_tail)
        terms = PurchaseTerms(
            account_id=payer.account_id,
            account_tail=payer.tail,
            currency=currency,
            amount=bought.minor,
            amount_usd=rates.in_usd(bought, price.mid, quoted["USD"].mid).minor,
            cost=rates.cost_of(bought, price).minor,
            rate=price.spot_sell,
            purpose=given.purpose if given.purpose in PURPOSES else PURPOSES[0 if given.purpose is None else -1],
        )
        left_after = await service.require_quota(context.db, context.customer_id, terms, context.today)
        await service.require_funds(context.db, terms)
        expires_at = expiry(context.now, minutes_rule("fx_quote_minutes", context.today))
        ready = self.answer(
            "ready",
            self.facts(
                context,
                amount=terms.bought,
                cost=terms.paid,
                rate=price.rate(price.spot_sell),
                unit_amount=PER,
                purpose=terms.purpose,
                account_tail=terms.account_tail,
                quoted_at=price.at,
                expires_at=expires_at,
                quota_left_after=left_after,
            ),
        )
        return Offer(ready, terms, expires_at)

    async def perform(self, terms: PurchaseTerms, context: Context) -> Result:
        reference = reference_for(context)
        done = await service.purchase(
            context.db, context.customer_id, terms, reference=reference, now=context.now, day=context.today
        )
        return self.answer(
            "done",
            self.facts(
                context,
                amount=terms.bought,
                cost=terms.paid,
                rate=Rate(terms.rate, base=terms.currency),
                unit_amount=PER,
                account_tail=terms.account_tail,
                balance=done.balance,
                fx_balance=done.fx_balance,
                purchase_left=done.purchase_left,
                done_at=context.now,
                reference=reference,
            ),
            completed=True,
        )
