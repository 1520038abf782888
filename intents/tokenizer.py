"""The tokenizer: one token a Han character or digit, word pieces for Latin words, bytes for the rest, exact offsets.

Everything but runs of Latin letters is cut into single characters before the model sees it, so a slot can begin and end
at any Chinese character or digit. Offsets point into the raw text, in code points, whatever normalisation did.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

PAD, UNK, CLS, SEP, MASK = "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"
SPECIAL = (PAD, UNK, CLS, SEP, MASK)
"""Their ids are their places: 0 to 4."""

MAX_TOKENS = 160
"""A longer message is cut; two hundred questions in a thousand are over 40 tokens, none of ten thousand over this."""

_LATIN = "abcdefghijklmnopqrstuvwxyz"
_CONTINUES = "##"


def train_tokenizer(lines: Iterable[str], *, size: int = 8000, characters: int = 5200) -> Tokenizer:
    """A tokenizer of at most *size* tokens learnt from *lines*.

    *characters* bounds how many single characters are kept, most frequent first; the others become UTF-8 bytes
    (``<0xE9>``), never an unknown token. What is left of *size* goes to pieces of Latin words.
    """
    blank = _empty({})
    seen: Counter[str] = Counter()
    words: Counter[str] = Counter()
    for line in lines:
        text = blank.normalizer.normalize_str(line)
        for piece, _ in blank.pre_tokenizer.pre_tokenize_str(text):
            (seen if len(piece) == 1 else words)[piece] += 1
    kept = [char for char, count in seen.most_common(characters) if count > 1 and char not in _LATIN]
    names = [*SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256)), *sorted(kept), *_LATIN]
    names += [_CONTINUES + char for char in _LATIN]
    pieces, merges = _latin_pieces(words, size - len(names))
    vocabulary = {name: index for index, name in enumerate(dict.fromkeys([*names, *pieces]))}
    return _empty(vocabulary, merges)


def _latin_pieces(words: Counter[str], room: int) -> tuple[list[str], list[tuple[str, str]]]:
    """The word pieces of *words* and the merges that build them, at most *room*."""
    if room <= 0 or not words:
        return [], []
    learner = Tokenizer(models.BPE(continuing_subword_prefix=_CONTINUES))
    learner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.BpeTrainer(
        vocab_size=room + 2 * len(_LATIN),
        min_frequency=2,
        show_progress=False,
        continuing_subword_prefix=_CONTINUES,
        initial_alphabet=list(_LATIN),
    )
    learner.train_from_iterator(_repeated(words), trainer)
    merges = [(left, right) for left, right in _merges_of(learner) if _is_latin(left) and _is_latin(right)]
    return [left + right.removeprefix(_CONTINUES) for left, right in merges], merges


def _repeated(words: Counter[str]) -> Iterator[str]:
    for word, count in sorted(words.items()):
        for _ in range(min(count, 1000)):
            yield word


def _merges_of(learner: Tokenizer) -> list[tuple[str, str]]:
    return [(left, right) for left, right in json.loads(learner.to_str())["model"]["merges"]]


def _is_latin(piece: str) -> bool:
    return set(piece.removeprefix(_CONTINUES)) <= set(_LATIN)


def _empty(vocabulary: dict[str, int], merges: list[tuple[str, str]] | None = None) -> Tokenizer:
    """A tokenizer of our shape around a BPE *vocabulary*."""
    tokenizer = Tokenizer(
        models.BPE(
            vocab=vocabulary,
            merges=merges or [],
            unk_token=UNK if vocabulary else None,
            continuing_subword_prefix=_CONTINUES,
            byte_fallback=bool(vocabulary),
        )
    )
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split(Regex("[a-z]+|."), "isolated")]
    )
    if vocabulary:
        tokenizer.add_special_tokens([AddedToken(name, special=True) for name in SPECIAL])
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{CLS} $A {SEP}", special_tokens=[(CLS, vocabulary[CLS]), (SEP, vocabulary[SEP])]
        )
        tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer


def load_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer saved at *path* (``tokenizer.json``, ours or any Hugging Face encoder's), cutting at ``MAX_TOKENS``."""
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer
