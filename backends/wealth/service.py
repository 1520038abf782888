"""The bank's rules about products: which one was meant, and which ones suit whom.

Suitability follows 金融机构产品适当性管理办法 (金融监管总局令2025年第7号): a product of risk level Rn is suggested and sold only to a
customer assessed at Cn or above, and only while the assessment is valid; of two ratings the higher one counts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backends import values
from backends.action import Refused
from backends.facts import Words
from backends.inputs import folded, read_amount
from backends.values import Money, Term
from backends.wealth.tables import Product, RiskAssessment

SUGGESTIONS = 3
"""How many products a recommendation names: as many as can be taken in at once."""
DEPOSITS = ("deposit", "large_cd", "notice_deposit")
SUGGESTED_TYPES = ("wealth", "fund", *DEPOSITS, "structured")
"""What is suggested to someone who names no type; the others only to those who ask for them."""
_APPROXIMATE_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a customer named: each ``None`` where they did not."""

    product_type: str | None = None
    term: Term | None = None
    risk_level: str | None = None


async def products(db: AsyncSession, wish: Wish) -> list[Product]:
    """What is on sale and fits *wish*, by type, risk and term; a wish for a term finds terms of the same length."""
    query = select(Product).order_by(Product.code)
    if wish.product_type is not None:
        query = query.where(Product.type == wish.product_type)
    found = list(await db.scalars(query))
    if wish.risk_level is not None:
        found = [product for product in found if risk_level(product) == wish.risk_level]
    if wish.term is not None:
        found = [product for product in found if _same_length(term_of(product), wish.term)]
    return found


async def called(db: AsyncSession, name: str) -> list[Product]:
    """The products that *name* can mean: by code or full name, else those whose name holds it or is held by it."""
    return named(name, list(await db.scalars(select(Product).order_by(Product.code))))


def named(name: str, among: Sequence[Product]) -> list[Product]:
    """Those of *among* that *name* can mean, as ``called`` finds them."""
    said = folded(name)
    exact = [each for each in among if said in (folded(each.code), folded(each.name), folded(each.name_en))]
    if exact or not said:
        return exact
    return [each for each in among if any(said in own or own in said for own in _names(each))]


def _names(product: Product) -> tuple[str, ...]:
    """The names a product goes by; the bank's own name before it is often left out."""
    zh, en = folded(product.name), folded(product.name_en)
    return (zh, zh.removeprefix("云杉"), en, en.removeprefix("spruce"))


def risk_level(product: Product) -> str:
    """The level that counts: the higher one where the bank and the issuer rate the product differently."""
    return max(product.risk_level, product.issuer_risk_level or product.risk_level)


def product_name(product: Product) -> Words:
    """The product's name in both languages."""
    return Words(product.name, product.name_en)


def term_of(product: Product) -> Term | None:
    """The product's term; ``None`` where it can be left at any time."""
    if product.term is None:
        return None
    term = values.from_canonical("term", product.term, None)
    assert isinstance(term, Term)
    return term


def _days(term: Term) -> int | None:
    return None if term.unit == "instalment" else term.count * _APPROXIMATE_DAYS[term.unit]


def _same_length(own: Term | None, wished: Term) -> bool:
    """Whether two terms are the same to a customer: a year is twelve months, and three months ninety days."""
    if own is None:
        return False
    days, wished_days = _days(own), _days(wished)
    return days is not None and wished_days is not None and abs(days - wished_days) <= wished_days // 30


# -- suitability ----------------------------------------------------------------------------


async def valid_assessment(db: AsyncSession, customer_id: str, today: dt.date) -> RiskAssessment:
    """The customer's assessment; refused as ``assessment_missing`` or ``assessment_expired``."""
    found = await db.get(RiskAssessment, customer_id)
    if found is None:
        raise Refused("assessment_missing")
    if found.valid_until < today:
        raise Refused("assessment_expired", assessed_on=found.assessed_on, valid_until=found.valid_until)
    return found


def risk_number(level: str) -> int:
    """The number of a level: 3 for R3 and for C3."""
    return int(level[1:])


def budget(asked: str | None) -> Money | None:
    """What the customer wants to invest, in CNY; refused as ``invalid_amount`` where it cannot be read.

    A sum in a foreign currency sets no bound: the products are bought in CNY.
    """
    if asked is None:
        return None
    amount = read_amount(asked)
    return Money.of(amount.number) if amount.currency in (None, "CNY") else None


async def suitable(db: AsyncSession, assessment: RiskAssessment, wish: Wish, at_most: Money | None) -> list[Product]:
    """The best few products for the customer, never above their own level, and above no level they asked for.

    Refused as ``none_suitable``. The highest level that suits comes first, then what promises more.
    """
    ceiling = risk_number(assessment.level)
    if wish.risk_level is not None:
        ceiling = min(ceiling, risk_number(wish.risk_level))
    fitting = [
        product
        for product in await products(db, Wish(product_type=wish.product_type, term=wish.term))
        if risk_number(risk_level(product)) <= ceiling
        and (wish.product_type is not None or product.type in SUGGESTED_TYPES)
        and (at_most is None or product.min_amount <= at_most.minor)
    ]
    if not fitting:
        raise Refused("none_suitable", customer_risk=assessment.level)
    fitting.sort(key=lambda each: (-risk_number(risk_level(each)), -(each.benchmark_high or 0), each.code))
    return fitting[:SUGGESTIONS]
