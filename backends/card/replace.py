"""Replacing a card that is damaged, expiring or reported lost."""

from __future__ import annotations

import datetime as dt

from backends.account import service as account
from backends.action import ActionInput, BankWrite, Context, Offer, Refused
from backends.card import replacements, service
from backends.card.replacements import ReplaceTerms
from backends.card.service import card_name
from backends.card.service_tables import MailingAddress, Plastic
from backends.card.tables import Card
from backends.effects import expiry, reference_for
from backends.facts import Vouched
from backends.inputs import OptionalText
from backends.result import Choice, Result
from backends.rules import minutes_rule, ruled
from backends.values import Money

REASONS = ("damaged", "expired", "lost")


class CardReplaceInput(ActionInput):
    """``reason`` is one of ``REASONS``; a card that is reported lost is replaced as lost, whatever is said."""

    card_tail: OptionalText = None
    card_kind: OptionalText = None
    card_product: OptionalText = None
    reason: OptionalText = None


class CardReplace(BankWrite[CardReplaceInput, ReplaceTerms]):
    """Has a new card made and mailed to the address on file.

    A card that is lost is reported lost first: until then anyone can use it. Once ordered the card is in production, so
    only the bank's staff can stop one, and pay the fee back.
    """

    name = "card_replace"
    outcomes = frozenset(
        {
            "explain",
            "status",
            "late",
            "no_record",
            "ready",
            "choose",
            "choose_reason",
            "report_first",
            "not_due",
            "already",
            "no_address",
            "insufficient_funds",
            "no_account",
            "no_card",
            "not_found",
            "done",
        }
    )
    source = "card"
    Input = CardReplaceInput
    Terms = ReplaceTerms

    async def explain(self, context: Context) -> Result:
        day = context.today
        return self.answer(
            "explain",
            self.facts(
                context,
                fee_damaged=ruled("card_replace_fee_damaged", day),
                fee_lost=ruled("card_replace_fee_lost", day),
                fee_expired=ruled("card_replace_fee_expired", day),
                making_days=ruled("card_replace_making_days", day),
                mailing_days=ruled("card_replace_mailing_days", day),
                hotline=ruled("hotline", day),
            ),
        )

    async def status(self, context: Context) -> Result:
        found = await replacements.latest(context.db, context.customer_id)
        if found is None:
            raise Refused("no_record")
        card = await context.db.get_one(Card, found.card_id)
        stage = replacements.stage_of(found, context.today)
        return self.answer(
            "late" if stage.late else "status",
            self.facts(
                context,
                card_name=card_name(card),
                card_tail=card.tail,
                stage=stage.code,
                asked_at=found.asked_at,
                mailed_on=found.mailed_on,
                expected_by=None if found.delivered_on else found.expected_by,
                delivered_on=found.delivered_on,
                reference=found.reference,
                hotline=ruled("hotline", context.today),
            ),
        )

    async def offer(self, given: CardReplaceInput, context: Context) -> Offer[ReplaceTerms] | Result:
        cards = await service.meant(
            context.db,
            context.customer_id,
            tail=given.card_tail,
            kind=given.card_kind,
            product=given.card_product,
        )
        if given.reason == "lost":
            cards = [card for card in cards if card.frozen_at is not None] or cards
        if len(cards) > 1:
            rows = tuple(self.facts(context, **_described(card)) for card in cards)
            choices = tuple(
                Choice(slot="card_tail", value=card.tail, facts=row) for card, row in zip(cards, rows, strict=True)
            )
            return self.answer("choose", rows=rows, choices=choices)
        card = cards[0]
        plastic = await context.db.get_one(Plastic, card.card_id)
        reason = self._reason(card, plastic, given.reason, context.today)
        if reason is None:
            return self._reasons(card, context)
        if plastic.replacing_until is not None and plastic.replacing_until >= context.today:
            raise await replacements.under_way(context.db, card)
        return await self._quote(card, reason, context)

    async def perform(self, terms: ReplaceTerms, context: Context) -> Result:
        reference = reference_for(context)
        card = await replacements.order(context.db, context.customer_id, terms, reference=reference, now=context.now)
        return self.answer(
            "done",
            self.facts(
                context,
                card_name=card_name(card),
                card_tail=card.tail,
                fee=Money(terms.fee),
                number_change=_number_change(terms.reason),
                mailed_on=terms.mailed_on,
                expected_by=terms.expected_by,
                reference=reference,
            ),
            completed=True,
        )

    def _reason(self, card: Card, plastic: Plastic, said: str | None, today: dt.date) -> str | None:
        """Why *card* is replaced: ``None`` where that has to be asked.

        Refused as ``report_first`` for a lost card that still works, ``not_due`` for one that expires much later.
        """
        if card.frozen_at is not None:
            return "lost"
        if said == "lost":
            raise Refused("report_first", **_described(card))
        renewable = replacements.renewable_from(plastic, today)
        if said == "expired" and today < renewable:
            valid_until = plastic.valid_until
            raise Refused("not_due", **_described(card), valid_until=valid_until, renewable_from=renewable)
        if said in REASONS:
            return said
        return "expired" if today >= renewable else None

    def _reasons(self, card: Card, context: Context) -> Result:
        choices = tuple(
            Choice(slot="reason", value=reason, facts=self.facts(context, replace_reason=f"replace_{reason}"))
            for reason in REASONS
        )
        return self.answer("choose_reason", self.facts(context, **_described(card)), choices=choices)

    async def _quote(self, card: Card, reason: str, context: Context) -> Offer[ReplaceTerms]:
        db, today = context.db, context.today
        address = await db.get(MailingAddress, context.customer_id)
        if address is None:
            raise Refused("no_address", hotline=ruled("hotline", today))
        fee = replacements.fee_for(reason, today)
        payer = await replacements.own_account(db, card) if fee.minor else None
        if payer is None and card.kind == "debit" and fee.minor:
            raise Refused("no_account")
        if payer is not None:
            balance = await account.balance(db, payer.account_id, "CNY")
            if balance < fee:
                raise replacements.insufficient(fee, balance, payer.tail)
        mailed_on, expected_by = replacements.days_of(today)
        expires_at = expiry(context.now, minutes_rule("card_service_quote_minutes", today))
        ready = self.answer(
            "ready",
            self.facts(
                context,
                **_described(card),
                replace_reason=f"replace_{reason}",
                number_change=_number_change(reason),
                fee=fee,
                account_tail=None if payer is None else payer.tail,
                billed_tail=card.tail if fee.minor and payer is None else None,
                mailing_address=replacements.masked(address),
                expected_by=expected_by,
                expires_at=expires_at,
            ),
        )
        terms = ReplaceTerms(
            card_id=card.card_id, reason=reason, fee=fee.minor,
            account_id=None if payer is None else payer.account_id, mailed_on=mailed_on, expected_by=expected_by,
        )  # fmt: skip
        return Offer(ready, terms, expires_at)


def _described(card: Card) -> dict[str, Vouched]:
    return {"card_name": card_name(card), "card_tail": card.tail, "card_kind": card.kind}


def _number_change(reason: str) -> str:
    """A lost card's number is given up; any other keeps it."""
    return "number_new" if reason == "lost" else "number_same"
