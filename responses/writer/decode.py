"""Decoding under constraints: sampled words, yet every required placeholder exactly once, none unknown, nothing barred.

A token is drawn by temperature and nucleus (Holtzman et al. 2020) from those that may stand here: words that replies of the
language use, the placeholders still owed, and the end where none is owed. Where a clause is over, *watch* reads the text so
far; from the first word it objects to the text is taken back and goes on with another one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from responses.writer.plan import Plan, base_name
from responses.writer.tokens import END, Vocabulary

Logits = NDArray[np.float32]
Watch = Callable[[str, bool], int | None]
"""Reads a text so far, and whether that is all of it; gives the offset of the first word that must not stand there,
``None`` where all may."""

SENTENCE_ENDS = frozenset("。！？；\n.!?;")
CLAUSE_ENDS = frozenset("，。！？；：\n,.!?;:")
MOST_DRAWN = 64
"""Tokens that one is drawn from at most."""
OPEN_ENDS = frozenset("，、；：,;:（(「『“‘-—~")
"""No reply ends with one of these."""


class Model(Protocol):
    """A decoder with a memory of what it has read."""

    def read(self, ids: Sequence[int], kept: int) -> Logits:
        """Forget all but the first *kept* tokens read so far, read *ids* behind them, and give the logits ``[V]`` of what
        comes next."""
        ...


class OutOfTime(Exception):
    """The time for a reply was over before it was."""


@dataclass(frozen=True, slots=True)
class How:
    """How to draw. ``rewinds`` bounds how often words are taken back, ``returns`` how often a sentence is, because the reply
    would end before all was said; behind that the placeholders owed are pushed by ``push`` nats. A reply is at most
    ``longest`` tokens, and ``least`` with ``each`` for a placeholder. ``constrained`` false draws from all tokens and is only
    for measuring what the constraint does."""

    temperature: float = 0.8
    top_p: float = 0.9
    rewinds: int = 12
    returns: int = 4
    push: float = 3.0
    longest: int = 140
    least: int = 48
    each: int = 14
    constrained: bool = True


USUAL = How()


@dataclass(frozen=True, slots=True)
class Drawn:
    """A reply with ``⟦names⟧``. ``forced`` placeholders were put where the model had drawn none; ``held`` times it would
    have ended before all were said; ``rewound`` times words were taken back."""

    text: str
    tokens: int
    forced: int = 0
    held: int = 0
    rewound: int = 0


@dataclass(slots=True)
class _Reply:
    """A reply on its way. ``seen[n]`` are the logits that token *n* was drawn from, ``barred[n]`` what was taken back there."""

    plan: Plan
    ids: list[int] = field(default_factory=list)
    seen: list[Logits] = field(default_factory=list)
    barred: dict[int, set[int]] = field(default_factory=dict)
    forced: int = 0
    held: int = 0
    rewound: int = 0

    def take_back(self, place: int) -> None:
        """Forget the token at *place* and all behind it; it is not drawn there again."""
        self.rewound += 1
        self.barred = {at: tokens for at, tokens in self.barred.items() if at <= place}
        self.barred.setdefault(place, set()).add(self.ids[place])
        del self.ids[place:]
        del self.seen[place + 1 :]


class Sampler:
    """Draws replies from *model*. *usual* are, by language, the ids of the tokens that replies are made of."""

    def __init__(self, model: Model, vocabulary: Vocabulary, usual: Mapping[str, Sequence[int]]) -> None:
        self._model = model
        self._vocabulary = vocabulary
        self._names = {index: name for name, index in vocabulary.facts.items()}
        self._end = vocabulary.marks[END]
        self._texts = vocabulary.texts
        self._usual = {language: self._words(ids) for language, ids in usual.items()}

    def _words(self, ids: Sequence[int]) -> NDArray[np.bool_]:
        allowed = np.zeros(self._vocabulary.size, dtype=np.bool_)
        allowed[list(ids)] = True
        allowed[[*self._vocabulary.marks.values(), *self._vocabulary.facts.values()]] = False
        return allowed

    def draw(
        self,
        plan: Plan,
        *,
        seed: int,
        how: How = USUAL,
        watch: Watch | None = None,
        in_time: Callable[[], bool] = lambda: True,
    ) -> Drawn:
        """A reply to *plan*; the same *seed* draws the same. ``KeyError`` for a fact without a token, ``OutOfTime`` once
        *in_time* is false."""
        chance = np.random.default_rng(seed)
        start = self._vocabulary.encode_plan(plan)
        reply = _Reply(plan, seen=[self._model.read(start, 0)])
        while True:
            if not in_time():
                raise OutOfTime
            if how.constrained and self._would_end_too_soon(reply):
                reply.held += 1
                if reply.held <= how.returns and reply.ids:
                    reply.take_back(self._sentence(reply.ids))
                    continue
            token = self._choose(reply, how, chance)
            reply.ids.append(token)
            if self._watched(token) and watch is not None and reply.rewound < how.rewinds:
                at = watch(self.render(reply.ids, plan.given), token == self._end)
                if at is not None and (place := self._place(reply, at)) is not None:
                    reply.take_back(place)
                    continue
            if token == self._end:
                text = self.render(reply.ids, plan.given).strip()
                return Drawn(text, len(reply.ids), reply.forced, reply.held, reply.rewound)
            reply.seen.append(self._model.read([token], len(start) + len(reply.ids) - 1))

    def render(self, ids: Sequence[int], given: Sequence[str]) -> str:
        """The text of *ids* with ``⟦names⟧``: those of one fact in the order of *given*."""
        return "".join(self._pieces(ids, given))

    def _pieces(self, ids: Sequence[int], given: Sequence[str]) -> Iterator[str]:
        waiting: dict[str, list[str]] = {}
        for token in given:
            waiting.setdefault(base_name(token), []).append(token)
        for index in ids:
            name = self._names.get(index)
            if name is None:
                yield self._texts[index]
            else:
                yield f"⟦{waiting[name].pop(0) if waiting.get(name) else name}⟧"

    def _watched(self, token: int) -> bool:
        return token == self._end or self._texts[token].strip(" ")[-1:] in CLAUSE_ENDS

    def _place(self, reply: _Reply, offset: int) -> int | None:
        """The place of the token that writes the character at *offset*; ``None`` where none does."""
        reached = 0
        for place, piece in enumerate(self._pieces(reply.ids, reply.plan.given)):
            reached += len(piece)
            if reached > offset:
                return place
        return None

    def _choose(self, reply: _Reply, how: How, chance: np.random.Generator) -> int:
        logits = reply.seen[len(reply.ids)]
        room = min(how.longest, how.least + how.each * len(reply.plan.given)) - len(reply.ids)
        if not how.constrained:
            return _drawn(logits, how, chance) if room > 1 else self._end
        owed = self._owed(reply)
        if owed and room <= len(owed) + 1:
            reply.forced += 1
            return max(owed, key=logits.__getitem__)
        if room <= 1:
            return self._end
        allowed = self._usual[reply.plan.lang].copy()
        allowed[list(owed)] = True
        may_end = not owed and self._is_whole(reply.ids)
        allowed[self._end] = may_end
        allowed[list(reply.barred.get(len(reply.ids), ()))] = False
        if owed and reply.held > how.returns:
            logits = logits.copy()
            logits[list(owed)] += how.push
        if not allowed.any():
            return max(owed, key=logits.__getitem__) if owed else self._end
        return _drawn(np.where(allowed, logits, -np.inf), how, chance)

    def _would_end_too_soon(self, reply: _Reply) -> bool:
        """Whether the end is likelier than any word, and something is still to be said."""
        logits = reply.seen[len(reply.ids)]
        words = self._usual[reply.plan.lang]
        owed = self._owed(reply)
        return bool(owed) and logits[self._end] > max(logits[words].max(initial=-np.inf), logits[owed].max())

    def _sentence(self, ids: Sequence[int]) -> int:
        """The place where the last sentence of *ids* begins."""
        ends = [place for place, index in enumerate(ids[:-1], 1) if self._texts[index].strip()[-1:] in SENTENCE_ENDS]
        return ends[-1] if ends else 0

    def _owed(self, reply: _Reply) -> list[int]:
        """The ids of the placeholders that are still to be said, each as often as it is."""
        left = Counter(self._vocabulary.facts[base_name(token)] for token in reply.plan.given)
        left.subtract(index for index in reply.ids if index in self._names)
        return [*left.elements()]

    def _is_whole(self, ids: Sequence[int]) -> bool:
        return bool(ids) and self._texts[ids[-1]].strip()[-1:] not in OPEN_ENDS


def _drawn(logits: Logits, how: How, chance: np.random.Generator) -> int:
    """A token by temperature from the fewest that hold ``top_p`` of the probability; the likeliest at temperature 0."""
    if how.temperature <= 0:
        return int(logits.argmax())
    likely = np.argpartition(-logits, MOST_DRAWN)[:MOST_DRAWN] if len(logits) > MOST_DRAWN else np.arange(len(logits))
    order = likely[np.argsort(-logits[likely], kind="stable")]
    chances = np.exp((logits[order] - logits[order[0]]).astype(np.float64) / how.temperature)
    chances /= chances.sum()
    kept = int(np.searchsorted(np.cumsum(chances), how.top_p)) + 1
    return int(chance.choice(order[:kept], p=chances[:kept] / chances[:kept].sum()))
