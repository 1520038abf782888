"""Repaying a card or a loan by itself: setting it up, changing it and switching it off."""

from __future__ import annotations

from backends.account import service as account
from backends.account.tables import Account
from backends.action import ActionInput, BankWrite, Context, Offer, Refused
from backends.card import mandates
from backends.card.mandates import SCOPES, AutopayTerms, Repaid
from backends.card.tables import Card
from backends.effects import expiry, reference_for
from backends.facts import Said
from backends.inputs import OptionalText, Texts
from backends.result import Choice, Result, Row
from backends.rules import minutes_rule, ruled
from backends.values import Money

OUR_BANK = "云杉"


class AutopayInput(ActionInput):
    """``change`` is ``open``, ``move`` or ``close``; ``part`` how much of a card's statement; ``card_tail`` the card that
    owes, the account that pays, or both."""

    card_tail: Texts = ()
    loan_kind: OptionalText = None
    bank: OptionalText = None
    change: OptionalText = None
    part: OptionalText = None


class Autopay(BankWrite[AutopayInput, AutopayTerms]):
    """Sets up, changes or switches off the automatic repayment of a credit card or a loan.

    Each of the three can be taken back by another of them, at any time before the debit.
    """

    name = "autopay"
    outcomes = frozenset(
        {
            "explain",
            "status",
            "status_many",
            "no_record",
            "ready",
            "choose",
            "choose_change",
            "choose_account",
            "already_on",
            "already_off",
            "other_bank",
            "no_card",
            "no_loan",
            "no_account",
            "not_found",
            "done",
        }
    )
    source = "card"
    Input = AutopayInput
    Terms = AutopayTerms

    async def explain(self, context: Context) -> Result:
        day = context.today
        return self.answer(
            "explain",
            self.facts(
                context,
                debit_from=ruled("autopay_debit_from", day),
                debit_until=ruled("autopay_debit_until", day),
                hotline=ruled("hotline", day),
            ),
        )

    async def status(self, context: Context) -> Result:
        known = await mandates.all_of(context.db, context.customer_id)
        if not known:
            raise Refused("no_record")
        rows = [(*await self._setting(each, context), *await self._debited(each, context)) for each in known]
        if len(rows) == 1:
            return self.answer("status", rows[0])
        return self.answer("status_many", rows=tuple(rows))

    async def offer(self, given: AutopayInput, context: Context) -> Offer[AutopayTerms] | Result:
        db, customer_id = context.db, context.customer_id
        found, payer_tail = await mandates.meant(db, customer_id, given.card_tail, given.loan_kind)
        if given.bank is not None and OUR_BANK not in given.bank:
            raise Refused("other_bank", bank_asked=Said(given.bank))
        if len(found) > 1:
            return self._choose(found, context)
        repaid = found[0]
        if given.change == "close":
            return await self._close(repaid, context)
        payer = await self._payer(repaid, payer_tail, context)
        scope = self._scope(repaid, given.part)
        if not repaid.active:
            return await self._ready("switch_on", repaid, payer, scope, context)
        assert repaid.row is not None
        if (payer.account_id, scope) != (repaid.row.account_id, repaid.row.scope):
            return await self._ready("switch_over", repaid, payer, scope, context)
        if given.change is None and payer_tail is None and given.part is None:
            return await self._ask_change(repaid, context)
        others = [each for each in await account.accounts(db, customer_id) if each.account_id != repaid.row.account_id]
        if given.change == "move" and payer_tail is None and given.part is None and others:
            rows = [self.facts(context, account_tail=each.tail) for each in others]
            choices = tuple(
                Choice(slot="card_tail", value=each.tail, facts=row) for each, row in zip(others, rows, strict=True)
            )
            return self.answer("choose_account", choices=choices)
        return self.answer("already_on", await self._setting(repaid, context))

    async def perform(self, terms: AutopayTerms, context: Context) -> Result:
        reference = reference_for(context)
        await mandates.change(context.db, context.customer_id, terms, reference=reference, now=context.now)
        card = None if terms.card_id is None else await context.db.get_one(Card, terms.card_id)
        known = await mandates.all_of(context.db, context.customer_id)
        repaid = next(each for each in known if each.row and each.row.autopay_id == terms.autopay_id)
        return self.answer(
            "done",
            self.facts(
                context,
                autopay_change=_kind_of(terms),
                repaid_name=repaid.name,
                card_tail=repaid.tail,
                account_tail=terms.account_tail if terms.active else None,
                autopay_scope=terms.scope if terms.active else None,
                next_on=await mandates.next_on(context.db, card, context.today) if terms.active else None,
                changed_at=context.now,
                reference=reference,
            ),
            completed=True,
        )

    # -- parts of an offer -----------------------------------------------------------------

    async def _close(self, repaid: Repaid, context: Context) -> Offer[AutopayTerms]:
        if not repaid.active or repaid.row is None:
            raise Refused("already_off", repaid_name=repaid.name, card_tail=repaid.tail)
        payer = await context.db.get_one(Account, repaid.row.account_id)
        return await self._ready("switch_off", repaid, payer, repaid.row.scope, context)

    async def _payer(self, repaid: Repaid, tail: str | None, context: Context) -> Account:
        if tail is None and repaid.active and repaid.row is not None:
            return await context.db.get_one(Account, repaid.row.account_id)
        return await account.funding_account(context.db, context.customer_id, tail)

    def _scope(self, repaid: Repaid, part: str | None) -> str | None:
        if repaid.card is None:
            return None
        if part is not None:
            return SCOPES[part]
        return repaid.row.scope if repaid.active and repaid.row else SCOPES["full"]

    async def _ready(
        self, change: str, repaid: Repaid, payer: Account, scope: str | None, context: Context
    ) -> Offer[AutopayTerms]:
        expires_at = expiry(context.now, minutes_rule("card_quote_minutes", context.today))
        active = change != "switch_off"
        terms = mandates.terms_of(repaid, payer, scope, active=active, customer_id=context.customer_id)
        ready = self.answer(
            "ready",
            self.facts(
                context,
                autopay_change=change,
                repaid_name=repaid.name,
                card_tail=repaid.tail,
                account_tail=payer.tail if active else None,
                autopay_scope=scope if active else None,
                next_on=await mandates.next_on(context.db, repaid.card, context.today) if active else None,
                expires_at=expires_at,
            ),
        )
        return Offer(ready, terms, expires_at)

    def _choose(self, found: list[Repaid], context: Context) -> Result:
        rows = [self.facts(context, repaid_name=each.name, card_tail=each.tail) for each in found]
        choices = tuple(
            Choice(slot="card_tail", value=each.tail, facts=row)
            if each.tail is not None
            else Choice(slot="loan_kind", value=each.row.loan_kind or "" if each.row else "", facts=row)
            for each, row in zip(found, rows, strict=True)
        )
        return self.answer("choose", rows=tuple(rows), choices=choices)

    async def _ask_change(self, repaid: Repaid, context: Context) -> Result:
        changes = {"move": "switch_over", "close": "switch_off"}
        choices = tuple(
            Choice(slot="change", value=value, facts=self.facts(context, autopay_change=code))
            for value, code in changes.items()
        )
        return self.answer("choose_change", await self._setting(repaid, context), choices=choices)

    async def _setting(self, repaid: Repaid, context: Context) -> Row:
        """How autopay is set up today."""
        row = repaid.row
        assert row is not None
        payer = await context.db.get_one(Account, row.account_id)
        return self.facts(
            context,
            repaid_name=repaid.name,
            card_tail=repaid.tail,
            autopay_state="autopay_on" if row.active else "autopay_off",
            account_tail=payer.tail,
            autopay_scope=row.scope,
        )

    async def _debited(self, repaid: Repaid, context: Context) -> Row:
        """What became of the last attempt to debit, where there was one."""
        assert repaid.row is not None
        debit = await mandates.last_debit(context.db, repaid.row)
        if debit is None:
            return ()
        return self.facts(
            context,
            tried_at=debit.tried_at,
            debit_due=Money(debit.due),
            debit_taken=Money(debit.taken),
            debit_outcome=debit.outcome,
        )


def _kind_of(terms: AutopayTerms) -> str:
    if not terms.active:
        return "switch_off"
    return "switch_over" if terms.was_active else "switch_on"
