"""Language models behind one port: a total deadline, one retry that names the error, a breaker, and never a failure."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from responses.gates.refusal import Refusal
from responses.prompting import Prompt
from responses.reply import Verdict

if TYPE_CHECKING:
    import httpx2

log = logging.getLogger(__name__)

DEADLINE = 1.2
"""Seconds that all attempts for one reply may take together."""
ATTEMPTS = 2
LEAST_TIME = 0.15
"""Seconds below which another attempt is not begun."""


class ModelFailure(Exception):
    """A model gave no usable text: unreachable, refused, empty, cut."""


class ModelProvider(Protocol):
    """A model that can rewrite a draft. ``name`` appears in ``how.generator``."""

    name: str

    async def rewrite(self, prompt: Prompt, deadline: float) -> str:
        """The model's text, within *deadline* seconds; ``ModelFailure`` where there is none."""
        ...


Check = Callable[[str], Sequence[Refusal]]


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What came of asking: ``text`` passed every gate, or is ``None``; ``refused`` lists what earlier drafts broke."""

    text: str | None
    generator: str
    attempts: int
    refused: tuple[Refusal, ...]
    verdict: Verdict


@dataclass
class Breaker:
    """Closes the way to a dead model: after *failures* in a row nothing is asked for *cool_down* seconds, then one probe.

    ``clock`` is monotonic seconds.
    """

    failures: int = 3
    cool_down: float = 30.0
    clock: Callable[[], float] = time.monotonic
    _in_a_row: int = field(default=0, init=False)
    _shut_until: float = field(default=float("-inf"), init=False)

    def admits(self) -> bool:
        """Whether to ask now; while the breaker is open only the first caller after the pause is let through."""
        if self._in_a_row < self.failures:
            return True
        now = self.clock()
        if now < self._shut_until:
            return False
        self._shut_until = now + self.cool_down
        return True

    def record(self, *, answered: bool) -> None:
        """What became of an attempt: a text, good or bad, or none at all."""
        if answered:
            self._in_a_row = 0
            return
        self._in_a_row += 1
        if self._in_a_row >= self.failures:
            self._shut_until = self.clock() + self.cool_down


class Gateway:
    """Asks one provider, checks what it says, asks once more with the error named, and gives up in time."""

    def __init__(self, provider: ModelProvider, *, deadline: float = DEADLINE, breaker: Breaker | None = None) -> None:
        self.provider = provider
        self.deadline = deadline
        self.breaker = breaker or Breaker()

    async def rewrite(self, prompt: Prompt, check: Check) -> Rewritten:
        """The first draft of the model that *check* finds nothing wrong with; never raises on account of the model."""
        name = self.provider.name
        if not self.breaker.admits():
            return Rewritten(None, name, 0, (), "unavailable")
        loop = asyncio.get_running_loop()
        ends = loop.time() + self.deadline
        refused: list[Refusal] = []
        verdict: Verdict = "unavailable"
        for attempt in range(1, ATTEMPTS + 1):
            left = ends - loop.time()
            if attempt > 1 and (left < LEAST_TIME or not self.breaker.admits()):
                return Rewritten(None, name, attempt - 1, tuple(refused), verdict)
            said = await self._ask(prompt, left)
            if said is None:
                continue
            found = check(said)
            if not found:
                return Rewritten(said, name, attempt, tuple(refused), "passed")
            refused += found
            verdict = "refused"
            prompt = prompt.again(said, found)
        return Rewritten(None, name, ATTEMPTS, tuple(refused), verdict)

    async def _ask(self, prompt: Prompt, seconds: float) -> str | None:
        try:
            async with asyncio.timeout(seconds):
                said = (await self.provider.rewrite(prompt, seconds)).strip()
        except (ModelFailure, TimeoutError) as failure:
            log.info("%s gave no text: %s", self.provider.name, failure or type(failure).__name__)
            said = ""
        except Exception:  # a provider is foreign code: whatever it raises, the customer has the template
            log.exception("%s failed", self.provider.name)
            said = ""
        self.breaker.record(answered=bool(said))
        return said or None


_THINKING = re.compile(r"\A\s*<think>.*?</think>\s*", re.DOTALL)
_TOKENS_PER_CHARACTER = 2
_LEAST_TOKENS = 200
_NO_KEY = "none"


class OpenAIProvider:
    """Chat completions at *url*. No retries and no timeouts but ours: the client's own are two and 600 s."""

    def __init__(
        self,
        url: str,
        name: str,
        key: str | None = None,
        *,
        temperature: float = 0.8,
        http_client: httpx2.AsyncClient | None = None,
    ) -> None:
        self.name = name
        # Takes most of a second to import, and many installations have no model to ask.
        from openai import AsyncOpenAI

        self._temperature = temperature
        self._client = AsyncOpenAI(base_url=url, api_key=key or _NO_KEY, max_retries=0, http_client=http_client)

    async def rewrite(self, prompt: Prompt, deadline: float) -> str:
        """The content of the first choice; ``ModelFailure`` where it is empty, cut, filtered or only thought."""
        from openai import OpenAIError

        messages = [{"role": message.role, "content": message.content} for message in prompt.messages]
        try:
            answer = await self._client.chat.completions.create(
                model=self.name,
                messages=messages,  # type: ignore[arg-type]
                temperature=self._temperature,
                max_tokens=_LEAST_TOKENS + _TOKENS_PER_CHARACTER * len(prompt.draft),
                timeout=deadline,
            )
        except (OpenAIError, ValueError) as error:
            raise ModelFailure(type(error).__name__) from error
        # A gateway page with status 200 arrives here as a string.
        choice = next(iter(getattr(answer, "choices", None) or ()), None)
        if choice is None or choice.finish_reason not in ("stop", None):
            raise ModelFailure("cut or filtered" if choice else "no choices")
        content = choice.message.content
        text = _THINKING.sub("", content) if isinstance(content, str) else ""
        if not text.strip():
            raise ModelFailure("no content")
        return text

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()
