"""Where the bank can be found, and how it takes a complaint."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from backends.action import ActionInput, BankAction, Context
from backends.effects import once, reference_for
from backends.facts import Said, Words
from backends.inputs import OptionalText
from backends.result import Result
from backends.rules import ruled
from backends.service import service
from backends.values import Count


class BranchInput(ActionInput):
    city: OptionalText = None
    channel: OptionalText = None


class Branch(BankAction[BranchInput]):
    """Branches at a place; the hotline for who names no place, or asks for the phone."""

    name = "branch"
    outcomes = frozenset({"found", "not_found", "hotline"})
    source = "service"
    access = "public"
    Input = BranchInput

    async def run(self, given: BranchInput, context: Context) -> Result:
        day = context.today
        hotline = ruled("hotline", day)
        if given.city is None or given.channel == "phone":
            return self.answer(
                "hotline", self.facts(context, hotline=hotline, service_hours=ruled("service_hours", day))
            )
        found = await service.branches_at(context.db, given.city)
        if not found:
            return self.answer("not_found", self.facts(context, place_asked=Said(given.city), hotline=hotline))
        rows = tuple(
            self.facts(
                context,
                branch_name=Words(office.name, office.name_en),
                address=Words(office.address, office.address_en),
                hours_from=office.opens,
                hours_to=office.closes,
                phone=office.phone,
            )
            for office in found
        )
        return self.answer("found", self.facts(context, branch_count=Count(len(rows), "branch")), rows=rows)


class ComplaintInput(ActionInput):
    detail: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]


class Complaint(BankAction[ComplaintInput]):
    """Registers a complaint in the customer's own words, once a key."""

    name = "complaint"
    outcomes = frozenset({"registered"})
    source = "service"
    access = "public"
    effectful = True
    Input = ComplaintInput

    async def run(self, given: ComplaintInput, context: Context) -> Result:
        async def register() -> Result:
            reference = reference_for(context)
            service.register_complaint(
                context.db, reference=reference, owner=context.owner, detail=given.detail, now=context.now
            )
            return self.answer(
                "registered",
                self.facts(
                    context,
                    reference=reference,
                    answer_within=ruled("complaint_answer_within", context.today),
                    regulator_line=ruled("regulator_line", context.today),
                ),
                completed=True,
            )

        return await once(self.name, context, register, refusal=lambda refused: self.refusal(refused, context))
