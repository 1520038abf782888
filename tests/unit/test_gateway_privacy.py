"""What a model outside the house is sent, byte by byte: not a name, a phone, a card's tail or a sum, however it answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.app import Instead
from bot.principal import Principal
from bot.service import Service
from responses.scripted_server import create_engine
from tests.bank import BANK_NOW
from tests.conversations.stories import open_bank
from tests.server import serving

NAME, FRIEND, PHONE, TAIL = "陈思远", "李文博", "13912345678", "3071"
TOLD = (
    f"我叫{NAME}，手机{PHONE}，尾号{TAIL}的信用卡账单多少",
    f"给{FRIEND}转了八千六百四十元，限额还剩多少",
    "查余额",
    "My name is Siyuan Chen, how much is 8640.75 dollars today?",
)
CANARIES = ("雨晴", "陈女士", NAME, FRIEND, PHONE, TAIL, "八千六百四十", "8640", "Siyuan", "C1001", "key-of-the-bank")


class Overheard:
    """An ASGI application that keeps every byte of every request in front of another."""

    def __init__(self) -> None:
        self.app: Any = create_engine("honest")
        self.heard = b""

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        async def overhearing() -> dict[str, Any]:
            message: dict[str, Any] = await receive()
            self.heard += message.get("body", b"")
            return message

        if scope["type"] == "http":
            kept = [value for name, value in scope["headers"] if name != b"authorization"]
            self.heard += b"\n".join([scope["raw_path"], scope["query_string"], *kept, b""])
        await self.app(scope, overhearing if scope["type"] == "http" else receive, send)

    def text(self) -> str:
        """All of it, and once more as JSON has it unescaped."""
        raw = self.heard.decode("utf-8", "replace")
        return raw + raw.encode("ascii", "backslashreplace").decode("unicode_escape", "replace")


async def say(service: Service, conversation: str, message: str, said: str, principal: Principal) -> dict[str, Any]:
    taken = await service.inbox.accept(
        conversation, message, said, principal=principal, channel=principal.channel, now=service.clock()
    )
    event = await service.events.reply_to(conversation, taken.seq, 15.0)
    assert event is not None
    return event.data


async def test_no_canary_is_in_any_byte_that_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MODEL_KEY", "key-of-the-bank")
    wire = Overheard()
    replies: list[dict[str, Any]] = []
    with serving(wire) as url:
        file = tmp_path / "providers.yml"
        entry = {"name": "far", "kind": "openai", "url": f"{url}/v1", "model": "plain", "key_env": "MODEL_KEY"}
        file.write_text(json.dumps({"providers": [entry]}), "utf-8")
        async with open_bank(tmp_path, Instead(clock=lambda: BANK_NOW), providers=file) as service:
            assert dict(service.models()) == {"far": "ok"}
            # Streamed and whole; taken at its word, and told what was wrong with it.
            for channel, mode in (("web", "honest"), ("terminal", "honest"), ("terminal", "changed_digit")):
                wire.app = create_engine(mode)
                principal = Principal(channel=channel, customer_id="C1001", assurance="signed_in")
                opened, _ = await service.conversations.create(channel=channel, principal=principal, now=BANK_NOW)
                replies += [await say(service, opened.id, f"m{n}", said, principal) for n, said in enumerate(TOLD)]
    verdicts = {reply["how"]["verdict"] for reply in replies}
    assert {"pruned", "refused"} <= verdicts, "the model was hardly asked, so nothing was shown"
    # What the bank answered is a canary too: each sum, date and number that a reply states.
    stated = {reply["text"][each["start"] : each["end"]] for reply in replies for each in reply["evidence"]}
    figures = {each for each in stated if any(char.isdigit() for char in each) and len(each) > 3}
    assert len(figures) > 3
    sent = wire.text()
    assert "⟦" in sent
    assert [canary for canary in (*CANARIES, *figures) if canary in sent] == []
