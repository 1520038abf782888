"""What the whole of a slot's words looks like, for the slots whose words have a shape."""

from __future__ import annotations

import re

from backends.values import CURRENCIES
from intents.lexicon import BANKS, ENUM_WORDS, enum_pattern

_DIGIT = "[0-9０-９]"
_HAN = "[零〇一二两三四五六七八九十]"
_NUMBER = (
    rf"(?:{_DIGIT}+(?:[,，]{_DIGIT}{{3}}(?!{_DIGIT}))*(?:[.．]{_DIGIT}+)?(?:\s?[万千百亿kKwW]{{1,2}}{_DIGIT}{{0,4}})?"
    r"|[零〇一二两三四五六七八九十百千万亿半几]+)"
)
_SIGNED = r"[$¥￥€£]\s?[0-9][0-9,]*(?:\.[0-9]+)?\s?[kK]?"
_UNIT = rf"(?:元钱|块钱|元(?![旦月])|块(?!儿){_DIGIT}?|圆)"

TAIL = re.compile(
    r"(?:尾号|末四位|后四位|后4位|末尾|尾数|末4位|ending(?: in| with)?|ends (?:in|with)|last (?:four|4)(?: digits)?(?: are| is)?)"
    rf"[\s:：是为]{{0,3}}({_DIGIT}{{4}})(?!{_DIGIT})",
    re.IGNORECASE,
)
"""A card's last four digits, said to be such; group 1 is the digits."""

MONEY = re.compile(rf"{_NUMBER}{_UNIT}|{_SIGNED}")
"""An amount that names its currency: by 元 or 块, or by a sign."""

WEIGHT = re.compile(rf"({_NUMBER})\s?(?:公?克|grams?(?![a-z])|g(?![a-z]))", re.IGNORECASE)
"""A weight of gold; group 1 is the number, which is the amount that is meant."""

BEFORE_CURRENCY = re.compile(rf"{_NUMBER}\s?$")
"""A number at the end of what stands before a currency."""

BANK = re.compile("|".join(re.escape(name) for name in sorted(BANKS, key=lambda name: (-len(name), name))))

YEAR = re.compile(r"(?:19|20)[0-9]{2}年")
_MONTH = rf"(?:{_DIGIT}{{1,2}}|{_HAN}{{1,2}})月"
_DATE = re.compile(
    rf"(?:(?:{_DIGIT}{{4}}|[今去明前]|{_HAN}{{4}})年)?{_MONTH}(?:{_DIGIT}{{1,2}}|{_HAN}{{1,3}})[日号]?"
    rf"|{_DIGIT}{{4}}[-/.]{_DIGIT}{{1,2}}[-/.]{_DIGIT}{{1,2}}|{YEAR.pattern}"
    rf"|(?:每月|这个月|上个月|本月|下个?月)?(?:{_DIGIT}{{1,2}}|[一二三]?十?{_HAN})[号日](?![线卡楼店码])"
    r"|(?:上|下|这|本)?(?:个)?(?:星期|周|礼拜)[一二三四五六日天末](?:上午|下午|晚上|早上|中午)?"
    r"|(?:大?[前后]天|[今明昨][天日晚早])(?:上午|下午|晚上|早上|凌晨|中午)?"
    r"|年初[一二三四五六七八九十]|大年三十|除夕|过年|周末|春节|国庆|元旦|中秋|清明|端午|五一|双十一|[年月][底初末中]"
)
_TERM = re.compile(
    rf"(?:{_DIGIT}+|[零〇一二两三四五六七八九十百半]+)(?:个)?(?:天|年期|年|月期|个月|月|期|星期|周|日)(?![日号])"
    r"|半年|\d+[- ](?:months?|days?|years?|weeks?|instalments?)"
)
_PERIOD = re.compile(
    rf"(?:[去今明前]年)?{_MONTH}份?(?!{_DIGIT}|{_HAN})"
    r"|(?:[上下这本当][一个]?[月期周年]|[上下]?(?:半年|季度)|[去今明前]年)"
    rf"|(?:最近|近|过去|前)(?:{_DIGIT}+|[一二两三四五六七八九十半几]+)个?(?:天|周|星期|月|年|季度)"
)


def _currency() -> re.Pattern[str]:
    names = {name for one in CURRENCIES.values() for name in (one.code, one.zh, one.en, *one.also)}
    long = sorted(
        (name for name in names if len(name) > 1 and name not in ("块钱", "元钱")), key=lambda name: (-len(name), name)
    )
    parts = [rf"(?<![a-z]){re.escape(name)}(?![a-z])" if name.isascii() else re.escape(name) for name in long]
    return re.compile("|".join(parts), re.IGNORECASE)


CURRENCY = _currency()
"""A currency by a name of more than one character, or by its code."""

SHAPES: dict[str, re.Pattern[str]] = {
    "card_tail": re.compile(rf"(?<!{_DIGIT}){_DIGIT}{{4}}(?!{_DIGIT})"),
    "amount": re.compile(rf"{_NUMBER}{_UNIT}?(?:多(?!少))?|{_SIGNED}"),
    "currency": CURRENCY,
    "currency_from": CURRENCY,
    "date": _DATE,
    "term": _TERM,
    "period": _PERIOD,
    "bank": BANK,
    **{slot: enum_pattern(slot) for slot in ENUM_WORDS},
}
"""Slot → the shape of its words. A span that overlaps one is taken to mean the whole of it."""

NEEDS_SHAPE = frozenset({"card_tail", "amount", *ENUM_WORDS} - {"loan_kind"})
"""Slots that are nothing where no such shape is near: there is no other way to write them. Loans have names without end."""


def _unmistakable(slot: str, endings: tuple[str, ...]) -> re.Pattern[str]:
    words = {word for group in ENUM_WORDS[slot].values() for word in group if word.endswith(endings)}
    return re.compile(
        "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word))), re.IGNORECASE
    )


UNMISTAKABLE: dict[str, re.Pattern[str]] = {
    "card_kind": _unmistakable("card_kind", ("卡", " card")),
    "loan_kind": _unmistakable("loan_kind", ("贷", "贷款", " loan", "mortgage")),
}
"""Enum words that can mean nothing else, so that they are found without a model."""
