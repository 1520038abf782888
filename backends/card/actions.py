"""What customers ask about their cards."""

from __future__ import annotations

from backends.action import ActionInput, BankAction, BankWrite, Context, Offer, Refused, Terms
from backends.card import service, transactions
from backends.card.service import Bill, card_name
from backends.card.tables import Card, Transaction
from backends.effects import expiry, reference_for
from backends.facts import Said, Vouched, Words
from backends.inputs import OptionalDate, OptionalPeriod, OptionalText
from backends.result import Choice, Result, Row
from backends.rules import minutes_rule, ruled
from backends.search import Search, amount_bounds, recent
from backends.values import Count, Money, Period


class CardBillInput(ActionInput):
    card_tail: OptionalText = None
    period: OptionalPeriod = None


class CardBill(BankAction[CardBillInput]):
    """What is due on the customer's credit cards, and when."""

    name = "card_bill"
    outcomes = frozenset({"found", "settled", "found_many", "no_statement", "no_card", "not_found"})
    source = "card"
    Input = CardBillInput

    async def run(self, given: CardBillInput, context: Context) -> Result:
        cards = await service.credit_cards(context.db, context.customer_id, given.card_tail)
        bills = [await service.bill(context.db, card, given.period, context.today) for card in cards]
        issued = [bill for bill in bills if bill is not None]
        if not issued:
            raise Refused("no_statement", card_name=card_name(cards[0]), card_tail=cards[0].tail, period=given.period)
        return self._one(issued[0], context) if len(issued) == 1 else self._many(issued, context)

    def _one(self, bill: Bill, context: Context) -> Result:
        days_left, overdue_days = bill.days_left, bill.overdue_days
        return self.answer(
            "found" if bill.remaining.minor else "settled",
            self.facts(
                context,
                card_name=card_name(bill.card),
                card_tail=bill.card.tail,
                statement_month=bill.month,
                statement_balance=Money(bill.statement.balance),
                minimum_due=Money(bill.statement.minimum),
                paid=Money(bill.statement.paid),
                instalment_amount=Money(bill.statement.instalments) if bill.statement.instalments else None,
                remaining_due=bill.remaining,
                statement_date=bill.statement.issued_on,
                due_date=bill.statement.due_on,
                days_left=None if days_left is None else Count(days_left, "day"),
                overdue_days=None if overdue_days is None else Count(overdue_days, "day"),
            ),
        )

    def _many(self, bills: list[Bill], context: Context) -> Result:
        rows = tuple(
            self.facts(
                context,
                card_name=card_name(bill.card),
                card_tail=bill.card.tail,
                remaining_due=bill.remaining,
                minimum_due=Money(bill.statement.minimum),
                due_date=bill.statement.due_on,
            )
            for bill in bills
        )
        total = Money(sum(bill.remaining.minor for bill in bills))
        return self.answer(
            "found_many", self.facts(context, card_count=Count(len(rows), "card"), total_due=total), rows=rows
        )


class CardLimitInput(ActionInput):
    card_tail: OptionalText = None


class CardLimit(BankAction[CardLimitInput]):
    """What the customer's credit cards may still spend."""

    name = "card_limit"
    outcomes = frozenset({"found", "found_many", "no_card", "not_found"})
    source = "card"
    Input = CardLimitInput

    async def run(self, given: CardLimitInput, context: Context) -> Result:
        cards = await service.credit_cards(context.db, context.customer_id, given.card_tail)
        return self._one(cards[0], context) if len(cards) == 1 else self._many(cards, context)

    def _one(self, card: Card, context: Context) -> Result:
        limits = service.limits(card, context.today)
        return self.answer(
            "found",
            self.facts(
                context,
                card_name=card_name(card),
                card_tail=card.tail,
                credit_limit=limits.credit,
                available=limits.available,
                cash_available=limits.cash_available,
                used=limits.used,
                temporary_limit=limits.temporary,
                temporary_until=limits.temporary_until,
            ),
        )

    def _many(self, cards: list[Card], context: Context) -> Result:
        rows = []
        for card in cards:
            limits = service.limits(card, context.today)
            rows.append(
                self.facts(
                    context,
                    card_name=card_name(card),
                    card_tail=card.tail,
                    credit_limit=limits.credit,
                    available=limits.available,
                )
            )
        return self.answer("found_many", self.facts(context, card_count=Count(len(rows), "card")), rows=tuple(rows))


class CardTransactionsInput(ActionInput):
    card_tail: OptionalText = None
    period: OptionalPeriod = None
    date: OptionalDate = None
    merchant: OptionalText = None
    amount: OptionalText = None


MOST_LISTED = 10
"""How many transactions a reply lists: the newest; the count and the total are of all that were found."""


