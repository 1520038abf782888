"""``teller check`` for this room: every outcome has a template, and every template passes the gates that models pass."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal

from backends import values
from backends.result import Fact, Result
from responses.disclosures import disclosures
from responses.draft import Drafter, fill, joined
from responses.gates.bare import bare
from responses.gates.compliance import check_compliance
from responses.library import ROWS, SHARED, FactType, Wording, library, names_in, parse
from responses.persona import persona
from responses.reply import Language
from responses.verify import verify

LANGUAGES: tuple[Language, ...] = ("zh", "en")
_HOTLINE = Fact.of(
    "hotline", "400-820-9966", source="rule", as_of=dt.datetime(2026, 1, 1, tzinfo=dt.UTC), kind="digits"
)
SAMPLE_TIME = dt.datetime(2026, 11, 21, 7, 4, tzinfo=dt.UTC)


def check_templates(known: Mapping[str, Collection[str]]) -> list[str]:
    """What is wrong with the templates, a sentence each; empty where nothing is.

    *known* names the outcomes each capability can answer with.
    """
    return [*_missing(known), *_refused(), *_persona(), *_disclosures()]


def _missing(known: Mapping[str, Collection[str]]) -> Iterator[str]:
    files = library()
    for capability, outcomes in known.items():
        own = files[capability].outcomes if capability in files else {}
        for outcome in sorted(outcomes):
            if outcome not in own and outcome not in files[SHARED].outcomes:
                yield f"{capability}.{outcome}: no template"


def _refused() -> Iterator[str]:
    for capability, file in library().items():
        facts = {name: sample(name, kind) for name, kind in file.facts.items()}
        for outcome, wording in file.outcomes.items():
            yield from check_wording(capability, outcome, wording, facts)


def check_wording(capability: str, outcome: str, wording: Wording, facts: Mapping[str, Fact]) -> Iterator[str]:
    """Which gate each variant of *wording* fails when it says *facts*, with all optional parts and with none."""
    row = {name: facts[name] for name in (names_in(wording.row.zh) if wording.row else ())}
    result = Result(
        capability=capability, outcome=outcome, facts=tuple(facts.values()), completed=wording.completed,
        rows=(tuple(row.values()), tuple(row.values())) if row else (),
    )  # fmt: skip
    for language, template in wording.templates():
        parts = parse(template)
        needed = {name for part in parts if not part.optional for name in part.names}
        without = [{name: fact for name, fact in facts.items() if name in needed}]
        for said in (facts, *(without if any(part.optional for part in parts) else ())):
            yield from _fails(f"{capability}.{outcome}", template, said, row, wording, result, language)
    if wording.row is not None:
        for language in LANGUAGES:
            yield from _fails(f"{capability}.{outcome}.row", wording.row[language], row, {}, wording, result, language)


def _fails(
    where: str,
    template: str,
    facts: Mapping[str, Fact],
    row: Mapping[str, Fact],
    wording: Wording,
    result: Result,
    language: Language,
) -> Iterator[str]:
    drafter = Drafter(language)
    line = drafter.line(wording.row[language], row) if wording.row and ROWS in names_in(template) else None
    draft = drafter.draft(template, facts, joined([line, line], "\n") if line else None)
    for refusal in verify(draft.text, draft, [result], language):
        yield f"{where} ({language}): {refusal.rule} at {refusal.span!r} in {fill(draft).text!r}"


def _persona() -> Iterator[str]:
    """What the persona says around replies passes the gates, and no template has a habit that it must not have."""
    spoken = persona()
    facts = {"honorific": sample("honorific", FactType(kind="name", detail="陈女士")), "hotline": _HOTLINE}
    nothing = Result(capability="greet", outcome="plain")
    for language, phrase in spoken.phrases():
        draft = Drafter(language).draft(phrase, facts)
        # A phrase may lead over to what comes: it is judged as the beginning of a reply.
        for refusal in verify(draft.text.rstrip("，：: "), draft, [nothing], language):
            yield f"persona ({language}): {refusal.rule} at {refusal.span!r} in {phrase!r}"
        for habit in spoken.habits(phrase, language):
            yield f"persona ({language}): never says {habit!r}, and does in {phrase!r}"
    for capability, file in library().items():
        for outcome, wording in file.outcomes.items():
            for language, template in wording.templates():
                for habit in spoken.habits(template, language):
                    yield f"{capability}.{outcome} ({language}): the persona never says {habit!r}, and does in {template!r}"


def _disclosures() -> Iterator[str]:
    for name, text in disclosures().items():
        for language in LANGUAGES:
            for refusal in check_compliance(bare(text.text(language)), (), language):
                yield f"disclosure {name} ({language}): {refusal.rule} at {refusal.span!r}"


def sample(name: str, kind: FactType) -> Fact:
    """A believable fact of that kind."""
    return Fact.of(name, _sample_value(kind), source="sample", as_of=SAMPLE_TIME, kind=kind.kind)


def _sample_value(kind: FactType) -> values.Value:
    detail = kind.detail
    match kind.kind:
        case "money":
            return values.Money.of("1234.56", detail or "CNY")
        case "rate":
            return values.Rate(Decimal("712.34"), "USD")
        case "percent":
            return values.Percent(Decimal("2.85"))
        case "points":
            return values.PercentPoints(Decimal("0.25"))
        case "count":
            return values.Count(2026 if detail == "year" else 3, detail or "item")
        case "term":
            return values.Term(12, "month")
        case "period":
            return values.Period(dt.date(2026, 10, 1), dt.date(2026, 10, 31))
        case "date":
            return dt.date(2026, 12, 3)
        case "datetime":
            return SAMPLE_TIME
        case "time":
            return dt.time(9, 0)
        case "currency":
            return "USD"
        case "enum":
            return (detail or "other").split("|")[0]
        case "digits":
            return "8866"
        case "text" | "name" | "passage":
            return detail or "样例名"
