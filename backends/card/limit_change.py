"""Raising, lowering and restoring a credit card's limit."""

from __future__ import annotations

from typing import Literal

from backends.action import ActionInput, BankWrite, Context, Offer, Refused
from backends.card import limits, service
from backends.card.described import card_choices, card_row
from backends.card.limits import AmountNeeded, Asked, KindNeeded, LimitTerms
from backends.card.service import card_name
from backends.card.tables import Card, LimitChange, LimitOffer
from backends.effects import expiry, reference_for
from backends.inputs import OptionalPeriod, OptionalText
from backends.result import Choice, Result
from backends.rules import minutes_rule, ruled
from backends.values import Money


class CardLimitChangeInput(ActionInput):
    """See ``limits.Asked``."""

    card_tail: OptionalText = None
    limit_kind: Literal["temporary", "permanent"] | None = None
    amount: OptionalText = None
    period: OptionalPeriod = None
    direction: Literal["raise", "lower", "restore"] | None = None
    measure: Literal["by", "to"] | None = None


class CardLimitChange(BankWrite[CardLimitChangeInput, LimitTerms]):
    """Changes a credit card's limit: a temporary raise and a lowering at once, a permanent raise after a review.

    Each is reversible: a temporary limit can be ended before its day, and a limit that the customer lowered is restored
    on their word; raising it again needs no review up to what it was.
    """

    name = "card_limit_change"
    outcomes = frozenset(
        {
            "explain",
            "status",
            "no_record",
            "ready",
            "choose",
            "choose_kind",
            "how_much",
            "how_low",
            "frozen",
            "in_review",
            "same_limit",
            "below_used",
            "below_lowest",
            "no_offer",
            "over_offer",
            "nothing_to_restore",
            "invalid_amount",
            "no_card",
            "not_found",
            "done",
            "submitted",
        }
    )
    source = "card"
    Input = CardLimitChangeInput
    Terms = LimitTerms

    async def explain(self, context: Context) -> Result:
        day = context.today
        return self.answer(
            "explain",
            self.facts(
                context,
                temporary_days=ruled("temporary_limit_days", day),
                review_days=ruled("limit_review_days", day),
                lowest=ruled("limit_lowest", day),
                hotline=ruled("hotline", day),
            ),
        )

    async def status(self, context: Context) -> Result:
        found = await limits.latest(context.db, context.customer_id)
        if found is None:
            raise Refused("no_record")
        asked, card = found
        return self.answer(
            "status",
            self.facts(
                context,
                card_name=card_name(card),
                card_tail=card.tail,
                limit_kind=asked.kind,
                old_limit=Money(asked.before),
                new_limit=Money(asked.after),
                limit_state=_state(asked, context),
                until=asked.until,
                asked_at=asked.asked_at,
                review_days=ruled("limit_review_days", context.today) if asked.state == "in_review" else None,
                reference=asked.reference,
            ),
        )

    async def offer(self, given: CardLimitChangeInput, context: Context) -> Offer[LimitTerms] | Result:
        cards = await service.credit_cards(context.db, context.customer_id, given.card_tail)
        if len(cards) > 1:
            rows = tuple(card_row(self, card, context) for card in cards)
            return self.answer("choose", rows=rows, choices=card_choices(self, cards, context))
        card = cards[0]
        asked = Asked(given.direction, given.limit_kind, given.amount, given.measure, given.period)
        try:
            terms = await limits.terms_of(context.db, card, asked, context.today)
        except KindNeeded:
            return await self._choose_kind(card, context)
        except AmountNeeded as needed:
            return self._how_much(card, needed, context)
        expires_at = expiry(context.now, minutes_rule("card_quote_minutes", context.today))
        ready = self.answer(
            "ready",
            self.facts(
                context,
                card_name=card_name(card),
                card_tail=card.tail,
                limit_change=_change(terms),
                limit_kind=terms.kind,
                credit_limit=Money(terms.credit_before),
                temporary_limit=service.limits(card, context.today).temporary,
                new_limit=Money(terms.after),
                until=terms.until,
                review_days=ruled("limit_review_days", context.today) if terms.reviewed else None,
                expires_at=expires_at,
            ),
        )
        return Offer(ready, terms, expires_at)

    async def perform(self, terms: LimitTerms, context: Context) -> Result:
        reference = reference_for(context)
        await limits.change(context.db, context.customer_id, terms, reference=reference, now=context.now)
        card = await context.db.get_one(Card, terms.card_id, populate_existing=True)
        return self.answer(
            "submitted" if terms.reviewed else "done",
            self.facts(
                context,
                card_name=card_name(card),
                card_tail=card.tail,
                limit_change=_change(terms),
                limit_kind=terms.kind,
                new_limit=Money(terms.after),
                until=terms.until,
                available=None if terms.reviewed else service.limits(card, context.today).available,
                review_days=ruled("limit_review_days", context.today) if terms.reviewed else None,
                asked_at=context.now,
                reference=reference,
            ),
            completed=True,
        )

    async def _choose_kind(self, card: Card, context: Context) -> Result:
        offer = await context.db.get_one(LimitOffer, card.card_id)
        choices = tuple(
            Choice(slot="limit_kind", value=kind, facts=self.facts(context, limit_kind=kind, offered_limit=Money(most)))
            for kind, most in (("temporary", offer.temporary), ("permanent", offer.permanent))
        )
        return self.answer(
            "choose_kind",
            self.facts(
                context,
                card_name=card_name(card),
                card_tail=card.tail,
                credit_limit=Money(card.credit_limit or 0),
                temporary_days=ruled("temporary_limit_days", context.today),
                review_days=ruled("limit_review_days", context.today),
            ),
            rows=tuple(choice.facts for choice in choices),
            choices=choices,
        )

    def _how_much(self, card: Card, needed: AmountNeeded, context: Context) -> Result:
        now = service.limits(card, context.today)
        described = self.facts(context, card_name=card_name(card), card_tail=card.tail, credit_limit=now.credit)
        most = needed.most
        if most is None:
            lowest = ruled("limit_lowest", context.today)
            stated = self.facts(context, used=now.used, lowest=lowest)
            return self.answer("how_low", (*described, *stated))
        stated = self.facts(context, limit_kind=needed.kind, offered_limit=most)
        choice = Choice(slot="amount", value=str(most.number), facts=self.facts(context, new_limit=most))
        return self.answer("how_much", (*described, *stated), choices=(choice,))


def _change(terms: LimitTerms) -> str:
    return "limit_end" if terms.kind == "temporary" and terms.until is None else "limit_set"


def _state(asked: LimitChange, context: Context) -> str:
    """What became of it: a temporary limit ends by itself after its last day."""
    if asked.state == "effective" and asked.until is not None and asked.until < context.today:
        return "limit_ended"
    return {"in_review": "limit_in_review", "effective": "limit_effective", "refused": "limit_refused"}[asked.state]
