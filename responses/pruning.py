"""What nobody vouches for is not said: the nearest that somebody wrote is said in its place, or the template, or nothing.

A figure, a date or a name is a placeholder and is checked as one. A lie told in words alone ("不用管了，都妥了") has nothing to
hold it against, and no list knows all of its ways. So it is the other way about. Any sentence is vouched for by the template
that says it and by a person who wrote it for this outcome (``responses.vouching``); where wording is freer, one without a fact also by
reading more like an honest sentence beside this template than three in ten of them do, and one with a fact by words that
have been seen side by side. Nothing is argued with: what is left still has to pass every gate, and has every fact in it.
Exchanging what is unsupported instead of refusing the whole is what editors of generated text do (Gao et al.: RARR, 2023).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from backends.result import Result
from responses.draft import PLACEHOLDER, Draft
from responses.freedom import DEFAULT, Freedom
from responses.gates import familiar
from responses.gates.bare import bare
from responses.gates.familiar import is_familiar
from responses.gates.novelty import is_vouched_for
from responses.gates.refusal import Refusal
from responses.reply import Language
from responses.rest import is_said
from responses.verify import STRUCTURAL, verify
from responses.vouching import ENDS, PAUSES, Vouched, ends_of, pieces_of, read_written, vouched

RULE = "unvouched"
_OF_THE_WHOLE = frozenset(STRUCTURAL) - {"unlike", "seems_done", "completion"}
"""Rules that one sentence alone breaks for what it is not: the whole reply."""
_TRIED = 4
"""Written replies that are shown to the gates where nothing else can be said."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """``text`` is what is left of a draft, ``cut`` what is not said; spans are offsets into the draft. Where the gates refuse what is
    left, ``others`` are replies that people wrote, the likest first."""

    text: str
    cut: tuple[Refusal, ...] = ()
    others: Callable[[], Iterable[str]] = field(default=tuple, compare=False)

    def checked(self, check: Callable[[str], Sequence[Refusal]]) -> tuple[str, Sequence[Refusal]]:
        """What is left, or the first of a few others that *check* finds nothing wrong with; and what it finds."""
        found = check(self.text)
        if found:
            for other in itertools.islice(self.others(), _TRIED):
                if not check(other):
                    return other, ()
        return self.text, found


Prune = Callable[[str], Pruned]
"""What of a draft, or of the next sentence of one, may be said at all."""


def unpruned(text: str) -> Pruned:
    """All of it: for texts that are nobody's invention."""
    return Pruned(text)


def read_all() -> None:
    """Read what people wrote: it takes a second, which the first reply must not wait for."""
    read_written()
    familiar.read_all()


def prune(
    text: str,
    source: Draft,
    results: Sequence[Result],
    language: Language,
    *,
    whole: bool = True,
    freedom: Freedom = DEFAULT,
    but: str = "",
) -> Pruned:
    """*text*, a rewriting of *source*, without the sentences that nobody vouches for, as if nobody had written the reply *but*.

    In the place of one stands the nearest that somebody wrote of the same facts. Where there is none, its facts are said as
    others say them, or the template, with all that it states together with them; so is what the template says without a fact,
    where something was left out that may have said it. Of a draft that is not *whole*, the next sentence of one, what stands in
    its place may say more than it did, and nothing else is added.
    """
    known = vouched(source, results, language, but=but)
    pieces = list(pieces_of(text, ends_of(source)))
    doubted = [
        place
        for place, piece in enumerate(pieces)
        if piece.strip() and not known.says(piece) and not _may_stand(piece, source, results, language, freedom, but)
    ]
    strange = [place for place in doubted if PLACEHOLDER.search(pieces[place])]
    unvouched = [place for place in doubted if place not in strange]
    if not doubted:
        return Pruned(text)
    starts = [0, *itertools.accumulate(map(len, pieces))]
    cut = [Refusal(RULE, starts[place], starts[place] + len(said), said)
           for place in doubted if (said := pieces[place].rstrip())]  # fmt: skip
    if freedom != "free":
        _exchange(pieces, [strange, unvouched], known)
    instead, taken = _instead(pieces, strange, source, known)
    left = _joined(pieces, {*unvouched}, taken, instead, "", language)
    if whole and unvouched and instead != source.text.strip():
        owed = [
            each
            for each in pieces_of(source.text, ends_of(source))
            if not PLACEHOLDER.search(each) and not is_said(each, left)
        ]
        left = _joined(pieces, {*unvouched}, taken, instead, "".join(owed).strip(), language)
    left = _on_their_lines(left, source)
    if not whole or freedom == "free":
        return Pruned(left, tuple(cut))
    others = partial(known.whole, text)
    if left == source.text.strip():
        nothing = Pruned("", tuple(cut), others)
        left = nothing.checked(lambda said: verify(said, source, results, language))[0] or left
    return Pruned(left, tuple(cut), others)


def _on_their_lines(text: str, source: Draft) -> str:
    """*text* with each list on lines of its own: what was exchanged beside it may have ended in none."""
    for token, filler in source.fillers.items():
        if "\n" in filler.text:
            text = re.sub(rf"(?<=\S) *(?=⟦{token}⟧)|(?<=⟦{token}⟧) *(?=\S)", "\n", text)
    return text


def _exchange(pieces: list[str], doubted: Sequence[list[int]], known: Vouched) -> None:
    """Say the nearest that somebody vouches for in the place of each of the *doubted* pieces, where there is such."""
    for places in doubted:
        for place in [*places]:
            said = frozenset(each.strip() for each in pieces)
            instead = known.nearest(pieces[place], said)
            if instead is not None:
                piece = pieces[place]
                pieces[place] = instead + piece[len(piece.rstrip()) :]
                places.remove(place)


def _instead(pieces: Sequence[str], strange: Sequence[int], source: Draft, known: Vouched) -> tuple[str, set[int]]:
    """What is said of the facts of the *strange* pieces and of all that the template states together with them, in the words of
    who vouches for them, else in the template's; and the pieces in whose place that stands."""
    template = list(pieces_of(source.text, ends_of(source)))
    facts = {token for place in strange for token in PLACEHOLDER.findall(pieces[place])}
    before: set[str] = set()
    while facts != before:
        before = set(facts)
        for sentence in (*template, *pieces):
            if (tokens := set(PLACEHOLDER.findall(sentence))) & facts:
                facts |= tokens
    taken = {place for place, piece in enumerate(pieces) if set(PLACEHOLDER.findall(piece)) & facts}
    if not taken:
        return "", taken
    found = known.told("".join(pieces[place] for place in sorted(taken)))
    if found is not None:
        return found, taken
    if facts >= set(PLACEHOLDER.findall(source.text)):
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
        elif kept and piece.rstrip().endswith(ENDS) and kept[-1].rstrip().endswith(PAUSES):
            kept[-1] = kept[-1].rstrip()[:-1] + piece.rstrip()[-1]
    return "".join(kept).strip()


def _may_stand(
    piece: str, source: Draft, results: Sequence[Result], language: Language, freedom: Freedom, but: str
) -> bool:
    """Whether a sentence that nobody said before may be said, as far as *freedom* goes."""
    if freedom == "strict":
        return False
    words = bare(piece).text
    if freedom == "known" and not is_familiar(words.strip(), source, language, but):
        return False
    if PLACEHOLDER.search(piece):
        return True
    return is_vouched_for(words, source, language) and all(
        refusal.rule in _OF_THE_WHOLE for refusal in verify(piece, source, results, language)
    )
