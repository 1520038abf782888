"""The bank's rules about remittances: which of them a question means, and how far each is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backends.account.tables import Account
from backends.account.transfers import masked
from backends.facts import Words
from backends.fx.tables import Remittance, RemittanceStep
from backends.search import is_called
from backends.values import BEIJING, Money, Period

FINISHED = frozenset({"remit_credited", "remit_entered", "remit_refunded"})
"""Stages after which nothing more happens."""
RETURNED = frozenset({"remit_came_back", "remit_refunded"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a customer said about a remittance: each ``None`` where they did not. ``amount`` is in its own currency."""

    amount: Decimal | None = None
    currency: str | None = None
    period: Period | None = None
    country: str | None = None
    bank: str | None = None
    purpose: str | None = None

    @property
    def is_anything(self) -> bool:
        """Whether they said anything of it."""
        return self != Wanted()

    def fits(self, remittance: Remittance, began_on: dt.date) -> bool:
        """Whether *remittance*, which began on the bank's day *began_on*, is as they said.

        An amount may be what arrived as well as what was sent, and its cents may be left out.
        """
        whole = Money(remittance.amount, remittance.currency).number
        arrived = Money(remittance.amount - remittance.abroad_fee, remittance.currency).number
        names = (remittance.country, remittance.country_en, *remittance.country_also.split("|"))
        banks = (remittance.bank, remittance.bank_en, *remittance.bank_also.split("|"))
        return (
            (self.amount is None or any(self.amount in (sum_, Decimal(int(sum_))) for sum_ in (whole, arrived)))
            and self.currency in (None, remittance.currency)
            and (self.period is None or self.period.start <= began_on <= self.period.end)
            and (self.country is None or is_called(self.country, *names))
            and (self.bank is None or is_called(self.bank, *banks))
            and self.purpose in (None, remittance.purpose)
        )


@dataclass(frozen=True, slots=True)
class Progress:
    """A remittance and the stages it has come to so far, the first first; there is at least one."""

    remittance: Remittance
    steps: Sequence[RemittanceStep]

    @property
    def stage(self) -> str:
        """The stage it is at."""
        return self.steps[-1].stage

    @property
    def amount(self) -> Money:
        """What was sent."""
        return Money(self.remittance.amount, self.remittance.currency)

    @property
    def abroad_fee(self) -> Money | None:
        """What banks abroad took off, once it has arrived without it; ``None`` where nothing is known to be missing."""
        if self.stage not in FINISHED or not self.remittance.abroad_fee:
            return None
        return Money(self.remittance.abroad_fee, self.remittance.currency)

    @property
    def counterparty(self) -> Words:
        """The other side as it may be shown: a person's family name is hidden."""
        sent = self.remittance
        if not sent.is_person:
            return Words(sent.counterparty, sent.counterparty_en)
        return Words(masked(sent.counterparty), masked(sent.counterparty_en))

    @property
    def documents(self) -> Words | None:
        """What the bank waits for, where it does."""
        if self.stage != "remit_held" or self.remittance.documents is None:
            return None
        return Words(self.remittance.documents, self.remittance.documents_en)


async def remittances(
    db: AsyncSession, accounts: Sequence[Account], wanted: Wanted, now: dt.datetime
) -> list[Progress]:
    """The remittances of *accounts* that are as described and have begun by *now*, the newest first."""
    held = select(Remittance).where(Remittance.account_id.in_([each.account_id for each in accounts]))
    found = {each.reference: each for each in await db.scalars(held)}
    query = select(RemittanceStep).where(RemittanceStep.reference.in_(found), RemittanceStep.at <= now)
    steps: dict[str, list[RemittanceStep]] = {}
    for step in await db.scalars(query.order_by(RemittanceStep.reference, RemittanceStep.number)):
        steps.setdefault(step.reference, []).append(step)
    begun = [Progress(found[reference], each) for reference, each in steps.items()]
    fitting = [each for each in begun if wanted.fits(each.remittance, each.steps[0].at.astimezone(BEIJING).date())]
    return sorted(fitting, key=lambda each: (each.steps[0].at, each.remittance.reference), reverse=True)
