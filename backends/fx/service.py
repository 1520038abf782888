"""The bank's rules of foreign exchange: which currencies, whose quota, and a purchase against balance and quota."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from backends.account import history
from backends.account import service as account
from backends.action import Refused, Terms
from backends.facts import Said
from backends.fx import rates
from backends.fx.rates import CURRENCIES, Prices
from backends.fx.tables import MidPrice, Order, QuotaUse
from backends.inputs import exact_money, read_amount
from backends.rules import money_rule
from backends.values import Money

# -- prices -------------------------------------------------------------------------------


async def prices(db: AsyncSession, now: dt.datetime) -> dict[str, Prices]:
    """The prices of every currency the bank quotes, in its order, in the minute of *now*."""
    mids = {row.currency: row.mid for row in await db.scalars(select(MidPrice))}
    return {code: rates.prices_at(code, mids[code], now) for code in CURRENCIES}


def require_supported(currency: str, *, or_cny: bool = False) -> str:
    """*currency*, where the bank quotes it; else refused as ``unsupported``."""
    if currency in CURRENCIES or (or_cny and currency == "CNY"):
        return currency
    raise Refused("unsupported", currency_asked=Said(currency))


# -- the year's quota -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Quota:
    """A customer's yearly convenience quota, in US dollars. Purchase and settlement are counted separately."""

    year: int
    purchase_limit: Money
    purchase_used: Money
    settle_limit: Money
    settle_used: Money

    @property
    def purchase_left(self) -> Money:
        """What may still be bought this year."""
        return self.purchase_limit - self.purchase_used

    @property
    def settle_left(self) -> Money:
        """What may still be sold this year."""
        return self.settle_limit - self.settle_used


async def quota(db: AsyncSession, customer_id: str, day: dt.date) -> Quota:
    """The quota of the calendar year of *day*, as used so far."""
    used = await db.get(QuotaUse, (customer_id, day.year), populate_existing=True)
    return Quota(
        year=day.year,
        purchase_limit=money_rule("fx_purchase_limit", day),
        purchase_used=Money(used.purchased if used else 0, "USD"),
        settle_limit=money_rule("fx_settlement_limit", day),
        settle_used=Money(used.settled if used else 0, "USD"),
    )


async def use_purchase_quota(db: AsyncSession, customer_id: str, day: dt.date, amount: Money) -> Money | None:
    """Counts *amount* (USD) against the year's quota where it fits, and returns what is left; ``None`` where not."""
    return await _use(db, customer_id, day, QuotaUse.purchased, money_rule("fx_purchase_limit", day), amount)


async def use_settlement_quota(db: AsyncSession, customer_id: str, day: dt.date, amount: Money) -> Money | None:
    """The same for what is sold: purchase and settlement are counted separately."""
    return await _use(db, customer_id, day, QuotaUse.settled, money_rule("fx_settlement_limit", day), amount)


async def _use(
    db: AsyncSession,
    customer_id: str,
    day: dt.date,
    used: InstrumentedAttribute[int],
    limit: Money,
    amount: Money,
) -> Money | None:
    counted = (
        update(QuotaUse)
        .where(QuotaUse.customer_id == customer_id, QuotaUse.year == day.year, used + amount.minor <= limit.minor)
        .values({used: used + amount.minor})
        .returning(used)
        .execution_options(synchronize_session=False)
    )
    if await db.get(QuotaUse, (customer_id, day.year)) is None:
        try:
            async with db.begin_nested():
                db.add(QuotaUse(customer_id=customer_id, year=day.year, purchased=0, settled=0))
        except IntegrityError:  # another order opened the year between the two statements
            pass
    total = await db.scalar(counted)
    return None if total is None else Money(limit.minor - total, "USD")


# -- buying ---------------------------------------------------------------------------------


