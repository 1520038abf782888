"""What customers ask about wealth products, funds and deposits, about their own holdings and their risk assessment."""

from __future__ import annotations

from collections.abc import Sequence

from backends.action import ActionInput, BankAction, Context, Refused
from backends.facts import Said, Vouched, Words
from backends.inputs import OptionalRiskLevel, OptionalTerm, OptionalText
from backends.result import Card, Result, Row
from backends.values import Count, Money, Percent, Period
from backends.wealth import navs, service
from backends.wealth.holdings import Held, held, in_transit, units_text
from backends.wealth.service import DEPOSITS, Wish, product_name, risk_level
from backends.wealth.tables import Product

WEALTH_RISK = "wealth_risk"
DEPOSIT_INSURANCE = "deposit_insurance"
BENCHMARK_BASIS = Words("不代表未来表现和实际收益", "it is no promise of an actual return")


class WealthProductInput(ActionInput):
    product_name: OptionalText = None
    product_type: OptionalText = None
    term: OptionalTerm = None
    risk_level: OptionalRiskLevel = None


class WealthProduct(BankAction[WealthProductInput]):
    """One product in full, or those that fit a description."""

    name = "wealth_product"
    outcomes = frozenset({"found", "found_many", "not_found"})
    source = "wealth"
    access = "public"
    Input = WealthProductInput

    async def run(self, given: WealthProductInput, context: Context) -> Result:
        if given.product_name is not None:
            found = await service.called(context.db, given.product_name)
        else:
            wish = Wish(given.product_type, given.term, given.risk_level)
            found = await service.products(context.db, wish)
        if not found:
            asked = None if given.product_name is None else Said(given.product_name)
            return self.answer("not_found", self.facts(context, product_asked=asked))
        if len(found) == 1:
            return self.answer(
                "found",
                self.facts(context, **described(found[0])),
                card=navs.card(await navs.daily_navs(context.db, found[0])),
                disclosures=texts(found),
            )
        rows = tuple(self.facts(context, **_in_brief(product)) for product in found)
        count = self.facts(context, product_count=Count(len(found), "product"))
        return self.answer("found_many", count, rows=rows, disclosures=texts(found))


def described(product: Product) -> dict[str, Vouched]:
    """Every fact of a product; a figure about the past or the future carries the words that bound it."""
    past = None
    if product.return_from is not None and product.return_to is not None:
        past = Period(product.return_from, product.return_to)
    return {
        **_in_brief(product),
        "product_type": product.type,
        "redemption": None if product.redemption is None else Words(product.redemption, product.redemption_en),
        **_benchmark(product),
        "benchmark_basis": None if product.benchmark_low is None else BENCHMARK_BASIS,
        "year_return": None if product.year_return is None else Percent(product.year_return),
        "return_period": past,
        "rate": None if product.rate is None else Percent(product.rate),
        "fee": None if product.fee is None else Percent(product.fee),
        "nav": None if product.nav is None else str(product.nav),
        "nav_date": product.nav_date,
    }


def texts(found: Sequence[Product]) -> tuple[str, ...]:
    """What must be said beside these products: a deposit is insured, and anything else is no deposit."""
    return (DEPOSIT_INSURANCE,) if all(product.type in DEPOSITS for product in found) else (WEALTH_RISK,)


def _in_brief(product: Product) -> dict[str, Vouched]:
    return {
        "product_name": product_name(product),
        "product_code": product.code,
        "risk_level": risk_level(product),
        "term": service.term_of(product),
        "min_amount": Money(product.min_amount),
    }


def _benchmark(product: Product) -> dict[str, Vouched]:
    if product.benchmark_low is None or product.benchmark_high is None:
        return {}
    return {"benchmark_low": Percent(product.benchmark_low), "benchmark_high": Percent(product.benchmark_high)}


class WealthRecommendInput(ActionInput):
    product_type: OptionalText = None
    term: OptionalTerm = None
    risk_level: OptionalRiskLevel = None
    amount: OptionalText = None


