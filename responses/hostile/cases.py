"""What lies are told into: drafts of every capability over varied facts, of real results, and replies that people wrote."""

from __future__ import annotations

import datetime as dt
import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from backends import values
from backends.result import Fact, Result
from responses.audience import Audience
from responses.check import SAMPLE_TIME, sample
from responses.draft import PLACEHOLDER, Draft, Drafter, Filled, MissingFact, Span, draft_result, joined
from responses.gates.bare import as_draft
from responses.library import ROWS, SHARED, FactType, TemplateError, Wording, library, names_in, parse, wording
from responses.reply import Language
from responses.writer.pairs import pairs

LANGUAGES: tuple[Language, ...] = ("zh", "en")
_NUMBERED = re.compile(r"(.+?)_(\d+)")


@dataclass(frozen=True, slots=True)
class Case:
    """``text`` rewrites ``source``, the draft of ``result``. ``origin`` says where it is from: template, real or written."""

    origin: str
    result: Result
    source: Draft
    text: str
    language: Language


def varied(name: str, kind: FactType, rng: random.Random) -> Fact:
    """A believable fact whose figure is hardly another fact's."""
    fact = sample(name, kind)
    value: values.Value
    match kind.kind:
        case "money":
            value = values.Money.of(f"{rng.randint(101, 98765)}.{rng.randint(10, 99)}", kind.detail or "CNY")
        case "rate":
            value = values.Rate(Decimal(rng.randint(60101, 98799)) / 100, "USD")
        case "percent":
            value = values.Percent(Decimal(rng.randint(101, 899)) / 100)
        case "points":
            value = values.PercentPoints(Decimal(rng.randint(11, 99)) / 100)
        case "count" if kind.detail != "year":
            value = values.Count(rng.randint(2, 97), kind.detail or "item")
        case "term":
            value = values.Term(rng.randint(2, 59), "month")
        case "date":
            value = SAMPLE_TIME.date() + dt.timedelta(days=rng.randint(-300, 300))
        case "datetime":
            value = SAMPLE_TIME + dt.timedelta(minutes=rng.randint(-400_000, 400_000))
        case "time":
            value = dt.time(rng.randint(0, 23), rng.choice((0, 15, 30, 45)))
        case "enum" if kind.detail:
            value = rng.choice(kind.detail.split("|"))
        case "digits" if fact.value == "8866":
            value = f"{rng.randint(1000, 9999)}"
        case _:
            return fact
    return Fact.of(name, value, source="sample", as_of=SAMPLE_TIME, kind=kind.kind)


def from_templates(rng: random.Random) -> Iterator[Case]:
    """Every variant of every outcome of every capability in both languages, with varied facts."""
    for capability, file in library().items():
        for outcome, said in file.outcomes.items():
            for language, template in said.templates():
                facts = {name: varied(name, kind, rng) for name, kind in file.facts.items()}
                if rng.random() < 0.5:
                    needed = {name for part in parse(template) if not part.optional for name in part.names}
                    facts = {name: fact for name, fact in facts.items() if name in needed}
                yield _of_template(capability, outcome, said, template, language, facts, file.facts, rng)


def _of_template(
    capability: str,
    outcome: str,
    said: Wording,
    template: str,
    language: Language,
    facts: Mapping[str, Fact],
    kinds: Mapping[str, FactType],
    rng: random.Random,
) -> Case:
    drafter = Drafter(language)
    rows: list[dict[str, Fact]] = []
    if said.row is not None:
        names = sorted(names_in(said.row[language]))
        rows = [{name: varied(name, kinds[name], rng) for name in names} for _ in range(2)]
    lines = joined([drafter.line(said.row[language], row) for row in rows], "\n") if said.row is not None else None
    result = Result(
        capability=capability, outcome=outcome, facts=tuple(facts.values()),
        rows=tuple(tuple(row.values()) for row in rows), completed=said.completed,
        reference="R1" if said.completed else None,
    )  # fmt: skip
    draft = drafter.draft(template, facts, lines)
    return Case("template", result, draft, draft.text, language)


def from_results(results: Iterable[Result], rng: random.Random) -> Iterator[Case]:
    """The drafts that the templates make of *results*; those that need facts of the turn itself are left out."""
    rules = {name: sample(name, kind) for name, kind in library()[SHARED].facts.items()}
    for result in results:
        for language in LANGUAGES:
            audience = Audience(language=language, now=SAMPLE_TIME, variation=rng.randrange(12))
            try:
                draft = draft_result(
                    Drafter(language), wording(result.capability, result.outcome), result, rules, audience
                )
            except (MissingFact, TemplateError):
                continue
            yield Case("real", result, draft, draft.text, language)


