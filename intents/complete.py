"""Slots that need no model: what is written so plainly that a pattern finds it, added where the model missed it.

Also the seams: a span of the model that cuts through a number, a date or a lexicon word is widened or narrowed to the
whole of it; 五百美金 is an amount and a currency; 尾号8888 is four digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from backends.values import CURRENCIES, read_amount, read_currency
from intents.conventions import tidied
from intents.lexicon import ENUM_WORDS, enum_pattern
from intents.noise import Span

_DIGIT = "[0-9０-９]"
_HAN_NUMBER = "[零〇一二两三四五六七八九十百千万亿半几]+"
_NUMBER = rf"(?:{_DIGIT}[0-9０-９,，]*(?:[.．]{_DIGIT}+)?\s?[万千百亿kKwW]{{0,2}}{_DIGIT}{{0,4}}|{_HAN_NUMBER})"
_TAIL = re.compile(
    r"(?:尾号|末四位|后四位|后4位|末尾|尾数|末4位|ending(?: in| with)?|ends (?:in|with)|last (?:four|4)(?: digits)?(?: are| is)?)"
    rf"[\s:：是为]{{0,3}}({_DIGIT}{{4}})(?!{_DIGIT})",
    re.IGNORECASE,
)
_FOUR = re.compile(rf"(?<!{_DIGIT}){_DIGIT}{{4}}(?!{_DIGIT})")
_AMOUNT = re.compile(
    rf"{_NUMBER}(?:元钱|块钱|元(?![旦月])|块(?!儿){_DIGIT}?|圆)?多?|[$¥￥€£]\s?[0-9][0-9,]*(?:\.[0-9]+)?\s?[kK]?"
)
_MONEY = re.compile(rf"(?:{_NUMBER}(?:元钱|块钱|元(?![旦月])|块(?!儿)))|[$¥￥€£]\s?[0-9][0-9,]*(?:\.[0-9]+)?[kK]?")
_BEFORE_CURRENCY = re.compile(rf"{_NUMBER}\s?$")
_DATE = re.compile(
    rf"(?:(?:{_DIGIT}{{4}}|[今去明前]|[零〇一二三四五六七八九]{{4}})年)?(?:{_DIGIT}{{1,2}}|[一二三四五六七八九十]{{1,2}})月"
    rf"(?:{_DIGIT}{{1,2}}|[一二三四五六七八九十]{{1,3}})[日号]?|{_DIGIT}{{4}}[-/.]{_DIGIT}{{1,2}}[-/.]{_DIGIT}{{1,2}}"
    rf"|(?:每月|这个月|上个月|本月|下个?月)?(?:{_DIGIT}{{1,2}}|[一二三]?十?[一二三四五六七八九十])[号日](?![线卡楼店码])"
    r"|(?:上|下|这|本)?(?:个)?(?:星期|周|礼拜)[一二三四五六日天末](?:上午|下午|晚上|早上|中午)?"
    r"|(?:大?[前后]天|[今明昨][天日晚早])(?:上午|下午|晚上|早上|凌晨|中午)?|年初[一二三四五六七八九十]|大年三十|除夕|过年"
)
_TERM = re.compile(
    rf"(?:{_DIGIT}+|[零〇一二两三四五六七八九十百半]+)(?:个)?(?:天|年期|年|月期|个月|月|期|星期|周|日)(?![日号])|半年|\d+[- ](?:months?|days?|years?|weeks?|instalments?)"
)
_PERIOD = re.compile(
    rf"(?:[去今明前]年)?(?:{_DIGIT}{{1,2}}|[一二三四五六七八九十]{{1,2}})月份?(?!{_DIGIT}|[一二三四五六七八九十])"
    r"|(?:[上下这本当][一个]?[月期周年]|[上下]?(?:半年|季度)|[去今明前]年)"
    rf"|(?:最近|近|过去|前)(?:{_DIGIT}+|[一二两三四五六七八九十半几]+)个?(?:天|周|星期|月|年|季度)"
)
LONGEST = 400
"""Characters in which values are looked for; what a customer types after that repeats or is pasted."""

_EXCHANGE = re.compile(
    r"换成|换|兑换|兑|等于|折合|折|值|转成|合|对|(?<![a-z])(?:to|into|in|for)(?![a-z])", re.IGNORECASE
)
_RATE = re.compile(r"汇率|牌价|汇价|外汇价|exchange rate", re.IGNORECASE)
HOME = "CNY"
_ENUM_COMPLETED = {slot: re.compile("|".join(sorted(
    (re.escape(word) for words in ENUM_WORDS[slot].values() for word in words if word.endswith(endings)), key=len, reverse=True
)), re.IGNORECASE) for slot, endings in (("card_kind", ("卡", " card")), ("loan_kind", ("贷", "贷款", " loan", "mortgage")))}  # fmt: skip
"""Only words that can mean nothing else are added; the rest of the lexicon only mends what the model saw."""


def _currency_pattern() -> re.Pattern[str]:
    names = {name for one in CURRENCIES.values() for name in (one.code, one.zh, one.en, *one.also)}
    longest = sorted(
        (name for name in names if len(name) > 1 and name not in ("块钱", "元钱")), key=lambda name: (-len(name), name)
    )
    parts = [rf"(?<![a-z]){re.escape(name)}(?![a-z])" if name.isascii() else re.escape(name) for name in longest]
    return re.compile("|".join(parts), re.IGNORECASE)


_CURRENCY = _currency_pattern()
_SHAPES: dict[str, re.Pattern[str]] = {
    "card_tail": _FOUR,
    "amount": _AMOUNT,
    "currency": _CURRENCY,
    "currency_from": _CURRENCY,
    "date": _DATE,
    "term": _TERM,
    "period": _PERIOD,
    **{slot: enum_pattern(slot) for slot in ENUM_WORDS},
}
"""What the whole of a slot's words looks like; a span that overlaps one is taken to mean it."""


