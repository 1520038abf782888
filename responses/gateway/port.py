"""The port of language models: a request, the pieces of an answer, its end with what it took, and one way to fail.

A provider has ``complete``; one that can hand its text out while it is made has ``stream`` too. ``pieces`` asks either.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from responses.prompting import Prompt

if TYPE_CHECKING:
    from responses.writer.plan import Plan


@dataclass(frozen=True, slots=True)
class Request:
    """A prompt to put into words within *seconds*. *plan* says the same to a writer that was trained on plans. *capability*
    is what the turn is about, for the ledger; the same *seed* and prompt give the same words where a provider can promise
    that."""

    prompt: Prompt
    seconds: float
    capability: str = ""
    seed: int = 0
    plan: Plan | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that a call took. ``estimated``: the service did not say, and characters were counted instead."""

    tokens_in: int = 0
    tokens_out: int = 0
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Delta:
    """The next words of an answer. ``generator`` is the provider that says them."""

    text: str
    generator: str


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole answer: ``text`` as the customer may see it (no thoughts), what it took, and who gave it.

    ``usage`` is ``None`` where the provider cannot say.
    """

    text: str
    generator: str
    usage: Usage | None = None


class ModelFailure(Exception):
    """A model gave no usable text: unreachable, refused, empty, cut.

    *usage* is what it cost all the same. *rest* is how many seconds the service asked to be left alone.
    """

    def __init__(self, reason: str, *, usage: Usage | None = None, rest: float | None = None) -> None:
        super().__init__(reason)
        self.usage = usage
        self.rest = rest


class ModelProvider(Protocol):
    """A model that can put a draft into words. ``name`` appears in ``how.generator``."""

    @property
    def name(self) -> str:
        """What replies and the ledger call it."""
        ...

    async def complete(self, request: Request) -> Completion:
        """The model's whole text, within ``request.seconds``; ``ModelFailure`` where there is none."""
        ...


@runtime_checkable
class StreamingProvider(ModelProvider, Protocol):
    """A model whose text can be had while it is made."""

    def stream(self, request: Request) -> AsyncGenerator[Delta | Completion]:
        """Deltas as they come, and at last one ``Completion`` whose text is theirs, one behind the other.

        ``ModelFailure`` where the text is empty or broke off.
        """
        ...


async def pieces(provider: ModelProvider, request: Request) -> AsyncGenerator[Delta | Completion]:
    """The stream of *provider*; of one that cannot stream, its whole text as one delta."""
    if isinstance(provider, StreamingProvider):
        async with aclosing(provider.stream(request)) as said:
            async for piece in said:
                yield piece
        return
    whole = await provider.complete(request)
    yield Delta(whole.text, whole.generator)
    yield whole
