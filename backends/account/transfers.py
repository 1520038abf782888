"""The bank's rules about transfers: which of them a question means, how far each is, and how the other side is named."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backends.account.tables import Account, Transfer
from backends.facts import Words
from backends.search import Search, bounds, is_called

Stage = Literal["processing", "arrived", "returned"]
USED_FOR_TRANSFERS = frozenset({"app", "website", "atm", "counter", "phone"})
"""The bank's own channels. A transfer out of WeChat or Alipay comes in from there, so there they name the other side."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a customer said about a transfer, beside its day and amount: each ``None`` where they did not. ``tail`` ends
    the number of an account of their own, or of the other side's."""

    bank: str | None = None
    channel: str | None = None
    tail: str | None = None

    @property
    def is_anything(self) -> bool:
        """Whether they said anything of it."""
        return any((self.bank, self.channel, self.tail))

    def fits(self, transfer: Transfer, own_tail: str) -> bool:
        """Whether *transfer* of the account that ends in *own_tail* is as they said."""
        if self.tail not in (None, own_tail, transfer.counterparty_tail):
            return False
        if self.channel in USED_FOR_TRANSFERS and self.channel != transfer.channel:
            return False
        if self.channel in ("wechat", "alipay") and self.channel not in transfer.bank_also.split("|"):
            return False
        names = (transfer.bank, transfer.bank_en, *transfer.bank_also.split("|"))
        return self.bank is None or is_called(self.bank, *filter(None, names))


async def transfers(
    db: AsyncSession, accounts: Sequence[Account], search: Search, wanted: Wanted, now: dt.datetime
) -> list[Transfer]:
    """The transfers of *accounts* that are as described, the newest first. What comes in is seen once it has arrived."""
    tails = {each.account_id: each.tail for each in accounts}
    query = select(Transfer).where(Transfer.account_id.in_(tails), Transfer.sent_at <= now)
    if search.period is not None:
        first, end = bounds(search.period)
        query = query.where(Transfer.sent_at >= first, Transfer.sent_at < end)
    found = await db.scalars(query.order_by(Transfer.sent_at.desc(), Transfer.reference))
    return [
        each
        for each in found
        if search.fits(each.amount)
        and wanted.fits(each, tails[each.account_id])
        and (each.direction == "outgoing" or each.ended_at <= now)
    ]


def stage(transfer: Transfer, now: dt.datetime) -> Stage:
    """How far *transfer* is at *now*."""
    if now < transfer.ended_at:
        return "processing"
    return "arrived" if transfer.return_reason is None else "returned"


def counterparty(transfer: Transfer) -> Words:
    """The other side as it may be shown: a person's family name is hidden, a company's name is not."""
    if not transfer.is_person:
        return Words(transfer.counterparty, transfer.counterparty_en)
    return Words(masked(transfer.counterparty), masked(transfer.counterparty_en))


def masked(name: str) -> str:
    """A person's name with the family name hidden: 张伟 is *伟, Zhang Wei is Z*** Wei, and a single letter is hidden."""
    first, space, rest = name.partition(" ")
    if space:
        return f"{first[:1]}*** {rest}"
    return f"*{name[1:]}"