class CardTransactions(BankAction[CardTransactionsInput]):
    """What was spent with the customer's credit cards, the newest first: of some days, at a merchant, of an amount."""

    name = "card_transactions"
    outcomes = frozenset({"found", "none_in_period", "no_match", "no_card", "not_found", "invalid_amount"})
    source = "card"
    Input = CardTransactionsInput

    async def run(self, given: CardTransactionsInput, context: Context) -> Result:
        cards = await service.credit_cards(context.db, context.customer_id, given.card_tail)
        search = self._search(given, context)
        found = await transactions.transactions(context.db, cards, search, context.now)
        if not found:
            raise self._nothing(given, search)
        statements = await transactions.last_statements(context.db, cards)
        unbilled = transactions.unbilled(found, statements)
        unposted = [each for each in found if each.posted_on > context.today]
        tails = {card.card_id: card.tail for card in cards}
        listed = found[:MOST_LISTED]
        return self.answer(
            "found",
            self.facts(
                context,
                **_when(search.period),
                transaction_count=Count(len(found), "transaction"),
                transaction_total=transactions.total(found),
                unbilled_total=transactions.total(unbilled) if unbilled else None,
                unposted_count=Count(len(unposted), "transaction") if unposted else None,
                listed_count=Count(len(listed), "transaction") if len(listed) < len(found) else None,
            ),
            rows=tuple(self._row(each, tails[each.card_id], context) for each in listed),
        )

    def _search(self, given: CardTransactionsInput, context: Context) -> Search:
        least, most = (None, None) if given.amount is None else amount_bounds(given.amount)
        said = given.period or (None if given.date is None else Period(given.date, given.date))
        search = Search(said, given.merchant, least, most)
        if said is None and not search.describes_one:
            return Search(recent(context.today))
        return search

    def _nothing(self, given: CardTransactionsInput, search: Search) -> Refused:
        if not search.describes_one:
            return Refused("none_in_period", **_when(search.period))
        return Refused(
            "no_match",
            **_when(search.period),
            merchant_asked=None if given.merchant is None else Said(given.merchant),
            amount=None if search.least is None else Said(search.least),
        )

    def _row(self, each: Transaction, tail: str, context: Context) -> Row:
        return self.facts(
            context,
            spent_at=each.spent_at,
            merchant=Words(each.merchant, each.merchant_en),
            amount=Money(each.amount),
            card_tail=tail,
            posting="unposted" if each.posted_on > context.today else "posted",
        )


def _when(period: Period | None) -> dict[str, Vouched]:
    """A period as a reply says it: one day is a date."""
    if period is not None and period.start == period.end:
        return {"day": period.start}
    return {"period": period}


class CardReportLostInput(ActionInput):
    card_tail: OptionalText = None
    card_kind: OptionalText = None
    card_product: OptionalText = None


class CardReportLostTerms(Terms):
    card_id: str


class CardReportLost(BankWrite[CardReportLostInput, CardReportLostTerms]):
    """Freezes a lost card: protective, so one confirmation is enough."""

    name = "card_report_lost"
    outcomes = frozenset(
        {"explain", "status", "no_record", "ready", "choose", "already", "no_card", "not_found", "done"}
    )
    source = "card"
    protective = True
    Input = CardReportLostInput
    Terms = CardReportLostTerms

    async def explain(self, context: Context) -> Result:
        day = context.today
        return self.answer(
            "explain", self.facts(context, hotline=ruled("hotline", day), fee=ruled("card_lost_fee", day))
        )

    async def status(self, context: Context) -> Result:
        card = await service.latest_frozen(context.db, context.customer_id)
        if card is None:
            raise Refused("no_record")
        return self.answer(
            "status",
            self.facts(
                context,
                card_name=card_name(card),
                card_tail=card.tail,
                frozen_at=card.frozen_at,
                reference=card.frozen_reference,
            ),
        )

    async def offer(self, given: CardReportLostInput, context: Context) -> Offer[CardReportLostTerms] | Result:
        cards = await service.possibly_lost(
            context.db,
            context.customer_id,
            tail=given.card_tail,
            kind=given.card_kind,
            product=given.card_product,
        )
        card = cards[0]
        if card.frozen_at is not None:
            raise Refused("already", card_name=card_name(card), card_tail=card.tail, frozen_at=card.frozen_at)
        if len(cards) > 1:
            rows = tuple(self._described(card, context) for card in cards)
            choices = tuple(
                Choice(slot="card_tail", value=card.tail, facts=row) for card, row in zip(cards, rows, strict=True)
            )
            return self.answer("choose", rows=rows, choices=choices)
        ready = Result(capability=self.name, outcome="ready", facts=self._described(card, context))
        valid_for = minutes_rule("card_lost_quote_minutes", context.today)
        return Offer(ready, CardReportLostTerms(card_id=card.card_id), expiry(context.now, valid_for))

    async def perform(self, terms: CardReportLostTerms, context: Context) -> Result:
        reference = reference_for(context)
        card = await service.freeze(context.db, context.customer_id, terms.card_id, reference, context.now)
        return self.answer(
            "done",
            self.facts(
                context,
                card_name=card_name(card),
                card_tail=card.tail,
                frozen_at=card.frozen_at,
                reference=reference,
                hotline=ruled("hotline", context.today),
            ),
            completed=True,
        )

    def _described(self, card: Card, context: Context) -> Row:
        return self.facts(context, card_name=card_name(card), card_tail=card.tail, card_kind=card.kind)
