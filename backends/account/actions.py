"""Who the customer is, what their accounts hold, what moved on them, and where their transfers are."""

from __future__ import annotations

from typing import Literal

from backends.account import history, service, transfers
from backends.account.tables import Account, Entry, Transfer
from backends.account.transfers import Wanted
from backends.action import ActionInput, BankAction, Context, Refused
from backends.facts import Said, Vouched, Words
from backends.inputs import OptionalDate, OptionalPeriod, OptionalText
from backends.result import Result, Row
from backends.search import Search, amount_bounds, midnight, recent
from backends.values import Count, Money, Period


class CustomerProfile(BankAction[ActionInput]):
    """The signed-in customer; asked by the bot itself, never an intent."""

    name = "customer_profile"
    outcomes = frozenset({"found", "not_found"})
    source = "account"
    Input = ActionInput

    async def run(self, given: ActionInput, context: Context) -> Result:
        person = await service.customer(context.db, context.customer_id)
        if person is None:
            raise Refused("not_found")
        return self.answer(
            "found",
            self.facts(
                context,
                name=service.full_name(person),
                honorific=service.honorific(person),
                tier=person.tier,
                language=person.language,
                phone_tail=person.phone[-4:],
                age=Count(service.age_on(person.born_on, context.today), "year"),
            ),
        )


class AccountBalanceInput(ActionInput):
    card_tail: OptionalText = None


class AccountBalance(BankAction[AccountBalanceInput]):
    """What is on the customer's accounts; with one account also what it holds in other currencies."""

    name = "account_balance"
    outcomes = frozenset({"found", "found_many", "no_account", "not_found"})
    source = "account"
    Input = AccountBalanceInput

    async def run(self, given: AccountBalanceInput, context: Context) -> Result:
        held = await service.accounts_ending(context.db, context.customer_id, given.card_tail)
        balances = [await service.balance(context.db, account.account_id, "CNY") for account in held]
        if len(held) == 1:
            foreign = await service.foreign_balances(context.db, held[0].account_id)
            return self.answer(
                "found",
                self.facts(context, account_tail=held[0].tail, balance=balances[0]),
                rows=tuple(self.facts(context, fx_balance=money) for money in foreign),
            )
        return self.answer(
            "found_many",
            self.facts(
                context, account_count=Count(len(held), "account"), total_balance=sum(balances[1:], balances[0])
            ),
            rows=tuple(
                self.facts(context, account_tail=account.tail, balance=balance)
                for account, balance in zip(held, balances, strict=True)
            ),
        )


class AccountTransactionsInput(ActionInput):
    """``income`` and ``flow`` are read from plain words: which income is asked for, and which way the money went."""

    card_tail: OptionalText = None
    period: OptionalPeriod = None
    date: OptionalDate = None
    amount: OptionalText = None
    merchant: OptionalText = None
    channel: OptionalText = None
    income: Literal["salary", "retirement", "interest"] | None = None
    flow: Literal["in", "out"] | None = None


MOST_LISTED = 10
"""How many movements a reply lists: the newest; the count and the totals are of all that were found."""


class AccountTransactions(BankAction[AccountTransactionsInput]):
    """What moved on the customer's accounts, the newest first, or the last income of a kind: salary, pension, interest."""

    name = "account_transactions"
    outcomes = frozenset(
        {"found", "income", "no_income", "none_in_period", "no_match", "no_account", "not_found", "invalid_amount"}
    )
    source = "account"
    Input = AccountTransactionsInput

    async def run(self, given: AccountTransactionsInput, context: Context) -> Result:
        held = await service.accounts_ending(context.db, context.customer_id, given.card_tail)
        said = given.period or (None if given.date is None else Period(given.date, given.date))
        least, most = (None, None) if given.amount is None else amount_bounds(given.amount)
        search = Search(said, given.merchant, least, most)
        if given.income is not None:
            return await self._income(given.income, held, search, context)
        if said is None and not search.describes_one:
            search = Search(recent(context.today))
        found = await history.entries(context.db, held, search, context.now, flow=given.flow, channel=given.channel)
        if not found:
            raise self._nothing(given, search)
        listed = found[:MOST_LISTED]
        tails = {account.account_id: account.tail for account in held}
        return self.answer(
            "found",
            self.facts(
                context,
                **_when(search.period),
                transaction_count=Count(len(found), "transaction"),
                total_in=history.total_in(found),
                total_out=history.total_out(found),
                listed_count=Count(len(listed), "transaction") if len(listed) < len(found) else None,
            ),
            rows=tuple(self._row(each, tails[each.account_id], context) for each in listed),
        )

    async def _income(self, kind: str, held: list[Account], search: Search, context: Context) -> Result:
        """The last income of *kind* that fits; where a time was named and there was none then, the last before."""
        found = await history.entries(context.db, held, search, context.now, kind=kind, flow="in")
        if not found:
            before = context.now if search.period is None else midnight(search.period.start)
            earlier = await history.entries(context.db, held, Search(), min(before, context.now), kind=kind, flow="in")
            raise Refused(
                "no_income",
                **_when(search.period),
                income_kind=kind,
                last_amount=Money(earlier[0].amount) if earlier else None,
                last_at=earlier[0].booked_at if earlier else None,
            )
        last = found[0]
        several = search.period is not None and len(found) > 1
        return self.answer(
            "income",
            self.facts(
                context,
                income_kind=kind,
                amount=Money(last.amount),
                counterparty=Words(last.counterparty, last.counterparty_en),
                booked_at=last.booked_at,
                account_tail=next(account.tail for account in held if account.account_id == last.account_id),
                **(_when(search.period) if several else {}),
                transaction_count=Count(len(found), "transaction") if several else None,
                total_in=history.total_in(found) if several else None,
            ),
        )

    def _nothing(self, given: AccountTransactionsInput, search: Search) -> Refused:
        if not search.describes_one:
            return Refused("none_in_period", **_when(search.period))
        return Refused(
            "no_match",
            **_when(search.period),
            merchant_asked=None if given.merchant is None else Said(given.merchant),
            amount=None if search.least is None else Said(search.least),
        )

    def _row(self, each: Entry, tail: str, context: Context) -> Row:
        return self.facts(
            context,
            booked_at=each.booked_at,
            flow="money_in" if each.amount > 0 else "money_out",
            amount=Money(abs(each.amount)),
            counterparty=Words(each.counterparty, each.counterparty_en),
            entry_kind=each.kind,
            account_tail=tail,
        )