def complete(text: str, spans: Sequence[Span]) -> list[Span]:
    """*spans* with their seams put right, and with what is plainly written but was missed; ordered, never overlapping."""
    spans = [span for span in spans if span[1] <= LONGEST]
    text = text[:LONGEST]
    kept: list[Span] = []
    _add(kept, (part for span in spans for part in _mended(text, span)))
    _add(kept, ((match.start(1), match.end(1), "card_tail") for match in _TAIL.finditer(text)))
    _add(kept, _currencies(text))
    _add(kept, _amounts(text, kept))
    for slot, pattern in _ENUM_COMPLETED.items():
        _add(kept, ((match.start(), match.end(), slot) for match in pattern.finditer(text)))
    return tidied(text, _with_roles(text, sorted(kept)))


def _add(kept: list[Span], found: Iterable[Span]) -> None:
    for start, end, slot in list(found):
        if start < end and all(end <= first or start >= last for first, last, _ in kept):
            kept.append((start, end, slot))


def _mended(text: str, span: Span) -> Iterator[Span]:
    """One span of the model as the catalogue would mark it."""
    start, end, slot = span
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    shape = _SHAPES.get(slot)
    if shape is not None:
        touching = [match for match in shape.finditer(text) if match.start() < end and match.end() > start]
        if touching:
            whole = max(touching, key=lambda match: min(end, match.end()) - max(start, match.start()))
            start, end = whole.span() if slot != "amount" else (min(start, whole.start()), max(end, whole.end()))
    if slot == "amount":
        for match in _CURRENCY.finditer(text, start, end):
            number = text[start : match.start()].rstrip()
            if match.end() == end and number and read_amount(number) is not None:
                yield start, start + len(number), slot
                yield match.start(), end, "currency"
                return
    yield start, end, slot


def _currencies(text: str) -> Iterator[Span]:
    """Every currency named, but for our own where no other is: 人民币理财 asks for no exchange."""
    found = list(_CURRENCY.finditer(text))
    if any(read_currency(match[0]) != HOME for match in found):
        yield from ((match.start(), match.end(), "currency") for match in found)


def _amounts(text: str, kept: Sequence[Span]) -> Iterator[Span]:
    """Numbers with 元 or a sign, and numbers that stand right before a currency."""
    for match in _MONEY.finditer(text):
        if read_amount(match[0]) is not None:
            yield match.start(), match.end(), "amount"
    for start, _, slot in list(kept):
        if slot in ("currency", "currency_from"):
            number = _BEFORE_CURRENCY.search(text, max(0, start - 24), start)
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
