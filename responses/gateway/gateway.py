"""Language models in order of preference: a total deadline, one retry that names the error, and never a failure."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from responses.gates.refusal import Refusal
from responses.gateway.port import Completion, Delta, ModelFailure, ModelProvider, Request, pieces
from responses.gateway.upstream import Upstream
from responses.prompting import Prompt
from responses.reply import Verdict

log = logging.getLogger(__name__)

DEADLINE = 1.2
"""Seconds that all attempts for one reply may take together."""
ATTEMPTS = 2
"""How often one provider is asked for one reply, and how many refused drafts one reply may have."""
LEAST_TIME = 0.15
"""Seconds below which another attempt is not begun."""
SHARE = 0.6
"""What a provider may use of the time that is left while others wait behind it: a black hole must not use it all."""

Check = Callable[[str], Sequence[Refusal]]


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What came of asking: ``text`` passed every gate, or is ``None``; ``refused`` lists what earlier drafts broke."""

    text: str | None
    generator: str
    attempts: int
    refused: tuple[Refusal, ...]
    verdict: Verdict


class Gateway:
    """Asks providers in their order, checks what they say, asks once more with the error named, and gives up in time.

    A provider that is no ``Upstream`` stands in the house, has no breaker and the usual number of places.
    """

    def __init__(self, *providers: ModelProvider | Upstream, deadline: float = DEADLINE) -> None:
        self.upstreams = tuple(each if isinstance(each, Upstream) else Upstream(each) for each in providers)
        if not self.upstreams:
            raise ValueError("a gateway needs a provider")
        self.deadline = deadline

    async def rewrite(self, prompt: Prompt, check: Check, *, capability: str = "", seed: int = 0) -> Rewritten:
        """The first draft of a model that *check* finds nothing wrong with; never raises on account of a model.

        *capability* and *seed* are as in ``Request``.
        """
        ends = asyncio.get_running_loop().time() + self.deadline
        asked: Counter[str] = Counter()
        refused: list[Refusal] = []
        refusals = 0
        name = self.upstreams[0].name

        def given_up() -> Rewritten:
            verdict: Verdict = "refused" if refusals else "unavailable"
            return Rewritten(None, name, asked.total(), tuple(refused), verdict)

        for upstream, followed in self._order():
            while asked[upstream.name] < ATTEMPTS:
                seconds = self._seconds(ends, followed=followed, first=not asked)
                if seconds is None:
                    return given_up()
                if not upstream.admits():
                    break
                name = upstream.name
                asked[name] += 1
                said = await self._whole(upstream, Request(prompt, seconds, capability, seed))
                if said is None:
                    break
                found = check(said)
                if not found:
                    return Rewritten(said, name, asked.total(), tuple(refused), "passed")
                refused += found
                refusals += 1
                if refusals == ATTEMPTS:
                    return given_up()
                prompt = prompt.again(said, [_tellable(refusal, said) for refusal in found])
        return given_up()

    async def stream(
        self, prompt: Prompt, *, capability: str = "", seed: int = 0, until: float | None = None
    ) -> AsyncGenerator[Delta | Completion]:
        """The words of the first provider that has any, unchecked, as they come; at last its ``Completion``.

        *until* is the loop time at which it must be done, ``deadline`` seconds from now unless told: give a second attempt
        at one reply the time of the first. Raises ``ModelFailure`` where nobody had a word, or one who had begun broke off.
        Close it (``aclose``) to hear no more.
        """
        ends = asyncio.get_running_loop().time() + self.deadline if until is None else until
        began = False
        first = True
        for upstream, followed in self._order():
            seconds = self._seconds(ends, followed=followed, first=first)
            if seconds is None:
                break
            if not upstream.admits():
                continue
            first = False
            try:
                async with aclosing(self._pieces(upstream, Request(prompt, seconds, capability, seed), ends)) as said:
                    async for piece in said:
                        began = True
                        yield piece
                return
            except ModelFailure:
                if began:
                    raise
        raise ModelFailure("no provider had a word")

    def _order(self) -> Iterator[tuple[Upstream, bool]]:
        """The upstreams, and whether another follows each. An only one that gave no text is asked once more."""
        last = len(self.upstreams) - 1
        for place, upstream in enumerate(self.upstreams if last else self.upstreams * ATTEMPTS):
            yield upstream, place < last

    def _seconds(self, ends: float, *, followed: bool, first: bool) -> float | None:
        """How long the next attempt may take; ``None`` where it is not worth beginning."""
        left = ends - asyncio.get_running_loop().time()
        if left < LEAST_TIME and not first:
            return None
        return left * SHARE if followed else left

    async def _whole(self, upstream: Upstream, request: Request) -> str | None:
        said = ""
        with upstream.occupied():
            try:
                async with asyncio.timeout(request.seconds):
                    said = (await upstream.provider.complete(request)).text.strip()
                if not said:
                    raise ModelFailure("no content")
            except (ModelFailure, TimeoutError) as failure:
                _note(upstream, failure)
            except Exception:  # a provider is foreign code: whatever it raises, the customer has the template
                log.exception("%s failed", upstream.name)
            upstream.breaker.record(answered=bool(said))
        return said or None

    async def _pieces(self, upstream: Upstream, request: Request, ends: float) -> AsyncGenerator[Delta | Completion]:
        """One provider's stream. Its first words must come within the request's seconds, the last before *ends*."""
        wait = asyncio.get_running_loop().time() + request.seconds
        with upstream.occupied():
            try:
                async with aclosing(pieces(upstream.provider, request)) as said:
                    while True:
                        async with asyncio.timeout_at(wait):
                            piece = await anext(said, None)
                        if piece is None:
                            raise ModelFailure("the stream has no end")
                        if isinstance(piece, Completion):
                            if not piece.text.strip():
                                raise ModelFailure("no content")
                            upstream.breaker.record(answered=True)
                            yield piece
                            return
                        if piece.text:
                            wait = ends
                            yield piece
            except (ModelFailure, TimeoutError) as failure:
                _note(upstream, failure)
                upstream.breaker.record(answered=False)
                raise ModelFailure(str(failure) or "too late") from failure
            except Exception as error:  # as in _whole
                log.exception("%s failed", upstream.name)
                upstream.breaker.record(answered=False)
                raise ModelFailure(type(error).__name__) from error


def _note(upstream: Upstream, failure: Exception) -> None:
    log.info("%s gave no text: %s", upstream.name, str(failure) or type(failure).__name__)
    if isinstance(failure, ModelFailure) and failure.rest:
        upstream.breaker.rest(failure.rest)


def _tellable(refusal: Refusal, said: str) -> Refusal:
    """*refusal* as a model may be told of it: words that are not its own come from the filled text, and hold values."""
    return refusal if refusal.span in said else replace(refusal, span="")
