"""Slots that need no model: what is written so plainly that a pattern finds it, added where the model missed it.

Also the seams between neighbouring slots: 五百美金 is an amount and a currency, 尾号8888 is four digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from backends.values import CURRENCIES, read_amount, read_currency
from intents.lexicon import enum_pattern
from intents.noise import Span

_TAIL = re.compile(
    r"(?:尾号|末四位|后四位|后4位|末尾|尾数|卡号后四位|末4位|ending(?: in| with)?|ends (?:in|with)|last (?:four|4)(?: digits)?(?: are| is)?)"
    r"[\s:：是为]{0,3}([0-9０-９]{4})(?![0-9０-９])",
    re.IGNORECASE,
)
_FOUR = re.compile(r"(?<![0-9０-９])[0-9０-９]{4}(?![0-9０-９])")
_NUMBER = r"(?:[0-9０-９][0-9０-９,，]*(?:[.．][0-9０-９]+)?|[零一二两三四五六七八九十百千万亿]+)"
_PLAIN_AMOUNT = re.compile(
    rf"{_NUMBER}\s?[万千百亿kKwW]{{0,2}}(?:元钱|块钱|元|块)|[$¥￥€£]\s?[0-9][0-9,]*(?:\.[0-9]+)?[kK]?"
)
_BEFORE_CURRENCY = re.compile(rf"{_NUMBER}\s?[万千百亿kKwW]{{0,2}}\s?$")
_EXCHANGE = re.compile(
    r"换成|换|兑换|兑|等于|折合|折|值|转成|合|对|(?<![a-z])(?:to|into|in|for)(?![a-z])", re.IGNORECASE
)
_INSIDE_NUMBER = re.compile(r"[0-9０-９]")

COMPLETED_ENUMS = ("card_kind", "loan_kind")
"""The enum slots whose words are unmistakable; measured on held-out rows, the others lose more than they bring."""


def _currency_pattern() -> re.Pattern[str]:
    names = {name for one in CURRENCIES.values() for name in (one.code, one.zh, one.en, *one.also)}
    longest = sorted(
        (name for name in names if len(name) > 1 and name not in ("块钱", "元钱")), key=lambda name: -len(name)
    )
    parts = [rf"(?<![a-z]){re.escape(name)}(?![a-z])" if name.isascii() else re.escape(name) for name in longest]
    return re.compile("|".join(parts), re.IGNORECASE)


_CURRENCY = _currency_pattern()


def complete(text: str, spans: Sequence[Span]) -> list[Span]:
    """*spans* with their seams put right, and with what is plainly written but was missed; ordered, never overlapping."""
    kept = [part for span in spans for part in _mended(text, span)]
    kept = _without_overlaps(kept)
    _add(kept, ((match.start(1), match.end(1), "card_tail") for match in _TAIL.finditer(text)))
    _add(kept, ((match.start(), match.end(), "currency") for match in _CURRENCY.finditer(text)))
    _add(kept, _amounts(text, kept))
    for slot in COMPLETED_ENUMS:
        _add(kept, ((match.start(), match.end(), slot) for match in enum_pattern(slot).finditer(text)))
    return _with_roles(text, sorted(kept))


def _add(kept: list[Span], found: Iterable[Span]) -> None:
    for start, end, slot in list(found):
        if all(end <= first or start >= last for first, last, _ in kept):
            kept.append((start, end, slot))


def _without_overlaps(spans: Iterable[Span]) -> list[Span]:
    kept: list[Span] = []
    _add(kept, spans)
    return kept


def _mended(text: str, span: Span) -> list[Span]:
    """One span of the model as the catalogue would mark it."""
    start, end, slot = span
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if slot == "card_tail":
        four = _FOUR.search(text, max(0, start - 4), min(len(text), end + 4))
        if four and four.start() < end and four.end() > start:
            return [(four.start(), four.end(), slot)]
    if slot == "amount":
        while start > 0 and _INSIDE_NUMBER.match(text[start - 1]) and _INSIDE_NUMBER.match(text[start]):
            start -= 1
        while end < len(text) and _INSIDE_NUMBER.match(text[end]) and _INSIDE_NUMBER.match(text[end - 1]):
            end += 1
        for match in _CURRENCY.finditer(text, start, end):
            number = text[start : match.start()].rstrip()
            if match.end() == end and number and read_amount(number) is not None:
                return [(start, start + len(number), slot), (match.start(), end, "currency")]
    return [(start, end, slot)] if start < end else []


def _amounts(text: str, kept: Sequence[Span]) -> Iterable[Span]:
    """Numbers with 元 or a sign, and numbers that stand right before a currency."""
    for match in _PLAIN_AMOUNT.finditer(text):
        if read_amount(match[0]) is not None:
            yield match.start(), match.end(), "amount"
    for start, _, slot in list(kept):
        if slot in ("currency", "currency_from"):
            number = _BEFORE_CURRENCY.search(text, max(0, start - 24), start)
            if number and read_amount(number[0].strip()) is not None:
                yield number.start(), number.start() + len(number[0].rstrip()), "amount"


def _with_roles(text: str, spans: list[Span]) -> list[Span]:
    """Of two different currencies around an exchange verb, what is given is ``currency_from`` and what is got ``currency``."""
    places = [at for at, (_, _, slot) in enumerate(spans) if slot in ("currency", "currency_from")]
    if len(places) != 2 or {spans[at][2] for at in places} == {"currency", "currency_from"}:
        return spans
    first, second = (spans[at] for at in places)
    codes = {read_currency(text[start:end]) for start, end, _ in (first, second)}
    if len(codes) == 2 and _EXCHANGE.search(text[first[1] : second[0]]):
        spans[places[0]] = (first[0], first[1], "currency_from")
        spans[places[1]] = (second[0], second[1], "currency")
    return spans
