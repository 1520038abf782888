"""Repaying a statement or a purchase in instalments."""

from __future__ import annotations

import datetime as dt

from backends.action import ActionInput, BankWrite, Context, Offer, Refused
from backends.card import plans, service
from backends.card.described import card_choices, card_row
from backends.card.plans import OFFERED, PlanTerms, Schedule, Standing, Subject
from backends.card.service import card_name
from backends.card.tables import Card, Transaction
from backends.effects import expiry, reference_for
from backends.facts import Ruled, Vouched, Words
from backends.inputs import OptionalDate, OptionalPeriod, OptionalTerm, OptionalText
from backends.result import Card as DrawnCard
from backends.result import Choice, Result, Row
from backends.rules import minutes_rule, ruled
from backends.values import Count, Money, Percent, Term, canonical

STATEMENT = Words("信用卡账单", "credit card statement")


class CardInstallmentInput(ActionInput):
    """A ``merchant``, or a ``date`` and an amount, mean one purchase; else the ``amount`` is how much of the statement.
    The ``wish`` to ``settle`` is about a plan that runs."""

    card_tail: OptionalText = None
    amount: OptionalText = None
    term: OptionalTerm = None
    period: OptionalPeriod = None
    merchant: OptionalText = None
    date: OptionalDate = None
    wish: OptionalText = None


class CardInstallment(BankWrite[CardInstallmentInput, PlanTerms]):
    """Puts a statement, or one purchase that is not billed yet, into monthly instalments.

    The principal stays within the card's limit until it is repaid. A plan is ended by settling what is left of it, which
    ``status`` quotes and the bank's staff carry out.
    """

    name = "card_installment"
    outcomes = frozenset(
        {
            "explain",
            "status",
            "status_many",
            "no_record",
            "ready",
            "choose",
            "choose_purchase",
            "choose_term",
            "term_unoffered",
            "nothing",
            "already",
            "overdue",
            "no_statement",
            "no_match",
            "below_minimum",
            "over_limit",
            "invalid_amount",
            "no_card",
            "not_found",
            "done",
        }
    )
    source = "card"
    Input = CardInstallmentInput
    Terms = PlanTerms

    async def explain(self, context: Context) -> Result:
        day = context.today
        rates = plans.rates(day)
        rows = tuple(
            self.facts(
                context,
                term=Ruled(Term(terms, "instalment")),
                term_interest=ruled(f"instalment_interest_{terms}", day),
                annual_rate=Ruled(Percent(rate)),
            )
            for terms, rate in rates.items()
        )
        return self.answer(
            "explain",
            self.facts(
                context,
                min_amount=ruled("instalment_minimum", day),
                share=ruled("instalment_share", day),
                highest_rate=Ruled(Percent(max(rates.values()))),
                settle_fee_rate=ruled("instalment_settle_fee", day),
                hotline=ruled("hotline", day),
            ),
            rows=rows,
        )

    async def status(self, context: Context) -> Result:
        return self._standing(await plans.standing(context.db, context.customer_id, None, context.today), context)

    async def offer(self, given: CardInstallmentInput, context: Context) -> Offer[PlanTerms] | Result:
        db, day = context.db, context.today
        cards = await service.credit_cards(db, context.customer_id, given.card_tail)
        if given.wish == "settle":
            return self._standing(await plans.standing(db, context.customer_id, given.card_tail, day), context)
        found = await self._subject(cards, given, context)
        if isinstance(found, Result):
            return found
        card, subject = found
        principal = plans.principal_of(subject, given.amount, day)
        terms = None if given.term is None else plans.offered_term(given.term)
        if terms is None:
            return self._terms(card, principal, given.term, context)
        schedule = plans.schedule_of(principal.minor, terms, day)
        expires_at = expiry(context.now, minutes_rule("card_quote_minutes", day))
        rest = None if subject.bill is None else subject.bill.remaining - principal
        ready = self.answer(
            "ready",
            self.facts(
                context,
                **self._subject_facts(card, subject),
                **_cost(schedule),
                term_interest=ruled(f"instalment_interest_{terms}", day),
                first_on=subject.first_on,
                rest_due=rest,
                settle_fee_rate=ruled("instalment_settle_fee", day),
                expires_at=expires_at,
            ),
            card=drawn(schedule, subject.first_on),
        )
        return Offer(ready, _terms_of(card, subject, schedule), expires_at)

    async def perform(self, terms: PlanTerms, context: Context) -> Result:
        reference = reference_for(context)
        await plans.make(context.db, context.customer_id, terms, reference=reference, now=context.now)
        card = await context.db.get_one(Card, terms.card_id)
        schedule = Schedule(terms.principal, terms.interest, terms.terms)
        return self.answer(
            "done",
            self.facts(
                context,
                card_name=card_name(card),
                card_tail=card.tail,
                plan_name=Words(terms.name, terms.name_en),
                **_cost(schedule),
                first_on=terms.first_on,
                made_at=context.now,
                reference=reference,
            ),
            completed=True,
        )

    # -- what is meant ---------------------------------------------------------------------

    async def _subject(
        self, cards: list[Card], given: CardInstallmentInput, context: Context
    ) -> tuple[Card, Subject] | Result:
        db, day = context.db, context.today
        if given.merchant is not None or (given.date is not None and given.amount is not None):
            found = await plans.purchases(
                db, cards, merchant=given.merchant, amount=given.amount, day=given.date, now=context.now
            )
            if len({each.amount for each in found}) > 1:
                return self._purchases(found, context)
            card = next(card for card in cards if card.card_id == found[0].card_id)
            return card, plans.of_purchase(found[0], await service.bill(db, card, None, day), day)
        if len(cards) > 1:
            rows = tuple(card_row(self, card, context) for card in cards)
            return self.answer("choose", rows=rows, choices=card_choices(self, cards, context))
        bill = await service.bill(db, cards[0], given.period, day)
        if bill is None and given.period is not None:
            raise Refused("no_statement", card_name=card_name(cards[0]), card_tail=cards[0].tail, period=given.period)
        return cards[0], plans.of_statement(bill, cards[0], day)

    def _purchases(self, found: list[Transaction], context: Context) -> Result:
        rows = [
            self.facts(
                context,
                merchant=Words(each.merchant, each.merchant_en),
                amount=Money(each.amount),
                spent_at=each.spent_at,
            )
            for each in found
        ]
        choices = tuple(
            Choice(slot="amount", value=str(Money(each.amount).number), facts=row)
            for each, row in zip(found, rows, strict=True)
        )
        return self.answer("choose_purchase", rows=tuple(rows), choices=choices)

    def _subject_facts(self, card: Card, subject: Subject) -> dict[str, Vouched]:
        purchase = subject.purchase
        return {
            "card_name": card_name(card),
            "card_tail": card.tail,
            "plan_name": STATEMENT if purchase is None else Words(purchase.merchant, purchase.merchant_en),
            "statement_month": None if subject.bill is None else subject.bill.month,
        }

    # -- what it costs ---------------------------------------------------------------------

    def _terms(self, card: Card, principal: Money, asked: Term | None, context: Context) -> Result:
        """Every term that is offered with its cost, to choose from."""
        rows = []
        for terms in OFFERED:
            cost = _cost(plans.schedule_of(principal.minor, terms, context.today))
            shown = {name: cost[name] for name in ("term", "each_payment", "interest", "annual_rate")}
            rows.append(self.facts(context, **shown))
        choices = tuple(
            Choice(slot="term", value=f"P{terms}I", facts=row) for terms, row in zip(OFFERED, rows, strict=True)
        )
        return self.answer(
            "choose_term" if asked is None else "term_unoffered",
            self.facts(context, card_name=card_name(card), card_tail=card.tail, principal=principal, term_asked=asked),
            rows=tuple(rows),
            choices=choices,
        )

    # -- what is left ----------------------------------------------------------------------

    def _standing(self, found: list[Standing], context: Context) -> Result:
        if not found:
            raise Refused("no_record")
        rows = [self._left(each, context) for each in found]
        if len(rows) == 1:
            return self.answer(
                "status",
                (*rows[0], *self.facts(context, settle_fee_rate=ruled("instalment_settle_fee", context.today))),
            )
        return self.answer(
            "status_many", self.facts(context, plan_count=Count(len(rows), "transaction")), rows=tuple(rows)
        )

    def _left(self, each: Standing, context: Context) -> Row:
        return self.facts(
            context,
            plan_name=each.name,
            card_tail=each.card.tail,
            principal=Money(each.plan.principal),
            term=Term(each.plan.terms, "instalment"),
            terms_repaid=Count(each.repaid, "instalment"),
            terms_left=Count(each.left, "instalment"),
            principal_left=each.principal_left,
            next_payment=Money(each.schedule.payments[each.repaid]),
            next_on=plans.months_after(each.plan.first_on, each.repaid),
            settle_fee=each.settle_fee,
            settle_amount=each.principal_left + each.settle_fee,
            reference=each.plan.reference,
        )


