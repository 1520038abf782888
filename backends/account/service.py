"""Reading customers and accounts, and moving money between the balances of one account."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from backends.account.tables import Account, Balance, Customer
from backends.action import Refused
from backends.facts import Said, Words
from backends.values import Money

_TITLES = {"f": ("女士", "Ms"), "m": ("先生", "Mr")}


async def customer(db: AsyncSession, customer_id: str) -> Customer | None:
    """The customer of that id."""
    return await db.get(Customer, customer_id)


def full_name(person: Customer) -> Words:
    """The customer's name, as it is written in either language."""
    return Words(person.name, person.name_en)


def honorific(person: Customer) -> Words:
    """How a letter would address them: 陈女士, Ms Chen."""
    title, title_en = _TITLES[person.gender]
    return Words(f"{person.family_name}{title}", f"{title_en} {person.family_name_en}")


def age_on(born_on: dt.date, day: dt.date) -> int:
    """Completed years of life on *day*."""
    return day.year - born_on.year - ((day.month, day.day) < (born_on.month, born_on.day))


async def accounts(db: AsyncSession, customer_id: str) -> list[Account]:
    """The customer's accounts, the oldest first: that one pays unless another is named."""
    query = select(Account).where(Account.customer_id == customer_id).order_by(Account.opened_on, Account.account_id)
    return list(await db.scalars(query))


async def accounts_ending(db: AsyncSession, customer_id: str, tail: str | None) -> list[Account]:
    """The customer's accounts, or the one that ends in *tail*.

    Refused as ``no_account`` where they have none, ``not_found`` where none of theirs ends so.
    """
    held = await accounts(db, customer_id)
    if not held:
        raise Refused("no_account")
    chosen = [each for each in held if tail is None or each.tail == tail]
    if not chosen:
        raise Refused("not_found", card_tail=Said(tail or ""))
    return chosen


async def funding_account(db: AsyncSession, customer_id: str, tail: str | None) -> Account:
    """The account that pays: the one that ends in *tail*, else the oldest; refused as ``accounts_ending`` is."""
    return (await accounts_ending(db, customer_id, tail))[0]


async def balance(db: AsyncSession, account_id: str, currency: str) -> Money:
    """What the account holds in *currency*; zero where it never held any."""
    query = select(Balance.minor).where(Balance.account_id == account_id, Balance.currency == currency)
    return Money((await db.scalar(query)) or 0, currency)


async def foreign_balances(db: AsyncSession, account_id: str) -> list[Money]:
    """What the account holds in other currencies than CNY, by their code; currencies it holds nothing of are left out."""
    query = (
        select(Balance)
        .where(Balance.account_id == account_id, Balance.currency != "CNY", Balance.minor > 0)
        .order_by(Balance.currency)
    )
    return [Money(held.minor, held.currency) for held in await db.scalars(query)]


async def withdraw(db: AsyncSession, account_id: str, amount: Money) -> Money | None:
    """Takes *amount* out where there is enough, and returns the balance after; ``None``, and nothing done, where not."""
    taken = (
        update(Balance)
        .where(Balance.account_id == account_id, Balance.currency == amount.currency, Balance.minor >= amount.minor)
        .values(minor=Balance.minor - amount.minor)
        .returning(Balance.minor)
        .execution_options(synchronize_session=False)
    )
    left = await db.scalar(taken)
    return None if left is None else Money(left, amount.currency)


async def deposit(db: AsyncSession, account_id: str, amount: Money) -> Money:
    """Puts *amount* in and returns the balance after."""
    added = (
        update(Balance)
        .where(Balance.account_id == account_id, Balance.currency == amount.currency)
        .values(minor=Balance.minor + amount.minor)
        .returning(Balance.minor)
        .execution_options(synchronize_session=False)
    )
    after = await db.scalar(added)
    if after is None:
        try:
            async with db.begin_nested():
                db.add(Balance(account_id=account_id, currency=amount.currency, minor=amount.minor))
            return amount
        except IntegrityError:  # another deposit opened this currency between the two statements
            after = await db.scalar(added)
            assert after is not None
    return Money(after, amount.currency)
