"""Gate 1 on places: two facts of a kind that change places, told by the words which the templates put around each of them.

The lists of ``placeholders.yml`` know the labels that are easily confused; this knows those of every template. Two facts
of one kind have changed places where the words around them are far likelier for the other one: the log-likelihood ratio
of a multinomial over the words beside each fact, as in a naive Bayes classifier (Manning, Raghavan, Schütze: Introduction
to Information Retrieval, ch. 13). It is counted in the templates, and in what people wrote for the draft's own capability.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from backends.result import Result
from responses.draft import Draft
from responses.gates.bare import MARK, Bare, as_draft, bare
from responses.gates.labels import own_labels
from responses.gates.placeholders import families
from responses.gates.refusal import Refusal
from responses.gates.wording import fact_of
from responses.library import library
from responses.reply import Language
from responses.writer.pairs import pairs

_SENTENCE_END = re.compile(r"[。！？!?\n]|\.(?=\s|$)")
_CLAUSE_END = re.compile(rf"[。！？；，、：!?;,:\n()（）{MARK}]|\.(?=\s|$)")
_WORD = re.compile(r"[a-z']+")
_CJK = re.compile(r"[\u3400-\u9fff]+")
_NUMBERED = re.compile(r"_\d+$")
_REACH = 14
_OWN_WEIGHT = 4
"""How often a word of the same capability counts."""
_SMOOTHING = 0.3
IN_ORDER, OUT_OF_ORDER = 10.0, -0.01
"""How much likelier (in nats) the exchanged reading must be: much, where the two stand in the order of the template; where
they do not, it is enough that the reading as it stands is no likelier."""
_TOLD_BY_ITSELF = frozenset(["name", "text", "enum", "passage", "currency"])
"""Kinds whose value shows what it is, wherever it stands."""


@dataclass(frozen=True, slots=True)
class _Model:
    """How often each feature stands beside each fact, and how many features each fact has."""

    counts: Mapping[str, Mapping[str, float]]
    totals: Mapping[str, float]
    vocabulary: int

    def score(self, name: str, features: list[str]) -> float:
        beside, total = self.counts.get(name, {}), self.totals.get(name, 0.0)
        return sum(
            math.log((beside.get(feature, 0.0) + _SMOOTHING) / (total + _SMOOTHING * self.vocabulary))
            for feature in features
        )


def check_contexts(draft: Bare, source: Draft, results: Sequence[Result], language: Language) -> list[Refusal]:
    """Every pair of facts of one kind in *draft* that stands in each other's words."""
    places = [
        (place, *_numbered(token), fact.kind)
        for place, token in draft.tokens.items()
        if (fact := fact_of(token, source)) is not None and fact.kind not in _TOLD_BY_ITSELF
    ]
    if len({name for _, name, _, _ in places}) < 2:
        return []
    model = _model(tuple(sorted({result.capability for result in results})), language)
    return list(_exchanged(draft, _order(source), places, model))


def _numbered(token: str) -> tuple[str, str]:
    """The fact's name, and the number of its row or result."""
    found = _NUMBERED.search(token)
    return (token[: found.start()], found[0]) if found else (token, "")


def _order(source: Draft) -> dict[str, int]:
    order: dict[str, int] = {}
    for token in bare(source.text).tokens.values():
        order.setdefault(_NUMBERED.sub("", token), len(order))
    return order


def _exchanged(
    draft: Bare, order: Mapping[str, int], places: Sequence[tuple[int, str, str, str]], model: _Model
) -> Iterator[Refusal]:
    beside = {place: list(_features(draft, place)) for place, *_ in places}
    labelled = own_labels(draft, families())
    for (one, name, row, kind), (other, other_name, other_row, other_kind) in itertools.combinations(places, 2):
        if (kind, row) != (other_kind, other_row) or name == other_name:
            continue
        if other_name in labelled.get(one, ()) and name in labelled.get(other, ()):
            continue
        as_is = model.score(name, beside[one]) + model.score(other_name, beside[other])
        exchanged = model.score(other_name, beside[one]) + model.score(name, beside[other])
        in_order = order.get(name, -1) < order.get(other_name, -1)
        if exchanged - as_is > (IN_ORDER if in_order else OUT_OF_ORDER):
            yield draft.refusal("exchanged", one, one + 1)


def _features(text: Bare, place: int) -> Iterator[str]:
    """The words before a fact within its sentence, nearest clause apart, and those behind it within its clause."""
    words = text.text
    start = max((match.end() for match in _SENTENCE_END.finditer(words, 0, place)), default=0)
    before = words[max(start, place - 3 * _REACH) : place]
    pieces = _CLAUSE_END.split(before)
    near = pieces[-1][-2 * _REACH :]
    if not near.strip() and len(pieces) > 1:
        near = pieces[-2][-_REACH:]
    yield from (f"<{feature}" for feature in _grams(near))
    finish = _CLAUSE_END.search(words, place + 1)
    after = words[place + 1 : finish.start() if finish else len(words)][:_REACH]
    yield from (f">{feature}" for feature in _grams(after))


def _grams(text: str) -> Iterator[str]:
    for run in _CJK.findall(text):
        for size in (1, 2, 3):
            yield from (run[start : start + size] for start in range(len(run) - size + 1))
    words = _WORD.findall(text)
    yield from words
    yield from (f"{one} {other}" for one, other in itertools.pairwise(words))


@cache
def _model(capabilities: tuple[str, ...], language: Language) -> _Model:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for capability, features in _of_templates(language).items():
        weight = _OWN_WEIGHT if capability in capabilities else 1
        for name, found in features.items():
            for feature, times in found.items():
                counts[name][feature] += weight * times
    for capability in capabilities:
        for text in written(capability, language):
            _count(text, counts, _OWN_WEIGHT)
    return _Model(
        counts=counts,
        totals={name: sum(found.values()) for name, found in counts.items()},
        vocabulary=len({feature for found in counts.values() for feature in found}),
    )


@cache
def _of_templates(language: Language) -> dict[str, dict[str, Counter[str]]]:
    """Capability → fact → the features beside it in every template."""
    found: dict[str, dict[str, Counter[str]]] = {}
    for capability, file in library().items():
        of: dict[str, Counter[str]] = defaultdict(Counter)
        for said in file.outcomes.values():
            templates = [template for spoken, template in said.templates() if spoken == language]
            templates += [said.row[language]] if said.row is not None else []
            for template in templates:
                _count(template, of, 1)
        found[capability] = dict(of)
    return found


def written(capability: str, language: Language) -> list[str]:
    """Every other of the replies that people wrote, if for *capability*, each fact in braces; the rest only measure."""
    return [pair.reply for pair in pairs()[::2] if pair.capability == capability and pair.lang == language]


def _count(text: str, into: dict[str, Counter[str]], weight: int) -> None:
    """Adds what stands beside each ``{fact}`` of *text*."""
    marked = bare(as_draft(text))
    for place, token in marked.tokens.items():
        for feature in _features(marked, place):
            into[token][feature] += weight
