"""How well the knowledge base hears what it was not told: every wording held out once, and every answer.

A wording is asked of a base that knows all but this wording: its answer should be found. The same wording is asked of a
base that lacks its whole answer: then nothing should be. A threshold trades the one against the other.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass

from backends.knowledge.answers import LANGUAGES, Answer, Language
from backends.knowledge.service import Candidate, Library, is_clear
from backends.knowledge.vectors import Embedder


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What came of one wording: the two best scores, whether the best was the right answer's and whether the right one was
    among the three best, and the two best scores where the right answer is not there."""

    language: Language
    scores: tuple[float, float]
    right: bool
    among_three: bool
    strangers: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Point:
    """One threshold, as shares of all wordings: answered rightly, answered wrongly, and, where there is no answer to
    give, answered all the same."""

    threshold: float
    right: float
    wrong: float
    invented: float


async def held_out(known: Sequence[Answer], embedder: Embedder | None = None) -> list[HeldOut]:
    """Every wording of *known* held out, in both languages."""
    found = []
    for intent in dict.fromkeys(answer.intent for answer in known):
        mine = [answer for answer in known if answer.intent == intent]
        found += [each async for each in _of_intent(mine, embedder)]
    return found


async def _of_intent(mine: Sequence[Answer], embedder: Embedder | None) -> AsyncIterator[HeldOut]:
    for answer in mine:
        others = [other for other in mine if other is not answer]
        without = Library(others, embedder)
        for language in LANGUAGES:
            for at, question in enumerate(answer.questions[language]):
                rest = Library([*others, _lacking(answer, language, at)], embedder)
                day = answer.effective_from
                ranked = await rest.search(answer.intent, question, language, day)
                strangers = await without.search(answer.intent, question, language, day)
                best = [each.answer.id for each in ranked[:3]]
                yield HeldOut(
                    language, _two(ranked), best[:1] == [answer.id], answer.id in best, _two(strangers)
                )  # fmt: skip


def _two(ranked: Sequence[Candidate]) -> tuple[float, float]:
    """The two best scores; 0 where there is none."""
    first, second = (*(each.score for each in ranked[:2]), 0.0, 0.0)[:2]
    return first, second


def _lacking(answer: Answer, language: Language, at: int) -> Answer:
    """*answer* without one of its wordings."""
    kept = tuple(text for number, text in enumerate(answer.questions[language]) if number != at)
    return answer.model_copy(update={"questions": answer.questions.model_copy(update={language: kept})})


def curve(found: Sequence[HeldOut], thresholds: Iterable[float]) -> Iterator[Point]:
    """What each threshold would have made of them."""
    for threshold in thresholds:
        given = [each for each in found if is_clear(*each.scores, threshold)]
        right = sum(each.right for each in given)
        invented = sum(is_clear(*each.strangers, threshold) for each in found)
        yield Point(threshold, right / len(found), (len(given) - right) / len(found), invented / len(found))
