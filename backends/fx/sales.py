"""The bank's rules of selling foreign currency: how much of which, against the balance and the year's quota."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backends.account import history
from backends.account import service as account
from backends.action import Refused, Terms
from backends.facts import Said
from backends.fx import rates, service
from backends.fx.holdings import Held
from backends.fx.rates import Prices
from backends.fx.tables import CurrencySale
from backends.inputs import exact_money, read_amount
from backends.values import Money


class SaleTerms(Terms):
    """A sale as it was quoted: minor units throughout, ``rate`` in CNY for 100 units."""

    account_id: str
    account_tail: str
    currency: str
    amount: int
    amount_usd: int
    proceeds: int
    rate: Decimal
    purpose: str

    @property
    def sold(self) -> Money:
        """What the customer gives."""
        return Money(self.amount, self.currency)

    @property
    def received(self) -> Money:
        """What the customer gets."""
        return Money(self.proceeds)

    @property
    def counted(self) -> Money:
        """What counts against the quota."""
        return Money(self.amount_usd, "USD")


def to_be_sold(currency: str | None, currency_from: str | None, amount: str | None) -> str | None:
    """The foreign currency that is meant, by whatever named it; ``None`` where only CNY, or nothing, was named.

    Refused as ``unsupported`` where it is to be changed into another foreign currency, or the bank does not quote it.
    """
    own = None if amount is None else read_amount(amount).currency
    named = [code for code in dict.fromkeys((currency_from, own, currency)) if code not in (None, "CNY")]
    if len(named) > 1:
        raise Refused("unsupported", currency_asked=Said(named[-1] or ""))
    return service.require_supported(named[0]) if named and named[0] else None


def to_sell(asked: str | None, part: str | None, holding: Held, quoted: Prices) -> Money:
    """How much of the held currency the customer means: ``full`` or ``half`` of the balance, *asked* of it, or what
    brings *asked* where that is said in CNY.

    Refused as ``no_balance`` where there is nothing to take a part of, ``invalid_amount`` where it brings nothing.
    """
    currency = holding.balance.currency
    if part is not None:
        sold = Money(holding.balance.minor // (2 if part == "half" else 1), currency)
        if sold.minor == 0:
            raise Refused("no_balance", currency=currency)
        return sold
    assert asked is not None
    amount = read_amount(asked)
    if amount.currency == "CNY":
        sold = rates.sold_for(exact_money(amount.number, "CNY", asked), quoted)
    else:
        sold = exact_money(amount.number, currency, asked)
    if rates.proceeds_of(sold, quoted).minor <= 0:
        raise Refused("invalid_amount", amount_asked=Said(asked))
    return sold


def sale_terms(sold: Money, holding: Held, quoted: Prices, usd: Prices, purpose: str) -> SaleTerms:
    """The terms of selling *sold* out of *holding* at the prices *quoted*."""
    return SaleTerms(
        account_id=holding.account.account_id,
        account_tail=holding.account.tail,
        currency=sold.currency,
        amount=sold.minor,
        amount_usd=rates.in_usd(sold, quoted.mid, usd.mid).minor,
        proceeds=rates.proceeds_of(sold, quoted).minor,
        rate=quoted.spot_buy,
        purpose=purpose,
    )


def require_funds(terms: SaleTerms, holding: Held) -> None:
    """Refused as ``insufficient_funds`` where the account holds less than is to be sold."""
    if holding.balance < terms.sold:
        raise _insufficient_funds(terms, holding.balance)


async def require_quota(db: AsyncSession, customer_id: str, terms: SaleTerms, day: dt.date) -> Money:
    """What the sale would leave of the year's quota; refused as ``over_quota``."""
    left = (await service.quota(db, customer_id, day)).settle_left
    if left < terms.counted:
        raise _over_quota(terms, left)
    return left - terms.counted


def _over_quota(terms: SaleTerms, left: Money) -> Refused:
    return Refused("over_quota", amount=terms.sold, amount_usd=terms.counted, settle_left=left)


def _insufficient_funds(terms: SaleTerms, held: Money) -> Refused:
    return Refused("insufficient_funds", amount=terms.sold, fx_balance=held, account_tail=terms.account_tail)


@dataclass(frozen=True, slots=True)
class Sold:
    """What a sale left behind: CNY, the sold currency, and the quota."""

    balance: Money
    fx_balance: Money
    settle_left: Money


async def sell(
    db: AsyncSession, customer_id: str, terms: SaleTerms, *, reference: str, now: dt.datetime, day: dt.date
) -> Sold:
    """Sells on the quoted terms. Quota and balance are taken only where they suffice, at this very moment.

    Refused as ``over_quota`` or ``insufficient_funds``; the caller undoes what was taken before the refusal.
    """
    left = await service.use_settlement_quota(db, customer_id, day, terms.counted)
    if left is None:
        raise _over_quota(terms, (await service.quota(db, customer_id, day)).settle_left)
    fx_balance = await account.withdraw(db, terms.account_id, terms.sold)
    if fx_balance is None:
        raise _insufficient_funds(terms, await account.balance(db, terms.account_id, terms.currency))
    balance = await account.deposit(db, terms.account_id, terms.received)
    db.add(
        CurrencySale(
            reference=reference,
            customer_id=customer_id,
            account_id=terms.account_id,
            currency=terms.currency,
            amount=terms.amount,
            proceeds=terms.proceeds,
            rate=terms.rate,
            purpose=terms.purpose,
            done_at=now,
        )
    )
    history.book(
        db,
        terms.account_id,
        terms.received,
        kind="exchange",
        counterparty=("云杉银行结汇", "Spruce Bank, currency sold"),
        reference=reference,
        now=now,
    )
    return Sold(balance, fx_balance, left)


async def latest_sale(db: AsyncSession, customer_id: str) -> CurrencySale | None:
    """The customer's last sale."""
    query = select(CurrencySale).where(CurrencySale.customer_id == customer_id)
    return (await db.scalars(query.order_by(CurrencySale.done_at.desc()).limit(1))).first()
