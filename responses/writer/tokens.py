"""The writer's tokens: one a Han character, pieces of Latin words, bytes for what is rare, one special token a placeholder.

The file is a ``tokenizers`` file. Placeholders and marks are never read out of text: a caller puts their ids in place.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

from responses.writer.plan import Plan, base_name

PAD, START, END, SAY, FACTS, MASKED = "<pad>", "<start>", "<end>", "<say>", "<facts>", "<masked>"
LANGUAGES = ("<zh>", "<en>")
MOODS = ("<calm>", "<anxious>", "<angry>", "<hurried>", "<cheerful>", "<puzzled>")
TONES = ("<warm>", "<brief>", "<formal>", "<elder>")
CHANNELS = ("<web>", "<wechat>")
STYLES = ("<written>", "<template>", "<text>")
"""Where a text is from: a reply written for its plan, a template's wording, or plain text."""
MARKS = (PAD, START, END, SAY, FACTS, MASKED, *LANGUAGES, *MOODS, *TONES, *CHANNELS, *STYLES)
"""Their ids are their places."""

SPACE = "▁"
_BYTES = tuple(f"<0x{byte:02X}>" for byte in range(256))
_PIECES = r"▁?[A-Za-z]+(?:['’][a-z]+)?|[\s\S]"
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}|⟦([^⟦⟧]*)⟧")

LONGEST_SAID = 48
"""Tokens of the customer's words that are read."""


class Vocabulary:
    """Text to ids and back. ``facts`` are the ids of the placeholders by the name of their fact."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        vocabulary = tokenizer.get_vocab()
        self.size: int = tokenizer.get_vocab_size()
        self.marks: dict[str, int] = {mark: vocabulary[mark] for mark in MARKS}
        self.facts: dict[str, int] = {
            name[1:-1]: index for name, index in vocabulary.items() if name.startswith("{") and len(name) > 1
        }
        self.texts: tuple[str, ...] = tuple(
            "" if name in self.marks or name in _BYTES else name.replace(SPACE, " ")
            for name, _ in sorted(vocabulary.items(), key=lambda entry: entry[1])
        )
        """What each id adds to a text: a placeholder its ``{name}``, a mark or a lone byte nothing."""

    @classmethod
    def load(cls, path: Path) -> Vocabulary:
        """The vocabulary in a ``tokenizer.json``."""
        return cls(Tokenizer.from_file(str(path)))

    @classmethod
    def learn(
        cls, lines: Iterable[tuple[str, int]], facts: Iterable[str], *, size: int = 6144, characters: int = 3200
    ) -> Vocabulary:
        """A vocabulary of at most *size* learnt from *lines*, each with how often it counts, and a placeholder for each of
        *facts*; at least 300 and the facts, for marks and bytes."""
        fixed = [*MARKS, *(f"{{{name}}}" for name in sorted(set(facts))), *_BYTES]
        seen: Counter[str] = Counter()
        words: Counter[str] = Counter()
        blank = _empty({})
        for line, times in lines:
            for piece, _ in blank.pre_tokenizer.pre_tokenize_str(blank.normalizer.normalize_str(line)):
                (seen if len(piece) == 1 else words)[piece] += times
        letters = sorted({letter for word in words for letter in word})
        single = [char for char, count in seen.most_common(characters) if count > 1]
        vocabulary = list(dict.fromkeys([*fixed, *letters, *sorted(single)]))
        pieces, merges = _pieces(words, size - len(vocabulary))
        every = dict.fromkeys([*vocabulary, *pieces])
        return cls(_empty({name: index for index, name in enumerate(every)}, merges))

    def save(self, path: Path) -> None:
        """Write it as a ``tokenizer.json``."""
        self._tokenizer.save(str(path))

    def to_json(self) -> str:
        """The whole of it as text: equal vocabularies have equal texts."""
        return str(self._tokenizer.to_str())

    def encode(self, text: str) -> list[int]:
        """The ids of plain *text*; nothing in it is read as a mark or a placeholder."""
        return list(self._tokenizer.encode(text).ids) if text else []

    def encode_reply(self, reply: str) -> list[int]:
        """The ids of a reply with ``{names}`` or ``⟦names⟧``; ``KeyError`` for a fact without a token."""
        ids: list[int] = []
        last = 0
        for match in _PLACEHOLDER.finditer(reply):
            ids += [*self.encode(reply[last : match.start()]), self.facts[base_name(match[1] or match[2])]]
            last = match.end()
        return ids + self.encode(reply[last:])

    def encode_masked(self, said: str) -> list[int]:
        """The ids of a customer's words: each ``⟦KIND_1⟧`` in them becomes one and the same mark."""
        ids: list[int] = []
        for number, part in enumerate(re.split(r"⟦[^⟦⟧]*⟧", said)):
            ids += [self.marks[MASKED]] * (number > 0) + self.encode(part)
        return ids

    def encode_plan(self, plan: Plan) -> list[int]:
        """The ids of *plan*, up to and with the mark behind which the reply begins; ``KeyError`` for a fact without a token."""
        marks = self.marks
        ids = [marks[START]]
        ids += [marks[f"<{mark}>"] for mark in (plan.style, plan.lang, plan.mood, plan.tone, plan.channel)]
        ids += [*self._words(plan.capability), *self._words(plan.outcome), marks[FACTS]]
        for name in sorted(map(base_name, plan.given)):
            ids += [self.facts[name], *self._words(name)]
        return [*ids, marks[SAY], *self.encode_masked(plan.customer)[:LONGEST_SAID], marks[SAY]]

    def _words(self, name: str) -> list[int]:
        """A name as words: what is learnt of one capability or fact is known of those that share its words."""
        return self.encode("".join(f" {word}" for word in name.split("_")))

    def decode(self, ids: Sequence[int]) -> str:
        """The text of *ids*, a placeholder as its ``{name}``."""
        return "".join(self.texts[index] for index in ids)


def _pieces(words: Counter[str], room: int) -> tuple[list[str], list[tuple[str, str]]]:
    """At most *room* pieces of *words*, and the merges that build them."""
    if room <= 0 or not words:
        return [], []
    letters = sorted({letter for word in words for letter in word})
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.BpeTrainer(
        vocab_size=room + len(letters), min_frequency=2, show_progress=False, initial_alphabet=letters
    )
    learner.train_from_iterator(
        (word for word, count in sorted(words.items()) for _ in range(min(count, 500))), trainer
    )
    merges = [(left, right) for left, right in json.loads(learner.to_str())["model"]["merges"]][:room]
    return [left + right for left, right in merges], merges


def _empty(vocabulary: dict[str, int], merges: list[tuple[str, str]] | None = None) -> Tokenizer:
    """A tokenizer of our shape around a BPE *vocabulary*."""
    tokenizer = Tokenizer(
        models.BPE(vocab=vocabulary, merges=merges or [], byte_fallback=bool(vocabulary))
        if vocabulary
        else models.BPE()
    )
    tokenizer.normalizer = normalizers.Replace(" ", SPACE)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(_PIECES), "isolated")
    return tokenizer
