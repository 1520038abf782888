"""Numbers as people write them: 12,000.00 · 一万二千 · 壹万贰仟 · 1.2万 · 12万5 · 1.5k · half a million.

``scan_number`` reads one number that begins at a place in folded text (see ``folding``); everything that carries a
number (amounts, shares, terms, dates) is built on it, so a slot and a reply are read by the same grammar.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from backends.values.canonical import scaled
from backends.values.chinese import ARABIC, DIGIT, FORMAL, LONGEST, NUMERALS, UNIT, chinese_number
from backends.values.english import AND_A_HALF, scan_english, with_half
from backends.values.folding import plain

READINGS = 1 << 12
"""Readings of a place that are remembered: one text is asked about by every kind of figure in turn."""
_ARABIC = re.compile(ARABIC)
_FACTORS = f"(?:{UNIT}万?亿?|万亿?|亿)"
# A last digit after a unit (一万二) belongs to the number only where it does not begin a word of its own (一万一共…).
_LAST = rf"(?!一[共起直定样般些下旦个张笔次位家款种项条份并律概致经])(?:{ARABIC}|{DIGIT})"
_MIXED = re.compile(rf"{ARABIC}(?:个(?=亿))?{_FACTORS}(?:零*(?:{ARABIC}|{DIGIT}){_FACTORS})*(?:零*{_LAST})?")
# 百 and 千 do not follow 万 directly: 两万千瓦 ends at 万.
_ANY_UNIT = f"[万亿]|十|拾|(?<![万亿]){UNIT}"
_SPELLED = re.compile(
    rf"[{''.join(sorted(NUMERALS))}](?:{DIGIT}|{_ANY_UNIT}|[廿卅]|个(?=亿))*"
    rf"(?:点{DIGIT}+(?![分刻])(?:{_FACTORS})?)?"
)
_FORMAL_CHAR = re.compile(f"[{FORMAL}拾佰仟]")
_FORMAL_UNITS = frozenset("元圆角分")
_BEFORE_MYRIAD = re.compile(rf"[{''.join(sorted(NUMERALS - set('百佰千仟万亿')))}]+")
_VAGUE_AFTER = re.compile(r"(?:[多几]|余(?!额)|来(?=[个天年块元张万]))[十百千万亿]*")
_VAGUE = re.compile(r"(?:好?几|数)[十百千万亿]+")
_SUFFIX = re.compile(r" ?(k|w|m|mn|mln|mil|bn|b|million|billion|thousand|hundred|grand)(?![a-z0-9])")
_SUFFIXES = dict.fromkeys(("k", "grand", "thousand"), 10**3) | dict.fromkeys(
    ("m", "mn", "mln", "mil", "million"), 10**6
)
_SUFFIXES |= {"w": 10**4, "hundred": 100} | dict.fromkeys(("b", "bn", "billion"), 10**9)
_SIGN = re.compile(r"(?P<minus>负|-|(?:minus|negative) )|\+|正")


@dataclass(frozen=True, slots=True)
class Number:
    """A number read at a place: ``value`` is ``None`` where it is vague (五百多, 两三) or not well formed.

    ``spelled`` is true when no Arabic digit was written. ``core_end`` is where its first digits end, before the
    万 of 5万: what follows is shared by a range (3–5万).
    """

    end: int
    value: Decimal | None
    spelled: bool
    core_end: int


@lru_cache(maxsize=READINGS)
def scan_number(text: str, start: int) -> Number | None:
    """The number that begins at *start* of folded *text*, unsigned; ``None`` where none begins there."""
    char = text[start : start + 1]
    if char.isdigit():
        return _scan_arabic(text, start)
    if "a" <= char <= "z":
        english = scan_english(text, start)
        return Number(english[0], english[1], True, english[0]) if english else None
    return _scan_chinese(text, start)


def read_number(text: str) -> Decimal | None:
    """The number that the whole of *text* is, with an optional sign; ``None`` where it is anything else or vague."""
    words = plain(text)
    sign = _SIGN.match(words)
    number = scan_number(words, sign.end() if sign else 0)
    if number is None or number.value is None or number.end != len(words):
        return None
    return -number.value if sign and sign["minus"] else number.value


def _scan_arabic(text: str, start: int) -> Number | None:
    plainly = _ARABIC.match(text, start)
    if plainly is None:
        return None
    core_end = plainly.end()
    mixed = _MIXED.match(text, start)
    if mixed:
        return _or_vague(text, Number(mixed.end(), chinese_number(mixed[0]), False, core_end))
    digits = plainly[0].replace(",", "")
    if len(digits) > LONGEST:
        return Number(core_end, None, False, core_end)
    value = Decimal(digits)
    half, suffix = AND_A_HALF.match(text, core_end), _SUFFIX.match(text, core_end)
    if half:
        return Number(half.end(), with_half(value, half["scale"]), False, core_end)
    if suffix:
        return Number(suffix.end(), scaled(value, _SUFFIXES[suffix[1]]), False, core_end)
    return _or_vague(text, Number(core_end, value, False, core_end))


def _scan_chinese(text: str, start: int) -> Number | None:
    vague = _VAGUE.match(text, start)
    if vague:
        return Number(vague.end(), None, True, vague.end())
    found = _SPELLED.match(text, start)
    if found is None:
        return None
    run, end = found[0], found.end()
    # A lone formal digit is far more often part of a word: 陆续, 登陆, 收拾, 队伍.
    if len(run) == 1 < len(text) and _FORMAL_CHAR.match(run) and text[end : end + 1] not in _FORMAL_UNITS:
        return None
    core = _BEFORE_MYRIAD.match(run)
    return _or_vague(text, Number(end, chinese_number(run), True, start + (core.end() if core else len(run))))


def _or_vague(text: str, number: Number) -> Number:
    """五百多, 十几, 三十来个: no exact number, to the end of the words that say so."""
    after = _VAGUE_AFTER.match(text, number.end)
    return Number(after.end(), None, number.spelled, after.end()) if after else number