class WealthRecommend(BankAction[WealthRecommendInput]):
    """A few products that suit the customer's own risk assessment."""

    name = "wealth_recommend"
    outcomes = frozenset(
        {"found", "capped", "assessment_missing", "assessment_expired", "none_suitable", "invalid_amount"}
    )
    source = "wealth"
    Input = WealthRecommendInput

    async def run(self, given: WealthRecommendInput, context: Context) -> Result:
        assessment = await service.valid_assessment(context.db, context.customer_id, context.today)
        wish = Wish(given.product_type, given.term, given.risk_level)
        found = await service.suitable(context.db, assessment, wish, service.budget(given.amount))
        asked_above = given.risk_level is not None and (
            service.risk_number(given.risk_level) > service.risk_number(assessment.level)
        )
        rows = tuple(self.facts(context, **_in_brief(product), **_benchmark(product)) for product in found)
        return self.answer(
            "capped" if asked_above else "found",
            self.facts(
                context,
                customer_risk=assessment.level,
                assessed_on=assessment.assessed_on,
                valid_until=assessment.valid_until,
                risk_asked=Said(given.risk_level) if asked_above and given.risk_level else None,
                product_count=Count(len(found), "product"),
            ),
            rows=rows,
            card=Card(kind="product", data={"products": [drawn(row) for row in rows]}),
            disclosures=texts(found),
        )


def drawn(row: Row) -> dict[str, str]:
    """A product as a channel draws it: the canonical value of each fact by its name."""
    return {fact.name: fact.value for fact in row}


class WealthHoldingsInput(ActionInput):
    product_name: OptionalText = None
    product_type: OptionalText = None


class WealthHoldings(BankAction[WealthHoldingsInput]):
    """What the customer holds, what it is worth and what it gained. What awaits confirmation, or was redeemed
    and is on its way, is told beside it and not counted as worth."""

    name = "wealth_holdings"
    outcomes = frozenset({"found", "none", "not_held"})
    source = "wealth"
    disclosures = ("wealth_risk",)
    Input = WealthHoldingsInput

    async def run(self, given: WealthHoldingsInput, context: Context) -> Result:
        lots = await held(context.db, context.customer_id, context.today)
        incoming = await in_transit(context.db, context.customer_id, context.today)
        coming: dict[str, Vouched] = {"incoming_amount": incoming[0], "incoming_by": incoming[1]} if incoming else {}
        if not lots:
            raise Refused("none", **coming)
        if given.product_name is not None:
            codes = {each.code for each in service.named(given.product_name, [each.product for each in lots])}
            lots = [each for each in lots if each.product.code in codes]
        if given.product_type is not None:
            lots = [each for each in lots if each.product.type == given.product_type]
        if not lots:
            asked = None if given.product_name is None else Said(given.product_name)
            raise Refused("not_held", product_asked=asked)
        confirmed = [each for each in lots if each.status != "awaiting"]
        awaiting = [each for each in lots if each.status == "awaiting"]
        nav_dates = [each.product.nav_date for each in confirmed if each.product.nav_date is not None]
        return self.answer(
            "found",
            self.facts(
                context,
                product_count=Count(len({each.product.code for each in lots}), "product"),
                total_value=_total([each.value for each in confirmed]),
                total_gain=_total([each.gain for each in confirmed]),
                awaiting_amount=_total([each.cost for each in awaiting]) if awaiting else None,
                nav_date=min(nav_dates, default=None),
                **coming,
            ),
            rows=tuple(self._row(each, context) for each in lots),
        )

    def _row(self, each: Held, context: Context) -> Row:
        """A lot: worth, gain and units once it is confirmed, before that what was paid and when it will be."""
        awaiting = each.status == "awaiting"
        return self.facts(
            context,
            product_name=product_name(each.product),
            holding_status=each.status,
            amount=each.cost if awaiting else None,
            confirm_on=each.lot.confirm_on if awaiting else None,
            value=None if awaiting else each.value,
            gain=None if awaiting else each.gain,
            units=None if awaiting else units_text(each.lot.units),
            matures_on=each.lot.matures_on,
        )


def _total(amounts: list[Money]) -> Money:
    return sum(amounts, Money(0))


class RiskAssessmentInput(ActionInput):
    risk_level: OptionalRiskLevel = None


class RiskAssessment(BankAction[RiskAssessmentInput]):
    """How the customer was assessed, until when that holds, and what it lets them buy. It is taken on the bank's page."""

    name = "risk_assessment"
    outcomes = frozenset({"found", "within", "above", "assessment_missing", "assessment_expired"})
    source = "wealth"
    Input = RiskAssessmentInput

    async def run(self, given: RiskAssessmentInput, context: Context) -> Result:
        assessment = await service.valid_assessment(context.db, context.customer_id, context.today)
        highest = service.risk_number(assessment.level)
        asked = given.risk_level
        outcome = "found" if asked is None else ("within" if service.risk_number(asked) <= highest else "above")
        return self.answer(
            outcome,
            self.facts(
                context,
                customer_risk=assessment.level,
                assessed_on=assessment.assessed_on,
                valid_until=assessment.valid_until,
                risk_level=f"R{highest}",
                risk_asked=None if asked is None else Said(asked),
            ),
        )