@dataclass(frozen=True, slots=True)
class Honest:
    """A reply that a person wrote for an outcome; ``text`` has a ``⟦token⟧`` for each fact. ``file`` says where it stands."""

    file: str
    capability: str
    outcome: str
    completed: bool
    language: Language
    text: str


def written_pairs() -> list[Honest]:
    """The replies that the writer learns from."""
    found = []
    for pair in pairs():
        try:
            completed = wording(pair.capability, pair.outcome).completed
        except TemplateError:
            continue
        found.append(Honest("pairs", pair.capability, pair.outcome, completed, pair.lang, as_draft(pair.reply)))
    return found


def drafts_of(path: Path) -> list[Honest]:
    """The drafts of a file, a JSON object a line: capability, outcome, completed, language, draft."""
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    return [
        Honest(path.stem, row["capability"], row["outcome"], row["completed"], row["language"], row["draft"])
        for row in rows
    ]


def cases_of(honest: Honest, rng: random.Random) -> Iterator[Case]:
    """The reply as a rewriting of each wording of its outcome: its author saw none of them.

    The source states exactly what the reply does. An optional part is there when all of its facts are; a fact that the reply
    leaves out is dropped, one that the wording does not name stands behind it, a row line is repeated for each number.
    """
    said = wording(honest.capability, honest.outcome)
    tokens = Counter(PLACEHOLDER.findall(honest.text))
    facts = {token: _fact(honest, token, rng) for token in tokens if token != ROWS}
    fillers = {token: _filler(fact, honest.language) for token, fact in facts.items()}
    if ROWS in tokens:
        fillers[ROWS] = _rows(honest, said, rng)
    result = Result(
        capability=honest.capability, outcome=honest.outcome,
        facts=tuple({fact.name: fact for fact in facts.values()}.values()), completed=honest.completed,
        reference="R1" if honest.completed else None,
    )  # fmt: skip
    numbers = sorted({int(found[2]) for token in tokens if (found := _NUMBERED.fullmatch(token))})
    for template in (*said.variants(honest.language, elder=False), *said.variants(honest.language, elder=True)):
        text = _stating(template, tokens)
        if said.row is not None and numbers:
            text += "".join("\n" + _stating(said.row[honest.language], tokens, number) for number in numbers)
        missing = tokens - Counter(PLACEHOLDER.findall(text))
        text += "".join(f"\n⟦{token}⟧" for token in missing.elements())
        yield Case("written", result, Draft(text, fillers), honest.text, honest.language)


_IMPLIED: Mapping[tuple[str, str, str], values.Value] = {
    ("card_bill", "settled", "remaining_due"): values.Money(0),
    ("fx_buy", "insufficient_funds", "balance"): values.Money.of("88.20"),
    ("fx_buy", "over_quota", "purchase_left"): values.Money.of("50", "USD"),
}
"""Values that an outcome implies, where any other would contradict it."""


def _fact(honest: Honest, token: str, rng: random.Random) -> Fact:
    numbered = _NUMBERED.fullmatch(token)
    name = numbered[1] if numbered else token
    kind = _kind(honest.capability, name)
    value = _IMPLIED.get((honest.capability, honest.outcome, name))
    if value is not None:
        return Fact.of(name, value, source="sample", as_of=SAMPLE_TIME, kind=kind.kind)
    return varied(name, kind, rng)


def _kind(capability: str, name: str) -> FactType:
    files = library()
    own = [files[capability]] if capability in files else []
    for file in (*own, files[SHARED], *files.values()):
        if name in file.facts:
            return file.facts[name]
    return FactType.model_validate("count person")


def _filler(fact: Fact, language: Language) -> Filled:
    text = fact.spoken(language)
    return Filled(text, (Span(0, len(text), fact),))


def _rows(honest: Honest, said: Wording, rng: random.Random) -> Filled:
    assert said.row is not None
    line = said.row[honest.language]
    rows = [{name: varied(name, _kind(honest.capability, name), rng) for name in names_in(line)} for _ in range(2)]
    return joined([Drafter(honest.language).line(line, row) for row in rows], "\n")


def _stating(template: str, tokens: Mapping[str, int], row: int | None = None) -> str:
    """The words of *template* with each of *tokens* as often as it says."""
    text = ""
    for part in parse(template):
        named = {name: name if row is None else f"{name}_{row}" for name in part.names}
        if part.optional and not set(named.values()) <= {*tokens, ROWS}:
            continue
        for piece, is_fact in part.pieces:
            if not is_fact:
                text += piece
            elif text.count(f"⟦{named[piece]}⟧") < tokens.get(named[piece], 0):
                text += f"⟦{named[piece]}⟧"
    return text


def by_capability(cases: Iterable[Case]) -> dict[str, list[Case]]:
    """The cases of each capability."""
    found: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        found[case.result.capability].append(case)
    return dict(found)
