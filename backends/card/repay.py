"""Repaying a credit card out of an own account."""

from __future__ import annotations

from backends.account import service as account
from backends.action import ActionInput, BankWrite, Context, Offer, Refused
from backends.card import repayments, service
from backends.card.described import card_choices, card_row
from backends.card.mandates import SCOPES
from backends.card.repayments import Debt, RepayTerms
from backends.card.service import card_name
from backends.card.tables import Card
from backends.effects import expiry, reference_for
from backends.inputs import OptionalText, Texts
from backends.result import Choice, Fact, Result
from backends.rules import minutes_rule, ruled
from backends.values import Money


class CardRepayInput(ActionInput):
    """``card_tail`` are the card that owes, the account that pays, or both; ``part`` stands where no amount is named."""

    card_tail: Texts = ()
    amount: OptionalText = None
    part: OptionalText = None


class CardRepay(BankWrite[CardRepayInput, RepayTerms]):
    """Pays a credit card's statement, its minimum or a sum, out of an account of the customer's.

    More than the statement goes to what is not billed yet, never beyond what is owed in all: so no credit balance arises.
    A payment that has reached the card is final; only the bank's staff can take one back.
    """

    name = "card_repay"
    outcomes = frozenset(
        {
            "explain",
            "status",
            "no_record",
            "ready",
            "choose",
            "choose_part",
            "nothing_due",
            "minimum_paid",
            "over_owed",
            "invalid_amount",
            "insufficient_funds",
            "final",
            "no_card",
            "no_account",
            "not_found",
            "done",
        }
    )
    source = "card"
    Input = CardRepayInput
    Terms = RepayTerms

    async def explain(self, context: Context) -> Result:
        day = context.today
        return self.answer(
            "explain",
            self.facts(
                context,
                cutoff=ruled("repay_cutoff", day),
                other_bank_days=ruled("repay_other_bank_days", day),
                grace_days=ruled("repay_grace_days", day),
                hotline=ruled("hotline", day),
            ),
        )

    async def status(self, context: Context) -> Result:
        found = await repayments.latest(context.db, context.customer_id)
        if found is None:
            raise Refused("no_record", other_bank_days=ruled("repay_other_bank_days", context.today))
        repayment, card, payer = found
        return self.answer(
            "status",
            self.facts(
                context,
                card_name=card_name(card),
                card_tail=card.tail,
                payment=Money(repayment.amount),
                account_tail=payer.tail,
                paid_at=repayment.paid_at,
                reference=repayment.reference,
            ),
        )

    async def offer(self, given: CardRepayInput, context: Context) -> Offer[RepayTerms] | Result:
        db, day = context.db, context.today
        cards, payer_tail = await repayments.named_in(db, context.customer_id, given.card_tail)
        if given.part == "back":
            raise Refused("final", hotline=ruled("hotline", day))
        if len(cards) > 1:
            rows = [self._owing(await repayments.debt_of(db, card, day), context) for card in cards]
            return self.answer("choose", rows=tuple(rows), choices=card_choices(self, cards, context))
        debt = await repayments.debt_of(db, cards[0], day)
        amount = repayments.to_pay(debt, given.part, given.amount)
        if given.part is None and given.amount is None:
            return self._parts(debt, context)
        payer = await account.funding_account(db, context.customer_id, payer_tail)
        terms = repayments.terms_of(debt, amount, payer)
        balance = await account.balance(db, payer.account_id, "CNY")
        if balance < amount:
            raise repayments.insufficient(terms, balance)
        expires_at = expiry(context.now, minutes_rule("card_quote_minutes", day))
        ready = self.answer(
            "ready",
            self.facts(
                context,
                card_name=card_name(debt.card),
                card_tail=debt.card.tail,
                payment=amount,
                account_tail=payer.tail,
                left_due=Money(debt.remaining.minor - terms.to_statement),
                unbilled_paid=Money(terms.amount - terms.to_statement) if terms.amount > terms.to_statement else None,
                expires_at=expires_at,
            ),
        )
        return Offer(ready, terms, expires_at)

    async def perform(self, terms: RepayTerms, context: Context) -> Result:
        reference = reference_for(context)
        balance = await repayments.pay(context.db, context.customer_id, terms, reference=reference, now=context.now)
        card = await context.db.get_one(Card, terms.card_id, populate_existing=True)
        debt = await repayments.debt_of(context.db, card, context.today)
        return self.answer(
            "done",
            self.facts(
                context,
                card_name=card_name(card),
                card_tail=card.tail,
                payment=Money(terms.amount),
                account_tail=terms.account_tail,
                balance=balance,
                left_due=debt.remaining,
                available=service.limits(card, context.today).available,
                paid_at=context.now,
                reference=reference,
            ),
            completed=True,
        )

    def _owing(self, debt: Debt, context: Context) -> tuple[Fact, ...]:
        return (*card_row(self, debt.card, context), *self.facts(context, remaining_due=debt.remaining))

    def _parts(self, debt: Debt, context: Context) -> Result:
        """Asks which part of the statement is to be paid."""
        parts = {"full": debt.remaining, "minimum": debt.minimum_left}
        choices = tuple(
            Choice(slot="part", value=part, facts=self.facts(context, part=SCOPES[part], payment=amount))
            for part, amount in parts.items()
            if amount.minor
        )
        return self.answer(
            "choose_part",
            self.facts(
                context,
                card_name=card_name(debt.card),
                card_tail=debt.card.tail,
                remaining_due=debt.remaining,
                minimum_left=debt.minimum_left if debt.minimum_left.minor else None,
            ),
            choices=choices,
        )
