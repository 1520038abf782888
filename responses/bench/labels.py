"""Which words stand beside which fact, learnt from the templates: two figures that change places take each other's."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from itertools import pairwise

from responses.bench.reading import HOLE
from responses.library import SHARED, library, parse
from responses.reply import Language


@cache
def labels_of(capability: str, language: Language) -> Mapping[str, frozenset[str]]:
    """The words that templates put beside each fact of *capability*: pairs of Han characters, or English words."""
    found: dict[str, set[str]] = defaultdict(set)
    files = library()
    for name in (capability, SHARED):
        for said in files[name].outcomes.values() if name in files else ():
            rows = [said.row[language]] if said.row else []
            for template in (*said.variants(language, elder=False), *said.variants(language, elder=True), *rows):
                whole = "".join(
                    HOLE + text + HOLE if is_fact else text for part in parse(template) for text, is_fact in part.pieces
                )
                for match in re.finditer(rf"{HOLE}([a-z_0-9]+){HOLE}", whole):
                    found[match[1]] |= window(whole, match.start(), len(match[0]), language)
    return {name: frozenset(words) for name, words in found.items()}


def window(text: str, start: int, length: int, language: Language) -> frozenset[str]:
    """The words of the clause around ``text[start:start + length]``, up to a figure or a mark."""
    marks = r"[，。；！？、,;!?\n\ufffc\d（）()]|\. "
    before = re.split(marks, text[max(0, start - 28) : start])[-1]
    behind = re.split(marks, text[start + length : start + length + 12])[0]
    if language == "en":
        return frozenset(re.findall(r"[a-z]{3,}", f"{before} {behind}".lower())) - SMALL
    found = frozenset[str]()
    for side in (before, behind):
        han = re.sub(r"[^\u4e00-\u9fff]", " ", side)
        found |= {one + other for one, other in pairwise(han) if " " not in (one, other)}
    return found


SMALL = frozenset({"the", "your", "and", "for", "you", "with", "has", "was", "are", "cny", "usd"})
