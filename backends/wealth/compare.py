"""Products, kinds of product or risk levels side by side: what differs, and never which one is better."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal

from backends.action import ActionInput, BankAction, Context, Refused
from backends.facts import Said, Vouched, Words
from backends.inputs import OptionalTerm, OptionalText, Texts
from backends.result import Card, Result
from backends.values import Count, Money, Percent, Period
from backends.wealth import service
from backends.wealth.actions import BENCHMARK_BASIS, described, drawn, texts
from backends.wealth.service import DEPOSITS, Wish, product_name, risk_level, risk_number
from backends.wealth.tables import Product

AND = re.compile(
    r"和|跟|与|同|还是|对比|或者|、|，|,|(?<![a-z])(?:and|or|vs\.?|versus|with|against)(?![a-z])", re.IGNORECASE
)
"""What stands between two names that were taken for one."""
MOST = 4
"""How many products are laid side by side; a name that means more than that means none of them."""
INSURED = Words("属于存款，受存款保险保障", "a deposit, covered by deposit insurance")
LINKED = Words(
    "不同于普通存款，收益随挂钩标的变动", "no ordinary deposit: what it pays depends on what it is linked to"
)
MARKET = Words("不是存款，收益随市场变动", "no deposit: what it earns moves with the market")
_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365, "instalment": 30}


class WealthCompareInput(ActionInput):
    product_name: Texts = ()
    product_type: Texts = ()
    risk_level: Texts = ()
    term: tuple[OptionalTerm, ...] = ()
    bank: OptionalText = None


class WealthCompare(BankAction[WealthCompareInput]):
    """Two or more products by their names or terms (``found``), kinds (``kinds``) or risk levels (``levels``).

    ``one_missing`` where only one of the named products is ours, ``which`` where too little was named.
    """

    name = "wealth_compare"
    outcomes = frozenset({"found", "kinds", "levels", "one_missing", "not_found", "other_bank", "which"})
    source = "wealth"
    access = "public"
    Input = WealthCompareInput

    async def run(self, given: WealthCompareInput, context: Context) -> Result:
        everything = await service.products(context.db, Wish())
        found, missing = named(given.product_name, everything)
        if len(found) >= 2:
            return self._products(found, missing, context)
        kinds = list(dict.fromkeys(given.product_type))
        terms = [term for term in given.term if term is not None]
        if len(terms) >= 2 and len(kinds) < 2:
            found = [
                product
                for term in terms
                for product in await service.products(context.db, Wish(kinds[0] if kinds else None, term))
            ]
            if 2 <= len(found) <= MOST:
                return self._products(found, None, context)
        if len(kinds) >= 2:
            return self._kinds([(kind, [each for each in everything if each.type == kind]) for kind in kinds], context)
        if len(set(given.risk_level)) >= 2:
            return self._levels(sorted(set(given.risk_level)), everything, context)
        if given.bank is not None:
            raise Refused("other_bank", bank_asked=Said(given.bank))
        if missing is not None:
            if found:
                own = {**described(found[0]), "product_asked": missing}
                return self.answer("one_missing", self.facts(context, **own), disclosures=texts(found))
            raise Refused("not_found", product_asked=missing)
        raise Refused("which", product_name=product_name(found[0]) if found else None)

    def _products(self, found: Sequence[Product], missing: Said | None, context: Context) -> Result:
        rows = tuple(self.facts(context, **described(product)) for product in found)
        levels = {risk_level(product) for product in found}
        return self.answer(
            "found",
            self.facts(
                context,
                product_count=Count(len(found), "product"),
                product_asked=missing,
                same_risk=levels.pop() if len(levels) == 1 else None,
                lower_risk=_least(found, lambda each: risk_number(risk_level(each))),
                lower_minimum=_least(found, lambda each: each.min_amount),
                lower_fee=_least(found, lambda each: each.fee),
                shorter_term=_least(found, _length),
            ),
            rows=rows,
            card=Card(kind="comparison", data={"products": [drawn(row) for row in rows]}),
            disclosures=texts(found),
        )

    def _kinds(self, kinds: Sequence[tuple[str, list[Product]]], context: Context) -> Result:
        sold = [(kind, products) for kind, products in kinds if products]
        unsold = [kind for kind, products in kinds if not products]
        if not sold:
            raise Refused("which")
        rows = tuple(self.facts(context, **_of_kind(kind, products)) for kind, products in sold)
        return self.answer(
            "kinds",
            self.facts(context, kind_missing=Said(unsold[0]) if unsold else None),
            rows=rows,
            card=Card(kind="comparison", data={"kinds": [drawn(row) for row in rows]}),
            disclosures=texts([product for _, products in sold for product in products]),
        )

    def _levels(self, levels: Sequence[str], everything: Sequence[Product], context: Context) -> Result:
        rows = []
        for level in levels:
            of_level = [product for product in everything if risk_level(product) == level]
            rows.append(
                self.facts(
                    context,
                    risk_level=level,
                    product_count=Count(len(of_level), "product"),
                    customer_risk=f"C{risk_number(level)}",
                    min_amount=Money(min(each.min_amount for each in of_level)) if of_level else None,
                )
            )
        return self.answer("levels", rows=tuple(rows), disclosures=("wealth_risk",))


def named(names: Sequence[str], everything: Sequence[Product]) -> tuple[list[Product], Said | None]:
    """The products that *names* mean, in the order they were said, and those of the names that mean none of ours.

    Two names that were taken for one are told apart; a name that means more than ``MOST`` products is left out.
    """
    found, missing = list[Product](), list[str]()
    for part in (part.strip() for name in names for part in AND.split(name)):
        meant = service.named(part, everything) if part else []
        if part and not meant:
            missing.append(part)
        if len(meant) <= MOST:
            found += [product for product in meant if product not in found]
    return found[:MOST], Said("、".join(missing)) if missing else None


def _least(found: Sequence[Product], measure: Callable[[Product], Decimal | int | None]) -> Words | None:
    """The name of the one product that measures less than every other; ``None`` where one has no measure, or two share
    the least."""
    measured = [(measure(product), product) for product in found]
    known = [(size, product) for size, product in measured if size is not None]
    least = min(size for size, _ in known) if len(known) == len(measured) else None
    holders = [product for size, product in known if size == least]
    return product_name(holders[0]) if least is not None and len(holders) == 1 else None


def _length(product: Product) -> int:
    """The days of a product's term, roughly; none where it can be left at any time."""
    term = service.term_of(product)
    return 0 if term is None else term.count * _DAYS[term.unit]


