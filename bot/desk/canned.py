"""Canned replies, with what they leave open filled in."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml

from bot.desk.rules import Label
from bot.message import Frozen

FILE = Path(__file__).with_name("canned.yml")


class Canned(Frozen):
    """A reply that is often sent: ``key`` is typed after a slash, ``title`` is what a list shows."""

    key: str
    title: Label
    text: Label


class Offered(Frozen):
    """One of them, ready to be sent."""

    key: str
    title: str
    text: str


@cache
def canned() -> tuple[Canned, ...]:
    """All of them."""
    return tuple(Canned.model_validate(each) for each in yaml.safe_load(FILE.read_text("utf-8")))


def offered(language: str, values: Mapping[str, str], *, labels: str = "zh") -> list[Offered]:
    """All of them in the customer's *language*, titles in the rep's; what *values* do not say is left out with its comma."""
    return [
        Offered(key=each.key, title=each.title.said(labels), text=filled(each.text.said(language), values))
        for each in canned()
    ]


def filled(text: str, values: Mapping[str, str]) -> str:
    """*text* with its placeholders filled."""
    for name in ("customer", "rep", "bank", "hotline"):
        value = values.get(name, "")
        if not value:
            text = text.replace(f"，{{{name}}}", "").replace(f" {{{name}}}", "")
        text = text.replace(f"{{{name}}}", value)
    return text
