"""New wordings of labelled messages: other slot values, slips of typing, two messages in one."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from intents.capability import CATALOG, catalog
from intents.lexicon import ENUM_WORDS, read_enum
from intents.training.generate import GENERATORS
from intents.training.noise import edit, noisy
from intents.training.rows import Row
from intents.understanding import Act, Language

_JOINS: dict[Language, tuple[str, ...]] = {
    "zh": ("，顺便", "，另外", "，再", "，还有", "，顺便问下", "，然后", "。还有", "，对了，", "。另外", " 顺便", "，同时", "，", "，并且", "；", "。"),
    "en": (" and also ", ", and ", ". Also, ", " and ", ", also ", ". By the way, ", ", plus ", "; ", ". And ", ", then "),
}  # fmt: skip
_UNIT = re.compile(r"[元块钱圆$¥€£]|\b(usd|rmb|dollars?|yuan)\b", re.IGNORECASE)
_STOPS = re.compile(r"[，。？！!?.,、\s]+$")
_JOINABLE = 40
"""Characters up to which a message is one of two in another: longer ones are hardly ever said in one breath."""

_SINGLE_KINDS = ("query", "write", "knowledge")


class Variety:
    """New wordings of rows: slot values exchanged, two messages in one, slips of typing."""

    def __init__(self, rows: Sequence[Row], folder: Path = CATALOG) -> None:
        capabilities = catalog(folder)
        self._writes = {name for name, capability in capabilities.items() if capability.kind == "write"}
        self._pairable = [
            row
            for row in rows
            if capabilities[row.intent].kind in _SINGLE_KINDS
            and len(row.text) <= _JOINABLE
            and row.second is None
            and row.act is not None
            and row.spans is not None
        ]
        self._by_intent: dict[tuple[str, Language], list[Row]] = defaultdict(list)
        for row in self._pairable:
            self._by_intent[row.intent, row.language].append(row)
        self._intents: dict[Language, list[str]] = defaultdict(list)
        for name, language in self._by_intent:
            self._intents[language].append(name)
        self._seen: dict[tuple[str, Language], list[str]] = defaultdict(list)
        for row in rows:
            for start, end, slot in row.spans or ():
                self._seen[slot, row.language].append(row.text[start:end])

    def vary(self, row: Row, dice: random.Random) -> Row:
        """*row* with other slot values and, often, slips; what it means stays the same."""
        return self.slip(self.exchange(row, dice), dice)

    def exchange(self, row: Row, dice: random.Random, chance: float = 0.6) -> Row:
        """*row* with some of its slot values replaced: by a made-up one, or by one seen elsewhere in the catalogue."""
        changes = [
            (start, end, self._value(row.text[start:end], slot, row.language, dice))
            for start, end, slot in row.spans or ()
            if dice.random() < chance
        ]
        text, spans = edit(row.text, row.spans or (), changes)
        return replace(row, text=text, spans=None if row.spans is None else spans)

    def _value(self, words: str, slot: str, language: Language, dice: random.Random) -> str:
        if slot in ENUM_WORDS:
            value = read_enum(slot, words)
            others = [word for word in ENUM_WORDS[slot].get(value or "", ()) if word.isascii() == (language == "en")]
            return dice.choice(others) if others else words
        seen = self._seen[slot, language]
        found = GENERATORS[slot](dice, language) if not seen or dice.random() < 0.6 else dice.choice(seen)
        if slot == "amount" and bool(_UNIT.search(words)) != bool(_UNIT.search(found)):
            return words
        return found

    def slip(self, row: Row, dice: random.Random) -> Row:
        """*row* as carelessly typed."""
        text, spans = noisy(row.text, row.spans or (), row.language, dice)
        return replace(row, text=text, spans=None if row.spans is None else spans)

    def pair(self, dice: random.Random) -> Row:
        """Two messages of one language and different intents in one, in either order.

        One message alone where the rows have no two intents in its language.
        """
        first = dice.choice(self._pairable)
        others = [name for name in self._intents[first.language] if name != first.intent]
        if not others:
            return first
        second = dice.choice(self._by_intent[dice.choice(others), first.language])
        joined = self._join(first, second, dice)
        return replace(joined, second=second.intent, act=self._joint_act(first, second))

    def double(self, dice: random.Random) -> Row:
        """Two messages of one intent in one: real customers ramble, and several clauses are not yet two intents."""
        first = dice.choice(self._pairable)
        return self._join(first, dice.choice(self._by_intent[first.intent, first.language]), dice)

    def _join(self, first: Row, second: Row, dice: random.Random) -> Row:
        """*first* and *second* as one message that means what *first* does."""
        first, second = self.exchange(first, dice), self.exchange(second, dice)
        head = _STOPS.sub("", first.text)
        joint = dice.choice(_JOINS[first.language])
        at = len(head) + len(joint)
        spans = tuple(span for span in first.spans or () if span[1] <= len(head))
        spans += tuple((start + at, end + at, slot) for start, end, slot in second.spans or ())
        return replace(first, text=head + joint + second.text, spans=spans)

    def _joint_act(self, first: Row, second: Row) -> Act | None:
        """*do* where either half asks for a write to be done; else the act of the first."""
        doing = any(half.act == "do" and half.intent in self._writes for half in (first, second))
        return "do" if doing else first.act

    def epoch(self, rows: Sequence[Row], dice: random.Random, pairs: float = 0.25) -> Iterator[Row]:
        """Each of *rows* once, as it is or varied, and beside them a share of *pairs* and half as many doubles, shuffled."""
        varied = [row if dice.random() < 0.25 else self.vary(row, dice) for row in rows]
        varied += [self.slip(self.pair(dice), dice) for _ in range(int(pairs * len(rows)))]
        varied += [self.slip(self.double(dice), dice) for _ in range(int(pairs * len(rows) / 2))]
        dice.shuffle(varied)
        yield from varied
