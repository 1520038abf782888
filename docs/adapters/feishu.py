"""Feishu (飞书) in front of Teller's signed webhook: one file to copy, change and run as ``uvicorn feishu:app``.

Settings: ``FEISHU_APP_ID``, ``FEISHU_APP_SECRET``, ``FEISHU_ENCRYPT_KEY`` (events must be encrypted), ``TELLER_WEBHOOK``,
``ADAPTER_SECRET``. Source: open.feishu.cn/document, "事件订阅" and "发送消息".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import time
from typing import Any

import httpx
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from fastapi import FastAPI, HTTPException, Request

FEISHU = "https://open.feishu.cn/open-apis"
MAX_AGE = 300
KINDS = {"text": "text", "audio": "voice", "image": "image", "media": "video", "file": "file"}

app = FastAPI()
http = httpx.AsyncClient(timeout=10)
shown: set[str] = set()  # of a real adapter a table: a restart must not forget it


def decrypted(encrypted: str, encrypt_key: str) -> bytes:
    """What Feishu put into ``encrypt``: AES-256-CBC under the SHA-256 of the key, its first 16 bytes the IV."""
    raw = base64.b64decode(encrypted)
    key = hashlib.sha256(encrypt_key.encode()).digest()
    decryptor = Cipher(algorithms.AES(key), modes.CBC(raw[:16])).decryptor()
    unpadder = PKCS7(128).unpadder()
    return unpadder.update(decryptor.update(raw[16:]) + decryptor.finalize()) + unpadder.finalize()


def signed(message_id: str, timestamp: str, body: bytes) -> str:
    """The signature of Standard Webhooks."""
    key = base64.b64decode(os.environ["ADAPTER_SECRET"].removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, "sha256")).decode()


async def show(user_id: str, text: str, once: str) -> None:
    """Send *text*; Feishu shows what has the same ``uuid`` once within an hour."""
    app_ = {"app_id": os.environ["FEISHU_APP_ID"], "app_secret": os.environ["FEISHU_APP_SECRET"]}
    token = (await http.post(f"{FEISHU}/auth/v3/tenant_access_token/internal", json=app_)).raise_for_status().json()
    sent = await http.post(
        f"{FEISHU}/im/v1/messages",
        params={"receive_id_type": "open_id"},
        headers={"Authorization": f"Bearer {token['tenant_access_token']}"},
        json={"receive_id": user_id, "msg_type": "text", "content": json.dumps({"text": text}), "uuid": once[:50]},
    )
    if sent.raise_for_status().json().get("code") != 0:
        raise HTTPException(502)


@app.post("/feishu")
async def from_feishu(request: Request) -> dict[str, str]:
    """An event: verified, opened, handed on. Anything but 200 makes Feishu deliver it again."""
    body, key = await request.body(), os.environ["FEISHU_ENCRYPT_KEY"]
    try:
        event: dict[str, Any] = json.loads(decrypted(json.loads(body)["encrypt"], key))
    except (ValueError, KeyError, TypeError):
        raise HTTPException(400) from None
    if event.get("type") == "url_verification":
        # Only this one comes without a signature; who can encrypt it knows the key.
        return {"challenge": event["challenge"]}
    timestamp, nonce = (request.headers.get(f"X-Lark-Request-{name}", "") for name in ("Timestamp", "Nonce"))
    made = hashlib.sha256(f"{timestamp}{nonce}{key}".encode() + body).hexdigest()
    if not hmac.compare_digest(made, request.headers.get("X-Lark-Signature", "")):
        raise HTTPException(403)
    message = event["event"].get("message", {})
    if event["header"]["event_type"] == "im.message.receive_v1" and message.get("chat_type") == "p2p":
        user_id = event["event"]["sender"]["sender_id"]["open_id"]
        said = json.loads(message["content"]).get("text") if message["message_type"] == "text" else None
        await to_teller(message["message_id"], user_id, KINDS.get(message["message_type"], "file"), said)
    return {}


async def to_teller(message_id: str, user_id: str, kind: str, text: str | None) -> None:
    """Hand on what a customer did, and say what is to be said at once."""
    fields = {"user_id": user_id, "kind": kind, **({"text": text} if text else {})}
    body, timestamp = json.dumps(fields).encode(), f"{time.time():.0f}"
    headers = {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": signed(message_id, timestamp, body),
    }
    answer = await http.post(os.environ["TELLER_WEBHOOK"], content=body, headers=headers)
    if answer.status_code == 200 and answer.json()["text"]:
        await show(user_id, answer.json()["text"], message_id)
    elif answer.status_code == 429 or answer.status_code >= 500:
        raise HTTPException(503)


@app.post("/replies", status_code=204)
async def from_teller(request: Request) -> None:
    """A reply of Teller's."""
    body, given = await request.body(), request.headers
    message_id, timestamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    made = signed(message_id, timestamp, body)
    if not any(hmac.compare_digest(made, one) for one in given.get("webhook-signature", "").split(" ")):
        raise HTTPException(403)
    if abs(time.time() - int(timestamp)) > MAX_AGE:
        raise HTTPException(403)
    if message_id not in shown:
        reply = json.loads(body)
        await show(reply["user_id"], reply["text"], message_id)
        shown.add(message_id)