def _cost(schedule: Schedule) -> dict[str, Vouched]:
    """What a customer must know of a plan's cost before they agree to it."""
    payments = schedule.payments
    return {
        "principal": Money(schedule.principal),
        "term": Term(schedule.terms, "instalment"),
        "first_payment": Money(payments[0]),
        "each_payment": Money(payments[1]),
        "last_payment": Money(payments[-1]),
        "interest": Money(schedule.interest),
        "total_payment": Money(sum(payments)),
        "annual_rate": Percent(schedule.annual_rate),
    }


def drawn(schedule: Schedule, first_on: dt.date) -> DrawnCard:
    """The payments with their days, for a channel that can draw them: CNY as decimal text."""
    payments = [
        {"on": plans.months_after(first_on, number).isoformat(), "amount": canonical(Money(payment))[1]}
        for number, payment in enumerate(schedule.payments)
    ]
    return DrawnCard(kind="instalments", data={"payments": payments})


def _terms_of(card: Card, subject: Subject, schedule: Schedule) -> PlanTerms:
    purchase, bill = subject.purchase, subject.bill
    name = STATEMENT if purchase is None else Words(purchase.merchant, purchase.merchant_en)
    return PlanTerms(
        card_id=card.card_id,
        issued_on=None if bill is None else bill.statement.issued_on,
        transaction_id=None if purchase is None else purchase.transaction_id,
        remaining_before=0 if bill is None else bill.remaining.minor,
        name=name.zh,
        name_en=name.en or name.zh,
        principal=schedule.principal,
        interest=schedule.interest,
        terms=schedule.terms,
        first_on=subject.first_on,
    )
