"""What the writer reads: plain text with its figures turned into placeholders, templates, and the written pairs."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from responses.library import ROWS, SHARED, library, parse
from responses.reply import Language
from responses.writer.pairs import PAIRS, pairs
from responses.writer.plan import Plan, Tone
from responses.writer.tokens import END, START, Vocabulary

LONGEST = 256
"""Tokens of one example; what is longer is left out."""
HELD_OUT = 10
"""One plan in so many is kept for validation."""
_CUSTOMER_LEFT_OUT = 0.6
"""Else the words of a customer, which no other pair has, are the key that its reply is known by heart under."""
_SHORT = 6

_FIGURES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("percent", re.compile(r"\d[\d,.]*\s*[%％‰]|\d[\d.]*\s*percent")),
    ("datetime", re.compile(r"\d{4}年\d{1,2}月\d{1,2}日\s*\d{1,2}[:：点时]\d{0,2}")),
    (
        "date",
        re.compile(r"\d{4}年(?:\d{1,2}月)?(?:\d{1,2}[日号])?|\d{1,2}月\d{1,2}[日号]|\d{1,2}[-/]\d{1,2}[-/]\d{2,4}"),
    ),
    ("time", re.compile(r"\d{1,2}[:：]\d{2}(?:\s*[ap]\.?m\b\.?)?|\d{1,2}\s*[ap]m\b", re.IGNORECASE)),
    (
        "money",
        re.compile(r"[¥￥$€£]\s*\d[\d,.]*(?:万|亿)?|\d[\d,.]*\s*(?:万|亿|千)?(?:美元|港币|欧元|元|块钱|块|dollars)"),
    ),
    ("count", re.compile(r"\d[\d,]*\s*(?:个?工作日|个月|天|次|笔|张|家|位|days|months|times)")),
    ("digits", re.compile(r"<NUM>|\d[\d,.\-]*\d|\d")),
)


@dataclass(frozen=True, slots=True)
class Example:
    """Ids, and from which of them on the loss counts."""

    ids: list[int]
    counts_from: int


@dataclass(frozen=True, slots=True)
class Source:
    """A text file, a line each sentence, in one language, and how much of what is read comes from it, by its size."""

    path: Path
    weight: float = 1.0

    @classmethod
    def parse(cls, spec: str) -> Source:
        """``path`` or ``path:weight``; the name begins with the language: ``zh_answers.txt``."""
        path, _, weight = spec.rpartition(":")
        return cls(Path(path), float(weight)) if path else cls(Path(spec))

    @property
    def language(self) -> Language:
        """The language that the name of the file begins with; ``ValueError`` where it names none."""
        if self.path.name.startswith("zh"):
            return "zh"
        if self.path.name.startswith("en"):
            return "en"
        raise ValueError(f"{self.path.name}: the name must begin with zh or en")


class Texts:
    """Sentences of text files: one to three that follow each other make an example."""

    def __init__(self, sources: Sequence[Source], vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._lines = [
            (source.language, [line for line in source.path.read_text("utf-8").splitlines() if len(line) >= _SHORT])
            for source in sources
        ]
        sizes = np.array([sum(map(len, lines)) for _, lines in self._lines], dtype=np.float64)
        chances = sizes * [source.weight for source in sources]
        self._chances = np.cumsum(chances / chances.sum())

    def __bool__(self) -> bool:
        return bool(self._lines)

    def draw(self, seed: int, number: int) -> Example | None:
        """The example *number* of an endless row, ``None`` where it is too long."""
        chance = random.Random(f"{seed}:{number}")  # noqa: S311
        language, lines = self._lines[int(np.searchsorted(self._chances, chance.random()))]
        at = chance.randrange(len(lines))
        text = ("" if language == "zh" else " ").join(lines[at : at + chance.randint(1, 3)])
        marks = self._vocabulary.marks
        start = [marks[START], marks["<text>"], marks[f"<{language}>"]]
        ids = [*start, *self._vocabulary.encode_reply(without_figures(text, chance)), marks[END]]
        return Example(ids[:LONGEST], len(start))


class Replies:
    """Plans with their replies, in an order that is another each round."""

    def __init__(self, replies: Sequence[tuple[Plan, str]], vocabulary: Vocabulary) -> None:
        self._replies = replies
        self._vocabulary = vocabulary
        self._order: tuple[int, list[int]] = (-1, [])

    def __bool__(self) -> bool:
        return bool(self._replies)

    def __len__(self) -> int:
        return len(self._replies)

    def draw(self, seed: int, number: int) -> Example | None:
        """The example *number* of an endless row, ``None`` where it is too long."""
        turn, place = divmod(number, len(self._replies))
        if self._order[0] != turn:
            order = [*range(len(self._replies))]
            random.Random(f"{seed}:{turn}").shuffle(order)  # noqa: S311
            self._order = (turn, order)
        plan, reply = self._replies[self._order[1][place]]
        chance = random.Random(f"{seed}:{number}")  # noqa: S311
        if plan.customer and chance.random() < _CUSTOMER_LEFT_OUT:
            plan = Plan(plan.capability, plan.outcome, plan.given, plan.lang, plan.mood, plan.tone, plan.channel)
        return encoded(plan, reply, self._vocabulary)


def encoded(plan: Plan, reply: str, vocabulary: Vocabulary) -> Example | None:
    """*plan* with *reply* behind it, ``None`` where that is too long."""
    start = vocabulary.encode_plan(plan)
    ids = [*start, *vocabulary.encode_reply(reply), vocabulary.marks[END]]
    return Example(ids, len(start)) if len(ids) <= LONGEST else None


def without_figures(text: str, chance: random.Random) -> str:
    """*text* with each figure as the placeholder of some fact of its kind: so all of a kind learn where it can stand."""
    names = facts_by_kind()
    text = text.replace("{", "").replace("}", "").replace("⟦", "").replace("⟧", "")
    for kind, pattern in _FIGURES:
        text = pattern.sub(lambda _, kind=kind: f"{{{chance.choice(names[kind])}}}", text)  # type: ignore[misc]
    return text


@cache
def facts_by_kind() -> Mapping[str, tuple[str, ...]]:
    """The names of all facts that templates declare, by kind."""
    found: dict[str, set[str]] = {}
    for file in library().values():
        for name, said in file.facts.items():
            found.setdefault(said.kind, set()).add(name)
    return {kind: tuple(sorted(names)) for kind, names in found.items()}


def fact_names() -> frozenset[str]:
    """Every name that a placeholder may have."""
    return frozenset({*(name for names in facts_by_kind().values() for name in names), ROWS, "honorific"})


def is_held_out(plan: Plan) -> bool:
    """Whether *plan* is kept for validation; it depends on the plan alone, so more pairs move none."""
    return int.from_bytes(hashlib.sha256(plan.key.encode()).digest()[:4]) % HELD_OUT == 0


def written(folder: Path = PAIRS, *, held_out: bool) -> list[tuple[Plan, str]]:
    """The written pairs of *folder*: those to learn from, or those kept for validation."""
    return [(plan, pair.reply) for pair in pairs(folder) if is_held_out(plan := Plan.of(pair)) == held_out]


def templates(folder: Path = PAIRS) -> list[tuple[Plan, str]]:
    """The wordings of what the pairs of *folder* are about, with and without each of their optional parts, as replies in the
    style of one."""
    found: dict[tuple[Plan, str], None] = {}
    told_of = {SHARED, *(pair.capability for pair in pairs(folder))}
    for capability, file in library().items():
        if capability not in told_of:
            continue
        for outcome, said in file.outcomes.items():
            for group, language, tone in (
                (said.zh, "zh", "warm"), (said.en, "en", "warm"),
                (said.zh_elder or (), "zh", "elder"), (said.en_elder or (), "en", "elder"),
            ):  # fmt: skip
                for template in group:
                    for given, reply in _told(template):
                        stem = "shared" if capability == SHARED else capability
                        found[_template_plan(stem, outcome, given, language, tone), reply] = None  # type: ignore[arg-type]
    return [*found]


def _template_plan(capability: str, outcome: str, given: tuple[str, ...], language: Language, tone: Tone) -> Plan:
    return Plan(capability, outcome, given, language, tone=tone, style="template")


def _told(template: str) -> list[tuple[tuple[str, ...], str]]:
    """A template with all of its optional parts, with none, and with each of them alone."""
    parts = parse(template)
    optional = [at for at, part in enumerate(parts) if part.optional]
    chosen = {frozenset(optional), frozenset(), *(frozenset([at]) for at in optional)}
    told = []
    for kept in sorted(chosen, key=sorted):
        pieces = [piece for at, part in enumerate(parts) if not part.optional or at in kept for piece in part.pieces]
        reply = "".join(f"{{{text}}}" if is_fact else text for text, is_fact in pieces)
        told.append((tuple(text for text, is_fact in pieces if is_fact), reply))
    return told


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of packed examples: ``ids`` ``[R, T]``, ``document`` tells which example each is of (0: none), ``counts`` where
    the *next* token is of the same example and counts for the loss."""

    ids: NDArray[np.int64]
    document: NDArray[np.int64]
    counts: NDArray[np.bool_]


