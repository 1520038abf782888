"""How far a customer's card applications have come, and why one was refused."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backends.action import ActionInput, BankAction, Context, Refused
from backends.card.service_tables import CardApplication
from backends.facts import Vouched, Words
from backends.inputs import OptionalDate, OptionalText, folded
from backends.result import Result
from backends.rules import count_rule, ruled
from backends.values import Count

RECENT = dt.timedelta(days=180)
"""How long an application is told of after it was handed in."""
OUTCOME_OF = {
    "received": "in_review",
    "reviewing": "in_review",
    "papers": "papers",
    "making": "approved",
    "mailed": "approved",
    "refused": "refused",
}
"""What a stage is answered as."""
FOR_GOOD = frozenset({"refusal_age"})
"""Reasons that waiting does not change."""


async def applications(db: AsyncSession, customer_id: str, today: dt.date) -> list[CardApplication]:
    """The customer's recent applications, the newest first."""
    query = select(CardApplication).where(
        CardApplication.customer_id == customer_id, CardApplication.submitted_on >= today - RECENT
    )
    return list(await db.scalars(query.order_by(CardApplication.submitted_on.desc(), CardApplication.reference)))


def narrowed(
    found: list[CardApplication], *, kind: str | None, product: str | None, date: dt.date | None
) -> list[CardApplication]:
    """Those of *found* that the hints fit; a hint that fits none is disregarded, for people misremember them."""
    hints = (
        (kind, lambda each: each.kind == kind),
        (product, lambda each: folded(product or "") in folded(each.name) + "\n" + folded(each.name_en)),
        (date, lambda each: each.submitted_on == date),
    )
    for hint, fits in hints:
        if hint is not None:
            found = [each for each in found if fits(each)] or found
    return found


class CardApplicationStatusInput(ActionInput):
    card_kind: OptionalText = None
    card_product: OptionalText = None
    date: OptionalDate = None


class CardApplicationStatus(BankAction[CardApplicationStatusInput]):
    """Where an application stands and until when to expect the next step, in the bank's own words for a refusal."""

    name = "card_application_status"
    outcomes = frozenset({"in_review", "papers", "approved", "refused", "found_many", "none"})
    source = "card"
    Input = CardApplicationStatusInput

    async def run(self, given: CardApplicationStatusInput, context: Context) -> Result:
        found = await applications(context.db, context.customer_id, context.today)
        if not found:
            raise Refused("none", review_days=ruled("card_review_days", context.today))
        found = narrowed(found, kind=given.card_kind, product=given.card_product, date=given.date)
        if len(found) == 1:
            return self.answer(
                OUTCOME_OF[found[0].stage], self.facts(context, **_stated(found[0]), **_papers(found[0], context))
            )
        rows = tuple(self.facts(context, **_stated(each)) for each in found)
        count = Count(len(rows), "application")
        return self.answer("found_many", self.facts(context, application_count=count), rows=rows)


def _stated(each: CardApplication) -> dict[str, Vouched]:
    return {
        "card_name": Words(each.name, each.name_en),
        "stage": f"stage_{each.stage}",
        "submitted_on": each.submitted_on,
        "expected_by": each.expected_by,
        "decided_on": each.decided_on,
        "reference": each.reference,
    }


def _papers(each: CardApplication, context: Context) -> dict[str, Vouched]:
    """What is missing, or why it was refused and from when it may be tried again."""
    if each.refusal is None:
        return {"missing_papers": None if each.missing is None else Words(each.missing, each.missing_en)}
    assert each.decided_on is not None
    wait = dt.timedelta(days=count_rule("card_reapply_days", context.today).number)
    return {
        "refusal": each.refusal,
        "reapply_from": None if each.refusal in FOR_GOOD else each.decided_on + wait,
    }
