"""The bank's rules of buying and redeeming: who may, how much, for which trading day, and the effect itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from backends.account import service as account
from backends.account.tables import Account
from backends.action import Refused, Terms
from backends.effects import expiry
from backends.facts import Said
from backends.inputs import exact_money, read_amount
from backends.rules import count_rule, minutes_rule, time_rule
from backends.values import Money
from backends.wealth import calendar, service
from backends.wealth.holdings import Held, maturity, nav_of, units_for, units_text, worth
from backends.wealth.tables import Holding, Product, RiskAssessment, Sale, WealthOrder

# -- when ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Session:
    """The trading day that an application made now counts for, and until when a quote of it can be confirmed."""

    trade_on: dt.date
    expires_at: dt.datetime


def session_at(now: dt.datetime, today: dt.date) -> Session:
    """The session of *now*. Its quote never outlives the cut-off, so the days that were read back are those that hold."""
    cutoff = time_rule("wealth_cutoff", today)
    trade_on = calendar.counts_for(now, cutoff)
    lapses = expiry(now, minutes_rule("wealth_quote_minutes", today))
    turns = calendar.closes_at(today, cutoff)
    return Session(trade_on, min(lapses, turns) if now < turns else lapses)


# -- buying -------------------------------------------------------------------------------


class BuyTerms(Terms):
    """A purchase as it was quoted: money in minor units of CNY, ``fee`` within ``amount``, units in hundredths."""

    account_id: str
    account_tail: str
    code: str
    amount: int
    fee: int
    units: int
    trade_on: dt.date
    confirm_on: dt.date
    matures_on: dt.date | None


async def sale_of(db: AsyncSession, product: Product) -> Sale:
    """How the product is sold online; refused as ``elsewhere`` where it is not."""
    sale = await db.get(Sale, product.code, populate_existing=True)
    if sale is None:
        raise Refused("elsewhere", product_name=service.product_name(product), product_type=product.type)
    return sale


async def require_suitable(db: AsyncSession, customer_id: str, product: Product, today: dt.date) -> RiskAssessment:
    """The customer's assessment; refused as ``unsuitable`` where the product is above it, else as it is itself."""
    assessment = await service.valid_assessment(db, customer_id, today)
    level = service.risk_level(product)
    if service.risk_number(level) > service.risk_number(assessment.level):
        raise Refused(
            "unsuitable",
            product_name=service.product_name(product),
            risk_level=level,
            customer_risk=assessment.level,
        )
    return assessment


def to_invest(asked: str, product: Product, sale: Sale) -> Money:
    """The sum to invest, in CNY; refused as ``invalid_amount``, ``below_minimum`` or ``wrong_step``."""
    amount = read_amount(asked)
    if amount.currency not in (None, "CNY"):
        raise Refused("invalid_amount", amount_asked=Said(asked))
    money = exact_money(amount.number, "CNY", asked)
    name = service.product_name(product)
    if money.minor < product.min_amount:
        raise Refused("below_minimum", product_name=name, amount=money, min_amount=Money(product.min_amount))
    if (money.minor - product.min_amount) % sale.step:
        raise Refused(
            "wrong_step",
            product_name=name,
            amount=money,
            min_amount=Money(product.min_amount),
            amount_step=Money(sale.step),
        )
    return money


def fee_within(amount: Money, percent: Decimal) -> Money:
    """The part of *amount* that is the purchase fee: *percent* of what is invested net of it (外扣法)."""
    return amount - Money.of(amount.number / (1 + percent / 100))


def buy_terms(amount: Money, product: Product, sale: Sale, payer: Account, trade_on: dt.date) -> BuyTerms:
    """The terms of buying *amount* on *trade_on*."""
    confirm_on = calendar.trading_days_after(trade_on, count_rule("wealth_confirm_days", trade_on).number)
    term = service.term_of(product)
    fee = fee_within(amount, sale.purchase_fee)
    return BuyTerms(
        account_id=payer.account_id,
        account_tail=payer.tail,
        code=product.code,
        amount=amount.minor,
        fee=fee.minor,
        units=units_for(amount - fee, nav_of(product)),
        trade_on=trade_on,
        confirm_on=confirm_on,
        matures_on=None if term is None else maturity(confirm_on, term),
    )


