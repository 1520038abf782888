"""OpenAI-compatible services (vLLM, Ollama, DeepSeek, Qwen, ERNIE …), whole or streamed, whatever shape they answer in."""

from __future__ import annotations

import importlib
import math
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

from responses.gateway.port import Completion, Delta, ModelFailure, Request, Usage
from responses.gateway.thoughts import Thoughts, without_thoughts
from responses.gateway.upstream import tokens_at_most
from responses.gateway.usage import estimated

if TYPE_CHECKING:
    import httpx2

    from responses.gateway.providers import Entry

MAX_BYTES = 1 << 20
"""Of one answer, headers apart. The longest honest reply has a hundredth of it, streamed."""
_NO_KEY = "none"
_ENDED = ("stop", None)
_MAX_REST = 300.0
"""Seconds for which a service may ask to be left alone; what it asks beyond is not believed."""


class OpenAIProvider:
    """Chat completions at *url*. No retries and no timeouts but ours: the client's own are two and 600 s.

    *name* is the model's; replies and the ledger call it that, or *called*. *extra* is added to the body of each request
    (``{"enable_thinking": false}``). *transport* stands in for the network.
    """

    def __init__(
        self,
        url: str,
        name: str,
        key: str | None = None,
        *,
        called: str | None = None,
        temperature: float = 0.8,
        extra: dict[str, Any] | None = None,
        proxy: str | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.name = called or name
        self.model = name
        # Takes most of a second to import, and many installations have no model to ask.
        from openai import AsyncOpenAI

        from responses.gateway.transport import client

        self._temperature = temperature
        self._extra = extra or {}
        self._client = AsyncOpenAI(
            base_url=url,
            api_key=key or _NO_KEY,
            max_retries=0,
            http_client=client(MAX_BYTES, proxy=proxy, transport=transport),
        )
        # Both import half a second's worth when they are first asked for: now, and not in a customer's deadline.
        importlib.import_module("anyio._backends._asyncio")
        self._completions = self._client.chat.completions

    async def complete(self, request: Request) -> Completion:
        """The content of the first choice; ``ModelFailure`` where it is empty, cut, filtered or only thought."""
        answer = await self._asked(request)
        # A gateway page with status 200 arrives here as a string.
        choice = next(iter(getattr(answer, "choices", None) or ()), None)
        content = getattr(getattr(choice, "message", None), "content", None)
        text = without_thoughts(content).strip() if isinstance(content, str) else ""
        usage = _usage(answer) or estimated(request, content if isinstance(content, str) else "")
        if choice is None:
            raise ModelFailure("no choices", usage=usage)
        if choice.finish_reason not in _ENDED:
            raise ModelFailure("cut or filtered", usage=usage)
        if not text:
            raise ModelFailure("no content", usage=usage)
        return Completion(text, self.name, usage)

    async def stream(self, request: Request) -> AsyncGenerator[Delta | Completion]:
        """The same as it is made, without what is thought; usage may come with the last words or after them."""
        from openai import AsyncStream, OpenAIError

        said, raw, usage, finish = "", "", None, None
        thoughts = Thoughts()
        try:
            answer = await self._asked(request, stream=True, stream_options={"include_usage": True})
            if not isinstance(answer, AsyncStream):
                raise ModelFailure("no stream", usage=estimated(request, ""))
            async with answer:
                async for chunk in answer:
                    usage = _usage(chunk) or usage
                    choice = next(iter(getattr(chunk, "choices", None) or ()), None)
                    finish = getattr(choice, "finish_reason", None) or finish
                    content = getattr(getattr(choice, "delta", None), "content", None)
                    if not isinstance(content, str):
                        continue
                    raw += content
                    if words := thoughts.without(content):
                        said += words
                        yield Delta(words, self.name)
        except (OpenAIError, ValueError) as error:
            raise ModelFailure(type(error).__name__, usage=usage or estimated(request, raw)) from error
        usage = usage or estimated(request, raw)
        if rest := thoughts.rest():
            said += rest
            yield Delta(rest, self.name)
        if finish != "stop":
            # Without its finish reason a stream that broke off looks like one that ended.
            raise ModelFailure("cut or filtered", usage=usage)
        if not said.strip():
            raise ModelFailure("no content", usage=usage)
        yield Completion(said, self.name, usage)

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()

    async def _asked(self, request: Request, **how: Any) -> Any:
        from httpx2 import ConnectError, ConnectTimeout
        from openai import APIConnectionError, APIStatusError, OpenAIError

        prompt = request.prompt
        try:
            return await self._completions.create(
                model=self.model,
                messages=[{"role": each.role, "content": each.content} for each in prompt.messages],  # type: ignore[misc]
                temperature=self._temperature,
                max_tokens=tokens_at_most(request),
                seed=request.seed,
                extra_body=self._extra,
                timeout=request.seconds,
                **how,
            )
        except APIStatusError as error:
            raise ModelFailure(f"status {error.status_code}", rest=_rest(error.response.headers)) from error
        except APIConnectionError as error:
            reached = not isinstance(error.__cause__, ConnectError | ConnectTimeout)
            usage = estimated(request, "") if reached else None
            raise ModelFailure(type(error.__cause__ or error).__name__, usage=usage) from error
        except (OpenAIError, ValueError) as error:
            raise ModelFailure(type(error).__name__, usage=estimated(request, "")) from error


def _usage(answer: object) -> Usage | None:
    """What the service says it took; ``None`` where it says nothing that can be believed."""
    usage = getattr(answer, "usage", None)
    counts = [getattr(usage, name, None) for name in ("prompt_tokens", "completion_tokens")]
    if any(not isinstance(count, int) or count < 0 for count in counts):
        return None
    return Usage(counts[0] or 0, counts[1] or 0)


def _rest(headers: httpx2.Headers) -> float | None:
    """``Retry-After`` in seconds (RFC 9110, 10.2.3); a date, or what cannot be read, is left to the breaker."""
    try:
        seconds = float(headers.get("retry-after", ""))
    except ValueError:
        return None
    return min(seconds, _MAX_REST) if math.isfinite(seconds) and seconds > 0 else None


def open_service(entry: Entry) -> OpenAIProvider:
    """The service that *entry* of the file of providers names."""
    return OpenAIProvider(
        str(entry.url),
        entry.model or "",
        entry.secret(),
        called=entry.name,
        temperature=entry.temperature,
        extra=entry.extra,
        proxy=str(entry.proxy) if entry.proxy else None,
    )
