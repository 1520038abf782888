"""Answers from the bank's written knowledge: one action, under the name of each capability that it serves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Annotated

from pydantic import BeforeValidator, StringConstraints

from backends.action import ActionInput, BankAction, Context
from backends.facts import Words
from backends.inputs import OptionalText
from backends.knowledge import service
from backends.knowledge.answers import Act, Answer, Language
from backends.knowledge.bm25 import overlap
from backends.knowledge.service import Candidate, Library
from backends.result import Choice, Fact, Result
from backends.rules import rule

MAX_SUGGESTIONS = 3
"""How many questions are offered where no answer is clear."""
MAX_RIVALS, RIVAL = 2, 2.0
"""How many are offered beside an answer, and how many times its score may be theirs: perhaps one of them was meant."""

BESIDE = 0.6
"""The share of its n-grams that a question has in common with a known one before it is answered beside what a bank's own
system says: that was asked first, and mostly is enough."""

Question = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)]


class KnowledgeInput(ActionInput):
    """*question* in the customer's own words; *about* is the capability it concerns where another system answers on it too:
    then only what was nearly asked in so many words is given."""

    question: Question = ""
    about: OptionalText = None
    act: Act = "ask"
    language: Annotated[Language, BeforeValidator(lambda value: value or "zh")] = "zh"


class Knowledge(BankAction[KnowledgeInput]):
    """The answer that the question asks for, with its source and the day it was last reviewed; else what may have been
    meant (``close``), or ``unknown``.

    Of an answer, ``answer`` holds the words (a passage) and each rule in it is a fact of its own. Choices of slot
    ``intent`` name capabilities offered beside it; those of slot ``question`` are what may have been meant.
    """

    outcomes = frozenset({"answered", "close", "unknown"})
    source = "knowledge"
    access = "public"
    Input = KnowledgeInput

    def __init__(self, name: str, library: Callable[[], Library] = service.library) -> None:
        self.name = name
        self._library = library

    async def run(self, given: KnowledgeInput, context: Context) -> Result:
        library = self._library()
        found = await library.search(given.about or self.name, given.question, given.language, context.today, given.act)
        answer = library.given(found, given.language)
        if given.about is not None and found and overlap(given.question, _asked(found[0], given.language)) < BESIDE:
            return self.answer("unknown")
        if answer is not None:
            others = [each for each in found[1:] if each.score * RIVAL >= found[0].score][:MAX_RIVALS]
            return self._answered(answer, tuple(_meant(each, given.language, context) for each in others), context)
        near = [each for each in found if each.score >= library.calibration.near][:MAX_SUGGESTIONS]
        choices = tuple(_meant(each, given.language, context) for each in near)
        return self.answer("close" if choices else "unknown", choices=choices)

    def _answered(self, answer: Answer, others: tuple[Choice, ...], context: Context) -> Result:
        return self.answer(
            "answered",
            (
                *self.facts(
                    context,
                    answer=Words(answer.answer.zh, answer.answer.en),
                    source_text=Words(answer.source.zh, answer.source.en),
                    reviewed_on=answer.reviewed_on,
                ),
                *stated(answer, context.now, context.today),
            ),
            choices=(*others, *(Choice(slot="intent", value=name, facts=()) for name in answer.links)),
        )


def stated(answer: Answer, now: dt.datetime, day: dt.date) -> tuple[Fact, ...]:
    """The rules that *answer* states, as they stand on *day*; ``LookupError`` where one does not."""
    return tuple(rule(rule_id, day).fact(now) for rule_id in sorted(answer.rule_ids))


def _meant(candidate: Candidate, language: Language, context: Context) -> Choice:
    """The wording of *candidate* as something to ask instead."""
    wording = _asked(candidate, language)
    topic = Fact.of("topic", wording, source="knowledge", as_of=context.now)
    return Choice(slot="question", value=wording, facts=(topic,))


def _asked(candidate: Candidate, language: Language) -> str:
    """The wording that made *candidate* fit."""
    return candidate.answer.questions[language][candidate.wording]