async def require_means(db: AsyncSession, terms: BuyTerms, sale: Sale) -> None:
    """Refused as ``insufficient_funds`` where the account holds too little, ``sold_out`` where the quota leaves less."""
    balance = await account.balance(db, terms.account_id, "CNY")
    if balance.minor < terms.amount:
        raise _insufficient_funds(terms, balance)
    if sale.quota_left is not None and sale.quota_left < terms.amount:
        raise _sold_out(terms, sale.quota_left)


def _insufficient_funds(terms: BuyTerms, balance: Money) -> Refused:
    return Refused("insufficient_funds", amount=Money(terms.amount), balance=balance, account_tail=terms.account_tail)


def _sold_out(terms: BuyTerms, left: int) -> Refused:
    return Refused("sold_out", amount=Money(terms.amount), quota_left=Money(left))


async def buy(db: AsyncSession, customer_id: str, terms: BuyTerms, *, reference: str, now: dt.datetime) -> Money:
    """Buys on the quoted terms and returns the balance after. Quota and balance are taken only where they suffice.

    Refused as ``sold_out`` or ``insufficient_funds``; the caller undoes what was taken before the refusal.
    """
    taken = await db.execute(
        update(Sale)
        .where(Sale.code == terms.code, (Sale.quota_left.is_(None)) | (Sale.quota_left >= terms.amount))
        .values(quota_left=Sale.quota_left - terms.amount)
        .returning(Sale.code)
        .execution_options(synchronize_session=False)
    )
    if taken.first() is None:
        left = await db.scalar(select(Sale.quota_left).where(Sale.code == terms.code))
        raise _sold_out(terms, left or 0)
    balance = await account.withdraw(db, terms.account_id, Money(terms.amount))
    if balance is None:
        raise _insufficient_funds(terms, await account.balance(db, terms.account_id, "CNY"))
    lot = Holding(
        holding_id=reference,
        customer_id=customer_id,
        account_id=terms.account_id,
        code=terms.code,
        units=terms.units,
        cost=terms.amount,
        confirm_on=terms.confirm_on,
        matures_on=terms.matures_on,
    )
    order = WealthOrder(
        reference=reference,
        customer_id=customer_id,
        account_id=terms.account_id,
        code=terms.code,
        side="buy",
        amount=terms.amount,
        units=terms.units,
        settles_on=terms.confirm_on,
        placed_at=now,
    )
    db.add_all([lot, order])
    return balance


# -- redeeming ----------------------------------------------------------------------------


class Taken(Terms):
    """What is redeemed of one lot that held ``units_before``: units in hundredths, and its share of the cost."""

    holding_id: str
    units_before: int
    units: int
    cost: int


class RedeemTerms(Terms):
    """A redemption as it was quoted: money in minor units of CNY, at the last net value."""

    account_id: str
    account_tail: str
    code: str
    taken: tuple[Taken, ...]
    estimate: int
    fee: int
    trade_on: dt.date
    arrives_on: dt.date

    @property
    def units(self) -> int:
        """All that is redeemed, in hundredths."""
        return sum(each.units for each in self.taken)


def redeemable(lots: Sequence[Held]) -> list[Held]:
    """The lots of one product that can be redeemed today, the earliest first.

    Refused as ``locked`` where the product has a term, ``unconfirmed`` where none of the lots is confirmed yet.
    """
    product = lots[0].product
    name = service.product_name(product)
    if product.term is not None:
        raise Refused("locked", product_name=name, matures_on=min(each.lot.matures_on or each.today for each in lots))
    confirmed = [each for each in lots if each.status == "confirmed"]
    if not confirmed:
        raise Refused("unconfirmed", product_name=name, confirm_on=lots[0].lot.confirm_on)
    return confirmed


