"""A Slack slash command in front of Teller's signed webhook: one file to copy, change and run as ``uvicorn slack:app``.

Settings: ``SLACK_SIGNING_SECRET``, ``SLACK_BOT_TOKEN`` (scope ``chat:write``), ``TELLER_WEBHOOK``, ``ADAPTER_SECRET``.
Source: docs.slack.dev/authentication/verifying-requests-from-slack and docs.slack.dev/reference/methods/chat.postMessage.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import time
from urllib.parse import parse_qs

import httpx
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import PlainTextResponse

SLACK = "https://slack.com/api"
MAX_AGE = 300
HOW = "Write your question after the command, please."

app = FastAPI()
http = httpx.AsyncClient(timeout=10)
shown: set[str] = set()  # of a real adapter a table: a restart must not forget it
now = time.time


def slack_signature(secret: str, timestamp: str, body: bytes) -> str:
    """How Slack signs its requests."""
    return "v0=" + hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()


def signed(message_id: str, timestamp: str, body: bytes) -> str:
    """The signature of Standard Webhooks."""
    key = base64.b64decode(os.environ["ADAPTER_SECRET"].removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, "sha256")).decode()


def fresh(timestamp: str) -> bool:
    """Whether *timestamp* is one, and of the last minutes."""
    return timestamp.isascii() and timestamp.isdecimal() and abs(now() - int(timestamp)) <= MAX_AGE


async def show(user_id: str, text: str) -> None:
    """Send *text* to the user's conversation with the app."""
    headers = {"Authorization": f"Bearer {os.environ['SLACK_BOT_TOKEN']}"}
    sent = await http.post(f"{SLACK}/chat.postMessage", headers=headers, json={"channel": user_id, "text": text})
    if not sent.raise_for_status().json()["ok"]:
        raise HTTPException(502)


@app.post("/slack")
async def from_slack(request: Request) -> PlainTextResponse:
    """A slash command. What is answered here only its sender sees."""
    body, timestamp = await request.body(), request.headers.get("X-Slack-Request-Timestamp", "")
    made = slack_signature(os.environ["SLACK_SIGNING_SECRET"], timestamp, body)
    if not hmac.compare_digest(made, request.headers.get("X-Slack-Signature", "")) or not fresh(timestamp):
        raise HTTPException(403)
    form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    if not form.get("text"):
        return PlainTextResponse(HOW)
    # Of one workspace each: the same id in another one is somebody else.
    user_id = f"{form['team_id']}/{form['user_id']}"
    posted, at = json.dumps({"user_id": user_id, "text": form["text"]}).encode(), f"{now():.0f}"
    headers = {
        "content-type": "application/json",
        "webhook-id": form["trigger_id"],
        "webhook-timestamp": at,
        "webhook-signature": signed(form["trigger_id"], at, posted),
    }
    answer = await http.post(os.environ["TELLER_WEBHOOK"], content=posted, headers=headers)
    if answer.status_code == 429 or answer.status_code >= 500:
        raise HTTPException(503)
    return PlainTextResponse((answer.json()["text"] or "") if answer.status_code == 200 else "")


@app.post("/replies", status_code=204)
async def from_teller(request: Request) -> None:
    """A reply of Teller's."""
    body, given = await request.body(), request.headers
    message_id, timestamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    made = signed(message_id, timestamp, body)
    if not any(hmac.compare_digest(made, one) for one in given.get("webhook-signature", "").split(" ")):
        raise HTTPException(403)
    if not fresh(timestamp):
        raise HTTPException(403)
    if message_id not in shown:
        reply = json.loads(body)
        await show(reply["user_id"].partition("/")[2], reply["text"])
        shown.add(message_id)
