"""What people have said for an outcome, sentence by sentence: it may be said again as it is, also in place of a model's words.

A sentence is one of a template's wordings or of a reply that a person wrote for the outcome. It is said only where it holds: where
the facts that come and go (the optional ones: days left, days overdue) are there as they were when it was written.
Saying the nearest sentence that is known to be good in place of a new one is the oldest way of putting answers into words
(Ritter et al.: Data-Driven Response Generation in Social Media, 2011); here it is what a sentence nobody vouches for becomes.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from backends.result import Result
from responses.draft import PLACEHOLDER, Draft, required
from responses.gates.bare import MARK, as_draft, bare
from responses.library import ROWS, TemplateError, parse, wording
from responses.reply import Language
from responses.sentences import split
from responses.writer.pairs import Pair, pairs
from responses.writer.plan import base_name, placed

ENDS = ("。", "！", "？", "!", "?", ".", "…")
PAUSES = ("；", ";")
MOST_PARTS = 3
"""Out of how many replies one is put together at most."""
LEAST_ALIKE = 0.34
"""Share of their pairs of words that two sentences without a fact must have in common for one to stand for the other."""
HARDLY_ALIKE = 0.15
"""The same of two whole replies to one outcome with the same facts."""
_END = re.compile(rf"{PLACEHOLDER.pattern}|[；;]\s*|[。！？!?.…](?=⟦)|(?<=[a-z])[.!?](?=[A-Z])")
Facts = tuple[str, ...]
"""Placeholders in alphabetical order, each as often as it is said."""
_LETTER = re.compile(r"[^\W_]|#")
_WORD = re.compile(r"[^\W_]+(?:'[a-z]+)?|#")
_LIST = f"⟦{ROWS}⟧"
_EDGES = " \n。！？!?.…；;"


class Said(NamedTuple):
    """What somebody said; ``plain`` is its words alone, a fact being one of them, and ``size`` how many pairs they make."""

    text: str
    plain: str
    size: int


class Vouched:
    """What may be said of some results with the facts of one draft: *sentences* as they are, *runs* of them by the facts they
    state, and *whole* replies that state all of them."""

    def __init__(
        self, sentences: Iterable[str], runs: Mapping[Facts, Iterable[str]], whole: Iterable[str], language: Language
    ) -> None:
        self._known = set(map(_key, sentences))
        self._runs = {facts: [_said(text, language) for text in found] for facts, found in runs.items()}
        self._whole = [_said(text, language) for text in whole]
        self._language = language

    def says(self, sentence: str) -> bool:
        """Whether somebody said just this, of the same facts in the same places; the ends of it apart."""
        return _key(sentence) in self._known

    def nearest(self, text: str, but: frozenset[str] = frozenset()) -> str | None:
        """What somebody said of exactly the facts of *text*, in the words most like it, and is none of *but*. Without a fact it must
        be alike enough to mean the same; ``None`` where nothing is."""
        found = self._likest(_facts(text), _pairs(text, self._language), but)
        return found[1] if found is not None else None

    def told(self, whole: str) -> str | None:
        """Exactly the facts of *whole* in what somebody said of them, as few sentences from different replies as will do, in the
        words most like it; ``None`` where there is no such."""
        found = self._parts(Counter(_facts(whole)), _pairs(whole, self._language), MOST_PARTS)
        if not found:
            return None
        said = sorted((said for _, said in found), key=lambda said: whole.find(PLACEHOLDER.findall(said)[0]))
        text = said[0]
        for each in said[1:]:
            apart = text.endswith(_LIST) or each.startswith(_LIST)
            text += ("\n" if apart else "" if self._language == "zh" else " ") + each
        return text

    def whole(self, text: str) -> Iterator[str]:
        """The replies that state all facts of the draft and are at all like *text*, the likest first."""
        mine = _pairs(text, self._language)
        found = sorted(((_alike(mine, said), said.text) for said in self._whole), reverse=True)
        yield from (said for alike, said in found if alike >= HARDLY_ALIKE)

    def _parts(self, left: Counter[str], mine: frozenset[str], most: int) -> tuple[tuple[float, str], ...]:
        whole = self._likest(tuple(sorted(left.elements())), mine)
        if whole is not None or most < 2:
            return () if whole is None else (whole,)
        first = min(left)
        ways = []
        for facts in self._runs:
            if first in facts and not (counted := Counter(facts)) - left:
                begun = self._likest(facts, mine)
                ended = self._parts(left - counted, mine, most - 1)
                if begun is not None and ended:
                    ways.append((begun, *ended))
        return max(ways, key=lambda way: (-len(way), sum(alike for alike, _ in way)), default=())

    def _likest(
        self, facts: Facts, mine: frozenset[str], but: frozenset[str] = frozenset()
    ) -> tuple[float, str] | None:
        found = ((_alike(mine, said), said.text) for said in self._runs.get(facts, ()) if said.text not in but)
        best = max(found, default=None)
        return best if best is not None and (facts or best[0] >= LEAST_ALIKE) else None


def vouched(source: Draft, results: Sequence[Result], language: Language, *, but: str = "") -> Vouched:
    """What may be said in place of *source*, the template's draft of *results*, as if nobody had written the reply *but*."""
    what = tuple((each.capability, each.outcome, _stated(each, results)) for each in results)
    return _vouched(source.text, what, language, ends_of(source), but)


