"""Which words stand next to which in what people wrote: the only words that may stand around a fact in a model's sentence.

Words beside a figure make it another one in more ways than a list can know (税后⟦amount⟧, "⟦amount⟧, your neighbour's"). So a
sentence with a fact in it is taken as it is only where its words have been seen next to each other in the templates or in the
replies that people wrote. Chinese is read by the
character, English by the word, a fact is one word whatever it states. Counts of neighbours are the oldest of language models
(Shannon: Prediction and Entropy of Printed English, 1951); here nothing unseen has a chance.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import get_args

from responses.draft import Draft
from responses.gates.bare import MARK, as_draft, bare
from responses.library import library
from responses.reply import Language
from responses.writer.pairs import pairs

_END = re.compile(r"(?<=[。！？!?\n;；])|(?<=\.)(?=\s)")
_WORDS: dict[Language, re.Pattern[str]] = {
    "zh": re.compile(rf"[a-z]+|{MARK}|\S"),
    "en": re.compile(rf"[a-z']+|{MARK}|[^\sa-z]"),
}
_EDGE = "\n"


def is_familiar(sentence: str, source: Draft, language: Language, but: str = "") -> bool:
    """Whether all words of *sentence* (folded, facts as marks) but for one pair are known beside each other, as if nobody had
    written the reply *but*: where two known phrases meet there is one that is new, a word put in or exchanged makes two."""
    strange = set(neighbours(sentence, language)) - _own(source.text, language)
    counted = _counted(language)
    once = _own(but, language) if but else frozenset()
    return sum(counted[each] <= (each in once) for each in strange) < 2


def read_all() -> None:
    """Count what people wrote: it takes a second, which the first reply must not wait for."""
    for language in get_args(Language):
        _counted(language)


def neighbours(sentence: str, language: Language) -> Iterator[str]:
    """Each word with the next, the edges of the sentence among them."""
    words = [_EDGE, *_WORDS[language].findall(sentence), _EDGE]
    return (f"{one} {other}" for one, other in itertools.pairwise(words))


@cache
def _counted(language: Language) -> Counter[str]:
    """In how many texts each two are neighbours: read once, whatever is asked of it."""
    seen: Counter[str] = Counter()
    for text in _written(language):
        seen.update({each for sentence in _sentences(as_draft(text)) for each in neighbours(sentence, language)})
    return seen


@lru_cache(maxsize=64)
def _own(template: str, language: Language) -> frozenset[str]:
    return frozenset(each for sentence in _sentences(template) for each in neighbours(sentence, language))


def _written(language: Language) -> Iterable[str]:
    for file in library().values():
        for said in file.outcomes.values():
            texts = [*said.variants(language, elder=False), *said.variants(language, elder=True)]
            yield from dict.fromkeys(texts)
            if said.row is not None:
                yield said.row[language]
    yield from (pair.reply for pair in pairs() if pair.lang == language)


def _sentences(text: str) -> list[str]:
    return [sentence for sentence in _END.split(bare(text).text) if sentence.strip()]
