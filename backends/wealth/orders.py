"""Buying and redeeming wealth products and funds: writes against balance, quota and holdings."""

from __future__ import annotations

from collections.abc import Sequence

from backends.account import service as account
from backends.action import ActionInput, BankWrite, Context, Offer, Refused
from backends.effects import reference_for
from backends.facts import Ruled, Said, facts
from backends.inputs import OptionalText, Text
from backends.result import Choice, Result, Row
from backends.rules import ruled
from backends.values import Money
from backends.wealth import service, trading
from backends.wealth.holdings import held, nav_of, units_text
from backends.wealth.service import product_name, risk_level
from backends.wealth.tables import Product
from backends.wealth.trading import BuyTerms, RedeemTerms


class WealthBuyInput(ActionInput):
    product_name: Text
    amount: Text
    card_tail: OptionalText = None


class WealthBuy(BankWrite[WealthBuyInput, BuyTerms]):
    """Buys a wealth product or a fund that suits the customer, out of their CNY."""

    name = "wealth_buy"
    outcomes = frozenset(
        {
            "explain",
            "status",
            "no_record",
            "ready",
            "choose",
            "no_product",
            "elsewhere",
            "assessment_missing",
            "assessment_expired",
            "unsuitable",
            "invalid_amount",
            "below_minimum",
            "wrong_step",
            "insufficient_funds",
            "sold_out",
            "no_account",
            "not_found",
            "done",
        }
    )
    source = "wealth"
    disclosures = ("wealth_risk",)
    Input = WealthBuyInput
    Terms = BuyTerms

    async def explain(self, context: Context) -> Result:
        day = context.today
        return self.answer(
            "explain",
            self.facts(
                context,
                cutoff=ruled("wealth_cutoff", day),
                confirm_days=ruled("wealth_confirm_days", day),
                hotline=ruled("hotline", day),
            ),
        )

    async def status(self, context: Context) -> Result:
        found = await trading.latest_order(context.db, context.customer_id, "buy")
        if found is None:
            raise Refused("no_record")
        order, product = found
        return self.answer(
            "status",
            self.facts(
                context,
                product_name=product_name(product),
                amount=Money(order.amount),
                placed_at=order.placed_at,
                order_status="awaiting" if context.today < order.settles_on else "confirmed",
                confirm_on=order.settles_on,
                reference=order.reference,
            ),
        )

    async def offer(self, given: WealthBuyInput, context: Context) -> Offer[BuyTerms] | Result:
        db, customer_id = context.db, context.customer_id
        found = await service.called(db, given.product_name)
        if not found:
            raise Refused("no_product", product_asked=Said(given.product_name))
        if len(found) > 1:
            rows = [self._described(product, context) for product in found]
            return self.answer("choose", rows=tuple(rows), choices=_choices(found, rows))
        product = found[0]
        sale = await trading.sale_of(db, product)
        assessment = await trading.require_suitable(db, customer_id, product, context.today)
        amount = trading.to_invest(given.amount, product, sale)
        payer = await account.funding_account(db, customer_id, given.card_tail)
        session = trading.session_at(context.now, context.today)
        terms = trading.buy_terms(amount, product, sale, payer, session.trade_on)
        await trading.require_means(db, terms, sale)
        ready = self.answer(
            "ready",
            self.facts(
                context,
                product_name=product_name(product),
                product_code=product.code,
                amount=amount,
                purchase_fee=Money(terms.fee),
                risk_level=risk_level(product),
                customer_risk=assessment.level,
                account_tail=terms.account_tail,
                trade_on=terms.trade_on,
                confirm_on=terms.confirm_on,
                matures_on=terms.matures_on,
                expires_at=session.expires_at,
            ),
        )
        return Offer(ready, terms, session.expires_at)

    async def perform(self, terms: BuyTerms, context: Context) -> Result:
        product = await context.db.get_one(Product, terms.code)
        await trading.require_suitable(context.db, context.customer_id, product, context.today)
        reference = reference_for(context)
        balance = await trading.buy(context.db, context.customer_id, terms, reference=reference, now=context.now)
        return self.answer(
            "done",
            self.facts(
                context,
                product_name=product_name(product),
                product_code=product.code,
                amount=Money(terms.amount),
                purchase_fee=Money(terms.fee),
                account_tail=terms.account_tail,
                balance=balance,
                trade_on=terms.trade_on,
                confirm_on=terms.confirm_on,
                matures_on=terms.matures_on,
                placed_at=context.now,
                reference=reference,
            ),
            completed=True,
        )

    def _described(self, product: Product, context: Context) -> Row:
        return self.facts(
            context,
            product_name=product_name(product),
            product_code=product.code,
            risk_level=risk_level(product),
            min_amount=Money(product.min_amount),
        )


