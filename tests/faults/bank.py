"""The bank of a run: many customers with enough money, behind an action server that loses replies on purpose.

``python -m tests.faults.bank --port 5055 --lost 0.1`` serves it as ``teller actions`` would, from the same settings.
"""

from __future__ import annotations

import argparse
import datetime as dt
import random
from collections import Counter
from pathlib import Path

import uvicorn
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from backends.account.tables import Account, Balance, Customer
from backends.action import ActionCall, Caller
from backends.card.tables import Card
from backends.demo import seed
from backends.fx.tables import Order
from backends.ledger import Fault, LedgerActions
from backends.local import LocalActions
from backends.result import Result
from backends.server import create_app
from backends.tables import EffectRow
from bot.app import open_bank
from bot.parts import utc_now
from bot.settings import load_settings
from bot.store import open_database
from tests.faults.oracle import Effect

CNY = 100_000_000_00
"""What every customer's account holds, in fen."""
FAULTS: dict[Fault, float] = {"lost": 0.70, "twice": 0.15, "late": 0.14, "never": 0.01}
"""What a commit that goes wrong meets, by share; most are done, and their reply is lost."""


def customer_name(number: int) -> str:
    """The id of the generated customer *number*."""
    return f"F{number:05d}"


async def found(url: str | None, folder: Path, customers: int) -> None:
    """Make the demo bank and *customers* more, each with an account, a credit card and no history."""
    engine = open_database(url, folder, "bank")
    await seed(engine, utc_now())
    names = [customer_name(number) for number in range(customers)]
    async with engine.begin() as connection:
        await connection.execute(insert(Customer), [_customer(name) for name in names])
        await connection.execute(insert(Account), [_account(name) for name in names])
        balances = [{"account_id": f"{name}-0001", "currency": "CNY", "minor": CNY} for name in names]
        await connection.execute(insert(Balance), balances)
        await connection.execute(insert(Card), [_card(name) for name in names])
    await engine.dispose()


def _customer(name: str) -> dict[str, object]:
    return {
        "customer_id": name,
        "name": "测试客户",
        "name_en": "Test Customer",
        "family_name": "测",
        "family_name_en": "Test",
        "gender": "f",
        "born_on": dt.date(1990, 1, 1),
        "tier": "standard",
        "language": "zh",
        "phone": "13800000000",
        "note": "",
        "note_en": "",
    }


def _account(name: str) -> dict[str, object]:
    return {"account_id": f"{name}-0001", "customer_id": name, "tail": "0001", "opened_on": dt.date(2020, 1, 1)}


def _card(name: str) -> dict[str, object]:
    return {
        "card_id": f"{name}-1",
        "customer_id": name,
        "tail": "0002",
        "kind": "credit",
        "name": "云杉信用卡",
        "name_en": "Spruce Credit Card",
        "credit_limit": 1_000_000,
        "cash_limit": 500_000,
        "used": 0,
    }


class Books:
    """What the bank says was done, read from its own tables: ``booked`` by what was confirmed."""

    def __init__(self) -> None:
        self.booked: Counter[str] = Counter()
        self.unbalanced: list[str] = []
        self.effects: list[Effect] = []

    @classmethod
    async def read(cls, engine: AsyncEngine) -> Books:
        """The books as they stand."""
        books = cls()
        spent: Counter[str] = Counter()
        bought: Counter[str] = Counter()
        async with engine.connect() as connection:
            orders = select(Order.customer_id, Order.account_id, Order.amount, Order.cost)
            for customer, account, amount, cost in await connection.execute(orders):
                books.booked[purchase(customer, amount // 100)] += 1
                spent[account] += cost
                bought[account] += amount
            frozen = select(Card.customer_id).where(Card.frozen_at.is_not(None), Card.card_id.like("F%"))
            books.booked.update(freeze(customer) for customer in await connection.scalars(frozen))
            balances = select(Balance.account_id, Balance.currency, Balance.minor).where(Balance.account_id.like("F%"))
            for account, currency, minor in await connection.execute(balances):
                expected = CNY - spent[account] if currency == "CNY" else bought[account]
                if minor != expected:
                    books.unbalanced.append(f"{account} {currency}")
            effects = select(EffectRow.key, EffectRow.quote_id, EffectRow.result)
            for key, quote, result in await connection.execute(effects):
                books.effects.append(Effect(key, quote, bool(result and result["completed"])))
        return books


def purchase(customer: str, dollars: int) -> str:
    """How a confirmed purchase is named: no customer buys the same amount twice."""
    return f"{customer} buys {dollars}"


def freeze(customer: str) -> str:
    """How a confirmed freeze of a customer's one card is named."""
    return f"{customer} freezes"


class FaultyActions:
    """The bank's actions, of whose commits a share goes wrong; every fault is one line in *log*."""

    def __init__(self, inner: LedgerActions, share: float, dice: random.Random, log: Path) -> None:
        self._inner = inner
        self._share = share
        self._dice = dice
        self._log = log

    async def run(self, call: ActionCall, caller: Caller) -> Result:
        """As ``LedgerActions``, with a fault where the dice say so."""
        if call.step == "commit" and self._dice.random() < self._share:
            [fault] = self._dice.choices(list(FAULTS), weights=list(FAULTS.values()))
            self._inner.fail(fault)
            with self._log.open("a") as log:
                log.write(f"{fault}\n")
        return await self._inner.run(call, caller)


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description="The bank's actions, with replies lost after the commit.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--lost", type=float, default=0.0, help="the share of commits that go wrong")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log", type=Path, required=True, help="the file that counts the faults")
    given = parser.parse_args()
    settings = load_settings()
    engine = open_bank(settings)
    ledger = LedgerActions(LocalActions(engine, utc_now), delay=1.0)
    actions = FaultyActions(ledger, given.lost, random.Random(given.seed), given.log)
    app = create_app(actions, settings.signing_key(), utc_now, closing=engine.dispose)
    uvicorn.run(app, host="127.0.0.1", port=given.port, log_level="warning", ws="none")


if __name__ == "__main__":
    main()
