"""Who the customer is: what the conversation needs to address them."""

from __future__ import annotations

from backends.account import service
from backends.action import ActionInput, BankAction, Context, Refused
from backends.facts import Said
from backends.inputs import OptionalText
from backends.result import Result
from backends.values import Count


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
        held = await service.accounts(context.db, context.customer_id)
        if not held:
            raise Refused("no_account")
        if given.card_tail is not None:
            held = [account for account in held if account.tail == given.card_tail]
            if not held:
                raise Refused("not_found", card_tail=Said(given.card_tail))
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
