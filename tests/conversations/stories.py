"""Whole conversations, told in YAML, through the inbox, the model, the demo bank and the gates.

A turn says something (``say``) or answers with the code on the demo phone (``code: true``), and names what must come:
``outcomes`` (in order), ``evidence`` (fact → spoken words, or ``true`` for any), ``text`` and ``not_text`` (parts of the
reply). Of every reply, whatever the turn names, every figure must lie in its evidence, and the evidence must be what
the bank answered in that turn.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml

from backends import values
from bot.app import Instead, running
from bot.message import Incoming, Turn
from bot.principal import Principal
from bot.service import Service
from bot.settings import load_settings

HERE = Path(__file__).parent


def told() -> list[tuple[str, dict[str, Any]]]:
    """Every story with its name."""
    return [
        (f"{path.stem}: {story['name']}", story)
        for path in sorted(HERE.glob("*.yml"))
        for story in yaml.safe_load(path.read_text("utf-8"))
    ]


class Bank:
    """The running bot, and the turns it finished."""

    def __init__(self) -> None:
        self.service: Service
        self.turns: dict[tuple[str, int], Turn] = {}

    def on_turn(self, message: Incoming, turn: Turn) -> None:
        self.turns[message.conversation_id, message.seq] = turn


@asynccontextmanager
async def open_bank(data_dir: Path, instead: Instead | None = None) -> AsyncIterator[Bank]:
    """A freshly seeded demo bank with the bot at work."""
    bank = Bank()
    async with running(load_settings(env="demo", data_dir=data_dir), instead, on_turn=bank.on_turn) as service:
        bank.service = service
        yield bank


async def play(story: dict[str, Any], bank: Bank) -> None:
    """Tell *story* to the bot; fails at the first turn that goes another way or says what nobody answered."""
    service = bank.service
    customer = story.get("customer")
    principal = (
        Principal(channel="web", customer_id=customer, assurance="signed_in") if customer else Principal(channel="web")
    )
    conversation, _ = await service.conversations.create(channel="web", principal=principal, now=service.clock())
    for number, expected in enumerate(story["turns"]):
        text = await _code(service, customer) if expected.get("code") else expected["say"]
        accepted = await service.inbox.accept(
            conversation.id, f"m{number}", text, principal=principal, channel="web", now=service.clock()
        )
        if expected.get("silence"):
            await _stays_silent(bank, conversation.id, accepted.seq)
            continue
        event = await service.events.reply_to(conversation.id, accepted.seq, 20.0)
        assert event is not None, f"no reply to {text!r}"
        turn = bank.turns[conversation.id, accepted.seq]
        _came_as_told(expected, text, event.data, turn)
        _rests_on_the_bank(event.data, turn)


async def _code(service: Service, customer: str) -> str:
    assert service.demo is not None
    shown = await service.demo.phone.read(customer)
    assert shown is not None, "no code on the phone"
    return shown[0]


async def _stays_silent(bank: Bank, conversation_id: str, seq: int) -> None:
    for _ in range(200):
        if (conversation_id, seq) in bank.turns:
            break
        await asyncio.sleep(0.05)
    assert bank.turns[conversation_id, seq].reply is None


def _came_as_told(expected: dict[str, Any], text: str, reply: dict[str, Any], turn: Turn) -> None:
    assert expected.keys() & {"outcomes", "evidence", "text"}, "a turn that expects nothing cannot fail"
    said = [f"{d['say']['capability']}.{d['say']['outcome']}" for d in turn.record["decisions"] if "say" in d]
    told = f"{text!r} → {said} {reply['text']!r}; understood {turn.record['understanding']}"
    if "outcomes" in expected:
        assert said == expected["outcomes"], told
    if "language" in expected:
        assert reply["language"] == expected["language"], told
    spans = {span["name"]: reply["text"][span["start"] : span["end"]] for span in reply["evidence"]}
    for name, words in expected.get("evidence", {}).items():
        assert name in spans, told
        assert words is True or spans[name] == words, told
    for part in expected.get("text", []):
        assert part in reply["text"], told
    for part in expected.get("not_text", []):
        assert part not in reply["text"], told


def _rests_on_the_bank(reply: dict[str, Any], turn: Turn) -> None:
    """Every figure lies inside an evidence span, and every span says what was answered in this turn."""
    text = reply["text"]
    spans = [(span["start"], span["end"]) for span in reply["evidence"]]
    for figure in values.find_figures(text):
        covered = any(start <= figure.start and figure.end <= end for start, end in spans)
        assert covered, f"{figure.text!r} in {text!r} has no evidence"
    answered = set()
    results = [step["result"] for step in turn.record["steps"]]
    results += [decision["say"] for decision in turn.record["decisions"] if "say" in decision]
    for result in results:
        for fact in itertools.chain(
            result["facts"], *result["rows"], *(choice["facts"] for choice in result["choices"])
        ):
            answered.add((fact["value"], fact["unit"], fact["source"]))
    for span in reply["evidence"]:
        if span["name"] != "honorific" and not span["name"].startswith("menu"):
            assert (span["value"], span["unit"], span["source"]) in answered, f"{span} was never answered"
