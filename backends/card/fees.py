"""What a card costs a year: the fee, what waives it, and what was charged last."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backends.action import ActionInput, BankAction, Context, Refused
from backends.card import service
from backends.card.service import card_name
from backends.card.service_tables import AnnualFee
from backends.card.tables import Card
from backends.facts import Vouched
from backends.inputs import OptionalText
from backends.result import Result
from backends.values import Count, Money

# -- the bank's rules ---------------------------------------------------------------------


async def fees_of(db: AsyncSession, cards: Sequence[Card]) -> list[tuple[Card, AnnualFee]]:
    """The yearly fee of each of *cards*, in their order; a card without one is left out."""
    found = await db.scalars(select(AnnualFee).where(AnnualFee.card_id.in_([card.card_id for card in cards])))
    fees = {fee.card_id: fee for fee in found}
    return [(card, fees[card.card_id]) for card in cards if card.card_id in fees]


def state_of(fee: AnnualFee) -> str:
    """How the fee of this year stands: ``free``, ``fixed``, ``waived`` (enough purchases) or ``to_meet``."""
    if fee.waiver == "exempt" or fee.fee == 0:
        return "free"
    if fee.waiver == "fixed":
        return "fixed"
    return "waived" if fee.purchases_made >= fee.purchases_needed else "to_meet"


# -- what customers ask -------------------------------------------------------------------


class CardAnnualFeeInput(ActionInput):
    card_tail: OptionalText = None
    card_kind: OptionalText = None
    card_product: OptionalText = None


class CardAnnualFee(BankAction[CardAnnualFeeInput]):
    """The annual fee of a customer's credit and debit cards; one card in full, several in a line each."""

    name = "card_annual_fee"
    outcomes = frozenset({"to_meet", "waived", "free", "fixed", "found_many", "no_card", "not_found"})
    source = "card"
    Input = CardAnnualFeeInput

    async def run(self, given: CardAnnualFeeInput, context: Context) -> Result:
        cards = await service.meant(
            context.db,
            context.customer_id,
            tail=given.card_tail,
            kind=given.card_kind,
            product=given.card_product,
        )
        found = await fees_of(context.db, cards)
        if not found:
            raise Refused("no_card")
        if len(found) == 1:
            card, fee = found[0]
            return self.answer(state_of(fee), self.facts(context, **_described(card), **_stated(fee)))
        rows = tuple(
            self.facts(
                context,
                **_described(card),
                annual_fee=Money(fee.fee),
                fee_state=f"fee_{state_of(fee)}",
                purchases_left=_left(fee),
            )
            for card, fee in found
        )
        return self.answer("found_many", self.facts(context, card_count=Count(len(rows), "card")), rows=rows)


def _described(card: Card) -> dict[str, Vouched]:
    return {"card_name": card_name(card), "card_tail": card.tail, "card_kind": card.kind}


def _left(fee: AnnualFee) -> Count | None:
    left = fee.purchases_needed - fee.purchases_made
    return Count(left, "transaction") if state_of(fee) == "to_meet" else None


def _stated(fee: AnnualFee) -> dict[str, Vouched]:
    by_purchases = fee.waiver == "purchases"
    charged = fee.last_taken or 0
    return {
        "annual_fee": Money(fee.fee),
        "purchases_needed": Count(fee.purchases_needed, "transaction") if by_purchases else None,
        "purchases_made": Count(fee.purchases_made, "transaction") if by_purchases else None,
        "purchases_left": _left(fee),
        "next_fee_on": None if state_of(fee) == "free" else fee.next_on,
        "charged_on": fee.last_on if charged else None,
        "charged": Money(charged) if charged else None,
        "waived_on": fee.last_on if fee.last_taken == 0 else None,
    }
