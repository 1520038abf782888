"""What customers ask about the individual pension: paid in and left, tax saved, products, opening, taking out."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BeforeValidator

from backends.action import ActionInput, BankAction, Context, Refused
from backends.facts import Said
from backends.inputs import OptionalPeriod, OptionalText, exact_money, read_amount
from backends.pension import service
from backends.pension.service import Saving
from backends.pension.tables import PensionAccount
from backends.result import Fact, Result
from backends.rules import money_rule, ruled
from backends.values import Count, Money, Percent
from backends.wealth.service import Wish, product_name, products, risk_level, term_of

PRODUCTS = "pension"
"""The product type that the account may hold."""
Topic = Literal["tax", "products", "payout", "open"]


class PensionInput(ActionInput):
    topic: Annotated[Topic | None, BeforeValidator(lambda value: value or None)] = None
    tax_rate: OptionalText = None
    amount: OptionalText = None
    amount_of: Annotated[Literal["income"] | None, BeforeValidator(lambda value: value or None)] = None
    period: OptionalPeriod = None


class Pension(BankAction[PensionInput]):
    """The customer's account and its year (``found``, ``full``), or one side of it: ``topic`` says which.

    ``amount`` is a payment whose tax saving is asked about, unless it is said to be an income.
    """

    name = "pension"
    outcomes = frozenset(
        {
            "found",
            "full",
            "past_year",
            "not_open",
            "already_open",
            "tax",
            "tax_table",
            "products",
            "payout",
            "invalid_amount",
        }
    )
    source = "pension"
    Input = PensionInput

    async def run(self, given: PensionInput, context: Context) -> Result:
        account = await service.account(context.db, context.customer_id)
        match given.topic:
            case "tax":
                return self._tax(given, context)
            case "products":
                return await self._products(context)
            case "payout":
                return self.answer("payout", self._payout(context))
            case "open" if account is not None:
                return self.answer("already_open", self.facts(context, opened_on=account.opened_on))
        if given.tax_rate is not None or (given.amount is not None and given.amount_of is None):
            return self._tax(given, context)
        if account is None:
            return await self._not_open(context)
        return await self._year(account, given, context)

    async def _year(self, account: PensionAccount, given: PensionInput, context: Context) -> Result:
        today = context.today
        number = today.year if given.period is None else given.period.start.year
        found = await service.year(context.db, context.customer_id, number, today)
        counted = self.facts(
            context,
            year=Count(number, "year"),
            contributed=found.contributed,
            yearly_limit=ruled("pension_yearly_limit", today),
        )
        if number != today.year:
            return self.answer("past_year", counted)
        standing = self.facts(
            context,
            opened_on=account.opened_on,
            pension_balance=Money(account.balance),
            pension_left=found.left,
            pay_by=found.closes_on,
        )
        return self.answer("found" if found.left.minor else "full", (*counted, *standing))

    async def _not_open(self, context: Context) -> Result:
        count = len(await products(context.db, Wish(product_type=PRODUCTS)))
        return self.answer(
            "not_open",
            self.facts(
                context,
                yearly_limit=ruled("pension_yearly_limit", context.today),
                withdrawal_tax=ruled("pension_withdrawal_tax", context.today),
                product_count=Count(count, "product") if count else None,
            ),
        )

    def _payout(self, context: Context) -> tuple[Fact, ...]:
        return self.facts(
            context,
            payout_conditions=ruled("pension_payout_conditions", context.today),
            withdrawal_tax=ruled("pension_withdrawal_tax", context.today),
        )

    async def _products(self, context: Context) -> Result:
        found = await products(context.db, Wish(product_type=PRODUCTS))
        rows = tuple(
            self.facts(
                context,
                product_name=product_name(product),
                product_code=product.code,
                risk_level=risk_level(product),
                term=term_of(product),
                min_amount=Money(product.min_amount),
            )
            for product in found
        )
        counted = self.facts(context, product_count=Count(len(rows), "product"))
        return self.answer("products", counted, rows=rows, disclosures=("wealth_risk",))

    def _tax(self, given: PensionInput, context: Context) -> Result:
        limit = money_rule("pension_yearly_limit", context.today)
        paid = min(limit, _paid(given) or limit)
        savings = service.savings(paid)
        stated = self.facts(
            context,
            paid_in=paid,
            yearly_limit=ruled("pension_yearly_limit", context.today),
            withdrawal_tax=ruled("pension_withdrawal_tax", context.today),
        )
        for each in savings:
            if given.tax_rate is not None and each.rate == Decimal(given.tax_rate):
                return self.answer("tax", (*stated, *self._row(each, context)))
        return self.answer("tax_table", stated, rows=tuple(self._row(each, context) for each in savings))

    def _row(self, each: Saving, context: Context) -> tuple[Fact, ...]:
        return self.facts(
            context,
            tax_rate=Percent(each.rate),
            tax_saved=each.saved,
            income_above=each.above,
            income_up_to=each.up_to,
        )


def _paid(given: PensionInput) -> Money | None:
    """The payment that was named; refused as ``invalid_amount`` where it cannot be one."""
    if given.amount is None or given.amount_of is not None:
        return None
    amount = read_amount(given.amount)
    if amount.currency not in (None, "CNY"):
        raise Refused("invalid_amount", amount_asked=Said(given.amount))
    return exact_money(amount.number, "CNY", given.amount)
