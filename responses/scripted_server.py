"""A scripted model behind the one endpoint of the OpenAI protocol that ``gateway`` uses, shapes of failure included."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import Any

import uvicorn
from fastapi import FastAPI, HTTPException

from responses.scripted import FOREVER, Mode, draft_in, say


def create_engine(mode: Mode) -> FastAPI:
    """The ASGI application: ``POST /v1/chat/completions`` and ``GET /v1/models``."""
    app = FastAPI(title=f"scripted model, {mode}")
    turns = itertools.count()

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [{"id": f"scripted-{mode}", "object": "model"}]}

    @app.post("/v1/chat/completions")
    async def complete(request: dict[str, Any]) -> dict[str, Any]:
        messages = [message for message in request.get("messages", []) if isinstance(message, dict)]
        asked = next((found for message in messages if (found := draft_in(str(message.get("content"))))), None)
        if asked is None:
            raise HTTPException(400, "no draft in the messages")
        if mode == "stalled":
            await asyncio.sleep(FOREVER)
        draft, language = asked
        text = say(mode, draft, language, str(messages[0].get("content")), next(turns))
        return {
            "id": "scripted",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": f"scripted-{mode}",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text},
                    "finish_reason": "length" if mode == "cut" else "stop",
                }
            ],
            "usage": {"prompt_tokens": len(draft), "completion_tokens": len(text), "total_tokens": len(draft + text)},
        }

    return app


def serve(mode: Mode, host: str, port: int) -> None:
    """Serve until interrupted."""
    uvicorn.run(create_engine(mode), host=host, port=port, log_level="warning")
