"""Results and drafts that the tests of this room share."""

from __future__ import annotations

from collections.abc import Collection

from backends.result import Choice, Fact, Result
from backends.values import Value
from responses.audience import Audience
from responses.check import SAMPLE_TIME, sample
from responses.draft import Draft, Drafter, Filled, Span, joined
from responses.library import SHARED, library, names_in
from responses.reply import Language
from responses.verify import verify

CURRENT = ("overdue_days", "period")
"""Facts that a statement not yet due does not have."""

END = "还有什么需要，随时告诉我。"
BILL = (
    "您尾号⟦card_tail⟧的⟦card_name⟧，⟦statement_month⟧账单金额⟦statement_balance⟧，已还⟦paid⟧，还需还⟦remaining_due⟧。"
    "最低还款额⟦minimum_due⟧，到期还款日是⟦due_date⟧，还有⟦days_left⟧。" + END
)
BILL_EN = (
    "Your ⟦card_name⟧ ending ⟦card_tail⟧: the ⟦statement_month⟧ statement balance is ⟦statement_balance⟧, you have paid"
    " ⟦paid⟧, and ⟦remaining_due⟧ is still due. The minimum payment is ⟦minimum_due⟧, due by ⟦due_date⟧: ⟦days_left⟧ left."
)


LIES = (
    "8,888.88", "三千五百", "three thousand", "保证收益", "guarantee", "已为您办理成功", "It has been done", "points_balance", "⟦", "<",
)  # fmt: skip
"""What the scripted models lie in: no customer may read any of it."""


def result(capability: str, outcome: str, *, without: Collection[str] = (), **changes: Value) -> Result:
    """A believable result with every fact that its template may name, but those *without*; *changes* set values."""
    files = library()
    own = capability in files and outcome in files[capability].outcomes
    file = files[capability if own else SHARED]
    said = file.outcomes[outcome]
    kinds = {name: kind for name, kind in file.facts.items() if name not in without}
    facts = {
        name: Fact.of(name, changes[name], source="test", as_of=SAMPLE_TIME, kind=kind.kind)
        if name in changes
        else sample(name, kind)
        for name, kind in kinds.items()
    }
    row = tuple(facts[name] for name in sorted(names_in(said.row.zh) & facts.keys())) if said.row else ()
    choices = (Choice(slot="card_tail", value="8866", facts=tuple(facts.values())),) if said.choice else ()
    return Result(
        capability=capability, outcome=outcome, facts=tuple(facts.values()), rows=(row, row) if row else (),
        choices=choices, completed=said.completed, reference="R1" if said.completed else None,
    )  # fmt: skip


def bill(**changes: Value) -> Result:
    """A statement with something left to pay, not yet due."""
    return result("card_bill", "found", without=CURRENT, **changes)


def source(of: Result, language: Language = "zh", variant: int = 0) -> Draft:
    """The draft that the template of a result makes of it."""
    files = library()
    own = of.capability in files and of.outcome in files[of.capability].outcomes
    said = files[of.capability if own else SHARED].outcomes[of.outcome]
    drafter = Drafter(language)
    rows = None
    if said.row:
        line = said.row[language]
        rows = joined([drafter.line(line, {fact.name: fact for fact in row}) for row in of.rows], "\n")
    template = said.variants(language, elder=False)[variant]
    return drafter.draft(template, {fact.name: fact for fact in of.facts}, rows)


def refused(text: str, of: Result, language: Language = "zh", template: str | None = None) -> set[str]:
    """The rules that *text* breaks as a rewriting of *of*, whose draft is *template* where one is given."""
    draft = source(of, language) if template is None else Draft(template, fact_fillers(of, language))
    return {refusal.rule for refusal in verify(text, draft, [of], language)}


def fact_fillers(of: Result, language: Language = "zh") -> dict[str, Filled]:
    """What each fact of a result fills its placeholder with."""
    spoken = {fact.name: (fact, fact.spoken(language)) for fact in of.facts}
    return {name: Filled(text, (Span(0, len(text), fact),)) for name, (fact, text) in spoken.items()}


def refused_bill(said: str, instead_of: str = END) -> set[str]:
    """The rules broken when the last sentence of an honest bill says *said*."""
    return refused(BILL.replace(instead_of, said), bill(), template=BILL)


def audience(language: Language = "zh", variation: int = 0, **changes: object) -> Audience:
    """A greeted customer of no particular kind."""
    return Audience(language=language, now=SAMPLE_TIME, variation=variation).model_copy(update=changes)
