"""``docs/replies.md``: what ten results sound like in each mood, tone and language, as a customer hears it who is asked no model."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import yaml

import responses
from backends.result import Fact, Result
from backends.rules import standing_facts
from backends.values import Count
from responses.audience import Audience, Mood, Tone
from responses.compose import compose
from responses.gateway import Gateway
from responses.gateway.providers import Entry
from responses.library import FactType, library, wording
from responses.reply import Language, Reply
from responses.writer.serve import open_writer

SPECIMENS = Path(responses.__file__).with_name("specimens.yml")
NOW = dt.datetime(2026, 11, 21, 7, 4, tzinfo=dt.UTC)
"""Afternoon in Beijing."""
LANGUAGES: tuple[Language, ...] = ("zh", "en")
PATIENT = 60.0
"""Seconds that a reply may take here: a page is the same however busy the machine is."""
_SOURCE = "specimen"
_TITLE = """# What replies sound like

Written by `teller replies`; a test keeps it true. Ten results, told to a customer in each mood and tone, in Chinese and in
English, as the first reply of a conversation, by our writer: what people wrote for it (`responses/writer/written/`), and the
templates where nothing fits. This is what is said where no language model is named. Facts are invented. A mood is heard in the customer's own words (`bot/moods.yml`); the
tone is simple for customers of sixty and more, brief for those in a hurry, formal for platinum and private banking, and
warm for the rest. Greetings are those of `responses/persona.yml`; a conversation hears nothing twice while there is another
way to say it.
"""
_TOLD: dict[Tone, dict[str, Any]] = {
    "warm": {}, "brief": {}, "formal": {"tier": "private"}, "elder": {"age": 72},
}  # fmt: skip


def page() -> str:
    """The whole page as Markdown."""
    return asyncio.run(_page())


async def _page() -> str:
    writer = open_writer(Entry(name="writer", kind="writer"))
    try:
        gateway = Gateway(writer, deadline=PATIENT)
        return "".join([_TITLE, *[await _section(result, gateway) for result in specimens()]])
    finally:
        await writer.close()


def specimens() -> list[Result]:
    """The results that are shown."""
    return [_result(**each) for each in yaml.safe_load(SPECIMENS.read_text("utf-8"))]


async def reply(
    result: Result, mood: Mood, tone: Tone, language: Language, variation: int = 0, gateway: Gateway | None = None
) -> Reply:
    """The first reply of a conversation in that *mood* and *tone*, by template without a *gateway*."""
    audience = _Toned.of(
        (_honorific(), *((Fact.of("age", Count(72, "year"), source=_SOURCE, as_of=NOW),) if tone == "elder" else ())),
        language=language, channel="web", greeted=False, now=NOW, variation=variation, mood=mood,
    ).model_copy(update={"toned": tone})  # fmt: skip
    return await compose([result], audience, now=NOW, rules=standing_facts(NOW), gateway=gateway)


class _Toned(Audience):
    """An audience whose tone is what the page shows, whoever it would be for."""

    toned: Tone = "warm"

    @property
    def tone(self) -> Tone:
        return self.toned


async def _section(result: Result, gateway: Gateway) -> str:
    rows = [
        f"| {mood} | {tone} | {_cell((await reply(result, mood, tone, language, place, gateway)).text)} |\n"
        for language in LANGUAGES
        for place, (mood, tone) in enumerate(_ways())
    ]
    half = len(rows) // 2
    tables = "".join(
        f"\n| mood | tone | {name} |\n|---|---|---|\n{''.join(each)}"
        for name, each in (("中文", rows[:half]), ("English", rows[half:]))
    )
    return f"\n## {result.capability}: {result.outcome}\n{tables}"


def _ways() -> Iterator[tuple[Mood, Tone]]:
    for mood in get_args(Mood):
        for tone in get_args(Tone):
            yield mood, tone


def _result(capability: str, outcome: str, facts: dict[str, Any]) -> Result:
    files = library()
    kinds = {**files["_shared"].facts, **files[capability].facts}
    return Result(
        capability=capability,
        outcome=outcome,
        facts=tuple(_fact(name, kinds[name], value) for name, value in facts.items()),
        completed=wording(capability, outcome).completed,
    )


def _fact(name: str, kind: FactType, value: str | list[str]) -> Fact:
    text, english = value if isinstance(value, list) else (value, None)
    unit = {"money": kind.detail or "CNY", "rate": "CNY/100 USD", "count": kind.detail}.get(kind.kind)
    return Fact(name=name, kind=kind.kind, value=text, unit=unit, source=_SOURCE, as_of=NOW, english=english)


def _honorific() -> Fact:
    return Fact.of(
        "honorific", "陈女士", source=_SOURCE, as_of=NOW, kind="name", sensitivity="personal", english="Ms Chen"
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "<br>")
