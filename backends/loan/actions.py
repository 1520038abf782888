"""What customers ask about their loans: how an application stands, what is owed, what paying early or borrowing costs."""

from __future__ import annotations

from backends.account.tables import Account
from backends.action import ActionInput, BankAction, Context
from backends.facts import Vouched, Words
from backends.inputs import OptionalTerm, OptionalText
from backends.loan import service
from backends.loan.schedule import interest_of
from backends.loan.service import Owed
from backends.loan.tables import LoanApplication
from backends.result import Choice, Result
from backends.rules import count_rule, ruled
from backends.values import Count, Money, Percent, Term

UNDER_WAY = ("received", "in_review", "verifying")


class LoanStatusInput(ActionInput):
    loan_kind: OptionalText = None


class LoanStatus(BankAction[LoanStatusInput]):
    """How the customer's applications stand: under way, approved, paid out, or refused and why."""

    name = "loan_status"
    outcomes = frozenset({"under_way", "approved", "disbursed", "refused", "found_many", "none", "not_found"})
    source = "loan"
    Input = LoanStatusInput

    async def run(self, given: LoanStatusInput, context: Context) -> Result:
        found = await service.applications(context.db, context.customer_id, given.loan_kind)
        if len(found) > 1:
            count = self.facts(context, application_count=Count(len(found), "transaction"))
            rows = tuple(self.facts(context, **_in_brief(each)) for each in found)
            return self.answer("found_many", count, rows=rows)
        only = found[0]
        outcome = "under_way" if only.stage in UNDER_WAY else only.stage
        again = service.days_after(only.stage_at, count_rule("loan_reapply_days", context.today).number)
        account = None if only.account_id is None else await context.db.get_one(Account, only.account_id)
        return self.answer(
            outcome,
            self.facts(
                context,
                **_in_brief(only),
                expected_on=only.expected_on,
                refusal_reason=None if only.reason is None else Words(only.reason, only.reason_en),
                reapply_from=again if outcome == "refused" else None,
                account_tail=None if account is None else account.tail,
                hotline=ruled("hotline", context.today),
            ),
        )


def _in_brief(each: LoanApplication) -> dict[str, Vouched]:
    return {
        "loan_kind": each.kind,
        "loan_amount": Money(each.amount),
        "submitted_at": each.submitted_at,
        "loan_stage": each.stage,
        "stage_at": each.stage_at,
    }


class LoanRepayInput(ActionInput):
    loan_kind: OptionalText = None
    amount: OptionalText = None
    term: OptionalTerm = None


class LoanRepay(BankAction[LoanRepayInput]):
    """What a loan still costs, what paying it early would, or what a loan nobody has yet would.

    An amount with a term is a loan to work out (``computed``); an amount alone is to be paid early (``early``).
    """

    name = "loan_repay"
    outcomes = frozenset(
        {
            "found",
            "found_many",
            "choose",
            "early",
            "computed",
            "none",
            "not_found",
            "arrears",
            "more_than_owed",
            "invalid_amount",
            "invalid_term",
            "too_long",
        }
    )
    source = "loan"
    Input = LoanRepayInput

    async def run(self, given: LoanRepayInput, context: Context) -> Result:
        if given.amount is not None and given.term is not None:
            return self._computed(given.amount, given.term, given.loan_kind, context)
        loans = await service.loans(context.db, context.customer_id, given.loan_kind)
        standing = [service.owed(loan, context.today) for loan in loans]
        if len(standing) > 1:
            return self._many(standing, given.amount is not None, context)
        return await self._one(standing[0], given.amount, context)

    async def _one(self, of: Owed, amount: str | None, context: Context) -> Result:
        if amount is not None:
            return self._early(of, amount, context)
        whole = service.payoff(of)
        account = await context.db.get_one(Account, of.loan.account_id)
        return self.answer(
            "found",
            self.facts(
                context,
                **_standing(of),
                annual_rate=Percent(of.loan.rate),
                repay_method=of.loan.method,
                last_due=of.last_due,
                account_tail=account.tail,
                payoff_amount=whole.total,
                accrued_interest=whole.accrued,
                early_fee=whole.fee,
                interest_saved=whole.interest_saved,
            ),
        )

    def _early(self, of: Owed, amount: str, context: Context) -> Result:
        part = service.part_payment(of, amount)
        return self.answer(
            "early",
            self.facts(
                context,
                loan_kind=of.loan.kind,
                prepaid=part.amount,
                prepaid_on=part.on,
                early_fee=part.fee,
                principal_after=part.principal_after,
                lower_payment=part.lower_payment,
                lower_saves=part.lower_saves,
                shorter_by=Count(part.shorter_by, "instalment"),
                shorter_saves=part.shorter_saves,
            ),
        )

    def _many(self, standing: list[Owed], to_pay: bool, context: Context) -> Result:
        rows = tuple(self.facts(context, **_standing(of)) for of in standing)
        kinds = [of.loan.kind for of in standing]
        if to_pay and len(set(kinds)) == len(kinds):
            choices = tuple(
                Choice(slot="loan_kind", value=kind, facts=row) for kind, row in zip(kinds, rows, strict=True)
            )
            return self.answer("choose", rows=rows, choices=choices)
        total = sum((of.principal for of in standing), Money(0))
        counted = self.facts(context, loan_count=Count(len(rows), "transaction"), total_principal=total)
        return self.answer("found_many", counted, rows=rows)

    def _computed(self, amount: str, term: Term, kind: str | None, context: Context) -> Result:
        _ = context.customer_id
        found = service.sketch(amount, term, kind, context.today)
        return self.answer(
            "computed",
            self.facts(
                context,
                loan_kind=found.kind,
                loan_amount=found.amount,
                instalments=Count(found.months, "instalment"),
                annual_rate=ruled(f"loan_rate_{found.kind}", context.today),
                level_payment=Money(found.level[0].payment),
                level_interest=Money(interest_of(found.level)),
                first_payment=Money(found.falling[0].payment),
                last_payment=Money(found.falling[-1].payment),
                falling_interest=Money(interest_of(found.falling)),
            ),
        )


def _standing(of: Owed) -> dict[str, Vouched]:
    return {
        "loan_kind": of.loan.kind,
        "remaining_principal": of.principal,
        "instalments_left": Count(len(of.ahead), "instalment"),
        "next_due": of.next_due,
        "next_amount": of.next_amount,
        "overdue_days": Count(of.overdue_days, "day") if of.overdue_days else None,
    }
