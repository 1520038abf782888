"""Where money sent abroad, or coming from there, is."""

from __future__ import annotations

from backends.account import service as account
from backends.action import ActionInput, BankAction, Context, Refused
from backends.facts import Said, Words
from backends.fx import remittances
from backends.fx.remittances import FINISHED, RETURNED, Progress, Wanted
from backends.inputs import OptionalDate, OptionalPeriod, OptionalText, read_amount
from backends.result import Result, Row
from backends.values import Amount, Count, Money, Period


class RemitStatusInput(ActionInput):
    amount: OptionalText = None
    currency: OptionalText = None
    date: OptionalDate = None
    period: OptionalPeriod = None
    country: OptionalText = None
    bank: OptionalText = None
    purpose: OptionalText = None


class RemitStatus(BankAction[RemitStatusInput]):
    """How far the customer's remittances are: the one they describe stage by stage, or all of them in a line each."""

    name = "remit_status"
    outcomes = frozenset(
        {"outgoing", "incoming", "documents", "returned", "found_many", "none", "no_match", "invalid_amount"}
    )
    source = "fx"
    Input = RemitStatusInput

    async def run(self, given: RemitStatusInput, context: Context) -> Result:
        held = await account.accounts(context.db, context.customer_id)
        wanted = _wanted(given)
        found = await remittances.remittances(context.db, held, wanted, context.now)
        tails = {each.account_id: each.tail for each in held}
        if len(found) == 1:
            return self._one(found[0], tails[found[0].remittance.account_id], context)
        if found:
            return self.answer(
                "found_many",
                self.facts(context, transfer_count=Count(len(found), "transaction")),
                rows=tuple(self._row(each, context) for each in found),
            )
        if not wanted.is_anything or not held:
            raise Refused("none")
        raise Refused(
            "no_match",
            period=None if wanted.period is None or given.date is not None else wanted.period,
            day=given.date,
            amount=_asked_amount(wanted),
            country_asked=None if given.country is None else Said(given.country),
            bank_asked=None if given.bank is None else Said(given.bank),
        )

    def _one(self, progress: Progress, tail: str, context: Context) -> Result:
        sent = progress.remittance
        outcome = sent.direction
        if progress.documents is not None:
            outcome = "documents"
        elif progress.stage in RETURNED:
            outcome = "returned"
        missing = progress.abroad_fee
        return self.answer(
            outcome,
            self.facts(
                context,
                counterparty=progress.counterparty,
                counterparty_bank=Words(sent.bank, sent.bank_en),
                country=Words(sent.country, sent.country_en),
                amount=progress.amount,
                account_tail=tail,
                purpose=sent.purpose,
                remit_stage=progress.stage,
                fee=Money(sent.fee) if sent.fee else None,
                abroad_fee=missing,
                credited_amount=None if missing is None else progress.amount - missing,
                expected_on=sent.expected_on if outcome == "outgoing" and progress.stage not in FINISHED else None,
                documents=progress.documents,
                return_reason=sent.return_reason if outcome == "returned" else None,
                reference=sent.reference,
            ),
            rows=tuple(self.facts(context, stage_at=step.at, remit_stage=step.stage) for step in progress.steps),
        )

    def _row(self, progress: Progress, context: Context) -> Row:
        sent = progress.remittance
        return self.facts(
            context,
            sent_at=progress.steps[0].at,
            direction="remit_out" if sent.direction == "outgoing" else "remit_in",
            amount=progress.amount,
            counterparty=progress.counterparty,
            country=Words(sent.country, sent.country_en),
            remit_stage=progress.stage,
        )


def _wanted(given: RemitStatusInput) -> Wanted:
    amount = None if given.amount is None else read_amount(given.amount)
    return Wanted(
        amount=None if amount is None else amount.number,
        currency=given.currency or (None if amount is None else amount.currency),
        period=given.period or (None if given.date is None else Period(given.date, given.date)),
        country=given.country,
        bank=given.bank,
        purpose=given.purpose,
    )


def _asked_amount(wanted: Wanted) -> Said | None:
    """The sum they said, in the currency they said where they did."""
    if wanted.amount is None:
        return None
    return Said(Amount(wanted.amount, wanted.currency))
