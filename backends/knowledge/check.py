"""What is wrong with the written answers, whoever wrote them: for ``teller kb check`` and its test."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from itertools import combinations

from backends.knowledge.answers import LANGUAGES, Answer, Language, pieces
from backends.knowledge.bm25 import overlap
from backends.knowledge.service import Library
from backends.rules import REVIEW_EVERY, rule
from backends.values import find_figures

SAME_QUESTION = 0.85
"""The share of their n-grams from which two wordings ask the same."""


async def problems(
    known: Sequence[Answer], today: dt.date, *, intents: Collection[str], served: Collection[str]
) -> list[str]:
    """A sentence for each thing wrong with *known* on *today*, beginning with the id of the answer.

    *intents* are the capabilities that may be asked about, *served* those that may be offered.
    """
    found = [problem for answer in known for problem in _alone(answer, today, intents, served)]
    found += _contradictions(known)
    found += [problem async for problem in _unreachable(known, today)]
    return found


def _alone(answer: Answer, today: dt.date, intents: Collection[str], served: Collection[str]) -> Iterator[str]:
    if answer.intent not in intents:
        yield f"{answer.id}: there is no capability {answer.intent!r} to ask about"
    if answer.effective_to is not None and answer.effective_to < today:
        yield f"{answer.id}: expired on {answer.effective_to}"
    if answer.effective_from > today:
        yield f"{answer.id}: not in force before {answer.effective_from}"
    if not dt.timedelta(0) <= today - answer.reviewed_on <= REVIEW_EVERY:
        yield f"{answer.id}: last reviewed on {answer.reviewed_on}, which does not hold today"
    for link in answer.links:
        if link not in served:
            yield f"{answer.id}: offers {link!r}, which is not served"
    for rule_id in sorted(answer.rule_ids):
        try:
            rule(rule_id, today)
        except LookupError as error:
            yield f"{answer.id}: {error}"
    for language in LANGUAGES:
        for figure in _figures(answer, language, today):
            yield f"{answer.id} ({language}): {figure!r} is a figure and no rule"


def _figures(answer: Answer, language: Language, today: dt.date) -> Iterator[str]:
    """The figures of *answer*, as it is said on *today*, that do not lie within what a rule says."""
    text, spans = "", []
    for words, rule_id in pieces(answer.answer[language]):
        text += words
        if rule_id is not None:
            start, said = len(text), _spoken(rule_id, language, today)
            text += said
            spans.append((start, len(text)))
    for figure in find_figures(text):
        if not any(start <= figure.start and figure.end <= end for start, end in spans):
            yield figure.text


def _spoken(rule_id: str, language: Language, today: dt.date) -> str:
    """What the rule says on *today*; nothing where it is not in force."""
    try:
        found = rule(rule_id, today)
    except LookupError:
        return ""
    return found.fact(dt.datetime.combine(today, dt.time(), dt.UTC)).spoken(language)


def _contradictions(known: Sequence[Answer]) -> Iterator[str]:
    """Two answers that may be in force at once and are asked for in the same words."""
    for language in LANGUAGES:
        for one, other in combinations(known, 2):
            if one.intent != other.intent or not _overlap(one, other):
                continue
            for mine in one.questions[language]:
                for theirs in other.questions[language]:
                    if overlap(mine, theirs) >= SAME_QUESTION:
                        yield f"{one.id} ({language}): {mine!r} is asked of {other.id} too, as {theirs!r}"


def _overlap(one: Answer, other: Answer) -> bool:
    """Whether there is a day on which both are in force."""
    start = max(one.effective_from, other.effective_from)
    return one.holds_on(start) and other.holds_on(start)


async def _unreachable(known: Sequence[Answer], today: dt.date) -> AsyncIterator[str]:
    """Answers that are in force and that a question of their own does not lead to."""
    library = Library(known)
    for answer in known:
        if not answer.holds_on(today):
            continue
        for language in LANGUAGES:
            lost = [
                question
                for question in answer.questions[language]
                if library.given(await library.search(answer.intent, question, language, today), language) != answer
            ]
            if len(lost) == len(answer.questions[language]):
                yield f"{answer.id} ({language}): none of its questions leads to it"
            else:
                for question in lost:
                    yield f"{answer.id} ({language}): {question!r} does not lead to it"