def _of_kind(kind: str, products: Sequence[Product]) -> dict[str, Vouched]:
    """What the products of a kind have in common, and between which figures they lie."""
    levels = sorted({risk_level(product) for product in products})
    rates = [product.rate for product in products if product.rate is not None]
    lows = [product.benchmark_low for product in products if product.benchmark_low is not None]
    highs = [product.benchmark_high for product in products if product.benchmark_high is not None]
    past = [product.year_return for product in products if product.year_return is not None]
    spans = {Period(p.return_from, p.return_to) for p in products if p.return_from and p.return_to}
    return {
        "product_type": kind,
        "product_count": Count(len(products), "product"),
        "protection": INSURED if kind in DEPOSITS else LINKED if kind == "structured" else MARKET,
        "risk_level": levels[0],
        "risk_up_to": levels[-1] if len(levels) > 1 else None,
        "min_amount": Money(min(product.min_amount for product in products)),
        "rate_low": Percent(min(rates)) if rates else None,
        "rate_high": Percent(max(rates)) if rates else None,
        "benchmark_low": Percent(min(lows)) if lows else None,
        "benchmark_high": Percent(max(highs)) if highs else None,
        "benchmark_basis": BENCHMARK_BASIS if lows else None,
        "past_low": Percent(min(past)) if past and len(spans) == 1 else None,
        "past_high": Percent(max(past)) if past and len(spans) == 1 else None,
        "return_period": spans.pop() if past and len(spans) == 1 else None,
    }
