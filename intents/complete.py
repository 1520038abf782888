"""Slots that need no model: what is written so plainly that a pattern finds it, added where the model missed it.

Also the seams: a span of the model that cuts through a number, a date or a lexicon word is widened or narrowed to the
whole of it; 五百美金 is an amount and a currency; 尾号8888 is four digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from backends.values import read_amount, read_currency
from intents.conventions import tidied
from intents.lexicon import ENUM_WORDS
from intents.shapes import BANK, BEFORE_CURRENCY, CURRENCY, MONEY, NEEDS_SHAPE, SHAPES, TAIL, UNMISTAKABLE, WEIGHT, YEAR
from intents.tagging import Span

LONGEST = 400
"""Characters in which values are looked for; what a customer types after that repeats or is pasted."""

HOME = "CNY"
_RATE = re.compile(r"汇率|牌价|汇价|外汇价|exchange rate", re.IGNORECASE)
_EXCHANGE = re.compile(
    r"换成|换|兑换|兑|等于|折合|折|值|转成|合|对|(?<![a-z])(?:to|into|in|for)(?![a-z])", re.IGNORECASE
)
_NAMES = frozenset({"city", "product_name", "card_product", "merchant"})
"""Slots whose words are names without a shape: neighbouring pieces of one are one name."""

_WIDENED = frozenset({"amount", *ENUM_WORDS})
"""Slots of which the model's words stay, however short the shape inside them is: 手机网银, 农户小额贷款."""

_PLACE_ENDS = re.compile(r"[市省县区镇]")
_NO_NAME = re.compile(r"[\s，。,.、?？!！；;：:（）()]")


def complete(text: str, spans: Sequence[Span]) -> list[Span]:
    """*spans* with their seams put right, and with what is plainly written but was missed; ordered, never overlapping."""
    text = text[:LONGEST]
    found = [part for span in _joined(text, spans) if span[1] <= LONGEST for part in _mended(text, span)]
    kept: list[Span] = []
    _add(kept, found)
    _add(kept, ((match.start(1), match.end(1), "card_tail") for match in TAIL.finditer(text)))
    _add(kept, _currencies(text))
    _add(kept, _amounts(text, kept))
    for slot, pattern in UNMISTAKABLE.items():
        _add(kept, ((match.start(), match.end(), slot) for match in pattern.finditer(text)))
    return tidied(text, _with_roles(text, sorted(kept)))


def _add(kept: list[Span], found: Iterable[Span]) -> None:
    for start, end, slot in list(found):
        if start < end and all(end <= first or start >= last for first, last, _ in kept):
            kept.append((start, end, slot))


def _joined(text: str, spans: Sequence[Span]) -> list[Span]:
    """*spans* where pieces of one name, at most a character apart, are one."""
    joined: list[Span] = []
    for start, end, slot in sorted(spans):
        if joined and slot in _NAMES and joined[-1][2] == slot:
            before = joined[-1]
            gap = text[before[1] : start]
            if len(gap) <= 1 and not _NO_NAME.search(gap):
                joined[-1] = (before[0], max(end, before[1]), slot)
                continue
        joined.append((start, end, slot))
    return joined


def _mended(text: str, span: Span) -> Iterator[Span]:
    """One span of the model as the catalogue would mark it; nothing where it cannot be what it was taken for."""
    start, end, slot = span
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if slot == "amount":
        slot = _kind_of_number(text, start, end)
    if slot != "bank" and any(match.start() < end and match.end() > start for match in BANK.finditer(text)):
        return
    whole = _touching(text, start, end, slot)
    if whole is not None:
        start, end = (min(start, whole[0]), max(end, whole[1])) if slot in _WIDENED else whole
    elif slot in NEEDS_SHAPE:
        return
    if slot == "city" and end < len(text) and _PLACE_ENDS.match(text[end]):
        end += 1
    if slot == "amount":
        for match in SHAPES["term"].finditer(text):
            if start < match.start() < end <= match.end():  # 100万30年 is a sum and a term
                yield match.start(), match.end(), "term"
                end = match.start()
                break
        for match in CURRENCY.finditer(text, start, end):
            number = text[start : match.start()].rstrip()
            if match.end() == end and number and read_amount(number) is not None:
                yield start, start + len(number), slot
                yield match.start(), end, "currency"
                return
    yield start, end, slot


def _kind_of_number(text: str, start: int, end: int) -> str:
    """What a number is that the model took for an amount: a year, a term (90天), or what it said."""
    if any(match.start() <= start and match.end() >= end for match in YEAR.finditer(text)):
        return "date"
    if any(match.start() <= start and match.end() >= end for match in SHAPES["term"].finditer(text)):
        return "term"
    return "amount"


def _touching(text: str, start: int, end: int, slot: str) -> tuple[int, int] | None:
    """Where the shape of *slot* stands that overlaps ``start:end`` most."""
    shape = SHAPES.get(slot)
    if shape is None:
        return None
    touching = [match for match in shape.finditer(text) if match.start() < end and match.end() > start]
    if not touching:
        return None
    return max(touching, key=lambda match: min(end, match.end()) - max(start, match.start())).span()


def _currencies(text: str) -> Iterator[Span]:
    """Every currency named, but for our own where no other is: 人民币理财 asks for no exchange."""
    found = list(CURRENCY.finditer(text))
    if any(read_currency(match[0]) != HOME for match in found):
        yield from ((match.start(), match.end(), "currency") for match in found)


def _amounts(text: str, kept: Sequence[Span]) -> Iterator[Span]:
    """Numbers with 元 or a sign, weights, and numbers that stand right before a currency."""
    for match in MONEY.finditer(text):
        if read_amount(match[0]) is not None:
            yield match.start(), match.end(), "amount"
    for match in WEIGHT.finditer(text):
        if read_amount(match[1]) is not None:
            yield match.start(1), match.end(1), "amount"
    for start, _, slot in list(kept):
        if slot in ("currency", "currency_from"):
            number = BEFORE_CURRENCY.search(text, max(0, start - 24), start)
            if number and read_amount(number[0].strip()) is not None:
                yield number.start(), number.start() + len(number[0].rstrip()), "amount"


def _with_roles(text: str, spans: list[Span]) -> list[Span]:
    """One currency alone is ``currency``; of two, the one given is ``currency_from``, and in asking for a rate, ours."""
    places = [at for at, (_, _, slot) in enumerate(spans) if slot in ("currency", "currency_from")]
    codes = [read_currency(text[spans[at][0] : spans[at][1]]) for at in places]
    roles = [spans[at][2] for at in places]
    if len(places) == 1:
        roles = ["currency"]
    elif len(places) == 2 and codes[0] != codes[1]:
        if _RATE.search(text) and HOME in codes and all(slot != "amount" for _, _, slot in spans):
            roles = ["currency_from" if code == HOME else "currency" for code in codes]
        elif roles[0] == roles[1] and _EXCHANGE.search(text[spans[places[0]][1] : spans[places[1]][0]]):
            roles = ["currency_from", "currency"]
    for at, role in zip(places, roles, strict=True):
        spans[at] = (spans[at][0], spans[at][1], role)
    return spans
