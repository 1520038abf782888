"""Which foreign currency a customer holds, and on which of their accounts."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from backends.account import service as account
from backends.account.tables import Account
from backends.values import Money


@dataclass(frozen=True, slots=True)
class Held:
    """What an account holds of one foreign currency."""

    account: Account
    balance: Money


async def held(db: AsyncSession, customer_id: str, tail: str | None = None) -> list[Held]:
    """What the customer holds of foreign currencies: on the account that ends in *tail*, or on all of them.

    Refused as ``no_account`` or ``not_found``, as ``accounts_ending`` is.
    """
    accounts = await account.accounts_ending(db, customer_id, tail)
    return [Held(each, money) for each in accounts for money in await account.foreign_balances(db, each.account_id)]


async def holding(db: AsyncSession, customer_id: str, tail: str | None, currency: str) -> Held:
    """The account that holds most of *currency*; the oldest, which then holds none of it, where none does.

    Refused as ``held`` is.
    """
    fitting = [each for each in await held(db, customer_id, tail) if each.balance.currency == currency]
    if fitting:
        return max(fitting, key=lambda each: each.balance.minor)
    return Held((await account.accounts_ending(db, customer_id, tail))[0], Money(0, currency))
