"""Which of the bank's answers a question asks for, and whether any is close enough to be given."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from backends.knowledge.answers import Act, Answer, Language, answers
from backends.knowledge.bm25 import Bm25
from backends.knowledge.vectors import Embedder, ExactVectors, VectorIndex

READ = 300
"""Characters of a question that are read: what it is about is said by then."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Chosen with ``teller kb measure``: ``share`` is the weight of the vectors, ``threshold`` the score from which an
    answer is given, ``near`` the one from which it is offered as what may have been meant."""

    share: float
    threshold: float
    near: float


LETTERS = Calibration(share=0.0, threshold=0.34, near=0.12)
LETTERS_AND_MEANING = Calibration(share=0.5, threshold=0.45, near=0.25)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An answer, how well it fits (0 to 1), and the wording that made it fit."""

    answer: Answer
    score: float
    wording: int


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
        for intent in dict.fromkeys(answer.intent for answer in known):
            mine = [answer for answer in known if answer.intent == intent]
            for language in ("zh", "en"):
                self._shelves[intent, language] = _Shelf(mine, language)

    async def search(
        self, intent: str, question: str, language: Language, day: dt.date, act: Act = "ask"
    ) -> list[Candidate]:
        """The answers of *intent* that are in force on *day*, the likeliest first; of equals, those meant for *act*."""
        shelf = self._shelves.get((intent, language))
        if shelf is None:
            return []
        scores = shelf.letters.likeness(question[:READ])
        if self._embedder is not None:
            share = self.calibration.share
            meaning = await self._meaning(shelf, question[:READ], self._embedder)
            scores = [
                (1 - share) * score + share * max(0.0, meaning[key])
                for key, score in zip(shelf.keys, scores, strict=True)
            ]
        best: dict[str, Candidate] = {}
        for (answer, wording), score in zip(shelf.wordings, scores, strict=True):
            if answer.holds_on(day) and (answer.id not in best or score > best[answer.id].score):
                best[answer.id] = Candidate(answer, score, wording)
        return sorted(best.values(), key=lambda each: (-each.score, act not in each.answer.acts))

    async def _meaning(self, shelf: _Shelf, question: str, embedder: Embedder) -> dict[str, float]:
        if missing := set(shelf.keys) - self._indexed:
            texts = dict(zip(shelf.keys, shelf.texts, strict=True))
            await self._vectors.put({key: embedder(texts[key]) for key in sorted(missing)})
            self._indexed |= missing
        return await self._vectors.likeness(embedder(question), shelf.keys)


class _Shelf:
    """The wordings of one intent in one language, one entry a wording."""

    def __init__(self, known: Sequence[Answer], language: Language) -> None:
        self.wordings = [(answer, at) for answer in known for at in range(len(answer.questions[language]))]
        self.texts = [answer.questions[language][at] for answer, at in self.wordings]
        self.keys = [f"{answer.id}/{language}/{at}" for answer, at in self.wordings]
        self.letters = Bm25(self.texts)


@lru_cache(maxsize=4)
def library(embedder: Embedder | None = None, vectors: VectorIndex | None = None) -> Library:
    """The bank's own answers, ready to be searched with these; made once for each."""
    return Library(answers(), embedder, vectors)