def redeem_terms(asked: str | None, lots: Sequence[Held], sale: Sale, payee: Account, trade_on: dt.date) -> RedeemTerms:
    """The terms of redeeming the sum *asked* of *lots*, or all of them, on *trade_on*.

    Refused as ``invalid_amount``, ``too_much`` where they are worth less, ``below_holding`` where too little would stay.
    """
    product = lots[0].product
    nav = nav_of(product)
    there = sum(each.lot.units for each in lots)
    units = there if asked is None else _units_asked(asked, there, product)
    if 0 < there - units < sale.min_units:
        raise Refused(
            "below_holding",
            product_name=service.product_name(product),
            min_units=units_text(sale.min_units),
            value=worth(there, nav),
        )
    estimate = worth(units, nav)
    return RedeemTerms(
        account_id=payee.account_id,
        account_tail=payee.tail,
        code=product.code,
        taken=tuple(_earliest(lots, units)),
        estimate=estimate.minor,
        fee=Money.of(estimate.number * sale.redemption_fee / 100).minor,
        trade_on=trade_on,
        arrives_on=calendar.trading_days_after(trade_on, sale.redeem_days),
    )


def _units_asked(asked: str, there: int, product: Product) -> int:
    amount = read_amount(asked)
    if amount.currency not in (None, "CNY"):
        raise Refused("invalid_amount", amount_asked=Said(asked))
    money = exact_money(amount.number, "CNY", asked)
    value = worth(there, nav_of(product))
    if money == value:
        return there
    units = units_for(money, nav_of(product))
    if value < money or units > there:
        raise Refused("too_much", product_name=service.product_name(product), amount=money, value=value)
    if units == 0:
        raise Refused("invalid_amount", amount_asked=Said(asked))
    return units


def _earliest(lots: Sequence[Held], units: int) -> list[Taken]:
    """*units* out of *lots*, the earliest first; each gives up its cost in proportion, the last unit all that is left."""
    taken: list[Taken] = []
    for each in lots:
        lot = each.lot
        part = min(units, lot.units)
        if part == 0:
            break
        taken.append(
            Taken(holding_id=lot.holding_id, units_before=lot.units, units=part, cost=lot.cost * part // lot.units)
        )
        units -= part
    return taken


async def arrivals(db: AsyncSession, trade_on: dt.date) -> list[tuple[Product, dt.date]]:
    """The products that can be left at any time, with the day on which a redemption of *trade_on* is paid out."""
    query = select(Product, Sale).join(Sale, Sale.code == Product.code).where(Product.term.is_(None))
    return [
        (product, calendar.trading_days_after(trade_on, sale.redeem_days))
        for product, sale in await db.execute(query.order_by(Sale.redeem_days, Product.code))
    ]


async def redeem(db: AsyncSession, customer_id: str, terms: RedeemTerms, *, reference: str, now: dt.datetime) -> None:
    """Redeems on the quoted terms; refused as ``changed`` where a lot is no longer what it was when it was quoted."""
    for part in terms.taken:
        done = await db.execute(
            update(Holding)
            .where(
                Holding.holding_id == part.holding_id,
                Holding.customer_id == customer_id,
                Holding.units == part.units_before,
            )
            .values(units=Holding.units - part.units, cost=Holding.cost - part.cost)
            .returning(Holding.holding_id)
            .execution_options(synchronize_session=False)
        )
        if done.first() is None:
            raise Refused("changed")
    db.add(
        WealthOrder(
            reference=reference,
            customer_id=customer_id,
            account_id=terms.account_id,
            code=terms.code,
            side="redeem",
            amount=terms.estimate - terms.fee,
            units=terms.units,
            settles_on=terms.arrives_on,
            placed_at=now,
        )
    )


async def latest_order(db: AsyncSession, customer_id: str, side: str) -> tuple[WealthOrder, Product] | None:
    """The customer's last purchase or redemption, with its product."""
    query = (
        select(WealthOrder, Product)
        .join(Product, Product.code == WealthOrder.code)
        .where(WealthOrder.customer_id == customer_id, WealthOrder.side == side)
        .order_by(WealthOrder.placed_at.desc())
        .limit(1)
    )
    found = (await db.execute(query)).first()
    return None if found is None else (found[0], found[1])
