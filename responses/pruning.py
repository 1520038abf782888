"""What nobody vouches for is left out of a model's draft, or said in the template's words.

A figure, a date or a name is a placeholder and is checked as one. A lie told in words alone ("不用管了，都妥了") has nothing to
hold it against, and no list knows all of its ways. So it is the other way about. Any sentence is vouched for by the template
that says it and by a person who wrote it for this outcome. Else one without a fact must read more like an honest sentence
beside this template than three in ten of them do, or it is left out; and one with a fact must have no words in it that were
never seen side by side, or the template says its facts. Nothing is argued with: what is left still has to pass every gate,
and has every fact in it. Cutting what is unsupported instead of refusing the whole is what editors of generated
text do (Gao et al.: RARR, 2023).
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import get_args

from backends.result import Result
from responses.draft import PLACEHOLDER, Draft
from responses.freedom import Freedom
from responses.gates.bare import Bare, as_draft, bare
from responses.gates.familiar import is_familiar, known
from responses.gates.novelty import is_vouched_for, sentences
from responses.gates.refusal import Refusal
from responses.reply import Language
from responses.rest import is_said
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


def read_all() -> None:
    """Read what people wrote: it takes a second, which the first reply must not wait for."""
    _all_written()
    for language in get_args(Language):
        known(language)


def prune(
    text: str,
    source: Draft,
    results: Sequence[Result],
    language: Language,
    *,
    whole: bool = True,
    freedom: Freedom = "known",
) -> Pruned:
    """*text*, a rewriting of *source*, without the sentences that nobody vouches for.

    What states a fact in unfamiliar words is said in the template's, with all that it states together with it; so is what the
    template says without a fact, where something was left out that may have said it. Of a draft that is not *whole*, the next
    sentence of one, what of the template stands in its place may say more than it did, and nothing else is added.
    """
    told = set(_told(bare(source.text)))
    for result in results:
        told |= _written(result.capability, result.outcome, language)
    pieces = list(_pieces(text, source))
    strange: list[int] = []
    unvouched: list[int] = []
    for place, piece in enumerate(pieces):
        words = bare(piece)
        if told.issuperset(_told(words)):
            continue
        if PLACEHOLDER.search(piece):
            if not is_familiar(words.text.strip(), source, language, freedom):
                strange.append(place)
        elif not _passes(piece, words, source, results, language, freedom):
            unvouched.append(place)
    if not strange and not unvouched:
        return Pruned(text)
    instead, taken = _instead(pieces, strange, source)
    starts = [0, *itertools.accumulate(map(len, pieces))]
    cut = [Refusal(RULE, starts[place], starts[place] + len(said), said)
           for place in sorted({*strange, *unvouched}) if (said := pieces[place].rstrip())]  # fmt: skip
    left = _joined(pieces, {*unvouched}, taken, instead, "", language)
    if whole and unvouched and instead != source.text.strip():
        owed = [
            each for each in _pieces(source.text, source) if not PLACEHOLDER.search(each) and not is_said(each, left)
        ]
        left = _joined(pieces, {*unvouched}, taken, instead, "".join(owed).strip(), language)
    return Pruned(left, tuple(cut))


def _instead(pieces: Sequence[str], strange: Sequence[int], source: Draft) -> tuple[str, set[int]]:
    """What the template says of the facts of the *strange* pieces and of all that it states together with them; and the pieces
    in whose place that stands."""
    template = list(_pieces(source.text, source))
    facts = {token for place in strange for token in PLACEHOLDER.findall(pieces[place])}
    before: set[str] = set()
    while facts != before:
        before = set(facts)
        for sentence in (*template, *pieces):
            if (tokens := set(PLACEHOLDER.findall(sentence))) & facts:
                facts |= tokens
    taken = {place for place, piece in enumerate(pieces) if set(PLACEHOLDER.findall(piece)) & facts}
    if facts >= set(PLACEHOLDER.findall(source.text)) and facts:
        said = set(template)
        return source.text.strip(), taken | {place for place, piece in enumerate(pieces) if piece in said}
    return "".join(sentence for sentence in template if set(PLACEHOLDER.findall(sentence)) & facts).strip(), taken


def _joined(
    pieces: Sequence[str], unvouched: set[int], taken: set[int], instead: str, owed: str, language: Language
) -> str:
    """The *pieces* without the *unvouched*, *owed* in the place of the first of those, *instead* in that of the first *taken*."""
    kept: list[str] = []
    for place, piece in enumerate(pieces):
        if place in taken or (place in unvouched and owed):
            said, instead, owed = (instead, "", owed) if place in taken else (owed, instead, "")
            if said:
                last = place == len(pieces) - 1
                gap = "" if last else "\n" if said.endswith("⟧") else " " if language == "en" else ""
                kept.append(said + gap)
        elif place not in unvouched:
            kept.append(piece)
        elif kept and piece.rstrip().endswith(_ENDS) and kept[-1].rstrip().endswith(_PAUSES):
            kept[-1] = kept[-1].rstrip()[:-1] + piece.rstrip()[-1]
    return "".join(kept).strip()


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


def _passes(
    sentence: str, words: Bare, source: Draft, results: Sequence[Result], language: Language, freedom: Freedom
) -> bool:
    familiar = is_familiar(words.text.strip(), source, language, freedom)
    return (
        familiar
        and is_vouched_for(words.text, source, language)
        and all(refusal.rule in _OF_THE_WHOLE for refusal in verify(sentence, source, results, language))
    )


def _told(draft: Bare) -> list[str]:
    return [draft.text[start:end] for start, end in sentences(draft.text)]


def _written(capability: str, outcome: str, language: Language) -> frozenset[str]:
    """The sentences that people wrote for this outcome, facts as marks."""
    return _all_written().get((capability, outcome, language), frozenset())


@cache
def _all_written() -> Mapping[tuple[str, str, str], frozenset[str]]:
    found: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for pair in pairs():
        said = _told(bare(as_draft(pair.reply)))
        found[pair.capability, pair.outcome, pair.lang].update(said)
    return {key: frozenset(said) for key, said in found.items()}
