"""Selling foreign currency for CNY."""

from __future__ import annotations

from typing import Literal

from backends.action import ActionInput, BankWrite, Context, Offer, Refused
from backends.effects import expiry, reference_for
from backends.fx import sales, service
from backends.fx.actions import PER, PURPOSES
from backends.fx.holdings import Held, held, holding
from backends.fx.sales import SaleTerms
from backends.inputs import OptionalText
from backends.result import Choice, Result
from backends.rules import minutes_rule, ruled
from backends.values import Money, Rate


class FxSellInput(ActionInput):
    """``part`` stands where no amount is named: all of the balance, or half of it."""

    amount: OptionalText = None
    currency: OptionalText = None
    currency_from: OptionalText = None
    purpose: OptionalText = None
    card_tail: OptionalText = None
    part: Literal["full", "half"] | None = None


class FxSell(BankWrite[FxSellInput, SaleTerms]):
    """Sells foreign currency of the customer's for CNY, against balance and quota.

    Final like any trade at a quoted price: who wants the currency back buys it at the price and on the quota of that day.
    """

    name = "fx_sell"
    outcomes = frozenset(
        {
            "explain",
            "status",
            "no_record",
            "ready",
            "choose",
            "choose_amount",
            "no_balance",
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
    Input = FxSellInput
    Terms = SaleTerms

    async def explain(self, context: Context) -> Result:
        day = context.today
        return self.answer(
            "explain",
            self.facts(
                context,
                settle_limit=ruled("fx_settlement_limit", day),
                hours_from=ruled("fx_hours_from", day),
                hours_to=ruled("fx_hours_to", day),
                hotline=ruled("hotline", day),
            ),
        )

    async def status(self, context: Context) -> Result:
        sale = await sales.latest_sale(context.db, context.customer_id)
        if sale is None:
            raise Refused("no_record")
        return self.answer(
            "status",
            self.facts(
                context,
                amount=Money(sale.amount, sale.currency),
                proceeds=Money(sale.proceeds),
                rate=Rate(sale.rate, base=sale.currency),
                unit_amount=PER,
                done_at=sale.done_at,
                reference=sale.reference,
            ),
        )

    async def offer(self, given: FxSellInput, context: Context) -> Offer[SaleTerms] | Result:
        currency = sales.to_be_sold(given.currency, given.currency_from, given.amount)
        if currency is None:
            held_now = await held(context.db, context.customer_id, given.card_tail)
            currencies = list(dict.fromkeys(each.balance.currency for each in held_now))
            if not currencies:
                raise Refused("no_balance")
            if len(currencies) > 1:
                return self._currencies(held_now, context)
            currency = currencies[0]
        payer = await holding(context.db, context.customer_id, given.card_tail, currency)
        if given.amount is None and given.part is None:
            return self._amounts(payer, context)
        quoted = await service.prices(context.db, context.now)
        price = quoted[currency]
        sold = sales.to_sell(given.amount, given.part, payer, price)
        purpose = given.purpose if given.purpose in PURPOSES else "other"
        terms = sales.sale_terms(sold, payer, price, quoted["USD"], purpose)
        sales.require_funds(terms, payer)
        left_after = await sales.require_quota(context.db, context.customer_id, terms, context.today)
        expires_at = expiry(context.now, minutes_rule("fx_quote_minutes", context.today))
        ready = self.answer(
            "ready",
            self.facts(
                context,
                amount=terms.sold,
                proceeds=terms.received,
                rate=price.rate(price.spot_buy),
                unit_amount=PER,
                purpose=terms.purpose,
                account_tail=terms.account_tail,
                quoted_at=price.at,
                expires_at=expires_at,
                quota_left_after=left_after,
            ),
        )
        return Offer(ready, terms, expires_at)

    async def perform(self, terms: SaleTerms, context: Context) -> Result:
        reference = reference_for(context)
        done = await sales.sell(
            context.db, context.customer_id, terms, reference=reference, now=context.now, day=context.today
        )
        return self.answer(
            "done",
            self.facts(
                context,
                amount=terms.sold,
                proceeds=terms.received,
                rate=Rate(terms.rate, base=terms.currency),
                unit_amount=PER,
                account_tail=terms.account_tail,
                balance=done.balance,
                fx_balance=done.fx_balance,
                settle_left=done.settle_left,
                done_at=context.now,
                reference=reference,
            ),
            completed=True,
        )

    def _currencies(self, held_now: list[Held], context: Context) -> Result:
        """Asks which of the currencies they hold is to be sold."""
        rows = [
            self.facts(context, currency=each.balance.currency, fx_balance=each.balance, account_tail=each.account.tail)
            for each in held_now
        ]
        choices = {
            each.balance.currency: Choice(slot="currency", value=each.balance.currency, facts=row)
            for each, row in zip(held_now, rows, strict=True)
        }
        return self.answer("choose", rows=tuple(rows), choices=tuple(choices.values()))

    def _amounts(self, payer: Held, context: Context) -> Result:
        """Asks how much is to be sold; all of it is offered."""
        if payer.balance.minor == 0:
            raise Refused("no_balance", currency=payer.balance.currency)
        stated = self.facts(context, fx_balance=payer.balance, account_tail=payer.account.tail)
        everything = f"{payer.balance.number} {payer.balance.currency}"
        return self.answer("choose_amount", stated, choices=(Choice(slot="amount", value=everything, facts=stated),))
