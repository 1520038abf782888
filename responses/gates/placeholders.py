"""Gate 1 on the placeholders of a draft: each as often as asked, none changed by the words beside it, none mislabelled."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from backends.result import Kind
from responses.draft import Draft, required
from responses.gates.bare import MARK, Bare, bare
from responses.gates.lexicon import Lexicon
from responses.gates.refusal import Refusal
from responses.gates.wording import HARMLESS, fact_of

FILE = Path(__file__).with_name("placeholders.yml")
FIGURES: frozenset[Kind] = frozenset(
    ["money", "rate", "percent", "points", "count", "term", "period", "date", "datetime", "time"]
)
_CLAUSE_END = re.compile(rf"[。！？；，、!?;,\n{MARK}]")
_NUMBERED = re.compile(r"_\d+$")


@cache
def _data() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))
    return loaded


def check_placeholders(draft: Bare, source: Draft) -> list[Refusal]:
    """What is wrong with the placeholders of *draft*, measured against those of *source*."""
    return [*_counts(draft, source), *_order(draft, source), *_neighbours(draft, source), *_labels(draft)]


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


def _neighbours(draft: Bare, source: Draft) -> Iterator[Refusal]:
    """Words that touch a figure and change it: 约⟦x⟧, ⟦x⟧万, ⟦x⟧天, 第⟦x⟧."""
    allowed = _beside(bare(source.text), source)
    for rule, token, start, end in _touching(draft, source):
        if (rule, token, draft.text[start:end]) not in allowed:
            yield draft.refusal(rule, start, end)


def _beside(text: Bare, source: Draft) -> set[tuple[str, str, str]]:
    return {(rule, token, text.text[start:end]) for rule, token, start, end in _touching(text, source)}


def _touching(text: Bare, source: Draft) -> Iterator[tuple[str, str, int, int]]:
    data = _data()
    for place, token in text.tokens.items():
        fact = fact_of(token, source)
        if fact is None or fact.kind not in FIGURES or fact.name in data["estimates"]:
            continue
        before = text.text[:place].rstrip(" ")
        for word in data["approximations"]["before"]:
            if before.endswith(word) and not _inside_word(before, word):
                yield "approximation", token, len(before) - len(word), len(before)
        after = text.text[place + 1 :].lstrip(" ")
        start = len(text.text) - len(after)
        if any(after.startswith(word) for word in data["measure_harmless"]):
            continue
        for rule, words in (("approximation", data["approximations"]["after"]), ("unit", data["measures"])):
            for word in words:
                if after.startswith(word) and not (word[-1].isascii() and after[len(word) : len(word) + 1].isalnum()):
                    yield rule, token, start, start + len(word)


def _inside_word(before: str, word: str) -> bool:
    """上 of 加上, 近 of 最近, about of thereabout are not the word itself."""
    rest = before[: -len(word)]
    if word[0].isascii():
        return rest[-1:].isalnum() if word[0].isalnum() else rest.endswith(word[0])
    return len(word) == 1 and rest.endswith(_COMPOUNDS.get(word, ()))


_COMPOUNDS: dict[str, tuple[str, ...]] = {
    "上": (
        "加",
        "算",
        "还",
        "付",
        "补",
        "以",
        "交",
        "存",
        "早",
        "晚",
        "线",
        "网",
        "用",
        "带",
        "如",
        "卡",
        "户",
        "面",
        "之",
    ),
    "近": ("最", "附", "就", "靠"),
    "约": ("预", "合", "条", "节"),
    "数": ("总", "次", "天", "期", "笔", "额", "多", "人"),
    "几": (),
    "第": (),
    "负": ("抱",),
    "逾": (),
}


@cache
def _family_lexicons() -> tuple[tuple[dict[str, list[str]], Lexicon, dict[str, set[str]]], ...]:
    found = []
    for labels in _data()["families"].values():
        words = {word for group in labels.values() for word in group}
        owners = {
            word: {name for name, group in labels.items() if word in group and name != HARMLESS} for word in words
        }
        found.append((labels, Lexicon({word: [word] for word in words}), owners))
    return tuple(found)


def _labels(draft: Bare) -> Iterator[Refusal]:
    """A figure whose nearest label is another fact's: 最低还款额⟦remaining_due⟧, 卖出价⟦spot_buy⟧."""
    text = draft.text
    for place, token in draft.tokens.items():
        name = _NUMBERED.sub("", token)
        for labels, lexicon, owners in _family_lexicons():
            if name not in labels:
                continue
            start = max((match.end() for match in _CLAUSE_END.finditer(text, 0, place)), default=0)
            finish = _CLAUSE_END.search(text, place + 1)
            end = finish.start() if finish else len(text)
            stretches = [(start, place)]
            if not (finish and finish[0] == MARK):
                stretches.append((place + 1, end))
            for begin, stop in stretches:
                before = _NUMBERED.sub("", draft.tokens.get(begin - 1, ""))
                hits = [
                    hit
                    for hit in lexicon.hits(text[begin:stop])
                    if owners[hit.label] and (begin > place or before not in owners[hit.label])
                ]
                if not hits:
                    continue
                if not any(name in owners[hit.label] for hit in hits):
                    yield draft.refusal("label", begin + hits[-1].start, begin + hits[-1].end)
                break
