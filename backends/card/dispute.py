"""Disputing a card transaction: not the customer's, charged twice, not refunded, a wrong amount, nothing delivered."""

from __future__ import annotations

from collections.abc import Sequence

from backends.action import ActionInput, BankWrite, Context, Offer, Refused
from backends.card import disputes, service
from backends.card.disputes import DisputeTerms
from backends.card.service import card_name
from backends.card.tables import Card, Transaction
from backends.effects import expiry, reference_for
from backends.facts import Said
from backends.inputs import OptionalDate, OptionalText
from backends.result import Choice, Result, Row
from backends.rules import minutes_rule, ruled
from backends.search import Search, amount_bounds
from backends.values import Period


class CardDisputeInput(ActionInput):
    """What was said about the transaction; ``transaction`` is the one that was chosen of several, ``reason`` one of
    ``disputes.REASONS``."""

    card_tail: OptionalText = None
    card_kind: OptionalText = None
    date: OptionalDate = None
    amount: OptionalText = None
    merchant: OptionalText = None
    transaction: OptionalText = None
    reason: OptionalText = None


class CardDispute(BankWrite[CardDisputeInput, DisputeTerms]):
    """Registers that a customer does not accept one of their credit card transactions.

    It moves no money: what is owed back is decided by the investigation. The customer can take a dispute back until it is
    answered, with the bank's staff.
    """

    name = "card_dispute"
    outcomes = frozenset(
        {
            "explain",
            "status",
            "no_record",
            "ready",
            "choose",
            "choose_reason",
            "no_match",
            "nothing_spent",
            "already",
            "too_old",
            "debit_card",
            "no_card",
            "not_found",
            "invalid_amount",
            "done",
        }
    )
    source = "card"
    Input = CardDisputeInput
    Terms = DisputeTerms

    async def explain(self, context: Context) -> Result:
        day = context.today
        return self.answer(
            "explain",
            self.facts(
                context,
                dispute_days=ruled("dispute_days", day),
                answer_days=ruled("dispute_answer_days", day),
                hotline=ruled("hotline", day),
            ),
        )

    async def status(self, context: Context) -> Result:
        found = await disputes.latest(context.db, context.customer_id)
        if found is None:
            raise Refused("no_record")
        dispute, spent = found
        return self.answer(
            "status",
            self.facts(
                context,
                **disputes.described(spent),
                dispute_reason=f"dispute_{dispute.reason}",
                dispute_state=dispute.state,
                registered_at=dispute.registered_at,
                answer_by=dispute.answer_by,
                reference=dispute.reference,
            ),
        )

    async def offer(self, given: CardDisputeInput, context: Context) -> Offer[DisputeTerms] | Result:
        cards = await self._cards(given, context)
        search = self._search(given)
        found = await disputes.disputable(context.db, cards, search, context.now)
        if not found:
            raise self._nothing(given, search)
        earlier = await disputes.of_transactions(context.db, found)
        chosen = disputes.the_one(found, given.transaction, given.reason)
        if chosen is None:
            fresh = [each for each in found if each.transaction_id not in earlier]
            chosen = fresh[0] if len(fresh) == 1 and search.describes_one else None
            if fresh and chosen is None:
                return self._choices(fresh[: disputes.MOST_OFFERED], cards, context)
            chosen = chosen or found[0]
        if chosen.transaction_id in earlier:
            raise disputes.already(chosen, earlier[chosen.transaction_id])
        if disputes.is_too_old(chosen.spent_at, context.today):
            raise disputes.too_old(chosen, context.today)
        if given.reason not in disputes.REASONS:
            return self._reasons(chosen, context)
        return self._quote(chosen, given.reason, cards, context)

    async def perform(self, terms: DisputeTerms, context: Context) -> Result:
        reference = reference_for(context)
        spent, card = await disputes.register(
            context.db, context.customer_id, terms, reference=reference, now=context.now
        )
        return self.answer(
            "done",
            self.facts(
                context,
                **disputes.described(spent),
                card_tail=card.tail,
                dispute_reason=f"dispute_{terms.reason}",
                answer_by=terms.answer_by,
                reference=reference,
                hotline=ruled("hotline", context.today),
            ),
            completed=True,
        )

    async def _cards(self, given: CardDisputeInput, context: Context) -> list[Card]:
        """The credit cards that are meant; a debit card's payments are looked into by staff."""
        cards = await service.meant(
            context.db, context.customer_id, tail=given.card_tail, kind=given.card_kind, product=None
        )
        credit = [card for card in cards if card.kind == "credit"]
        if not credit:
            raise Refused("debit_card", hotline=ruled("hotline", context.today))
        return credit

    def _search(self, given: CardDisputeInput) -> Search:
        least, most = (None, None) if given.amount is None else amount_bounds(given.amount)
        day = None if given.date is None else Period(given.date, given.date)
        return Search(day, given.merchant, least, most)

    def _nothing(self, given: CardDisputeInput, search: Search) -> Refused:
        if not search.describes_one and given.date is None:
            return Refused("nothing_spent")
        return Refused(
            "no_match",
            merchant_asked=None if given.merchant is None else Said(given.merchant),
            amount=None if search.least is None else Said(search.least),
            day=None if given.date is None else Said(given.date),
        )

    def _choices(self, found: Sequence[Transaction], cards: Sequence[Card], context: Context) -> Result:
        tails = {card.card_id: card.tail for card in cards}
        rows: list[Row] = [
            self.facts(context, **disputes.described(each), card_tail=tails[each.card_id]) for each in found
        ]
        choices = tuple(
            Choice(slot="transaction", value=each.transaction_id, facts=row)
            for each, row in zip(found, rows, strict=True)
        )
        return self.answer("choose", rows=tuple(rows), choices=choices)

    def _reasons(self, chosen: Transaction, context: Context) -> Result:
        choices = tuple(
            Choice(slot="reason", value=reason, facts=self.facts(context, dispute_reason=f"dispute_{reason}"))
            for reason in disputes.REASONS
        )
        return self.answer("choose_reason", self.facts(context, **disputes.described(chosen)), choices=choices)

    def _quote(self, chosen: Transaction, reason: str, cards: Sequence[Card], context: Context) -> Offer[DisputeTerms]:
        card = next(card for card in cards if card.card_id == chosen.card_id)
        answered = disputes.answer_by(context.today)
        expires_at = expiry(context.now, minutes_rule("card_service_quote_minutes", context.today))
        ready = self.answer(
            "ready",
            self.facts(
                context,
                **disputes.described(chosen),
                card_name=card_name(card),
                card_tail=card.tail,
                dispute_reason=f"dispute_{reason}",
                answer_by=answered,
                expires_at=expires_at,
            ),
        )
        terms = DisputeTerms(transaction_id=chosen.transaction_id, reason=reason, answer_by=answered)
        return Offer(ready, terms, expires_at)
