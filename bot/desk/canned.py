"""Canned replies: the bank's file and what was made of it on the page since; what they leave open is filled in."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from backends.result import Fact
from backends.rules import standing_facts
from bot import audit
from bot.desk.canned_tables import CannedRow
from bot.desk.checking import Warned, check
from bot.desk.holding import DESK
from bot.desk.rules import Label
from bot.message import Frozen
from bot.signals import Signals
from bot.store import reading
from responses.reply import Language

FILE = Path(__file__).with_name("canned.yml")
PLACEHOLDERS = ("customer", "rep", "bank", "hotline")
"""What a reply may leave open, in braces."""
KEY = r"^[a-z][a-z0-9-]{0,23}$"
LONGEST_TITLE, LONGEST = 24, 1_000
"""Code points of a title and of a text."""
_BRACED = re.compile(r"\{([^{}]*)\}")
_LANGUAGES: tuple[Language, ...] = ("zh", "en")
_SOMEBODY = {"zh": "王女士", "en": "Ms Wang"}
"""Stands for the customer while a reply is checked."""


class Canned(Frozen):
    """A reply that is often sent: ``key`` is typed after a slash, ``title`` is what a list shows.

    ``version`` counts its changes: one of the bank's file that nobody has changed is 0.
    """

    key: str
    title: Label
    text: Label
    version: int = 0


class Version(Frozen):
    """One state of a reply, who left it so and when; the file's own has neither."""

    canned: Canned
    retired: bool = False
    author: str | None = None
    at: dt.datetime | None = None


class Offered(Frozen):
    """One of them, ready to be sent."""

    key: str
    title: str
    text: str