class PurchaseTerms(Terms):
    """A purchase as it was quoted: minor units throughout, ``rate`` in CNY for 100 units."""

    account_id: str
    account_tail: str
    currency: str
    amount: int
    amount_usd: int
    cost: int
    rate: Decimal
    purpose: str

    @property
    def bought(self) -> Money:
        """What the customer gets."""
        return Money(self.amount, self.currency)

    @property
    def paid(self) -> Money:
        """What the customer pays."""
        return Money(self.cost)

    @property
    def counted(self) -> Money:
        """What counts against the quota."""
        return Money(self.amount_usd, "USD")


def to_buy(asked: str, currency: str, currency_from: str | None, quoted: Prices) -> Money:
    """How much of *currency* the customer means: *asked* of it, or what *asked* buys where that is said in CNY.

    Refused as ``unsupported`` where they would pay in a foreign currency, ``invalid_amount`` where it buys nothing.
    """
    amount = read_amount(asked)
    own = amount.currency or currency_from or currency
    for paid_in in (currency_from, own):
        if paid_in not in (None, currency, "CNY"):
            raise Refused("unsupported", currency_asked=Said(paid_in))
    if own == currency:
        return exact_money(amount.number, currency, asked)
    bought = rates.bought_for(exact_money(amount.number, "CNY", asked), quoted)
    if bought.minor <= 0:
        raise Refused("invalid_amount", amount_asked=Said(asked))
    return bought


async def require_quota(db: AsyncSession, customer_id: str, terms: PurchaseTerms, day: dt.date) -> Money:
    """What the purchase would leave of the year's quota; refused as ``over_quota``."""
    left = (await quota(db, customer_id, day)).purchase_left
    if left < terms.counted:
        raise _over_quota(terms, left)
    return left - terms.counted


async def require_funds(db: AsyncSession, terms: PurchaseTerms) -> None:
    """Refused as ``insufficient_funds`` where the paying account holds less than the purchase costs."""
    held = await account.balance(db, terms.account_id, "CNY")
    if held < terms.paid:
        raise _insufficient_funds(terms, held)


def _over_quota(terms: PurchaseTerms, left: Money) -> Refused:
    return Refused("over_quota", amount=terms.bought, amount_usd=terms.counted, purchase_left=left)


def _insufficient_funds(terms: PurchaseTerms, held: Money) -> Refused:
    return Refused(
        "insufficient_funds", amount=terms.bought, cost=terms.paid, balance=held, account_tail=terms.account_tail
    )


@dataclass(frozen=True, slots=True)
class Purchase:
    """What a purchase left behind: CNY, the bought currency, and the quota."""

    balance: Money
    fx_balance: Money
    purchase_left: Money


async def purchase(
    db: AsyncSession, customer_id: str, terms: PurchaseTerms, *, reference: str, now: dt.datetime, day: dt.date
) -> Purchase:
    """Buys on the quoted terms. Quota and balance are taken only where they suffice, at this very moment.

    Refused as ``over_quota`` or ``insufficient_funds``; the caller undoes what was taken before the refusal.
    """
    left = await use_purchase_quota(db, customer_id, day, terms.counted)
    if left is None:
        raise _over_quota(terms, (await quota(db, customer_id, day)).purchase_left)
    balance = await account.withdraw(db, terms.account_id, terms.paid)
    if balance is None:
        raise _insufficient_funds(terms, await account.balance(db, terms.account_id, "CNY"))
    fx_balance = await account.deposit(db, terms.account_id, terms.bought)
    history.book(
        db,
        terms.account_id,
        Money(-terms.cost),
        kind="exchange",
        counterparty=("云杉银行购汇", "Spruce Bank, currency bought"),
        reference=reference,
        now=now,
    )
    db.add(
        Order(
            reference=reference,
            customer_id=customer_id,
            account_id=terms.account_id,
            currency=terms.currency,
            amount=terms.amount,
            cost=terms.cost,
            rate=terms.rate,
            purpose=terms.purpose,
            done_at=now,
        )
    )
    return Purchase(balance, fx_balance, left)


async def latest_order(db: AsyncSession, customer_id: str) -> Order | None:
    """The customer's last purchase."""
    query = select(Order).where(Order.customer_id == customer_id).order_by(Order.done_at.desc()).limit(1)
    return (await db.scalars(query)).first()
