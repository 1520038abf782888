"""The bank's written answers at the desk: searched over all subjects, with every rule in them as it stands today."""

from __future__ import annotations

import datetime as dt

from backends.knowledge.actions import stated
from backends.knowledge.answers import Language, answers, pieces
from backends.knowledge.service import Library
from backends.values import BEIJING
from bot.message import Frozen

FOUND = 6
NEAR = 0.08
"""The score under which an answer has hardly a word in common with what was asked."""


class Found(Frozen):
    """An answer that may fit, whole and ready to be sent."""

    id: str
    question: str
    text: str
    source: str
    reviewed_on: dt.date
    score: float


class Knowledge:
    """Searching *library*, every subject of it."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._subjects = sorted({answer.intent for answer in answers()})

    async def search(self, question: str, language: Language, now: dt.datetime) -> list[Found]:
        """The likeliest answers to *question*, the best first."""
        day = now.astimezone(BEIJING).date()
        candidates = [
            candidate
            for subject in self._subjects
            for candidate in await self._library.search(subject, question, language, day)
            if candidate.score >= NEAR
        ]
        found = []
        for candidate in sorted(candidates, key=lambda each: -each.score)[:FOUND]:
            answer = candidate.answer
            try:
                rules = {fact.name: fact.spoken(language) for fact in stated(answer, now, day)}
            except LookupError:
                # A rule in it does not stand today: nobody should send that.
                continue
            found.append(
                Found(
                    id=answer.id,
                    question=answer.questions[language][candidate.wording],
                    text="".join(
                        words + (rules[rule] if rule else "") for words, rule in pieces(answer.answer[language])
                    ),
                    source=answer.source[language],
                    reviewed_on=answer.reviewed_on,
                    score=candidate.score,
                )
            )
        return found
