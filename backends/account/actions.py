"""Who the customer is: what the conversation needs to address them."""

from __future__ import annotations

from backends.account import service
from backends.action import ActionInput, BankAction, Context, Refused
from backends.result import Result
from backends.values import Count


class CustomerProfile(BankAction[ActionInput]):
    """The signed-in customer; asked by the bot itself, never an intent."""

    name = "customer_profile"
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