class WealthRedeemInput(ActionInput):
    product_name: Text
    amount: OptionalText = None
    card_tail: OptionalText = None


class WealthRedeem(BankWrite[WealthRedeemInput, RedeemTerms]):
    """Redeems an open-ended product the customer holds, in full or in part, to the account that bought it.

    Where several accounts hold it, ``card_tail`` says which; else it is that of the earliest lot.
    """

    name = "wealth_redeem"
    outcomes = frozenset(
        {
            "explain",
            "status",
            "no_record",
            "ready",
            "choose",
            "not_held",
            "not_found",
            "locked",
            "unconfirmed",
            "invalid_amount",
            "too_much",
            "below_holding",
            "done",
        }
    )
    source = "wealth"
    disclosures = ("wealth_risk",)
    Input = WealthRedeemInput
    Terms = RedeemTerms

    async def explain(self, context: Context) -> Result:
        """How it works, and for every product that can be left at any time the day on which a redemption made now is
        paid out, by the trading calendar."""
        day = context.today
        trade_on = trading.session_at(context.now, day).trade_on
        rows = tuple(
            facts(self.source, context.now, "public", {"product_name": product_name(product), "arrives_on": arrives_on})
            for product, arrives_on in await trading.arrivals(context.db, trade_on)
        )
        return self.answer(
            "explain",
            self.facts(
                context, cutoff=ruled("wealth_cutoff", day), trade_on=Ruled(trade_on), hotline=ruled("hotline", day)
            ),
            rows=rows,
        )

    async def status(self, context: Context) -> Result:
        found = await trading.latest_order(context.db, context.customer_id, "redeem")
        if found is None:
            raise Refused("no_record")
        order, product = found
        return self.answer(
            "status",
            self.facts(
                context,
                product_name=product_name(product),
                units=units_text(order.units),
                estimate=Money(order.amount),
                placed_at=order.placed_at,
                arrives_on=order.settles_on,
                reference=order.reference,
            ),
        )

    async def offer(self, given: WealthRedeemInput, context: Context) -> Offer[RedeemTerms] | Result:
        lots = await held(context.db, context.customer_id, context.today)
        products = list({each.product.code: each.product for each in lots}.values())
        found = service.named(given.product_name, products)
        if not found:
            raise Refused("not_held", product_asked=Said(given.product_name))
        if len(found) > 1:
            rows = [
                self.facts(context, product_name=product_name(product), product_code=product.code) for product in found
            ]
            return self.answer("choose", rows=tuple(rows), choices=_choices(found, rows))
        product = found[0]
        payees = {each.account_id: each for each in await account.accounts(context.db, context.customer_id)}
        mine = [
            each
            for each in lots
            if each.product.code == product.code and given.card_tail in (None, payees[each.lot.account_id].tail)
        ]
        if not mine:
            raise Refused("not_found", card_tail=Said(given.card_tail or ""))
        confirmed = trading.redeemable(mine)
        payee = payees[confirmed[0].lot.account_id]
        one_account = [each for each in confirmed if each.lot.account_id == payee.account_id]
        sale = await trading.sale_of(context.db, product)
        session = trading.session_at(context.now, context.today)
        terms = trading.redeem_terms(given.amount, one_account, sale, payee, session.trade_on)
        everything = terms.units == sum(each.lot.units for each in one_account)
        ready = self.answer(
            "ready",
            self.facts(
                context,
                product_name=product_name(product),
                product_code=product.code,
                scope="full" if everything else "partial",
                units=units_text(terms.units),
                estimate=Money(terms.estimate),
                redemption_fee=Money(terms.fee),
                nav=str(nav_of(product)),
                nav_date=product.nav_date,
                account_tail=terms.account_tail,
                trade_on=terms.trade_on,
                arrives_on=terms.arrives_on,
                expires_at=session.expires_at,
            ),
        )
        return Offer(ready, terms, session.expires_at)

    async def perform(self, terms: RedeemTerms, context: Context) -> Result:
        product = await context.db.get_one(Product, terms.code)
        reference = reference_for(context)
        await trading.redeem(context.db, context.customer_id, terms, reference=reference, now=context.now)
        return self.answer(
            "done",
            self.facts(
                context,
                product_name=product_name(product),
                product_code=product.code,
                units=units_text(terms.units),
                estimate=Money(terms.estimate),
                redemption_fee=Money(terms.fee),
                account_tail=terms.account_tail,
                trade_on=terms.trade_on,
                arrives_on=terms.arrives_on,
                placed_at=context.now,
                reference=reference,
            ),
            completed=True,
        )


def _choices(products: Sequence[Product], rows: Sequence[Row]) -> tuple[Choice, ...]:
    return tuple(
        Choice(slot="product_name", value=product.name, facts=row) for product, row in zip(products, rows, strict=True)
    )
