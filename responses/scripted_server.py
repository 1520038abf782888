"""A scripted model behind the one endpoint of the OpenAI protocol that ``gateway`` uses, shapes of failure included.

``python -m responses.scripted_server --mode honest --port 8001`` is a model service for ``TELLER_MODEL_URL``. What is asked
for under the name of a shape (``"model": "cut_stream"``) is answered in that shape.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Literal, get_args

import uvicorn
from fastapi import FastAPI, HTTPException, Response
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse

from responses.scripted import FOREVER, MODES, PIECE, Mode, draft_in, say

Shape = Literal[
    "plain", "usage_with_the_last_words", "usage_apart", "usage_unbelievable", "no_usage", "reasoning", "empty", "thinking_only",
    "thinking_cut", "cut_stream", "cut_json", "unfinished", "busy", "busy_until_a_date", "down", "huge", "compressed", "html",
    "not_utf8", "error_inside", "no_choices", "filtered", "redirected", "drip",
]  # fmt: skip
"""How a service answers. ``plain`` is as the protocol has it; the others have been seen in the field, or may be one day."""

SHAPES: tuple[Shape, ...] = get_args(Shape)
RETRY_AFTER = 7
HUGE = 64 << 20
"""Bytes that a service without an end to its answers sends."""
_DRIP = 0.02
_THOUGHTS = "<think>\n客户想知道……\n</think>\n\n"


def create_engine(mode: Mode) -> FastAPI:
    """The ASGI application: ``POST /v1/chat/completions``, whole or streamed, and ``GET /v1/models``."""
    app = FastAPI(title=f"scripted model, {mode}")
    turns = itertools.count()

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [{"id": name, "object": "model"} for name in (f"scripted-{mode}", *SHAPES)]}

    @app.post("/v1/elsewhere")
    async def elsewhere(request: dict[str, Any]) -> Response:
        return await complete({**request, "model": "plain"})

    @app.post("/v1/chat/completions")
    async def complete(request: dict[str, Any]) -> Response:
        messages = [message for message in request.get("messages", []) if isinstance(message, dict)]
        asked = next((found for message in messages if (found := draft_in(str(message.get("content"))))), None)
        if asked is None:
            raise HTTPException(400, "no draft in the messages")
        if mode == "stalled":
            await asyncio.sleep(FOREVER)
        draft, language = asked
        text = say(mode, draft, language, str(messages[0].get("content")), next(turns))
        named = request.get("model")
        shape: Shape = named if named in SHAPES else "plain"
        usage = {"prompt_tokens": len(draft), "completion_tokens": len(text), "total_tokens": len(draft + text)}
        refusal = _refusal(shape)
        if refusal is not None:
            return refusal
        finish = "length" if mode == "cut" else "content_filter" if shape == "filtered" else "stop"
        spoken = _Spoken(shape, text, usage, finish)
        return spoken.streamed() if request.get("stream") else spoken.whole()

    return app


def _refusal(shape: Shape) -> Response | None:
    """The answer of a service that has none."""
    answers: dict[Shape, Callable[[], Response]] = {
        "busy": lambda: JSONResponse({"error": {"message": "slow down"}}, 429, {"Retry-After": str(RETRY_AFTER)}),
        "busy_until_a_date": lambda: JSONResponse({}, 429, {"Retry-After": "Sat, 21 Nov 2026 02:30:00 GMT"}),
        "down": lambda: PlainTextResponse("upstream connect error", 503),
        "html": lambda: Response("<html>sign in to the network</html>", media_type="text/html"),
        "not_utf8": lambda: Response(b'\xff\xfe{"', media_type="application/json"),
        "error_inside": lambda: JSONResponse({"error": {"message": "overloaded", "code": 500}}),
        "redirected": lambda: Response(status_code=307, headers={"Location": "/v1/elsewhere"}),
    }
    return answers[shape]() if shape in answers else None


class _Spoken:
    """A text in one shape."""

    def __init__(self, shape: Shape, text: str, usage: dict[str, int], finish: str) -> None:
        self._shape = shape
        self._text = text
        self._usage: dict[str, Any] = {"prompt_tokens": "many"} if shape == "usage_unbelievable" else usage
        self._finish = finish

    @property
    def _content(self) -> str | None:
        contents: dict[Shape, str | None] = {
            "empty": "",
            "thinking_only": _THOUGHTS,
            "thinking_cut": _THOUGHTS[:8],
            "reasoning": _THOUGHTS + self._text,
        }
        return contents.get(self._shape, self._text)

    def whole(self) -> Response:
        """In one piece."""
        if self._shape == "drip":
            return StreamingResponse(self._blanks(), media_type="application/json")
        message = {"role": "assistant", "content": self._content, "reasoning_content": "客户想知道……"}
        finish = None if self._shape == "unfinished" else self._finish
        choices = [{"index": 0, "message": message, "finish_reason": finish}]
        body: dict[str, Any] = {
            **self._head("chat.completion"),
            "choices": [] if self._shape == "no_choices" else choices,
            **({} if self._shape == "no_usage" else {"usage": self._usage}),
        }
        if self._shape == "huge":
            return StreamingResponse(self._endless(), media_type="application/json")
        written = json.dumps(body, ensure_ascii=False)
        if self._shape == "cut_json":
            return Response(written[: len(written) // 2], media_type="application/json")
        if self._shape == "compressed":
            packed = gzip.compress(written.encode())
            return Response(packed, headers={"Content-Encoding": "gzip"}, media_type="application/json")
        if self._shape == "cut_stream":
            return StreamingResponse(self._broken(written), media_type="application/json")
        return Response(written, media_type="application/json")

    def streamed(self) -> Response:
        """As server-sent events."""
        if self._shape == "compressed":
            return self.whole()
        return StreamingResponse(self._events(), media_type="text/event-stream")

    async def _events(self) -> AsyncIterator[str]:
        if self._shape == "huge":
            async for part in self._endless():
                yield part
        content = self._content or ""
        pieces = [content[start : start + PIECE] for start in range(0, len(content), PIECE)]
        yield self._event({"role": "assistant", "content": None, "reasoning_content": "客户想知道……"})
        for number, piece in enumerate([] if self._shape == "no_choices" else pieces):
            if self._shape in ("cut_stream", "cut_json") and number == 2:
                if self._shape == "cut_json":
                    yield 'data: {"choices": [{"del'
                raise ConnectionResetError("cut off, as the shape has it")
            if self._shape == "drip":
                await asyncio.sleep(_DRIP)
            last = number == len(pieces) - 1
            yield self._event({"content": piece}, usage=last and self._shape == "usage_with_the_last_words")
        if self._shape == "unfinished":
            return
        yield self._event({}, finish=self._finish)
        if self._shape not in ("usage_with_the_last_words", "no_usage"):
            yield f"data: {json.dumps({**self._head('chat.completion.chunk'), 'choices': [], 'usage': self._usage})}\n\n"
        yield "data: [DONE]\n\n"

    def _event(self, delta: dict[str, Any], *, finish: str | None = None, usage: bool = False) -> str:
        chunk = {
            **self._head("chat.completion.chunk"),
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
            **({"usage": self._usage} if usage else {}),
        }
        return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n"

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": "scripted", "object": kind, "created": int(time.time()), "model": f"scripted-{self._shape}"}

    async def _blanks(self) -> AsyncIterator[str]:
        while True:
            yield " "
            await asyncio.sleep(_DRIP)

    async def _endless(self) -> AsyncIterator[str]:
        for _ in range(HUGE >> 16):
            yield " " * (1 << 16)

    async def _broken(self, written: str) -> AsyncIterator[str]:
        yield written[: len(written) // 2]
        raise ConnectionResetError("cut off, as the shape has it")


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="An OpenAI-compatible engine around a scripted model.")
    parser.add_argument("--mode", choices=MODES, default="honest")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001)
    given = parser.parse_args()
    uvicorn.run(create_engine(given.mode), host=given.host, port=given.port, log_level="warning")


if __name__ == "__main__":
    main()
