"""Whole conversations, told in YAML, through the inbox, the model, the demo bank and the gates.

A turn says something (``say``) or answers with the code on the demo phone (``code: true``), before it may have waited
(``later``, minutes, under a ``Clock``) or signed in (``sign_in``, a customer), and names what must come:
``outcomes`` (in order), ``evidence`` (fact → spoken words, or ``true`` for any), ``text`` and ``not_text`` (parts of the
reply). Of every reply, whatever the turn names, every figure must lie in its evidence, and the evidence must be what
the bank answered in that turn.

Every story finds the bank as it was seeded, on a Wednesday morning: what it tells hangs neither on the stories before it
nor on when it is told.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import yaml

from backends import values
from backends.rules import standing_facts
from bot.app import Instead, running
from bot.parts import utc_now
from bot.principal import Principal
from bot.service import Service
from bot.settings import load_settings

HERE = Path(__file__).parent
WEDNESDAY = dt.datetime(2026, 11, 18, 2, 30, tzinfo=dt.UTC)
"""10:30 in Beijing on a working day."""
_BEGAN = utc_now()


def on_wednesday() -> dt.datetime:
    """A clock that goes, and said ``WEDNESDAY`` when the tests began."""
    return WEDNESDAY + (utc_now() - _BEGAN)


class Snapshot:
    """What SQLite files hold when it is taken, to be put back as often as wanted while others have them open."""

    def __init__(self, *files: Path) -> None:
        self._kept = {file: _copied(file) for file in files}

    async def put_back(self) -> None:
        """Make the files hold that and nothing else."""
        for file, kept in self._kept.items():
            await asyncio.to_thread(_copy_into, file, kept)


def _copied(file: Path) -> sqlite3.Connection:
    kept = sqlite3.connect(":memory:", check_same_thread=False)
    with closing(sqlite3.connect(file)) as live:
        live.backup(kept)
    return kept


def _copy_into(file: Path, kept: sqlite3.Connection) -> None:
    with closing(sqlite3.connect(file, timeout=10)) as live:
        kept.backup(live)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: dt.datetime) -> None:
        self.now = now

    def __call__(self) -> dt.datetime:
        return self.now


def told(folder: Path = HERE) -> list[tuple[str, dict[str, Any]]]:
    """Every story of *folder* with its name."""
    return [
        (f"{path.stem}: {story['name']}", story)
        for path in sorted(folder.glob("*.yml"))
        for story in yaml.safe_load(path.read_text("utf-8"))
    ]


@asynccontextmanager
async def open_bank(data_dir: Path, instead: Instead | None = None, **settings: object) -> AsyncIterator[Service]:
    """A freshly seeded demo bank with the bot at work, under *settings* besides."""
    async with running(load_settings(env="demo", data_dir=data_dir, **settings), instead) as service:
        yield service


async def play(story: dict[str, Any], service: Service) -> list[dict[str, Any]]:
    """Tell *story* to the bot and give its replies; fails at the first turn that goes another way or says what nobody
    answered."""
    replies = []
    customer = story.get("customer")
    principal = (
        Principal(channel="web", customer_id=customer, assurance="signed_in") if customer else Principal(channel="web")
    )
    conversation, _ = await service.conversations.create(channel="web", principal=principal, now=service.clock())
    for number, expected in enumerate(story["turns"]):
        if "later" in expected:
            assert isinstance(service.clock, Clock), "only a clock that can be moved goes on"
            service.clock.now += dt.timedelta(minutes=expected["later"])
        if "sign_in" in expected:
            customer = expected["sign_in"]
            opened = await service.conversations.get(conversation.id)
            assert opened is not None
            await service.conversations.sign_in(opened, customer, service.clock())
            principal = Principal(channel="web", customer_id=customer, assurance="signed_in")
        text = await code_on_phone(service, customer) if expected.get("code") else expected["say"]
        accepted = await service.inbox.accept(
            conversation.id, f"m{number}", text, principal=principal, channel="web", now=service.clock()
        )
        if expected.get("silence"):
            assert await record_of(service, conversation.id, accepted.seq)
            assert await service.events.reply_to(conversation.id, accepted.seq, 0.1) is None
            continue
        event = await service.events.reply_to(conversation.id, accepted.seq, 20.0)
        assert event is not None, f"no reply to {text!r}"
        record = await record_of(service, conversation.id, accepted.seq)
        _came_as_told(expected, text, event.data, record)
        rests_on_the_bank(event.data, record, service.clock())
        replies.append(event.data)
    return replies


async def code_on_phone(service: Service, customer: str) -> str:
    """The one-time code that *customer*'s phone shows."""
    assert service.demo is not None
    shown = await service.demo.phone.read(customer)
    assert shown is not None, "no code on the phone"
    return shown[0]


async def record_of(service: Service, conversation_id: str, seq: int) -> dict[str, Any]:
    """The turn's record, once it is stored."""
    for _ in range(400):
        record = await service.record_of(conversation_id, seq)
        if record is not None:
            return record
        await asyncio.sleep(0.02)
    raise AssertionError(f"message {seq} was never handled")


def _came_as_told(expected: dict[str, Any], text: str, reply: dict[str, Any], record: dict[str, Any]) -> None:
    assert expected.keys() & {"outcomes", "evidence", "text"}, "a turn that expects nothing cannot fail"
    said = [f"{d['say']['capability']}.{d['say']['outcome']}" for d in record["decisions"] if "say" in d]
    told = f"{text!r} → {said} {reply['text']!r}; understood {record['understanding']}"
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


def rests_on_the_bank(reply: dict[str, Any], record: dict[str, Any], now: dt.datetime) -> None:
    """Every figure lies inside an evidence span, and every span says what was answered in this turn, or a standing rule."""
    text = reply["text"]
    spans = [(span["start"], span["end"]) for span in reply["evidence"]]
    for figure in values.find_figures(text):
        # The bank's own currency may be named before its sum.
        begin = figure.start + len("人民币") * figure.text.startswith("人民币")
        covered = any(start <= begin and figure.end <= end for start, end in spans)
        assert covered, f"{figure.text!r} in {text!r} has no evidence"
    answered = {(fact.value, fact.unit, "rule") for fact in standing_facts(now).values()}
    results = [step["result"] for step in record["steps"]]
    results += [decision["say"] for decision in record["decisions"] if "say" in decision]
    for result in results:
        for fact in itertools.chain(
            result["facts"], *result["rows"], *(choice["facts"] for choice in result["choices"])
        ):
            answered.add((fact["value"], fact["unit"], fact["source"]))
    for span in reply["evidence"]:
        if span["name"] != "honorific":
            assert (span["value"], span["unit"], span["source"]) in answered, f"{span} was never answered"