def ends_of(source: Draft) -> frozenset[str]:
    """The tokens that end a sentence by what they stand for: lists, and passages that end in a full stop."""
    return frozenset(
        token for token, filler in source.fillers.items() if "\n" in filler.text or filler.text.endswith(ENDS)
    )


def pieces_of(text: str, ends: frozenset[str]) -> Iterator[str]:
    """The sentences of *text*, and what stands between two semicolons; each of the tokens *ends* ends what stands before and
    behind it."""
    for sentence in split(text):
        last = 0
        for match in _END.finditer(sentence):
            if match[1] is not None:
                if match[1] not in ends:
                    continue
                yield from filter(None, (sentence[last : match.start()], match[0]))
            else:
                yield sentence[last : match.end()]
            last = match.end()
        if sentence[last:]:
            yield sentence[last:]


def _stated(result: Result, results: Sequence[Result]) -> frozenset[str] | None:
    """The names of the facts that are this result's among several; ``None`` where it is the only one."""
    if len(results) == 1:
        return None
    own = {fact.name for row in (result.facts, *result.rows) for fact in row} | {ROWS}
    others = {fact.name for each in results if each is not result for row in (each.facts, *each.rows) for fact in row}
    return frozenset(own - others)


@lru_cache(maxsize=1024)
def _vouched(
    source: str,
    what: tuple[tuple[str, str, frozenset[str] | None], ...],
    language: Language,
    ends: frozenset[str],
    but: str,
) -> Vouched:
    given = required(source)
    sentences = list(pieces_of(source, ends))
    runs: dict[Facts, dict[str, None]] = defaultdict(dict)
    texts = [source]
    for capability, outcome, own in what:
        told = given if own is None else [token for token in given if base_name(token) in own]
        texts += _replies(capability, outcome, language, tuple(told), but)
    for text in texts:
        pieces = list(pieces_of(text, ends))
        sentences += pieces
        for run in _runs(pieces):
            if not Counter(facts := _facts(run)) - Counter(given):
                runs[facts][run.strip()] = None
    whole = [text.strip() for text in texts[1:] if _facts(text) == tuple(sorted(given))]
    return Vouched(sentences, runs, whole, language)


