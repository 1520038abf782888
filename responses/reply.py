"""What the customer is told: the text, what each figure in it rests on, and how it came to be said."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import BaseModel, ConfigDict

from backends.result import Card

Language = Literal["zh", "en"]

Verdict = Literal["template", "passed", "pruned", "mended", "refused", "unavailable"]
"""``template``: no model was asked. ``passed``: a model's wording is shown. ``pruned``: the same,
less the sentences that nobody vouches for. ``mended``: its first sentences are, and the
template's end them. ``refused``: its drafts failed a gate, and ``unavailable``: it gave none in time; in both cases the
template is shown."""


class Frozen(BaseModel):
    """A value object of this package: immutable, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Evidence(Frozen):
    """``text[start:end]`` (code points) states the fact *name*; ``value`` is its canonical text, ``as_of`` is UTC."""

    start: int
    end: int
    name: str
    value: str
    unit: str | None
    source: str
    as_of: dt.datetime


class QuickReply(Frozen):
    """A button: ``title`` is shown, ``payload`` is sent as if the customer had written it."""

    title: str
    payload: str


class RefusedSpan(Frozen):
    """What a gate refused in a model's draft: the rule, and the words it refused."""

    rule: str
    span: str


class How(Frozen):
    """How the wording came about: who wrote it, with which prompt (content hash) and gate rules (content hash).

    ``phrases`` are those a conversation remembers so as not to hear them twice; the last is what the reply opens with.
    """

    generator: str
    prompt: str | None = None
    attempts: int = 0
    verdict: Verdict
    refused: tuple[RefusedSpan, ...] = ()
    rules: str
    phrases: tuple[str, ...] = ()


class Reply(Frozen):
    """One reply to one message, whatever the channel."""

    text: str
    language: Language
    evidence: tuple[Evidence, ...]
    cards: tuple[Card, ...] = ()
    quick_replies: tuple[QuickReply, ...] = ()
    how: How
