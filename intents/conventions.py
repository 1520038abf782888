"""What counts as a slot's words: the fine print of the catalogue's slots, applied alike to training rows and to answers.

A bank's name is the slot ``bank`` only where it stands for the other side of a transfer or a comparison, not where a
customer puts it before a question; a product category is 理财, not 理财产品; the same words are marked once a message.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from intents.noise import Span

_TOWARDS = re.compile(
    r"(?:转账?|转入|转出|转到|转给|转进|汇到|汇给|汇款|到|往|从|给|跟|和|与|比|跨行|绑定?|还|换成?|在|他行|其他|其它|别的|\bto|\bfrom|\bwith|\bat|\bthan|\bvs\.?|\bmy|\bof|\ba|\ban)\s*$",
    re.IGNORECASE,
)
_FROM_THERE = re.compile(r"^(?:的|那边|这边)?(?:[银行卡]{0,2})(?:转|汇|打款|打钱|换了)")
_PRODUCT = re.compile(r"(?:产品| ?products?)$")


def tidied(text: str, spans: Sequence[Span]) -> list[Span]:
    """*spans* of *text* as the catalogue means them, in order."""
    kept: list[Span] = []
    said: set[tuple[str, str]] = set()
    for start, end, slot in sorted(spans):
        if slot == "bank" and not _is_other_side(text, start, end):
            continue
        if slot == "product_type":
            whole = _PRODUCT.sub("", text[start:end])
            end = start + len(whole) if whole else end
        if (slot, text[start:end]) in said:
            continue
        said.add((slot, text[start:end]))
        kept.append((start, end, slot))
    return kept


def _is_other_side(text: str, start: int, end: int) -> bool:
    return bool(_TOWARDS.search(text[max(0, start - 8) : start]) or _FROM_THERE.match(text[end : end + 8]))
