"""From results to a draft whose facts are ``⟦placeholders⟧``, and from a draft to text with the facts filled in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from backends.result import Fact, Result
from responses.audience import Audience
from responses.library import ROWS, Wording, parse
from responses.persona import persona
from responses.phrases import choose, keys_of
from responses.reply import Evidence, Language
from responses.sentences import split

PLACEHOLDER = re.compile(r"⟦([^⟦⟧]*)⟧")


@dataclass(frozen=True, slots=True)
class Span:
    """Where a filled text states a fact: ``text[start:end]``, in code points."""

    start: int
    end: int
    fact: Fact

    def shifted(self, by: int) -> Span:
        """The same span in a text that has *by* more code points before it."""
        return Span(self.start + by, self.end + by, self.fact)

    def evidence(self) -> Evidence:
        """The span as a reply carries it."""
        fact = self.fact
        return Evidence(
            start=self.start, end=self.end, name=fact.name, value=fact.value, unit=fact.unit, source=fact.source,
            as_of=fact.as_of,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filled:
    """Text with the facts in it, and where each of them stands."""

    text: str
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """Text with ``⟦names⟧``; ``fillers`` say what each of them stands for (a fact, or a block of lines).

    ``phrases`` are those of the templates it was made from (``responses.phrases``).
    """

    text: str
    fillers: Mapping[str, Filled]
    phrases: tuple[str, ...] = ()


class MissingFact(LookupError):
    """A template names a fact that the result does not have."""


@dataclass
class Drafter:
    """Turns templates into drafts that may later stand in one text: no two of their placeholders are alike."""

    language: Language
    fillers: dict[str, Filled] = field(default_factory=dict)

    def draft(self, template: str, facts: Mapping[str, Fact], rows: Filled | None = None) -> Draft:
        """The draft of one template; optional parts whose facts are missing are left out, ``MissingFact`` for others."""
        used: dict[str, Filled] = {}
        text = ""
        sayable = {*facts, *([ROWS] if rows else [])}
        for part in parse(template):
            if part.optional and not sayable.issuperset(part.names):
                continue
            for piece, is_fact in part.pieces:
                if not is_fact:
                    text += piece
                    continue
                token, filler = self._place(piece, rows if piece == ROWS else self._fact(piece, facts))
                used[token] = filler
                text += f"⟦{token}⟧"
        return Draft(text, used, keys_of(template))

    def line(self, template: str, facts: Mapping[str, Fact]) -> Filled:
        """One template filled at once."""
        return fill(Drafter(self.language).draft(template, facts))

    def _fact(self, name: str, facts: Mapping[str, Fact]) -> Filled:
        if name not in facts:
            raise MissingFact(name)
        fact = facts[name]
        text = fact.spoken(self.language)
        if fact.kind == "passage":
            # Its words are the bank's and its figures are facts: each of them is evidence of its own.
            return self.line(text, {other: each for other, each in facts.items() if each.kind != "passage"})
        return Filled(text, (Span(0, len(text), fact),))

    def _place(self, name: str, filler: Filled | None) -> tuple[str, Filled]:
        """A token for *filler*: the name itself, or ``name_2`` … where an unlike one has taken it."""
        if filler is None:
            raise MissingFact(name)
        number, token = 1, name
        while self.fillers.setdefault(token, filler) != filler:
            number += 1
            token = f"{name}_{number}"
        return token, filler


def fill(draft: Draft, text: str | None = None) -> Filled:
    """*text* (or the draft's own) with every placeholder replaced; ``KeyError`` for one the draft does not have."""
    source = draft.text if text is None else text
    out, spans, last = "", [], 0
    for match in PLACEHOLDER.finditer(source):
        out += source[last : match.start()]
        filler = draft.fillers[match[1]]
        spans += [span.shifted(len(out)) for span in filler.spans]
        out += filler.text
        last = match.end()
    return Filled(out + source[last:], tuple(spans))


def joined(texts: Iterable[Filled], separator: str) -> Filled:
    """Several filled texts as one."""
    out, spans = "", []
    for number, each in enumerate(texts):
        out += separator if number else ""
        spans += [span.shifted(len(out)) for span in each.spans]
        out += each.text
    return Filled(out, tuple(spans))


def draft_result(
    drafter: Drafter, wording: Wording, result: Result, rules: Mapping[str, Fact], audience: Audience
) -> Draft:
    """The draft of *result*: of the variants whose facts are there one that the conversation has not heard and the tone
    suits, else as the audience's variation chooses.

    ``MissingFact`` where no variant can be said.
    """
    facts = {**rules, **{fact.name: fact for fact in result.facts}}
    rows = row_lines(drafter, wording, result)
    variants = wording.variants(audience.language, elder=audience.elder)
    sayable = [template for template in variants if _needs(template) <= {*facts, *([ROWS] if rows else [])}]
    if not sayable:
        raise MissingFact(f"{result.capability}.{result.outcome} lacks {sorted(_needs(variants[0]) - set(facts))}")
    return drafter.draft(choose(sayable, audience, keys_of, lambda template: _unfit(template, audience)), facts, rows)


def _unfit(template: str, audience: Audience) -> float:
    """How little *template* suits the tone: a long one a brief one, long sentences an elder's, familiar words a formal one."""
    match audience.tone:
        case "brief":
            return len(template)
        case "elder":
            return max(map(len, split(template)), default=0)
        case "formal":
            return float(persona().is_informal(template, audience.language))
        case _:
            return 0


def row_lines(drafter: Drafter, wording: Wording, result: Result) -> Filled | None:
    """The lines of a result's rows, or ``None`` where it has none or the wording has no line for them."""
    if wording.row is None or not result.rows:
        return None
    template = wording.row[drafter.language]
    return joined([drafter.line(template, {fact.name: fact for fact in row}) for row in result.rows], "\n")


def _needs(template: str) -> set[str]:
    return {name for part in parse(template) if not part.optional for name in part.names}


def required(draft: Draft | str) -> list[str]:
    """The placeholders of a draft in order, as often as they occur."""
    return PLACEHOLDER.findall(draft if isinstance(draft, str) else draft.text)


def merged(drafts: Sequence[Draft], separator: str = "\n\n") -> Draft:
    """Several drafts of one ``Drafter`` as one."""
    fillers: dict[str, Filled] = {}
    for each in drafts:
        fillers |= each.fillers
    phrases = tuple(phrase for each in drafts for phrase in each.phrases)
    return Draft(separator.join(each.text for each in drafts), fillers, phrases)
