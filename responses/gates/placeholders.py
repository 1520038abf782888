"""Gate 1 on the placeholders of a draft: each as often as asked, in order, none changed or mislabelled by the words beside it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from responses.draft import Draft, required
from responses.gates.bare import Bare
from responses.gates.labels import check_labels
from responses.gates.neighbours import check_neighbours
from responses.gates.refusal import Refusal

FILE = Path(__file__).with_name("placeholders.yml")
_NUMBERED = re.compile(r"_\d+$")


@cache
def _data() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))
    return loaded


def families() -> Mapping[str, Mapping[str, list[str]]]:
    """The labels of facts that are easily confused: family → fact → its labels."""
    labels: Mapping[str, Mapping[str, list[str]]] = _data()["families"]
    return labels


def check_stated(draft: Bare, source: Draft) -> list[Refusal]:
    """What the words beside the figures of a finished text make of them; *source* only says what the marks stand for."""
    return [*check_neighbours(draft, source, _data()), *check_labels(draft, families())]


def check_placeholders(draft: Bare, source: Draft) -> list[Refusal]:
    """What is wrong with the placeholders of *draft*, measured against those of *source*."""
    return [
        *_counts(draft, source),
        *_order(draft, source),
        *check_neighbours(draft, source, _data()),
        *check_labels(draft, families()),
    ]


def _counts(draft: Bare, source: Draft) -> Iterator[Refusal]:
    asked, given = Counter(required(source)), Counter(draft.tokens.values())
    seen: Counter[str] = Counter()
    for place, token in draft.tokens.items():
        seen[token] += 1
        if token not in asked:
            yield draft.refusal("placeholder_unknown", place, place + 1)
        elif seen[token] > asked[token]:
            yield draft.refusal("placeholder_doubled", place, place + 1)
    for token in asked - given:
        yield Refusal("placeholder_missing", len(draft.raw), len(draft.raw), f"⟦{token}⟧")
    for broken in re.finditer(r"[⟦⟧]", draft.text):
        yield draft.refusal("placeholder_unknown", broken.start(), broken.end())


def _order(draft: Bare, source: Draft) -> Iterator[Refusal]:
    """Facts of one name, from several results, must keep their order: nothing else ties ``card_tail_2`` to its bill."""
    asked = _by_base(required(source))
    for base, tokens in _by_base(draft.tokens.values()).items():
        if len(set(asked.get(base, ()))) > 1 and list(dict.fromkeys(tokens)) != list(dict.fromkeys(asked[base])):
            place = next(place for place, token in draft.tokens.items() if _NUMBERED.sub("", token) == base)
            yield draft.refusal("placeholder_order", place, place + 1)


def _by_base(tokens: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for token in tokens:
        found.setdefault(_NUMBERED.sub("", token), []).append(token)
    return found
