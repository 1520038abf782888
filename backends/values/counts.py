"""Counted things, cardinal and ordinal: 3张, 15个工作日, 第3位, 2 cards, 3rd."""

from __future__ import annotations

import re
from decimal import Decimal

from backends.values.kinds import Amount, Count
from backends.values.numerals import scan_number
from backends.values.units import COUNTED

# 位 counts people and digits alike, and compares so; read back it is a person.
_CLASSIFIERS = {unit.classifier: name for name, unit in reversed(COUNTED.items()) if unit.classifier}
_CLASSIFIERS |= {"个小时": "hour", "分": "minute"}
_CLASSIFIERS |= dict.fromkeys(("名", "人"), "person") | dict.fromkeys(
    ("项", "条", "份", "种", "件", "户", "步", "点"), "item"
)
_CLASSIFIERS |= {"只": "product", "岁": "year", "倍": "multiple", "季度": "quarter"}
_NOT_AFTER = {
    "人": "民", "家": "庭人里", "名": "单称", "点": "击数的", "份": "额", "条": "件款", "项": "目", "步": "骤", "只": "能要有需是",
    "次": "日月年新", "位": "置于", "户": "名", "种": "类植", "件": "夹", "分": "行支之别享析期成红配",
}  # fmt: skip
_GENERIC = frozenset("张笔次个位家款项条份种件户步名人只点")
_NOUNS = {noun: name for name, unit in COUNTED.items() for noun in (unit.one, unit.many) if noun}
_NOUNS |= {"try": "try", "tries": "try", "time": "try", "times": "try", "working day": "business_day"}
_NOUNS |= {
    "working days": "business_day",
    "min": "minute",
    "mins": "minute",
    "hr": "hour",
    "hrs": "hour",
    "persons": "person",
}


def _alternatives() -> str:
    names = sorted(_CLASSIFIERS, key=len, reverse=True)
    return "|".join(name + (f"(?![{_NOT_AFTER[name]}])" if name in _NOT_AFTER else "") for name in names)


_CLASSIFIER = re.compile(rf" ?({_alternatives()})")
_NOUN = re.compile(rf"[ -]({'|'.join(sorted(_NOUNS, key=len, reverse=True))})(?![a-z])")
_HALF_HOUR = re.compile(r"半个?小时|half an hour|half[ -]hour")
_ORDINAL_EN = re.compile(r"([0-9]+)(?:st|nd|rd|th)(?![a-z0-9])")


def scan_count(text: str, start: int) -> tuple[int, Count | Amount | str] | None:
    """End and value of the count that begins at *start* of folded *text*; ``None`` where none does.

    一 with a generic classifier (一张卡, 一笔) is an article, no count, and so is "one card". Text stands for what
    is vague (两三张), an ``Amount`` for a number that is not whole.
    """
    half = _HALF_HOUR.match(text, start)
    if half:
        return half.end(), Count(30, "minute")
    number = scan_number(text, start)
    if number is None:
        return None
    unit = _unit(text, number.end)
    run = text[start : number.end]
    if unit is None or run == "one" or (run in ("一", "百", "千", "万", "亿") and text[unit[0] - 1] in _GENERIC):
        return None
    end, name = unit
    if number.value is None:
        return end, text[start:end]
    return end, _counted(number.value, name)


def scan_ordinal(text: str, start: int) -> tuple[int, Count | Amount] | None:
    """End and value of the ordinal that begins at *start*: 第3位 is ``Count(3, "person")``, 第三 and 3rd ``Amount(3)``."""
    english = _ORDINAL_EN.match(text, start)
    if english:
        return english.end(), Amount(Decimal(english[1]))
    if text[start] != "第":
        return None
    number = scan_number(text, start + 1)
    if number is None or number.value is None:
        return None
    unit = _unit(text, number.end)
    return (number.end, Amount(number.value)) if unit is None else (unit[0], _counted(number.value, unit[1]))


def _unit(text: str, end: int) -> tuple[int, str] | None:
    found = _CLASSIFIER.match(text, end)
    if found:
        return found.end(), _CLASSIFIERS[found[1]]
    noun = _NOUN.match(text, end)
    return (noun.end(), _NOUNS[noun[1]]) if noun else None


def _counted(number: Decimal, unit: str) -> Count | Amount:
    return Count(int(number), unit) if number == number.to_integral_value() else Amount(number)