class BadCanned(ValueError):
    """It cannot be a canned reply: ``reason`` is key, title, text or placeholder, and ``what`` the words that are wrong."""

    def __init__(self, reason: str, what: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.what = what


class Unsafe(ValueError):
    """The gates warn of it: ``warned`` in the text of each language, where its placeholders are filled (``filled``)."""

    def __init__(self, filled_: Mapping[Language, str], warned: Mapping[Language, list[Warned]]) -> None:
        super().__init__("unsafe")
        self.filled = filled_
        self.warned = warned


class Stale(Exception):
    """Somebody else changed it since it was seen, or a new one has the key already."""


class CannedReplies:
    """The replies as they are now. A change adds a version and overwrites none."""

    def __init__(self, engine: AsyncEngine, signals: Signals) -> None:
        self._engine = engine
        self._signals = signals

    async def current(self) -> list[Canned]:
        """Those that reps may send, in the order of the file, newer ones behind."""
        return [each.canned for each in await self.latest() if not each.retired]

    async def latest(self) -> list[Version]:
        """The latest version of each, retired ones too."""
        return [versions[-1] for versions in (await self.history()).values()]

    async def history(self) -> dict[str, list[Version]]:
        """Every version of each, the oldest first."""
        found = {each.key: [Version(canned=each)] for each in seed()}
        query = select(CannedRow).order_by(CannedRow.at, CannedRow.version)
        async with reading(self._engine) as connection:
            for row in await connection.execute(query):
                found.setdefault(row.key, []).append(_version(row))
        return found

    async def save(
        self, canned: Canned, *, new: bool, actor: str, now: dt.datetime, bank: str, reason: str = ""
    ) -> None:
        """Make *canned* the latest version of its key; its ``version`` is the one that was seen, and a *new* one has none.

        With a *reason*, which is kept, what the gates warn of is let through. *bank* is the bank's name. Raises
        ``BadCanned``, ``Unsafe`` and ``Stale``.
        """
        _demand_good(canned)
        if new and canned.key in await self.history():
            raise Stale
        samples = {language: _sample(canned, language, bank, now) for language in _LANGUAGES}
        warned = {language: _warnings(text, language, now) for language, text in samples.items()}
        if any(warned.values()) and not reason:
            raise Unsafe(samples, warned)
        rules = sorted({one.rule for each in warned.values() for one in each})
        await self._add(canned, retired=False, actor=actor, now=now, overridden=rules, reason=reason if rules else "")

    async def retire(self, key: str, version: int, *, actor: str, now: dt.datetime) -> None:
        """Let nobody send it any more. Raises ``Stale``, and ``KeyError`` where there is none of that key."""
        latest = (await self.history())[key][-1]
        if latest.canned.version != version or latest.retired:
            raise Stale
        await self._add(latest.canned, retired=True, actor=actor, now=now)

    async def _add(self, canned: Canned, *, retired: bool, actor: str, now: dt.datetime, **told: Any) -> None:
        """Store the version after *canned*'s; of two who change the same at once, the second is refused."""
        row = {
            "key": canned.key,
            "version": canned.version + 1,
            "title_zh": canned.title.zh,
            "title_en": canned.title.en,
            "text_zh": canned.text.zh,
            "text_en": canned.text.en,
            "retired": retired,
            "author": actor,
            "at": now,
        }
        try:
            async with self._engine.begin() as connection:
                before = await connection.scalar(select(func.max(CannedRow.version)).where(CannedRow.key == canned.key))
                if (before or 0) != canned.version:
                    raise Stale
                await connection.execute(insert(CannedRow).values(**row))
                what = "canned.retired" if retired else "canned.changed"
                await audit.note(
                    connection, what, actor=actor, at=now, key=canned.key, version=canned.version + 1, **told
                )
        except IntegrityError:
            raise Stale from None
        self._signals.tell("event", DESK)


@cache
def seed() -> tuple[Canned, ...]:
    """Those of the bank's file."""
    return tuple(Canned.model_validate(each) for each in yaml.safe_load(FILE.read_text("utf-8")))


def offered(
    replies: Sequence[Canned], language: str, values: Mapping[str, str], *, labels: str = "zh"
) -> list[Offered]:
    """*replies* in the customer's *language*, titles in the rep's; what *values* do not say is left out with its comma."""
    return [
        Offered(key=each.key, title=each.title.said(labels), text=filled(each.text.said(language), values))
        for each in replies
    ]


def filled(text: str, values: Mapping[str, str]) -> str:
    """*text* with its placeholders filled."""
    for name in PLACEHOLDERS:
        value = values.get(name, "")
        if not value:
            text = text.replace(f"，{{{name}}}", "").replace(f" {{{name}}}", "")
        text = text.replace(f"{{{name}}}", value)
    return text


def _demand_good(canned: Canned) -> None:
    """Raises ``BadCanned``."""
    if not re.fullmatch(KEY, canned.key):
        raise BadCanned("key", canned.key)
    for title in (canned.title.zh, canned.title.en):
        if not 0 < len(title) <= LONGEST_TITLE:
            raise BadCanned("title", title)
    for text in (canned.text.zh, canned.text.en):
        if not 0 < len(text) <= LONGEST:
            raise BadCanned("text", text[:LONGEST_TITLE])
        for name in _BRACED.findall(text):
            if name not in PLACEHOLDERS:
                raise BadCanned("placeholder", f"{{{name}}}")
        left = _BRACED.sub("", text)
        if "{" in left or "}" in left:
            raise BadCanned("placeholder", "{" if "{" in left else "}")


def _sample(canned: Canned, language: Language, bank: str, now: dt.datetime) -> str:
    hotline = standing_facts(now).get("hotline")
    values = {
        "customer": _SOMEBODY[language],
        "rep": "",
        "bank": bank,
        "hotline": hotline.spoken(language) if hotline else "",
    }
    return filled(canned.text.said(language), values)


def _warnings(text: str, language: Language, now: dt.datetime) -> list[Warned]:
    somebody = Fact.of("honorific", _SOMEBODY[language], kind="name", source="rule", as_of=now)
    return check(text, [*standing_facts(now).values(), somebody], [], language)


def _version(row: Any) -> Version:
    canned = Canned(
        key=row.key,
        title=Label(zh=row.title_zh, en=row.title_en),
        text=Label(zh=row.text_zh, en=row.text_en),
        version=row.version,
    )
    return Version(canned=canned, retired=row.retired, author=row.author, at=row.at)
