"""A scripted model behind the one endpoint of the OpenAI protocol that ``gateway`` uses, shapes of failure included.

``python -m responses.scripted_server --mode honest --port 8001`` is a model service for ``TELLER_MODEL_URL``.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import time
from typing import Any

import uvicorn
from fastapi import FastAPI, HTTPException

from responses.scripted import FOREVER, MODES, Mode, draft_in, say


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
