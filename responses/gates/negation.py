"""Whether a phrase is negated where it stands: 不保本, 不得承诺收益, not guaranteed. Two negations are none."""

from __future__ import annotations

import re

from responses.reply import Language

CLAUSE_END = re.compile(r"[，。！？；,.!?;\n：:~()]|--")
"""Where a clause of folded text ends: what is denied on one side says nothing of the other."""
_NOT_ZH = re.compile(
    r"不(?!仅|但|只|光|止|管|论|错|愁|妨|断|同|过|客气|好意思|着急|(?:用|必|要|需要)(?:担心|着急|怕|急|慌)|(?:用|必|需要?|须)[^，。！？；,.!?;]{0,6}(?:就|即|便))|无(?!论|疑|忧|须|需|风险)|非(?!常)|未(?!来)|没(?!问题|错|事)"
    r"|勿|别(?!的|家|处|人|国|行|担心|着急|急|慌|怕|紧张)|禁止|严禁|谨防|警惕|拒绝|杜绝|切忌|避免|以免|防止|免得"
)
_NOT_EN = re.compile(r"\b(?:not|never|no|nor|neither|without|beware|cannot|hardly|avoid|none|nothing)\b|n't\b")
_NOT_ONLY = re.compile(
    r"\bnot (?:only|just|merely|to worry)\b|\bno (?:doubt|worries|problem|need to worry)\b|\bwithout (?:a )?doubt\b|\bdo(?:n't| not) worry\b|\bnothing (?:to worry about|but|less than|short of|else)\b"
)


def is_negated(text: str, place: int, language: Language) -> bool:
    """Whether what begins at *place* of folded *text* is denied within its own clause."""
    start = max((mark.end() for mark in CLAUSE_END.finditer(text, 0, place)), default=0)
    clause = text[start:place]
    if language == "en":
        return len(_NOT_EN.findall(_NOT_ONLY.sub("", clause))) % 2 == 1
    return len(_NOT_ZH.findall(clause)) % 2 == 1
