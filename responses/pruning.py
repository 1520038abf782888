"""What nobody vouches for is left out: a sentence of a model's draft that states no fact and reads unlike an honest one.

A figure, a date or a name is a placeholder and is checked as one. A lie told in words alone ("不用管了，都妥了") has nothing to
hold it against, and no list knows all of its ways. So it is the other way about: a sentence without a placeholder is said only
where the template says it, where a person wrote it for this outcome, or where it reads more like an honest sentence beside
this template than three in ten of them do. What is not vouched for is left out, not argued with: the rest still has to pass
every gate, and has every fact in it. Cutting what is unsupported instead of refusing the whole is what editors of generated
text do (Gao et al.: RARR, 2023).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from backends.result import Result
from responses.draft import PLACEHOLDER, Draft
from responses.gates.bare import Bare, bare
from responses.gates.novelty import is_vouched_for, sentences
from responses.gates.refusal import Refusal
from responses.reply import Language
from responses.sentences import split
from responses.verify import STRUCTURAL, verify
from responses.writer.pairs import pairs

RULE = "unvouched"
_OF_THE_WHOLE = frozenset(STRUCTURAL) - {"unlike", "seems_done", "completion"}
"""Rules that one sentence alone breaks for what it is not: the whole reply."""

_ENDS, _PAUSES = ("。", "！", "？", "!", "?", ".", "…"), ("；", ";")
_END = re.compile(rf"{PLACEHOLDER.pattern}|[；;]\s*|[。！？!?.…](?=⟦)|(?<=[a-z])[.!?](?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Pruned:
    """``text`` is what is left of a draft, ``cut`` what is not said; spans are offsets into the draft."""

    text: str
    cut: tuple[Refusal, ...] = ()


Prune = Callable[[str], Pruned]
"""What of a draft, or of the next sentence of one, may be said at all."""


def unpruned(text: str) -> Pruned:
    """All of it: for texts that are nobody's invention."""
    return Pruned(text)


def prune(text: str, source: Draft, results: Sequence[Result], language: Language) -> Pruned:
    """*text*, a rewriting of *source*, without the sentences that nobody vouches for.

    Each sentence is judged for itself, so a draft may come sentence by sentence.
    """
    told = set(_told(bare(source.text)))
    for result in results:
        told |= _written(result.capability, result.outcome, language)
    kept: list[str] = []
    cut = []
    start = 0
    for piece in _pieces(text, source):
        words = bare(piece)
        if (
            PLACEHOLDER.search(piece)
            or told.issuperset(_told(words))
            or _passes(piece, words, source, results, language)
        ):
            kept.append(piece)
        else:
            said = piece.rstrip()
            cut.append(Refusal(RULE, start, start + len(said), said))
            if kept and said.endswith(_ENDS) and kept[-1].rstrip().endswith(_PAUSES):
                kept[-1] = kept[-1].rstrip()[:-1] + said[-1]
        start += len(piece)
    return Pruned("".join(kept).strip(), tuple(cut)) if cut else Pruned(text)


def _pieces(text: str, source: Draft) -> Iterator[str]:
    """The sentences of *text*, and what stands between two semicolons. A list ends what stands before and behind it."""
    for sentence in split(text):
        last = 0
        for match in _END.finditer(sentence):
            if match[1] is not None:
                filler = source.fillers.get(match[1])
                if filler is None or not ("\n" in filler.text or filler.text.endswith(_ENDS)):
                    continue
                yield from filter(None, (sentence[last : match.start()], match[0]))
            else:
                yield sentence[last : match.end()]
            last = match.end()
        if sentence[last:]:
            yield sentence[last:]


def _passes(sentence: str, words: Bare, source: Draft, results: Sequence[Result], language: Language) -> bool:
    return is_vouched_for(words.text, source, language) and all(
        refusal.rule in _OF_THE_WHOLE for refusal in verify(sentence, source, results, language)
    )


def _told(draft: Bare) -> list[str]:
    return [draft.text[start:end] for start, end in sentences(draft.text)]


def _written(capability: str, outcome: str, language: Language) -> frozenset[str]:
    """The sentences without a fact that people wrote for this outcome."""
    return _all_written().get((capability, outcome, language), frozenset())


@cache
def _all_written() -> Mapping[tuple[str, str, str], frozenset[str]]:
    found: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for pair in pairs():
        said = (sentence for sentence in _told(bare(pair.reply)) if "{" not in sentence)
        found[pair.capability, pair.outcome, pair.lang].update(said)
    return {key: frozenset(said) for key, said in found.items()}
