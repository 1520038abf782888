"""Language models in order of preference: a total deadline, one retry that names the error, and never a failure."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from responses.gates.refusal import Refusal
from responses.gateway.port import (
    Completion,
    Delta,
    ModelFailure,
    ModelProvider,
    Request,
    StreamingProvider,
    pieces,
)
from responses.gateway.upstream import Upstream
from responses.gateway.usage import estimated
from responses.mask import Vault, sweep
from responses.prompting import Prompt
from responses.pruning import Prune, unpruned
from responses.reply import Verdict

if TYPE_CHECKING:
    from responses.writer.plan import Plan

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
    """What came of asking: ``text`` passed every gate, or is ``None``; ``refused`` lists what earlier drafts broke, and what
    was left out of this one."""

    text: str | None
    generator: str
    attempts: int
    refused: tuple[Refusal, ...]
    verdict: Verdict


class Gateway:
    """Asks providers in their order, checks what they say, asks once more with the error named, and gives up in time.

    A provider that is no ``Upstream`` stands in the house, has no breaker, no price and the usual number of places. What
    leaves the house is swept once more of personal data, whoever wrote the prompt.
    """

    def __init__(self, *providers: ModelProvider | Upstream, deadline: float = DEADLINE) -> None:
        self.upstreams = tuple(each if isinstance(each, Upstream) else Upstream(each) for each in providers)
        names = [each.name for each in self.upstreams]
        if not names or len(set(names)) < len(names):
            raise ValueError("a gateway needs providers, no two of one name")
        self.deadline = deadline
        self._probes: set[asyncio.Task[str | None]] = set()

    async def close(self) -> None:
        """Asks nobody any more."""
        for probe in (probes := list(self._probes)):
            probe.cancel()
        await asyncio.gather(*probes, return_exceptions=True)

    @property
    def streams(self) -> bool:
        """Whether any of its models hands its text out while it is made."""
        return any(isinstance(each.provider, StreamingProvider) for each in self.upstreams)

    async def rewrite(
        self,
        prompt: Prompt,
        check: Check,
        *,
        capability: str = "",
        seed: int = 0,
        plan: Plan | None = None,
        vault: Vault | None = None,
        prune: Prune = unpruned,
    ) -> Rewritten:
        """The first draft of a model that *check* finds nothing wrong with, once *prune* has left out what may not be said;
        never raises on account of a model.

        *capability*, *seed* and *plan* are as in ``Request``. *vault* holds what the prompt's tokens stand for: *check* sees
        the tokens, the text that is returned what they stand for.
        """
        ends = asyncio.get_running_loop().time() + self.deadline
        vault = vault or Vault()
        asked: Counter[str] = Counter()
        refused: list[Refusal] = []
        refusals = 0
        name = self.upstreams[0].name

        def given_up() -> Rewritten:
            came: Verdict = "refused" if refusals else "unavailable"
            return Rewritten(None, name, asked.total(), tuple(refused), came)

        for upstream, followed in self._order():
            while asked[upstream.name] < ATTEMPTS:
                seconds = self._seconds(ends, followed=followed, first=not asked.total())
                if seconds is None:
                    return given_up()
                request = _request(upstream, Request(prompt, seconds, capability, seed, plan), vault)
                if not self._asks(upstream, request):
                    break
                name = upstream.name
                asked[name] += 1
                said = await self._whole(upstream, request)
                if said is None:
                    break
                pruned = prune(said)
                text, found = pruned.checked(check)
                refused += pruned.cut
                if not found:
                    verdict: Verdict = "pruned" if pruned.cut else "passed"
                    return Rewritten(vault.restore(text), name, asked.total(), tuple(refused), verdict)
                refused += found
                refusals += 1
                if refusals == ATTEMPTS:
                    return given_up()
                prompt = prompt.again(said, [_tellable(refusal, said) for refusal in (*found, *pruned.cut)])
        return given_up()

    async def stream(
        self,
        prompt: Prompt,
        *,
        capability: str = "",
        seed: int = 0,
        plan: Plan | None = None,
        vault: Vault | None = None,
        until: float | None = None,
    ) -> AsyncGenerator[Delta | Completion]:
        """The words of the first provider that has any, unchecked, as they come; at last its ``Completion``.

        *until* is the loop time at which it must be done, ``deadline`` seconds from now unless told: give a second attempt
        at one reply the time of the first. What has passed the gates is for the caller to restore from *vault*. Raises
        ``ModelFailure`` where nobody had a word, or one who had begun broke off. Close it (``aclose``) to hear no more.
        """
        ends = asyncio.get_running_loop().time() + self.deadline if until is None else until
        began = False
        first = True
        for upstream, followed in self._order():
            seconds = self._seconds(ends, followed=followed, first=first)
            if seconds is None:
                break
            request = _request(upstream, Request(prompt, seconds, capability, seed, plan), vault or Vault())
            if not self._asks(upstream, request):
                continue
            first = False
            try:
                async with aclosing(self._pieces(upstream, request, ends)) as said:
                    async for piece in said:
                        began = True
                        yield piece
                return
            except ModelFailure:
                if began:
                    raise
        raise ModelFailure("no provider had a word")

    def _asks(self, upstream: Upstream, request: Request) -> bool:
        """Whether to ask *upstream* for this reply. One whose breaker wants to know if it lives again is asked beside the
        reply: a customer does not wait for the dead."""
        closed = upstream.breaker.is_closed
        if not upstream.admits(request):
            return False
        if not closed:
            probe = asyncio.create_task(self._whole(upstream, replace(request, seconds=self.deadline)))
            self._probes.add(probe)
            probe.add_done_callback(self._probes.discard)
        return closed

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
        """One provider's whole text; ``None`` where it has none, whatever the reason."""
        answered = False
        try:
            with upstream.call(request, asyncio.get_running_loop().time) as call:
                # A call that is cut off has been sent, and may be charged for.
                call.usage = estimated(request, "")
                async with asyncio.timeout(request.seconds):
                    whole = await upstream.provider.complete(request)
                call.usage = whole.usage or estimated(request, whole.text)
                call.answered = answered = bool(whole.text.strip())
                return whole.text.strip() or None
        except (ModelFailure, TimeoutError) as failure:
            _note(upstream, failure)
        except Exception:  # a provider is foreign code: whatever it raises, the customer has the template
            log.exception("%s failed", upstream.name)
        finally:
            upstream.breaker.record(answered=answered)
        return None

    async def _pieces(self, upstream: Upstream, request: Request, ends: float) -> AsyncGenerator[Delta | Completion]:
        """One provider's stream. Its first words must come within the request's seconds, the last before *ends*."""
        wait = asyncio.get_running_loop().time() + request.seconds
        said = ""
        answered = False
        try:
            with upstream.call(request, asyncio.get_running_loop().time) as call:
                call.usage = estimated(request, "")
                async with aclosing(pieces(upstream.provider, request)) as stream:
                    while True:
                        async with asyncio.timeout_at(wait):
                            piece = await anext(stream, None)
                        if piece is None:
                            raise ModelFailure("the stream has no end", usage=call.usage)
                        if isinstance(piece, Completion):
                            call.usage = piece.usage or estimated(request, piece.text)
                            call.answered = answered = bool(piece.text.strip())
                            if not answered:
                                raise ModelFailure("no content", usage=call.usage)
                            yield piece
                            return
                        if piece.text:
                            wait = ends
                            said += piece.text
                            call.usage = estimated(request, said)
                            # Whoever hears no more has heard enough: that is no fault of the provider.
                            call.answered = answered = True
                            yield piece
                            call.answered = answered = False
        except (ModelFailure, TimeoutError) as failure:
            _note(upstream, failure)
            raise ModelFailure(str(failure) or "too late") from failure
        except Exception as error:  # as in _whole
            log.exception("%s failed", upstream.name)
            raise ModelFailure(type(error).__name__) from error
        finally:
            upstream.breaker.record(answered=answered)


def _request(upstream: Upstream, request: Request, vault: Vault) -> Request:
    """*request* as *upstream* may have it."""
    if upstream.on_premises:
        return request
    prompt = request.prompt
    messages = tuple(replace(each, content=sweep(each.content, vault)) for each in prompt.messages)
    return replace(request, prompt=replace(prompt, messages=messages), plan=None)


def _note(upstream: Upstream, failure: Exception) -> None:
    log.info("%s gave no text: %s", upstream.name, str(failure) or type(failure).__name__)


def _tellable(refusal: Refusal, said: str) -> Refusal:
    """*refusal* as a model may be told of it: words that are not its own come from the filled text, and hold values."""
    return refusal if refusal.span in said else replace(refusal, span="")
