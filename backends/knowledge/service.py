"""Which of the bank's answers a question asks for, and whether any is close enough to be given."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from backends.knowledge.answers import Act, Answer, Language, answers, words_of
from backends.knowledge.bm25 import Bm25
from backends.knowledge.vectors import Embedder, ExactVectors, VectorIndex

READ = 300
"""Characters of a question that are read: what it is about is said by then."""
CLOSENESS = 3
"""The power that the likeness to a wording is taken to: one that is nearly the same decides, a vague one hardly counts."""


MEANING = 8
"""The power that a cosine is taken to: those of unlike questions are far above 0 too."""
CERTAIN = 0.95
"""The score from which an answer is given if only no other has the same: one word may be all that many share."""
LEAD = 1.2
"""How many times the score of the next best a less certain answer must have."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Chosen with ``teller kb measure`` (see docs/decisions): ``share`` is how far the vectors are trusted, ``zh`` and ``en`` the
    scores from which an answer is given, ``near`` the one from which it is offered as what may have been meant."""

    share: float
    zh: float
    en: float
    near: float

    def threshold(self, language: Language) -> float:
        """The score from which an answer is given."""
        return self.zh if language == "zh" else self.en


LETTERS = Calibration(share=0.0, zh=0.25, en=0.4, near=0.1)
LETTERS_AND_MEANING = Calibration(share=0.3, zh=0.25, en=0.4, near=0.1)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An answer, how well it fits (0 to 1), and the wording that made it fit."""

    answer: Answer
    score: float
    wording: int


def is_clear(best: float, second: float, threshold: float) -> bool:
    """Whether an answer that scores *best*, before another that scores *second*, may be given."""
    return best >= threshold and best > (second if best >= CERTAIN else LEAD * second)


class Library:
    """The answers, ready to be searched: by letters, and with an *embedder* by meaning too."""

    def __init__(
        self, known: Sequence[Answer], embedder: Embedder | None = None, vectors: VectorIndex | None = None
    ) -> None:
        self._embedder = embedder
        self._vectors = vectors or ExactVectors()
        self._indexed: set[str] = set()
        self._shelves: dict[tuple[str, Language], _Shelf] = {}
        self.calibration = LETTERS if embedder is None else LETTERS_AND_MEANING
        self._known: dict[str, list[Answer]] = {}
        for answer in known:
            self._known.setdefault(answer.intent, []).append(answer)

    async def search(
        self, intent: str, question: str, language: Language, day: dt.date, act: Act = "ask"
    ) -> list[Candidate]:
        """The answers of *intent* that are in force on *day*, the likeliest first; of equals, those meant for *act*."""
        if intent not in self._known:
            return []
        shelf = self._shelf(intent, language)
        read = question[:READ]
        letters = shelf.asked.likeness(read)
        meaning = await self._meaning(shelf, read)
        told = dict(zip(shelf.ids, shelf.told.likeness(read), strict=True))
        best: dict[str, Candidate] = {}
        for place, (answer, wording) in enumerate(shelf.wordings):
            doubts = (1 - letters[place] ** CLOSENESS, 1 - self.calibration.share * meaning[place], 1 - told[answer.id])
            score = 1 - math.prod(doubts)
            if answer.holds_on(day) and (answer.id not in best or score > best[answer.id].score):
                best[answer.id] = Candidate(answer, score, wording)
        return sorted(best.values(), key=lambda each: (-each.score, act not in each.answer.acts))

    def given(self, found: Sequence[Candidate], language: Language) -> Answer | None:
        """The answer to give of those *found*, or ``None`` where none is clearly asked for."""
        first, second = (found[place].score if len(found) > place else 0.0 for place in (0, 1))
        return found[0].answer if found and is_clear(first, second, self.calibration.threshold(language)) else None

    def _shelf(self, intent: str, language: Language) -> _Shelf:
        """The answers of *intent*, indexed when they are first asked for: a process starts without waiting for it."""
        if (intent, language) not in self._shelves:
            self._shelves[intent, language] = _Shelf(self._known[intent], language)
        return self._shelves[intent, language]

    async def _meaning(self, shelf: _Shelf, question: str) -> list[float]:
        """How alike *question* is to each wording in its meaning, 0 to 1; nothing without an embedder."""
        if self._embedder is None:
            return [0.0] * len(shelf.keys)
        if missing := set(shelf.keys) - self._indexed:
            texts = dict(zip(shelf.keys, shelf.texts, strict=True))
            await self._vectors.put({key: self._embedder(texts[key]) for key in sorted(missing)})
            self._indexed |= missing
        cosines = await self._vectors.likeness(self._embedder(question), shelf.keys)
        return [max(0.0, cosines[key]) ** MEANING for key in shelf.keys]


class _Shelf:
    """The answers of one intent in one language: how each is asked for (an entry a wording) and what it tells."""

    def __init__(self, known: Sequence[Answer], language: Language) -> None:
        self.wordings = [(answer, at) for answer in known for at in range(len(answer.questions[language]))]
        self.texts = [answer.questions[language][at] for answer, at in self.wordings]
        self.keys = [f"{answer.id}/{language}/{at}" for answer, at in self.wordings]
        self.asked = Bm25(self.texts)
        self.ids = [answer.id for answer in known]
        self.told = Bm25([words_of(answer.answer[language]) for answer in known])


@lru_cache(maxsize=4)
def library(embedder: Embedder | None = None, vectors: VectorIndex | None = None) -> Library:
    """The bank's own answers, ready to be searched with these; made once for each."""
    return Library(answers(), embedder, vectors)
