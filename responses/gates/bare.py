"""A draft as the gates read it: folded, each placeholder one mark, with the way back to the raw text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from backends.values.folding import fold
from responses.draft import PLACEHOLDER
from responses.gates.refusal import Refusal

MARK = "\ufffc"
"""Stands for a placeholder: no letter, no figure, no space."""
_SPELLINGS = str.maketrans(
    "’‘保證險無風贏虧賺賠穩絕對實際匯買賣還費優惠獎額業績預報酬賬戶轉帳單號減豁損擔諾穫獲獎贈禮劃",
    "''保证险无风赢亏赚赔稳绝对实际汇买卖还费优惠奖额业绩预报酬账户转账单号减豁损担诺获获奖赠礼划",
)
"""One spelling more than reading figures needs: the traditional characters of the words that a bank must not say."""


@dataclass(frozen=True, slots=True, eq=False)
class Bare:
    """``text`` is folded (NFKC, lower case, simplified, straight apostrophes); its character *i* was ``raw[starts[i]:ends[i]]``.

    ``tokens`` name the placeholders by the position of their mark in ``text``.
    """

    raw: str
    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    tokens: dict[int, str]

    def refusal(self, rule: str, start: int, end: int) -> Refusal:
        """A refusal of ``text[start:end]``, told in the raw text."""
        if start >= end:
            return Refusal(rule, len(self.raw), len(self.raw), "")
        begin, finish = self.starts[start], self.ends[end - 1]
        return Refusal(rule, begin, finish, self.raw[begin:finish])


@lru_cache(maxsize=64)
def bare(raw: str) -> Bare:
    """*raw* as the gates read it."""
    return marked(raw, [(match.start(), match.end(), match[1]) for match in PLACEHOLDER.finditer(raw)])


def marked(raw: str, places: Iterable[tuple[int, int, str]]) -> Bare:
    """*raw* with a mark for each of *places* (start, end, token; in order, none overlapping)."""
    text = ""
    starts: list[int] = []
    ends: list[int] = []
    tokens: dict[int, str] = {}
    last = 0

    def take(begin: int, finish: int) -> None:
        nonlocal text
        folded = fold(raw[begin:finish])
        text += folded.text.translate(_SPELLINGS)
        starts.extend(begin + start for start in folded.starts)
        ends.extend(begin + end for end in folded.ends)

    for start, end, token in places:
        take(last, start)
        tokens[len(text)] = token
        text += MARK
        starts.append(start)
        ends.append(end)
        last = end
    take(last, len(raw))
    return Bare(raw, text, tuple(starts), tuple(ends), tokens)


_BRACED = re.compile(r"\{([a-z0-9_]+)\}")
_OPTIONAL = re.compile(r"\[\[|\]\]")


def as_draft(written: str) -> str:
    """A template, or a reply that a person wrote, as a draft: a ``⟦name⟧`` for each ``{name}``, optional parts without brackets."""
    return _BRACED.sub(r"⟦\1⟧", _OPTIONAL.sub("", written))


_SPREAD = re.compile(r"(?<=[\u3400-\u9fff])[ ·.\-_*|•'\"~]{1,3}(?=[\u3400-\u9fff])|(?<=[a-z])-(?=[a-z])")
_LETTERED = re.compile(r"(?<![a-z])(?:[a-z][ .·\-_]{1,3}){3,}[a-z](?![a-z])")


@lru_cache(maxsize=64)
def squeezed(draft: Bare) -> Bare | None:
    """*draft* without what may be put between letters to hide a word (保 本, r-i-s-k); ``None`` where there is nothing such."""
    gaps = [
        place
        for match in (*_SPREAD.finditer(draft.text), *_LETTERED.finditer(draft.text))
        for place in range(match.start(), match.end())
        if not draft.text[place].isalnum()
    ]
    if not gaps:
        return None
    kept = [place for place in range(len(draft.text)) if place not in set(gaps)]
    moved = {place: number for number, place in enumerate(kept)}
    return Bare(
        draft.raw,
        "".join(draft.text[place] for place in kept),
        tuple(draft.starts[place] for place in kept),
        tuple(draft.ends[place] for place in kept),
        {moved[place]: token for place, token in draft.tokens.items()},
    )
