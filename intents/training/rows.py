"""Labelled messages to train and to measure on: from the catalogue, or from files in one plain shape."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from intents.capability import CATALOG, catalog
from intents.conventions import tidied
from intents.tagging import Spans
from intents.understanding import Act, Language

HELD_OUT = 0.1
"""Share of the rows kept out of training, for early stopping, calibration and our own figures."""


class BadRows(ValueError):
    """A file of rows that cannot be read; the message names the file, the line and what is wrong."""


@dataclass(frozen=True, slots=True)
class Row:
    """A message and what it means. ``second`` is the other intent of a message with two, in the order they are said.

    ``act`` or ``spans`` is ``None`` where nobody said: nothing is learnt about it from this row. ``weight`` scales
    what is learnt.
    """

    text: str
    language: Language
    intent: str
    act: Act | None
    spans: Spans | None = ()
    second: str | None = None
    weight: float = 1.0


def catalog_rows(folder: Path = CATALOG) -> list[Row]:
    """Every example of the catalogue in *folder*, once; the same words under one intent are one row."""
    rows: dict[tuple[str, str], Row] = {}
    for name, capability in catalog(folder).items():
        for example in capability.parsed_examples():
            spans = tuple(tidied(example.text, example.spans))
            row = Row(example.text, example.language, name, example.act, spans)
            rows.setdefault((name, example.text), row)
    return list(rows.values())


def read_rows(path: Path) -> list[Row]:
    """The rows of a JSON-lines file.

    A line is ``{"text", "lang", "intent" | "intents", "act", "slots": [{"start", "end", "slot"}], "weight"}``; of several
    intents the first two count; ``lang`` is ``zh`` unless told; ``act``, ``slots`` and ``weight`` may be absent.
    Raises ``BadRows``.
    """
    rows = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            rows.append(_row(json.loads(line)))
        except (ValueError, KeyError, TypeError) as error:
            raise BadRows(f"{path}, line {number}: {type(error).__name__} {error}") from None
    return rows


def _row(said: dict[str, object]) -> Row:
    intents = said.get("intents") or [said["intent"]]
    if not isinstance(intents, list) or not all(isinstance(name, str) for name in intents):
        raise TypeError("'intents' is a list of names")
    text, slots = str(said["text"]), said.get("slots")
    spans = None if slots is None else tuple(sorted((int(s["start"]), int(s["end"]), str(s["slot"])) for s in slots))  # type: ignore[attr-defined]
    for start, end, slot in spans or ():
        if not 0 <= start < end <= len(text):
            raise ValueError(f"the span of {slot} ({start}, {end}) is not in the text")
    return Row(
        text=text,
        language="en" if said.get("lang") == "en" else "zh",
        intent=intents[0],
        act=said.get("act"),  # type: ignore[arg-type]
        spans=spans,
        second=intents[1] if len(intents) > 1 else None,
        weight=float(said.get("weight", 1.0)),  # type: ignore[arg-type]
    )


def data_hash(rows: Sequence[Row]) -> str:
    """Twelve hex digits that change with any text, label or span."""
    content = "\n".join(sorted(repr(row) for row in rows))
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def split(rows: Sequence[Row], share: float = HELD_OUT) -> tuple[list[Row], list[Row]]:
    """Training rows and held-out rows: per intent and language, the *share* whose text hashes lowest.

    The choice depends on the words alone, so adding an example moves few others across.
    """
    groups: dict[tuple[str, Language], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.intent, row.language].append(row)
    train: list[Row] = []
    held: list[Row] = []
    for group in groups.values():
        ranked = sorted(group, key=lambda row: hashlib.sha256(row.text.encode()).digest())
        count = round(len(ranked) * share)
        held += ranked[:count]
        train += ranked[count:]
    return train, held