def _when(period: Period | None) -> dict[str, Vouched]:
    """A period as a reply says it: one day is a date."""
    if period is not None and period.start == period.end:
        return {"day": period.start}
    return {"period": period}


class TransferStatusInput(ActionInput):
    amount: OptionalText = None
    date: OptionalDate = None
    bank: OptionalText = None
    channel: OptionalText = None
    card_tail: OptionalText = None


MOST_TRANSFERS = 5
"""How many transfers a reply lists: the newest."""


class TransferStatus(BankAction[TransferStatusInput]):
    """Where the customer's transfers are: under way, arrived or returned; the one they describe, or the last few."""

    name = "transfer_status"
    outcomes = frozenset(
        {"processing", "arrived", "returned", "received", "found_many", "none", "no_match", "invalid_amount"}
    )
    source = "account"
    Input = TransferStatusInput

    async def run(self, given: TransferStatusInput, context: Context) -> Result:
        held = await service.accounts(context.db, context.customer_id)
        wanted = Wanted(given.bank, given.channel, given.card_tail)
        period = None if given.date is None else Period(given.date, given.date)
        least, most = (None, None) if given.amount is None else amount_bounds(given.amount)
        search = Search(period, None, least, most)
        described = wanted.is_anything or period is not None or search.describes_one
        if not described:
            search = Search(recent(context.today))
        found = await transfers.transfers(context.db, held, search, wanted, context.now)
        tails = {account.account_id: account.tail for account in held}
        if len(found) == 1:
            return self._one(found[0], tails, context)
        if found:
            listed = found[:MOST_TRANSFERS]
            return self.answer(
                "found_many",
                self.facts(
                    context,
                    transfer_count=Count(len(found), "transaction"),
                    listed_count=Count(len(listed), "transaction") if len(listed) < len(found) else None,
                ),
                rows=tuple(self._row(each, context) for each in listed),
            )
        if not held or not described:
            raise Refused("none", period=search.period)
        raise Refused(
            "no_match",
            day=given.date,
            amount=None if least is None else Said(least),
            bank_asked=None if given.bank is None else Said(given.bank),
            card_tail=None if given.card_tail is None else Said(given.card_tail),
        )

    def _one(self, transfer: Transfer, tails: dict[str, str], context: Context) -> Result:
        stage = transfers.stage(transfer, context.now)
        outcome = "received" if transfer.direction == "incoming" else stage
        return self.answer(
            outcome,
            self.facts(
                context,
                counterparty=transfers.counterparty(transfer),
                counterparty_tail=transfer.counterparty_tail,
                counterparty_bank=Words(transfer.bank, transfer.bank_en),
                amount=Money(transfer.amount),
                channel=transfer.channel if transfer.direction == "outgoing" else None,
                account_tail=tails[transfer.account_id],
                sent_at=transfer.sent_at,
                expected_at=transfer.expected_at if stage == "processing" else None,
                ended_at=None if stage == "processing" else transfer.ended_at,
                return_reason=transfer.return_reason if stage == "returned" else None,
                reference=transfer.reference,
            ),
        )

    def _row(self, transfer: Transfer, context: Context) -> Row:
        return self.facts(
            context,
            sent_at=transfer.sent_at,
            direction=transfer.direction,
            amount=Money(transfer.amount),
            counterparty=transfers.counterparty(transfer),
            counterparty_bank=Words(transfer.bank, transfer.bank_en),
            transfer_stage=transfers.stage(transfer, context.now),
        )