def _runs(pieces: Sequence[str]) -> Iterator[str]:
    """The whole sentences of *pieces*, and several of them from one that states a fact to one that does."""
    whole: list[str] = [""]
    for piece in pieces:
        whole[-1] += piece
        if not piece.rstrip().endswith(PAUSES):
            whole.append("")
    whole = [each for each in whole if each.strip()]
    yield from whole
    stating = [place for place, each in enumerate(whole) if PLACEHOLDER.search(each)]
    for number, start in enumerate(stating):
        for end in stating[number + 1 :]:
            yield "".join(whole[start : end + 1])


def _replies(capability: str, outcome: str, language: Language, given: tuple[str, ...], but: str) -> Iterator[str]:
    """What people wrote for the outcome and what its templates say, with the placeholders that are *given*, where it holds."""
    try:
        said = wording(capability, outcome)
    except TemplateError:
        return
    names = frozenset(map(base_name, given))
    several = {name for name, count in Counter(map(base_name, given)).items() if count > 1 or name not in given}
    passing = optional(capability, outcome)
    for pair in read_written().get((capability, outcome, language), ()):
        if but and as_draft(pair.reply) == but:
            continue
        if Counter(pair.given) == Counter(map(base_name, given)):
            yield placed(pair.reply, given)
        elif passing & names == passing & frozenset(pair.given):
            yield _without(as_draft(pair.reply), several)
    for template in (*said.variants(language, elder=False), *said.variants(language, elder=True)):
        parts = [part for part in parse(template) if not part.optional or names.issuperset(part.names)]
        text = "".join(f"⟦{piece}⟧" if is_fact else piece for part in parts for piece, is_fact in part.pieces)
        yield _without(text, several)


def _without(reply: str, several: set[str]) -> str:
    """*reply* without the sentences on facts of which there are *several*: nobody knows which of them they mean."""
    if not several:
        return reply
    return "".join(each for each in split(reply) if not several & set(PLACEHOLDER.findall(each)))


@cache
def optional(capability: str, outcome: str) -> frozenset[str]:
    """The facts that some wording of the outcome states only where they are there."""
    return frozenset(
        name
        for _, template in wording(capability, outcome).templates()
        for part in parse(template)
        if part.optional
        for name in part.names
    )


@cache
def read_written() -> Mapping[tuple[str, str, str], Sequence[Pair]]:
    """The replies that people wrote by capability, outcome and language: read once."""
    found: dict[tuple[str, str, str], list[Pair]] = defaultdict(list)
    for pair in pairs():
        found[pair.capability, pair.outcome, pair.lang].append(pair)
    return found


def _facts(text: str) -> Facts:
    return tuple(sorted(PLACEHOLDER.findall(text)))


def _said(text: str, language: Language) -> Said:
    plain = _plain(text, language)
    return Said(text, plain, max(1, len(plain) - 1 if language == "zh" else plain.count(" ") - 2))


def _plain(text: str, language: Language) -> str:
    """The words of *text* without anything between them, or in English with a blank before and behind each."""
    plain = PLACEHOLDER.sub("#", text)
    return "".join(_LETTER.findall(plain)) if language == "zh" else f" {' '.join(_WORD.findall(plain.lower()))} "


def _pairs(text: str, language: Language) -> frozenset[str]:
    """The pairs of neighbouring words of *text*, in Chinese of characters; its facts are one, its punctuation none."""
    plain = _plain(text, language)
    if language == "zh":
        return frozenset(map("".join, itertools.pairwise(plain)))
    return frozenset(f" {one} {other} " for one, other in itertools.pairwise(plain.split()))


@lru_cache(maxsize=1 << 16)
def _key(sentence: str) -> str:
    """*sentence* folded, its facts by name, its ends apart."""
    draft = bare(sentence)
    text = "".join(f"⟦{draft.tokens[place]}⟧" if char == MARK else char for place, char in enumerate(draft.text))
    return text.strip(_EDGES)


def _alike(mine: frozenset[str], said: Said) -> float:
    """The share of two sentences' pairs of words that both have (Dice 1945)."""
    return 2 * sum(pair in said.plain for pair in mine) / (len(mine) + said.size) if mine else 0.0
