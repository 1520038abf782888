"""Numbers as people write them: 12,000.00 · 一万二千 · 壹万贰仟 · 1.2万 · 12万5 · 1.5k · half a million.

``scan_number`` reads one number that begins at a place in folded text (see ``folding``); everything that carries a
number (amounts, shares, terms, dates) is built on it, so a slot and a reply are read by the same grammar.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from backends.values.folding import plain

ARABIC = r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?"
_ORDINARY = "零一二两三四五六七八九"
_FORMAL = "壹贰叁肆伍陆柒捌玖"
_DIGITS = {char: value % 10 for value, char in enumerate("零一二三四五六七八九")} | {"两": 2, "幺": 1}
_DIGITS |= {char: value for value, char in enumerate(_FORMAL, 1)}
_UNITS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_MYRIADS = {"亿": 10**8, "万": 10**4}
_DIGIT = f"[{_ORDINARY}{_FORMAL}幺]"
_UNIT = "[十拾百佰千仟万亿]"
_FORMAL_CHAR = re.compile(f"[{_FORMAL}拾佰仟]")
# A last digit after a unit (一万二) belongs to the number only where it does not begin a word of its own (一万一共…).
_LAST = rf"(?!一[共起直定样般些下旦个张笔次位家款种项条份并律概致经])(?:{ARABIC}|{_DIGIT})"
_MIXED = re.compile(rf"{ARABIC}(?:个?(?=亿)|(?={_UNIT})){_UNIT}+(?:零*(?:{ARABIC}|{_DIGIT}){_UNIT}+)*(?:零*{_LAST})?")
_SPELLED = re.compile(
    rf"(?:{_DIGIT}|[十拾百佰千仟万亿廿卅])(?:{_DIGIT}|{_UNIT}|[廿卅]|个(?=亿))*"
    rf"(?:点{_DIGIT}+(?![分刻]){_UNIT}*)?"
)
_SCALED = re.compile(rf"({ARABIC})([十百千]?万?亿?)")
_FRACTION = re.compile(rf"({_DIGIT}+)([十百千]?万?亿?)")
_PLAIN = re.compile(ARABIC)
_VAGUE_AFTER = re.compile(rf"(?:[多余几]|来(?=[个天年块元张万])){_UNIT}*")
_VAGUE = re.compile(rf"(?:好?几|数)[十百千万亿]{_UNIT}*")
_SUFFIX = re.compile(r" ?(k|w|m|mn|mln|bn|b|million|billion|thousand|hundred|grand|mil)(?![a-z0-9])")
_SUFFIXES = {
    "k": 1000, "grand": 1000, "thousand": 1000, "w": 10**4, "hundred": 100, "m": 10**6, "mn": 10**6, "mln": 10**6,
    "mil": 10**6, "million": 10**6, "b": 10**9, "bn": 10**9, "billion": 10**9,
}  # fmt: skip
_LONGEST = 18
"""Digits of the longest number that is read: a longer run is an identifier, not a quantity."""

_ONES = {
    word: value
    for value, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ]
    )
}
_TENS = {
    word: value * 10
    for value, word in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2)
}
_SCALES = {"thousand": 10**3, "grand": 10**3, "million": 10**6, "billion": 10**9}
_WORDS = {*_ONES, *_TENS, *_SCALES, "hundred", "dozen"}
_WORD = re.compile(rf"(?:{'|'.join(sorted(_WORDS, key=len, reverse=True))})(?![a-z0-9])")
_HALF = re.compile(r"(?:half an? |a half[ -])(?=(?:hundred|thousand|million|billion|dozen)(?![a-z]))")
_ARTICLE = re.compile(r"an? (?=(?:hundred|thousand|million|billion|dozen)(?![a-z]))")
_AND_HALF = re.compile(r" and a half(?: (million|billion|thousand))?(?![a-z])")
_POINT = re.compile(r" point((?: (?:zero|one|two|three|four|five|six|seven|eight|nine)(?![a-z]))+)")
_JOIN = re.compile(r"(?: and |, | |-)(?=[a-z])")


@dataclass(frozen=True, slots=True)
class Number:
    """A number read at a place: ``value`` is ``None`` where it is vague (五百多, 两三) or not well formed.

    ``spelled`` is true when no Arabic digit was written; ``magnitude`` is the text of the units that followed the
    first digits (``万`` of ``5万``), which a range shares (3–5万).
    """

    end: int
    value: Decimal | None
    spelled: bool
    core_end: int


def scan_number(text: str, start: int) -> Number | None:
    """The number that begins at *start* of folded *text*, unsigned; ``None`` where none begins there."""
    char = text[start] if start < len(text) else ""
    if char.isdigit():
        return _scan_arabic(text, start)
    if "a" <= char <= "z":
        return _scan_english(text, start)
    return _scan_chinese(text, start)


def read_number(text: str) -> Decimal | None:
    """The number that the whole of *text* is, with an optional sign; ``None`` where it is anything else or vague."""
    words = plain(text)
    sign = re.match(r"(?:(负|-|minus |negative )|\+|正) ?", words)
    start = sign.end() if sign else 0
    number = scan_number(words, start)
    if number is None or number.value is None or number.end != len(words):
        return None
    return -number.value if sign and sign[1] else number.value


def _scan_arabic(text: str, start: int) -> Number | None:
    found = _MIXED.match(text, start)
    if found:
        core = _PLAIN.match(text, start)
        return _vague(text, found.end(), chinese_number(found[0]), False, core.end() if core else found.end())
    found = _PLAIN.match(text, start)
    if not found:
        return None
    digits = found[0].replace(",", "")
    value = Decimal(digits) if len(digits) <= _LONGEST else None
    end = found.end()
    half = _AND_HALF.match(text, end)
    if half and value is not None:
        return Number(half.end(), _scaled(value + Decimal("0.5"), _SCALES.get(half[1] or "", 1)), False, found.end())
    suffix = _SUFFIX.match(text, end)
    if suffix and value is not None:
        return Number(suffix.end(), _scaled(value, _SUFFIXES[suffix[1]]), False, found.end())
    return _vague(text, end, value, False, end)


def _scan_chinese(text: str, start: int) -> Number | None:
    vague = _VAGUE.match(text, start)
    if vague:
        return Number(vague.end(), None, True, vague.end())
    found = _SPELLED.match(text, start)
    if not found:
        return None
    run = found[0]
    # A lone formal digit is far more often part of a word: 陆续, 登陆, 收拾, 队伍.
    if (
        len(run) == 1
        and _FORMAL_CHAR.match(run)
        and text[found.end() : found.end() + 1] not in ("元", "圆", "角", "分")
    ):
        return None
    head = re.match(rf"{_DIGIT}?[十拾百佰千仟]*", run)
    core = found.start() + (len(run) if not head or not head[0] or _DIGIT_ONLY.fullmatch(run) else 1)
    return _vague(text, found.end(), chinese_number(run), True, core)


_DIGIT_ONLY = re.compile(rf"[{_ORDINARY}{_FORMAL}幺十拾]+")


def _vague(text: str, end: int, value: Decimal | None, spelled: bool, core_end: int) -> Number:
    after = _VAGUE_AFTER.match(text, end)
    return Number(after.end(), None, spelled, after.end()) if after else Number(end, value, spelled, core_end)


def chinese_number(text: str) -> Decimal | None:
    """A run of Chinese numerals, alone or mixed with Arabic ones; ``None`` where it is not one well-formed number."""
    text = text.replace("廿", "二十").replace("卅", "三十").replace("个", "")
    scaled = _SCALED.fullmatch(text)
    if scaled:
        return _scaled(Decimal(scaled[1].replace(",", "")), _product(scaled[2])) if len(scaled[1]) <= _LONGEST else None
    whole, point, fraction = text.partition("点")
    if not point:
        return _integer(whole)
    decimals = _FRACTION.fullmatch(fraction)
    left = _integer(whole)
    if decimals is None or left is None or len(fraction) > _LONGEST:
        return None
    digits = "".join(str(_DIGITS[char]) for char in decimals[1])
    return _scaled(left + Decimal(f"0.{digits}"), _product(decimals[2]))


def _scaled(value: Decimal, unit: int) -> Decimal:
    """*value* units: 1.2万 is 12000, not 12000.0."""
    product = value * unit
    return product.quantize(Decimal(1)) if unit > 1 and product == product.to_integral_value() else product


def _product(units: str) -> int:
    product = 1
    for unit in units:
        product *= _UNITS.get(unit) or _MYRIADS[unit]
    return product


def _integer(text: str) -> Decimal | None:
    if text and all(char in _DIGITS for char in text):
        # 二零二六 is read digit by digit; 两三 and 七八 are "two or three", no number at all.
        spelled_out = len(text) == 1 or (len(text) <= _LONGEST and (len(text) > 2 or "零" in text))
        return Decimal("".join(str(_DIGITS[char]) for char in text)) if spelled_out else None
    if len(text) > 4 * _LONGEST:
        return None
    value = _myriads(text, tuple(_MYRIADS.items()))
    return None if value is None else Decimal(value)


def _myriads(text: str, myriads: tuple[tuple[str, int], ...], below: int | None = None) -> int | None:
    """*text* as a sum over 亿 and 万; ``below`` is the unit before it, of which a lone last digit is a tenth (一万二)."""
    alone = _lone_digit(text)
    if below is not None and alone is not None:
        return alone * below // 10
    if not myriads:
        return _thousands(text)
    (sign, unit), rest = myriads[0], myriads[1:]
    head, found, tail = text.rpartition(sign)
    if not found:
        return _myriads(text, rest, below)
    if sign in head:
        return None
    left = 1 if not head else _myriads(head, rest)
    if left is None or not tail:
        return None if left is None else left * unit
    right = _myriads(tail, rest, unit)
    return None if right is None or right >= unit else left * unit + right


def _lone_digit(text: str) -> int | None:
    if len(text) != 1:
        return None
    return int(text) if text.isdigit() else _DIGITS.get(text)


def _thousands(text: str) -> int | None:
    """A number below ten thousand, or Arabic digits before a myriad; a lone last digit is a tenth of the unit before."""
    total, last, pending, zero = 0, 10_000, None, False
    for part in re.findall(rf"{ARABIC}|.", text):
        if part == "零" and pending is None:
            zero = True
        elif part in _UNITS:
            unit = _UNITS[part]
            if unit >= last or (pending is None and total and unit != 10):
                return None
            total, last, pending, zero = total + (1 if pending is None else pending) * unit, unit, None, False
        elif pending is None and part in _DIGITS:
            pending = _DIGITS[part]
        elif pending is None and part.replace(",", "").isdigit():
            pending = int(part.replace(",", ""))
        else:
            return None
    if pending is None:
        return total if total or zero else None
    if last == 10_000:
        return pending
    if pending >= last:
        return None
    tenth = last >= 100 and not zero and pending < 10 and text[-1] != "0" and not re.search(r"[0-9]{2}$", text)
    return total + pending * (last // 10 if tenth else 1)


def _scan_english(text: str, start: int) -> Number | None:
    if start and (text[start - 1].isalnum() and text[start - 1].isascii()):
        return None
    half, article = _HALF.match(text, start), _ARTICLE.match(text, start)
    lead = half or article
    position = lead.end() if lead else start
    words: list[str] = []
    while found := _WORD.match(text, position):
        words.append(found[0])
        end = position = found.end()
        joined = _JOIN.match(text, position)
        if not joined:
            break
        position = joined.end()
    if not words or not (lead or words[0] in _ONES or words[0] in _TENS):
        return None
    value = _english_value((["one"] if lead else []) + words)
    if half and value is not None:
        value /= 2
    tail = _AND_HALF.match(text, end)
    if tail and value is not None:
        value, end = _scaled(value + Decimal("0.5"), _SCALES.get(tail[1] or "", 1)), tail.end()
    point = _POINT.match(text, end)
    if point and value is not None:
        end = point.end()
        value += Decimal("0." + "".join(str(_ONES[word]) for word in point[1].split()))
        scale = re.compile(r" (million|billion|thousand)(?![a-z])").match(text, end)
        if scale:
            value, end = _scaled(value, _SCALES[scale[1]]), scale.end()
    return Number(end, value, True, end)


def _english_value(words: list[str]) -> Decimal | None:
    """The value of number words in order; ``None`` where they are not one number ("five six")."""
    total, group, room = 0, 0, 1000
    last_scale = 10**12
    for word in words:
        if word in _ONES:
            value = _ONES[word]
            size = 10 if value < 10 else 100
            if size > room:
                return None
            group, room = group + value, 1
        elif word in _TENS:
            if room < 100:
                return None
            group, room = group + _TENS[word], 10
        elif word == "hundred":
            if not 0 < group < 100:
                return None
            group, room = group * 100, 100
        elif word == "dozen":
            if not 0 < group < 100:
                return None
            group, room = group * 12, 1
        else:
            scale = _SCALES[word]
            if not group or scale >= last_scale:
                return None
            total, group, room, last_scale = total + group * scale, 0, 1000, scale
    return Decimal(total + group)


def small_number(text: str) -> int:
    """The value of a short numeral that a pattern has already matched (a day, a month, 角); ``ValueError`` otherwise."""
    value = Decimal(text) if text.isdigit() else chinese_number(text)
    if value is None:
        raise ValueError(f"not a number: {text!r}")
    return int(value)
