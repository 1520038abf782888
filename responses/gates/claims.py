"""Gate 1 on what a draft says was done: 已为您办理, 购汇成功, has been frozen. Only what really was done may be claimed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from backends.result import Result
from responses.gates.bare import MARK, Bare
from responses.gates.refusal import Refusal
from responses.reply import Language

FILE = Path(__file__).with_name("claims.yml")
ANYTHING = "anything"

# Between 已 and the verb: a few characters that do not turn the sentence into something else.
_GAP = r"(?:(?!请|尽快|可|需|要|建议|能|会|想|未|没|不|后|逾期|用|还|过|查|准备|知|了解|收到|登录|看到|找到|告|有)[^，。！？；、,.!?;\n]){0,9}?"
_FOR_YOU = r"(?:为您|帮您|给您|替您|为你|帮你|给你)"
_NOT_YET = re.compile(
    r"(?:未|没|不|无法|尚|如果|若|如|一旦|等|待|是否|能否|会|将|可以|可|能|才|即可|请|想|需|要|别|勿|怎么|如何|怎样|谁|避免|以免|防止|有没有|一经)"
)
_THEN = re.compile(
    r"\s*(?:后|之后|以后|的话|时|前|之前|以前|吗|么|没有|了吗|与否|方式|流程|步骤|时间|渠道|条件|材料|方法|业务|手续|入口|页面|记录|进度|编号|结果|的是|用途)"
)
_NOT_YET_EN = re.compile(
    r"(?:\bnot|n't|\bnever|\bonce|\bif|\bwhen|\bafter|\bwill|\bwould|\bcan|\bcould|\bshould|\bmust|\bmay|\bto be|\bbeing|\buntil|\bunless"
    r"|\bbefore|\bnothing|\bno one|\bneeds?|\bwhether|\bas soon as|\bhas to|\bhave to|\bshall|\bhow|\bcannot|\bnor|\bwithout)\b"
)
_BEFORE_FIGURE = re.compile(rf"(?:款|额|金额|额度)?(?={MARK})")
_SPENT = re.compile(r"(?:paid|.*used)(?:_\d+)?")
"""Facts that tell of something done: 已还款⟦paid⟧ is their label and no claim."""
_CONDITION_EN = re.compile(r"(?:^|[.!?;:\n]) ?(?:but |and |then )?(?:once|if|when|after|as soon as) [^.!?;:\n]*$")
_CLAUSE = re.compile(r"[，。！？；,.!?;\n：:]")


@dataclass(frozen=True, slots=True)
class _Group:
    name: str
    outcomes: frozenset[str]
    zh: re.Pattern[str]
    en: re.Pattern[str]


def _chinese(verbs: Sequence[str]) -> re.Pattern[str]:
    verb = "|".join(sorted(verbs, key=len, reverse=True))
    return re.compile(
        rf"(?:已经?|均已|都已){_GAP}(?:{verb})"
        rf"|(?:{verb})(?:已经?)?(?:成功|完成|完毕|妥当|好了|妥了|完了|到位)"
        rf"|成功{_FOR_YOU}?(?:地)?(?:把[^，。！？；\n]{{0,6}}?)?(?:{verb})"
        rf"|(?:{_FOR_YOU}|刚刚|刚才|刚|现在就)[^，。！？；\n]{{0,8}}?(?:{verb})(?:好|完|妥)?(?:了|啦|咯)"
        rf"|正在{_FOR_YOU}(?:{verb})"
    )


def _english(participles: Sequence[str]) -> re.Pattern[str]:
    words = "|".join(sorted(participles, key=len, reverse=True))
    auxiliary = r"(?:has|have|had|'ve|'s|was|were|is|are|been|got)"
    return re.compile(
        rf"(?<![a-z]){auxiliary}(?: (?:now|already|just|successfully|been|all|fully|safely)){{0,3}} (?:{words})(?![a-z])"
        rf"|(?<![a-z])successfully (?:{words})(?![a-z])"
        rf"|(?<![a-z])(?:i|we|you)(?: (?:have|just|already|successfully))* (?:{words})(?![a-z])"
    )


_STANDALONE = re.compile(
    r"搞定了|搞定啦|办好了|办好啦|办妥了|办完了|弄好了|大功告成|已生效|操作成功|办理成功|处理成功|提交成功|换好了|买好了|都好了"
    r"|(?<![a-z])(?:all done|it is done|it's done|that's done|all set|done(?=[.!,:]| -)|has gone through|went through|have gone through|is complete(?![a-z])|was successful|is successful|were successful)"
)


@cache
def _groups() -> tuple[_Group, ...]:
    raw: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text("utf-8"))
    return tuple(
        _Group(name, frozenset(spec["outcomes"]), _chinese(spec["zh"]), _english(spec["en"]))
        for name, spec in raw.items()
    )


def check_claims(draft: Bare, results: Sequence[Result], language: Language) -> list[Refusal]:
    """Every claim in *draft* that something was done which none of *results* did."""
    return list(_claims(draft, results, language))


def _claims(draft: Bare, results: Sequence[Result], language: Language) -> Iterator[Refusal]:
    for group in _groups():
        if _may_claim(group, results):
            continue
        pattern = group.zh if language == "zh" else group.en
        for match in pattern.finditer(draft.text):
            if not _harmless(draft, match, language):
                yield draft.refusal("completion", match.start(), match.end())
    if not any(_tells_of_done(result) for result in results):
        for match in _STANDALONE.finditer(draft.text):
            if not _harmless(draft, match, language):
                yield draft.refusal("completion", match.start(), match.end())


def _may_claim(group: _Group, results: Sequence[Result]) -> bool:
    if group.name == ANYTHING:
        return any(_tells_of_done(result) for result in results)
    if group.name == "cancel":
        return any(result.outcome in group.outcomes for result in results)
    return any(
        result.capability == group.name and (result.completed or result.outcome in group.outcomes) for result in results
    )


def _tells_of_done(result: Result) -> bool:
    return result.completed or any(
        result.capability == group.name and result.outcome in group.outcomes for group in _groups()
    )


def _harmless(draft: Bare, match: re.Match[str], language: Language) -> bool:
    """A condition, a negation, a wish, a heading, or the label of a figure claims nothing."""
    text = draft.text
    opened = max((mark.end() for mark in _CLAUSE.finditer(text, 0, match.start())), default=0)
    before = text[opened : match.start()]
    if language == "en":
        conditional = match[0].startswith(("is ", "are ")) and _CONDITION_EN.search(text, 0, match.start())
        return bool(conditional or _NOT_YET_EN.search(before) or _NOT_YET_EN.search(match[0]))
    figure = _BEFORE_FIGURE.match(text, match.end())
    labels = figure is not None and _SPENT.fullmatch(draft.tokens[figure.end()])
    return bool(labels or _NOT_YET.search(before) or _THEN.match(text, match.end()))
