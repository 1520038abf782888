"""A provider whose failures are told by their reasons, and the sampled lies of one that is asked to lie."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Sequence

from responses.gateway.port import Completion, ModelFailure, ModelProvider, Request
from responses.scripted import LYING, Mode, ScriptedModel

TOLD: tuple[Mode, ...] = tuple(mode for mode in LYING if mode != "stalled")
"""Every way to lie but silence, which is no lie and would take the deadline each time."""


class Observed:
    """*provider*, and why it gave no text: ``reasons`` counts what became of its calls since they were last taken."""

    def __init__(self, provider: ModelProvider) -> None:
        self.provider = provider
        self.name = provider.name
        self.reasons: Counter[str] = Counter()

    async def complete(self, request: Request) -> Completion:
        """As the provider."""
        try:
            return await self.provider.complete(request)
        except ModelFailure as failure:
            self.reasons[str(failure)] += 1
            raise
        except asyncio.CancelledError:
            self.reasons["too late"] += 1
            raise
        except Exception as error:
            self.reasons[type(error).__name__] += 1
            raise

    def taken(self) -> Counter[str]:
        """The reasons since the last call of this."""
        reasons, self.reasons = self.reasons, Counter()
        return reasons


class Liar:
    """A ``ModelProvider`` that tells every kind of scripted lie in turn."""

    def __init__(self, modes: Sequence[Mode] = TOLD, *, name: str = "scripted-lying") -> None:
        self.name = name
        self._models = itertools.cycle([ScriptedModel(mode, seed=place) for place, mode in enumerate(modes)])

    async def complete(self, request: Request) -> Completion:
        """The next lie."""
        said = await next(self._models).complete(request)
        return Completion(said.text, self.name, said.usage)
