"""A plan without a bank: the sources that its replies are rewritings of, made of the templates and of sample values.

A written pair has no template behind it. Its source is each wording of its outcome in turn, as if the bank had answered
exactly the facts that the plan gives: optional parts are there when all of their facts are, a fact left out of the plan is
dropped from the words, and one that the wording does not name stands behind it. A reply passes where it passes as a
rewriting of any of them, as honest drafts of people do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from backends.result import Fact, Result
from backends.values import Money, Value
from responses.check import SAMPLE_TIME, sample
from responses.draft import Draft, Drafter, Filled, Span, joined, required
from responses.gates.refusal import Refusal
from responses.library import ROWS, SHARED, FactType, Wording, library, names_in, parse, wording
from responses.reply import Language
from responses.verify import verify
from responses.writer.decode import Watch
from responses.writer.plan import Plan, base_name

_PERSON = FactType.model_validate("name 王女士")
_ROWS_SHOWN = 2
_OF_THE_END = frozenset({"cut", "empty"})
_NO_PLACE = frozenset({"placeholder_missing", "figure_ungrounded", "figure_changed", "figure_missing"})
"""Refusals without a word that is wrong: a placeholder that may come yet, and figures of the filled text."""
TRUE_OF_THE_OUTCOME: dict[tuple[str, str, str], Value] = {
    ("card_bill", "settled", "remaining_due"): Money(0),
    ("fx_buy", "insufficient_funds", "balance"): Money.of("88.20"),
    ("fx_buy", "over_quota", "purchase_left"): Money.of("350", "USD"),
}
"""Values that an outcome implies, where a sample would contradict it."""


def staged(plan: Plan) -> tuple[tuple[Draft, ...], Result]:
    """The sources for a reply to *plan*, one of each wording, and the result behind them; the customer's words change none."""
    return _staged(replace(plan, customer="", mood="calm", channel="web"))


@lru_cache(maxsize=512)
def _staged(plan: Plan) -> tuple[tuple[Draft, ...], Result]:
    said = wording(plan.capability, plan.outcome)
    facts = {name: _fact(plan, name) for name in map(base_name, plan.given) if name != ROWS}
    row = _row(plan, said)
    result = Result(
        capability=plan.capability, outcome=plan.outcome, facts=tuple(facts.values()), completed=said.completed,
        rows=(row,) * _ROWS_SHOWN if row else (), reference="R1" if said.completed else None,
    )  # fmt: skip
    fillers = {token: _filler(facts[base_name(token)], plan.lang) for token in plan.given if token != ROWS}
    if ROWS in plan.given and said.row is not None:
        drafter = Drafter(plan.lang)
        lines = [drafter.line(said.row[plan.lang], {fact.name: fact for fact in row})] * _ROWS_SHOWN
        fillers[ROWS] = joined(lines, "\n")
    variants = said.variants(plan.lang, elder=plan.tone == "elder")
    return tuple(Draft(_stating(each, plan.given), fillers) for each in variants), result


def refusals(reply: str, plan: Plan, sources: Sequence[Draft] = ()) -> tuple[Refusal, ...]:
    """Why the gates refuse *reply* (with ``{names}``) to *plan*; empty where it passes. Of the wordings of its outcome, or of
    *sources* where they are given, the nearest counts."""
    drafts, result = staged(plan)
    text = reply.replace("{", "⟦").replace("}", "⟧")
    found: tuple[Refusal, ...] = ()
    for number, source in enumerate(sources or drafts):
        refused = verify(text, source, [result], plan.lang)
        if not refused:
            return ()
        if number == 0 or len(refused) < len(found):
            found = refused
    return found


def watching(plan: Plan, source: str) -> Watch:
    """A watch over a reply to *plan* that is to be a rewriting of *source*: what the gates refuse of it, with sample values
    in place of those that no writer is shown. What only a whole text can lack is looked for in whole texts."""
    drafts, result = staged(plan)
    draft = Draft(source, {**_others(source, plan), **drafts[0].fillers})

    def first_refused(text: str, whole: bool) -> int | None:
        refused = [
            refusal.start
            for refusal in verify(text, draft, [result], plan.lang)
            if refusal.rule not in _NO_PLACE and (whole or refusal.rule not in _OF_THE_END)
            and (whole or refusal.rule != "polarity" or refusal.end < len(text))
        ]  # fmt: skip
        return min(refused, default=None)

    return first_refused


def _others(source: str, plan: Plan) -> dict[str, Filled]:
    """Fillers for the placeholders of *source* that another plan states."""
    names = dict.fromkeys(required(source))
    return {name: _filler(_fact(plan, base_name(name)), plan.lang) for name in names}


def _stating(template: str, given: Sequence[str]) -> str:
    """The words of *template* with the placeholders that are *given*, each once."""
    left = list(given)
    text = ""
    for part in parse(template):
        if part.optional and not set(part.names) <= set(left):
            continue
        for piece, is_fact in part.pieces:
            if not is_fact:
                text += piece
            elif piece in left:
                text += f"⟦{piece}⟧"
                left.remove(piece)
    return text + "".join(f"\n⟦{name}⟧" for name in left)


def _fact(plan: Plan, name: str) -> Fact:
    value = TRUE_OF_THE_OUTCOME.get((plan.capability, plan.outcome, name))
    kind = next(_kinds(plan.capability, name), _PERSON)
    if value is None:
        return sample(name, kind)
    return Fact.of(name, value, source="sample", as_of=SAMPLE_TIME, kind=kind.kind)


def _kinds(capability: str, name: str) -> Iterator[FactType]:
    files = library()
    own = [files[capability]] if capability in files else []
    for file in (*own, files[SHARED], *files.values()):
        if name in file.facts:
            yield file.facts[name]


def _row(plan: Plan, said: Wording) -> tuple[Fact, ...]:
    if said.row is None:
        return ()
    return tuple(_fact(plan, name) for name in sorted(names_in(said.row[plan.lang])))


def _filler(fact: Fact, language: Language) -> Filled:
    text = fact.spoken(language)
    return Filled(text, (Span(0, len(text), fact),))
