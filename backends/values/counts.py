"""Counted things, cardinal and ordinal: 3张, 15个工作日, 第3位, 2 cards, 3rd."""

from __future__ import annotations

import re
from decimal import Decimal

from backends.values.kinds import Amount, Count
from backends.values.numerals import scan_number
from backends.values.units import COUNTED

_LENGTHS = frozenset(("day", "week", "month", "year", "instalment"))
"""Counted by a ``Term`` (see ``terms``); here only as ordinals (第12期)."""

# 位 counts people and digits alike and compares so; read back it is a person.
_OWN = {unit.classifier: name for name, unit in reversed(COUNTED.items()) if unit.classifier}
_ORDINAL_UNITS = (
    _OWN
    | dict.fromkeys(("名", "人"), "person")
    | dict.fromkeys(("项", "条", "份", "种", "件", "户", "步", "点"), "item")
    | {"个小时": "hour", "只": "product", "岁": "year", "倍": "multiple", "季度": "quarter"}
)
_UNITS = {classifier: name for classifier, name in _ORDINAL_UNITS.items() if name not in _LENGTHS or classifier == "岁"}
_ARTICLES = frozenset("张笔次个位家款项条份种件户步名人只点")
"""Classifiers that make 一 an article: 一张卡, 一笔."""
_NOT_A_COUNT = frozenset("零百千万亿")
# 3人 but not 3人民币; 两家 but not 两家庭; 100次日.
_NOT_BEFORE = {
    "人": "民", "家": "庭人里", "名": "单称", "点": "击数的", "份": "额", "条": "件款", "项": "目", "步": "骤",
    "只": "能要有需是", "次": "日月年新", "位": "置于", "户": "名", "种": "类植", "件": "夹",
}  # fmt: skip
_NOUNS = {
    noun: name for name, unit in COUNTED.items() if name not in _LENGTHS for noun in (unit.one, unit.many) if noun
}
_NOUNS |= dict.fromkeys(("try", "tries", "time", "times"), "try") | {"persons": "person"}
_NOUNS |= dict.fromkeys(("working day", "working days"), "business_day")
_NOUNS |= dict.fromkeys(("min", "mins"), "minute") | dict.fromkeys(("hr", "hrs"), "hour")


def _classifiers(units: dict[str, str]) -> re.Pattern[str]:
    names = sorted(units, key=len, reverse=True)
    return re.compile(
        f" ?({'|'.join(name + (f'(?![{_NOT_BEFORE[name]}])' if name in _NOT_BEFORE else '') for name in names)})"
    )


_CARDINAL = _classifiers(_UNITS)
_ORDINAL = _classifiers(_ORDINAL_UNITS)
_NOUN = re.compile(rf"[ -]({'|'.join(sorted(_NOUNS, key=len, reverse=True))})(?![a-z])")
_HALF_HOUR = re.compile(r"半个?小时|half an hour|half[ -]hour")
_ORDINAL_EN = re.compile(r"([0-9]+)(?:st|nd|rd|th)(?![a-z0-9])")


def scan_count(text: str, start: int) -> tuple[int, Count | Amount | str] | None:
    """End and value of the count that begins at *start* of folded *text*; ``None`` where none does.

    一 with a generic classifier (一张卡, 一笔) is an article, no count, and so is the "one" of "one card". Text stands
    for what is vague (两三张), an ``Amount`` for a number that is not whole.
    """
    half = _HALF_HOUR.match(text, start)
    if half:
        return half.end(), Count(30, "minute")
    number = scan_number(text, start)
    if number is None:
        return None
    run = text[start : number.end]
    classifier, noun = _CARDINAL.match(text, number.end), _NOUN.match(text, number.end)
    if classifier:
        if run in _NOT_A_COUNT or (run == "一" and classifier[1] in _ARTICLES):
            return None
        end, unit = classifier.end(), _UNITS[classifier[1]]
    elif noun and run != "one":
        end, unit = noun.end(), _NOUNS[noun[1]]
    else:
        return None
    return end, text[start:end] if number.value is None else _counted(number.value, unit)


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
    unit = _ORDINAL.match(text, number.end)
    return (unit.end(), _counted(number.value, _ORDINAL_UNITS[unit[1]])) if unit else (number.end, Amount(number.value))


def _counted(number: Decimal, unit: str) -> Count | Amount:
    return Count(int(number), unit) if number == number.to_integral_value() else Amount(number)
