"""How unlike each other several replies to one plan are, facts apart."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from responses.reply import Reply

WORD = re.compile(r"⟦[^⟦⟧]*⟧|[A-Za-z']+|[^\sA-Za-z]")
ORDERS = 4
_UNSEEN = 0.1
"""What an order without any match counts for: method 1 of Chen & Cherry 2014, with their epsilon."""


def words(text: str) -> list[str]:
    """The words of *text*: a Latin word, a ``⟦placeholder⟧`` or any other character each."""
    return WORD.findall(text)


def unfilled(reply: Reply) -> str:
    """The text of *reply* with ``⟦names⟧`` for its facts: that two replies state the same figure makes neither dull."""
    out, last = "", 0
    for each in sorted(reply.evidence, key=lambda each: each.start):
        if each.start >= last:
            out += reply.text[last : each.start] + f"⟦{each.name}⟧"
            last = each.end
    return out + reply.text[last:]


def distinct_2(texts: Iterable[str]) -> float:
    """Different pairs of neighbouring words as a share of all (Li et al. 2016); 0 where there are none."""
    beside = [pair for text in texts for pair in pairwise(words(text))]
    return len(set(beside)) / len(beside) if beside else 0.0


def self_bleu(texts: Sequence[str]) -> float:
    """The mean BLEU-4 of each text against the others (Zhu et al. 2018): 1 where all are the same, 0 where nothing recurs.

    Needs two texts at least; ``ValueError`` for fewer.
    """
    if len(texts) < 2:
        raise ValueError("self-BLEU compares two texts at least")
    said = [words(text) for text in texts]
    return sum(bleu(each, [*said[:place], *said[place + 1 :]]) for place, each in enumerate(said)) / len(said)


def bleu(said: Sequence[str], others: Sequence[Sequence[str]]) -> float:
    """BLEU of *said* against *others* (Papineni et al. 2002), of orders one to four or as many as *said* has words."""
    orders = min(ORDERS, len(said))
    if not orders:
        return 0.0
    logs = 0.0
    for order in range(1, orders + 1):
        own = _grams(said, order)
        most: Counter[tuple[str, ...]] = Counter()
        for other in others:
            most |= _grams(other, order)
        shared = (own & most).total()
        if not shared and order == 1:
            return 0.0
        logs += math.log((shared or _UNSEEN) / own.total())
    nearest = min((abs(len(other) - len(said)), len(other)) for other in others)[1]
    brevity = 1.0 if len(said) > nearest else math.exp(1 - nearest / len(said))
    return brevity * math.exp(logs / orders)


def _grams(said: Sequence[str], order: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(said[place : place + order]) for place in range(len(said) - order + 1))