def packed(examples: Sequence[Example], rows: int, length: int = LONGEST) -> Batch:
    """*examples* in *rows* rows, longest first, each into the fullest row that has room; those that fit nowhere are left out."""
    ids = np.zeros((rows, length), dtype=np.int64)
    document = np.zeros((rows, length), dtype=np.int64)
    counts = np.zeros((rows, length), dtype=np.bool_)
    used = [0] * rows
    for number, example in enumerate(sorted(examples, key=lambda each: -len(each.ids)), 1):
        size = len(example.ids)
        room = [row for row in range(rows) if used[row] + size <= length]
        if not room:
            continue
        row = max(room, key=used.__getitem__)
        at = used[row]
        ids[row, at : at + size] = example.ids
        document[row, at : at + size] = number
        counts[row, at + example.counts_from - 1 : at + size - 1] = True
        used[row] += size
    return Batch(ids, document, counts)


def _joined(replies: Sequence[tuple[Plan, str]]) -> list[str]:
    return [text for plan, reply in replies for text in (plan.customer, re.sub(r"\{[a-z_0-9]+\}", "", reply)) if text]


def vocabulary_from(sources: Sequence[Source], folder: Path = PAIRS, *, size: int, often: int = 15) -> Vocabulary:
    """A vocabulary learnt from the pairs of *folder* and the templates, each counted *often* times, and from *sources*."""
    own = [(text, often) for text in _joined([*written(folder, held_out=False), *templates(folder)])]
    names = [(" " + name.replace("_", " "), often) for name in fact_names()]
    plans = [(f" {plan.capability} {plan.outcome}".replace("_", " "), 1) for plan, _ in templates(folder)]
    texts = (
        line
        for source in sources
        for line in source.path.read_text("utf-8").splitlines()[:: max(1, round(1 / max(source.weight, 0.05)))]
    )
    chance = random.Random(0)  # noqa: S311
    plain = ((re.sub(r"\{[a-z_0-9]+\}", "", without_figures(line, chance)), 1) for line in texts)
    return Vocabulary.learn((*own, *names, *plans, *plain), fact_names(), size=size)
