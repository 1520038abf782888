"""What customers ask about wealth products, funds and deposits."""

from __future__ import annotations

from collections.abc import Sequence

from backends.action import ActionInput, BankAction, Context
from backends.facts import Said, Vouched, Words
from backends.inputs import OptionalRiskLevel, OptionalTerm, OptionalText
from backends.result import Card, Result, Row
from backends.values import Count, Money, Percent, Period
from backends.wealth import service
from backends.wealth.service import DEPOSITS, Wish
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
            return self.answer("found", self._whole(found[0], context), disclosures=_texts(found))
        rows = tuple(self.facts(context, **_in_brief(product)) for product in found)
        count = self.facts(context, product_count=Count(len(found), "product"))
        return self.answer("found_many", count, rows=rows, disclosures=_texts(found))

    def _whole(self, product: Product, context: Context) -> Row:
        """Every fact of a product; a figure about the past or the future carries the words that bound it."""
        past = None
        if product.return_from is not None and product.return_to is not None:
            past = Period(product.return_from, product.return_to)
        return self.facts(
            context,
            **_in_brief(product),
            product_type=product.type,
            redemption=None if product.redemption is None else Words(product.redemption, product.redemption_en),
            **_benchmark(product),
            benchmark_basis=None if product.benchmark_low is None else BENCHMARK_BASIS,
            year_return=None if product.year_return is None else Percent(product.year_return),
            return_period=past,
            rate=None if product.rate is None else Percent(product.rate),
            fee=None if product.fee is None else Percent(product.fee),
            nav=None if product.nav is None else str(product.nav),
            nav_date=product.nav_date,
        )


def _texts(found: Sequence[Product]) -> tuple[str, ...]:
    """What must be said beside these products: a deposit is insured, and anything else is no deposit."""
    return (DEPOSIT_INSURANCE,) if all(product.type in DEPOSITS for product in found) else (WEALTH_RISK,)


def _in_brief(product: Product) -> dict[str, Vouched]:
    return {
        "product_name": Words(product.name, product.name_en),
        "product_code": product.code,
        "risk_level": product.risk_level,
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
            card=Card(kind="product", data={"products": [_drawn(row) for row in rows]}),
            disclosures=_texts(found),
        )


def _drawn(row: Row) -> dict[str, str]:
    """A product as a channel draws it: the canonical value of each fact by its name."""
    return {fact.name: fact.value for fact in row}
