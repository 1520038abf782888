"""English number words: five hundred, twenty-five thousand, half a million, two point five, a dozen."""

from __future__ import annotations

import re
from decimal import Decimal

from backends.values.canonical import scaled

_ONES = {
    word: value
    for value, word in enumerate((
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
        "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
    ))
}  # fmt: skip
_TENS = {
    word: value * 10
    for value, word in enumerate(("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"), 2)
}
SCALES = {"thousand": 10**3, "grand": 10**3, "million": 10**6, "billion": 10**9}
_DIGIT = "|".join(list(_ONES)[:10])
_SCALE = "|".join(SCALES)
_WORDS = sorted((*_ONES, *_TENS, *SCALES, "hundred", "dozen"), key=len, reverse=True)
_WORD = re.compile(rf"(?:{'|'.join(_WORDS)})(?![a-z0-9])")
_GROUPS = frozenset(("hundred", *SCALES))
_FIRST = frozenset((*_ONES, *_TENS))
_COLLECTIVE = r"(?=(?:hundred|thousand|million|billion|dozen)(?![a-z]))"
_LEAD = re.compile(rf"(?P<half>half an? |an? half[ -]){_COLLECTIVE}|an? {_COLLECTIVE}")
_POINT = re.compile(rf" point(?P<digits>(?: (?:{_DIGIT})(?![a-z]))+)(?: (?P<scale>{_SCALE})(?![a-z]))?")
# "half a million, two cards" are two figures, "one million, two hundred thousand" is one.
_JOIN = re.compile(r"(?P<after>,? and )|, (?=[a-z-]+ (?:hundred|thousand|million)(?![a-z]))| |-")
AND_A_HALF = re.compile(rf" and a half(?: (?P<scale>{_SCALE}))?(?![a-z])")
"""What makes two "two and a half", or "two and a half million"."""


def scan_english(text: str, start: int) -> tuple[int, Decimal | None] | None:
    """End and value of the number words that begin at *start* of folded *text*; ``None`` where none do.

    The value is ``None`` where the words are not one number ("five six").
    """
    if text[start - 1 : start].isascii() and text[start - 1 : start].isalnum():
        return None
    lead = _LEAD.match(text, start)
    first = _WORD.match(text, lead.end() if lead else start)
    if first is None or not (lead or first[0] in _FIRST):
        return None
    end, words = _words(text, first.start())
    value = _value(["one", *words] if lead else words)
    if value is None:
        return end, None
    if lead and lead["half"]:
        value /= 2
    half, point = AND_A_HALF.match(text, end), _POINT.match(text, end)
    if half:
        return half.end(), with_half(value, half["scale"])
    if point:
        digits = "".join(str(_ONES[word]) for word in point["digits"].split())
        return point.end(), scaled(value + Decimal(f"0.{digits}"), SCALES.get(point["scale"], 1))
    return end, value


def with_half(value: Decimal, scale: str | None) -> Decimal:
    """*value* and a half, of the scale that is named after it."""
    return scaled(value + Decimal("0.5"), SCALES[scale] if scale else 1)


def _words(text: str, start: int) -> tuple[int, list[str]]:
    """The number words from *start* and where the last of them ends."""
    words: list[str] = []
    end = position = start
    while found := _WORD.match(text, position):
        words.append(found[0])
        end = position = found.end()
        joined = _JOIN.match(text, position)
        if joined is None or (joined["after"] and words[-1] not in _GROUPS):
            break
        position = joined.end()
    return end, words


def _value(words: list[str]) -> Decimal | None:
    total, group, last_scale = 0, 0, 10**12
    room = 1000
    for word in words:
        if word in SCALES:
            if not group or SCALES[word] >= last_scale:
                return None
            last_scale = SCALES[word]
            total, group, room = total + group * last_scale, 0, 1000
        elif word in ("hundred", "dozen"):
            if not 0 < group < 100:
                return None
            group, room = group * (100 if word == "hundred" else 12), 100 if word == "hundred" else 1
        else:
            value = _ONES[word] if word in _ONES else _TENS[word]
            if (10 if value < 10 else 100) > room:
                return None
            group, room = group + value, 10 if word in _TENS else 1
    return Decimal(total + group)
